"""Likes and comments over HTTP, and a platform that has none."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from generia_worker.rpc.connections import Connections
from generia_worker.rpc.interaction_client import InteractionClient, PostStats
from generia_worker.rpc.world_client import WorldRecord
from tests.gateway.conftest import EndpointDouble, Gateway, StartGateway, add_character, add_post


@pytest.fixture
def post(services: Connections, world: WorldRecord) -> str:
    """The address of a new post."""
    post_id = add_post(services, world.id, add_character(services, world.id), "Hello")
    return f"/api/v1/worlds/{world.id}/posts/{post_id}"


def read(client: httpx2.Client, path: str) -> Any:
    reply = client.get(path)
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_a_post_is_liked_and_not_any_more(gateway: Gateway, user: str, post: str) -> None:
    with gateway.as_user(user) as client, gateway.as_user(f"{user}2") as other:
        assert (read(client, post)["likes_count"], read(client, post)["liked"]) == (0, False)
        for _ in range(2):
            assert client.put(f"{post}/like").json() == {"likes_count": 1, "liked": True}
        assert other.put(f"{post}/like").json() == {"likes_count": 2, "liked": True}
        feed = post.rpartition("/")[0]
        (shown,) = read(client, feed)["posts"]
        assert (shown["likes_count"], shown["liked"]) == (2, True)
        assert client.delete(f"{post}/like").json() == {"likes_count": 1, "liked": False}
        (shown,) = read(client, feed)["posts"]
        assert (shown["likes_count"], shown["liked"]) == (1, False)
        by_author = f"{feed.removesuffix('/posts')}/character/{shown['character_id']}/posts"
        assert read(other, by_author)["posts"][0]["liked"]


def test_comments_have_their_author_s_name_and_come_once_a_key(
    gateway: Gateway, user: str, post: str
) -> None:
    with gateway.as_user(user) as client:
        headers = {"Idempotency-Key": "k-1"}
        made = [
            client.post(f"{post}/comments", json={"text": "How true!"}, headers=headers) for _ in range(2)
        ]
        assert [reply.status_code for reply in made] == [201, 201]
        assert made[0].json() == made[1].json()
        assert made[0].json()["username"] == user
        again = client.post(f"{post}/comments", json={"text": "Another"}, headers=headers)
        assert again.status_code == 409
        for _ in range(2):
            assert client.post(f"{post}/comments", json={"text": "Without"}).status_code == 201
        found = read(client, f"{post}/comments")
        assert [one["text"] for one in found["comments"]] == ["How true!", "Without", "Without"]
        assert found["total"] == 3
        assert read(client, f"{post}/comments?limit=1&offset=2")["comments"][0]["text"] == "Without"
        assert read(client, post)["comments_count"] == 3


@pytest.mark.parametrize(("status", "answer"), [(202, {"begun": 1}), (404, {}), (503, {}), (422, {})])
def test_the_endpoint_is_told_of_a_comment_and_whoever_commented_hears_of_nothing(
    gateway_with_endpoint: Gateway,
    endpoint: EndpointDouble,
    user: str,
    post: str,
    status: int,
    answer: dict[str, Any],
) -> None:
    world_id, post_id = post.split("/")[4], post.split("/")[6]
    endpoint.answer("POST", f"/v1/generations/{world_id}/replies", status, answer)
    with gateway_with_endpoint.as_user(user) as client:
        assert client.post(f"{post}/comments", json={"text": ""}).status_code == 422
        assert client.post(f"{post}/comments", json={"text": "Who are you?"}).status_code == 201
        assert read(client, f"{post}/comments")["total"] == 1
    deadline = time.monotonic() + 10
    while not endpoint.calls:  # it is told once whoever commented was answered
        assert time.monotonic() < deadline
        time.sleep(0.01)
    (call,) = endpoint.calls
    assert (call.method, call.path) == ("POST", f"/v1/generations/{world_id}/replies")
    assert call.body == {"post_id": post_id}


@pytest.mark.parametrize("text", ["", "   ", "x" * 2_001, "a\x1b[31mb", None, 5])
def test_comments_that_are_none(gateway: Gateway, user: str, post: str, text: Any) -> None:
    with gateway.as_user(user) as client:
        reply = client.post(f"{post}/comments", json={"text": text})
        assert reply.status_code == 422
        assert reply.json()["errors"][0]["field"] == "text"


def test_nobody_reacts_without_logging_in_or_to_what_is_not_there(
    gateway: Gateway, user: str, post: str
) -> None:
    with gateway.client() as stranger:
        assert stranger.put(f"{post}/like").status_code == 401
        assert stranger.post(f"{post}/comments", json={"text": "Hi"}).status_code == 401
    with gateway.as_user(user) as client:
        nothing = f"{post.rpartition('/')[0]}/none-such"
        assert client.put(f"{nothing}/like").status_code == 404
        assert client.get(f"{nothing}/comments").status_code == 404


def test_there_may_be_too_many(start_gateway: StartGateway, user: str, post: str) -> None:
    gateway = start_gateway(gateway_rate_react="2/minute")
    with gateway.as_user(user) as client:
        assert [client.put(f"{post}/like").status_code for _ in range(3)] == [200, 200, 429]


def test_a_platform_without_reactions_says_so_and_does_all_else(
    start_gateway: StartGateway, user: str, post: str
) -> None:
    gateway = start_gateway(interaction_service="")
    with gateway.as_user(user) as client:
        assert client.get("/api/v1/auth/session").json()["reactions"] is False
        assert read(client, post)["liked"] is False
        reply = client.put(f"{post}/like")
        assert reply.status_code == 404
        assert (reply.json()["code"], "no interaction service" in reply.json()["detail"]) == (
            "no_reactions",
            True,
        )


def test_posts_are_shown_while_the_service_of_likes_is_away(
    start_gateway: StartGateway, user: str, post: str
) -> None:
    gateway = start_gateway(interaction_service="127.0.0.1:1", rpc_timeout_s=2)
    with gateway.as_user(user) as client:
        assert read(client, post)["liked"] is False
        assert client.put(f"{post}/like").status_code == 503


def test_of_a_service_that_does_not_say_who_likes_what_each_post_is_asked_for(
    gateway: Gateway, user: str, post: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = InteractionClient.stats

    def foreign(self: InteractionClient, post_ids: Sequence[str], user_id: str) -> Mapping[str, PostStats]:
        return {name: replace(one, liked=None) for name, one in known(self, post_ids, user_id).items()}

    monkeypatch.setattr(InteractionClient, "stats", foreign)
    with gateway.as_user(user) as client, gateway.as_user(f"{user}2") as other:
        client.put(f"{post}/like")
        assert read(client, post)["liked"] is True
        assert read(other, post)["liked"] is False
