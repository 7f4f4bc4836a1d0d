"""CreateWorld orders the generation of its world: at once, or as soon as the enqueue endpoint is there."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from generia_worker.errors import AllowanceExceeded, InvalidInputError, PermanentError
from generia_worker.reference import registry
from generia_worker.reference.world import orders
from generia_worker.rpc.channel import open_channel
from generia_worker.rpc.world_client import WorldClient
from generia_worker.settings import Settings
from tests.reference.conftest import NOWHERE, PROMPT

#: What the endpoint says with a status.
REFUSALS = {
    403: {"detail": "That is more than today allows.", "code": "allowance_exceeded"},
    422: {"detail": "no budget without prices", "code": "budget_without_prices"},
}


class Endpoint:
    """An enqueue endpoint that notes what it is sent and answers what it is told to."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.seen: list[tuple[str, str, dict[str, Any]]] = []
        self.arrived = threading.Condition()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                code = endpoint.answers.pop(0) if endpoint.answers else 202
                status = {
                    "_id": body["world_id"],
                    "status": "pending",
                    "current_stage": "initializing",
                    "stages": [],
                    "parameters": {k: body[k] for k in ("users_count", "posts_count", "user_prompt")},
                    "created_at": "2025-05-26T21:41:22.698Z",
                    "updated_at": "2025-05-26T21:41:22.698Z",
                }
                answer = json.dumps(status if code == 202 else REFUSALS.get(code, {"detail": "away"}))
                self.send_response(code)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer.encode())
                with endpoint.arrived:
                    endpoint.seen.append((self.path, self.headers["Authorization"], body))
                    endpoint.arrived.notify_all()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def wait(self, count: int) -> None:
        """Wait until so many calls have arrived."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.seen) >= count, timeout=20)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()
    yield made
    made.close()


@pytest.fixture
def own(settings: Settings, monkeypatch: pytest.MonkeyPatch, endpoint: Endpoint) -> Settings:
    monkeypatch.setattr(orders, "AGAIN_S", 0.1)
    return settings.model_copy(
        update={
            "mongo_database": f"orders_{uuid4().hex[:12]}",  # orders of other tests are sent again and again
            "api_url": endpoint.url,
            "api_token": SecretStr("enqueue-token"),
        }
    )


def create(settings: Settings, budget_usd: float | None = None, reactions: str = "none") -> str:
    with (
        registry.start(["world"], settings) as platform,
        open_channel(platform.addresses["world"]) as channel,
    ):
        client = WorldClient(channel, 15)
        return client.create("user-1", "", "", PROMPT, 3, 5, budget_usd=budget_usd, reactions=reactions).id


def test_a_world_is_ordered_with_its_reactions_also_later(own: Settings, endpoint: Endpoint) -> None:
    endpoint.answers = [503]
    world_id = create(own, reactions="many")
    with registry.start(["world"], own):
        endpoint.wait(2)
    assert [(body["world_id"], body["reactions"]) for *_, body in endpoint.seen[:2]] == [
        (world_id, "many")
    ] * 2
    with pytest.raises(InvalidInputError, match="generia-reactions"):
        create(own, reactions="lots")


def test_a_world_is_ordered_with_its_budget(own: Settings, endpoint: Endpoint) -> None:
    world_id = create(own, 0.25)
    body = {
        "world_id": world_id,
        "user_prompt": PROMPT,
        "users_count": 3,
        "posts_count": 5,
        "budget": 0.25,
        "user_id": "user-1",
    }
    assert endpoint.seen == [("/v1/generations", "Bearer enqueue-token", body)]


def test_a_refused_order_leaves_no_world(own: Settings, endpoint: Endpoint) -> None:
    with (
        registry.start(["world"], own) as platform,
        open_channel(platform.addresses["world"]) as channel,
    ):
        client = WorldClient(channel, 15)
        before = client.list("user-1")[1]
        endpoint.answers = [403, 422, 401]
        with pytest.raises(AllowanceExceeded, match="more than today allows") as spent:
            client.create("user-1", "", "", PROMPT, 3, 5)
        with pytest.raises(InvalidInputError, match="no budget without prices") as unknown:
            client.create("user-1", "", "", PROMPT, 3, 5, budget_usd=1)
        # Why, for programs as well, through both of them.
        assert (spent.value.code, unknown.value.code) == ("allowance_exceeded", "budget_without_prices")
        with pytest.raises(PermanentError, match="GENERIA_API_TOKEN"):
            client.create("user-1", "", "", PROMPT, 3, 5)
        assert client.list("user-1")[1] == before


def test_an_endpoint_that_is_away_gets_the_order_when_it_is_back(own: Settings, endpoint: Endpoint) -> None:
    world_id = create(own.model_copy(update={"api_url": f"http://{NOWHERE}"}))
    endpoint.answers = [503, 401]
    with registry.start(["world"], own):
        endpoint.wait(3)
    assert [body["world_id"] for _, _, body in endpoint.seen[:3]] == [world_id] * 3
    assert "budget" not in endpoint.seen[0][2]


def test_an_order_that_is_refused_later_fails_its_world(own: Settings, endpoint: Endpoint) -> None:
    world_id = create(own.model_copy(update={"api_url": f"http://{NOWHERE}"}))
    endpoint.answers = [409]
    with registry.start(["world"], own):
        endpoint.wait(1)
    with (
        registry.start(["world"], own) as platform,
        open_channel(platform.addresses["world"]) as channel,
    ):
        client = WorldClient(channel, 15)
        assert client.generation_status(world_id).status == "failed"
        assert client.get(world_id).generation_status == "failed"
        assert len(endpoint.seen) == 1
