"""What may be done to a world depends on what the platform's services can do: that is asked before anything is paid."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from celery import Celery
from starlette.testclient import TestClient

from generia_worker.api.app import create_app
from generia_worker.app.container import Container
from generia_worker.app.enqueue import Enqueuer
from tests.api.conftest import TOKEN

BODY = {"step": "post/1/1"}


class Refusing(grpc.GenericRpcHandler):
    """Knows every call, and refuses it."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        """Refuse."""

        def refuse(_: bytes, context: grpc.ServicerContext) -> bytes:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "post_id is missing")

        return grpc.unary_unary_rpc_method_handler(refuse)


@pytest.fixture
def beside(container: Container) -> Iterator[Callable[..., TestClient]]:
    """Makes a client of an endpoint beside a post service with these handlers, or (None) with none at its address."""
    ended: list[Callable[[], object]] = []

    def start(*handlers: grpc.GenericRpcHandler, away: bool = False) -> TestClient:
        pool = ThreadPoolExecutor(2)
        server = grpc.server(pool, handlers=[*handlers])
        port = server.add_insecure_port("127.0.0.1:0")
        if away:
            server.stop(0)
        else:
            server.start()
        own = Container(container.settings.model_copy(update={"post_service": f"127.0.0.1:{port}"}))
        celery = Celery(broker=container.settings.redis_url.get_secret_value())
        ended.extend([celery.close, own.close, lambda: server.stop(0).wait(5), pool.shutdown])
        app = create_app(own, Enqueuer(celery, lambda: own.redis))
        return TestClient(app, headers={"Authorization": f"Bearer {TOKEN}"})

    yield start
    for end in ended:
        end()


def test_a_post_is_redone_only_where_posts_can_be_changed(beside: Callable[..., TestClient]) -> None:
    reply = beside().post("/v1/generations/w1:redo", json=BODY)
    assert reply.status_code == 501
    assert "UpdatePost" in reply.json()["detail"]
    # A character needs no such call.
    assert beside().post("/v1/generations/w1:redo", json={"step": "character/1"}).status_code == 404


@pytest.mark.parametrize("away", [False, True])
def test_a_service_that_knows_the_call_or_is_away_is_not_in_the_way(
    beside: Callable[..., TestClient], away: bool
) -> None:
    assert beside(Refusing(), away=away).post("/v1/generations/w1:redo", json=BODY).status_code == 404


def test_reactions_are_refused_where_there_is_no_interaction_service(
    container: Container, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {
        "world_id": "silent",
        "user_prompt": "A village of talkative lighthouse keepers",
        "users_count": 2,
        "posts_count": 3,
        "reactions": "some",
    }
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with monkeypatch.context() as patch:
        none = container.settings.model_copy(update={"interaction_service": ""})
        patch.setattr(container, "settings", none)
        refused = client.post("/v1/generations", json=body, headers=headers)
    assert refused.status_code == 422
    assert "GENERIA_INTERACTION_SERVICE" in refused.json()["detail"]
    assert refused.json()["errors"][0]["field"] == "reactions"
    assert client.get("/v1/generations/silent", headers=headers).status_code == 404
    accepted = client.post("/v1/generations", json=body, headers=headers)
    assert accepted.status_code == 202
    status = accepted.json()
    assert (status["likes_predicted"], status["comments_predicted"]) == (6, 8)
    assert status["parameters"]["reactions"] == "some"
