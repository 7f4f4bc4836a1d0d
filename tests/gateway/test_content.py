"""What is in a world, over HTTP: posts, characters, pictures and their signed URLs."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import httpx2
import pytest

from generia_worker.gateway.models import CharacterJson
from generia_worker.rpc import wire
from generia_worker.rpc.character_client import CharacterRecord
from generia_worker.rpc.connections import Connections
from generia_worker.rpc.media_types import MediaType
from generia_worker.rpc.world_client import WorldRecord
from tests.gateway.conftest import Gateway, StartGateway, add_character, add_picture, add_post
from tests.gateway.test_worlds import HARD, is_problem
from tests.reference.conftest import PROMPT


def test_posts_and_characters(gateway: Gateway, services: Connections, world: WorldRecord) -> None:
    ada = add_character(services, world.id, "Ada")
    bob = add_character(services, world.id, "Bob")
    posts = [add_post(services, world.id, who, f"{n} {HARD}") for n, who in enumerate((ada, bob, ada))]
    base = f"/api/v1/worlds/{world.id}"
    with gateway.as_user("guest") as client:
        first = client.get(f"{base}/posts", params={"limit": 2}).json()
        assert [post["id"] for post in first["posts"]] == [posts[2], posts[1]]
        assert first["total"] == 3
        rest = client.get(f"{base}/posts", params={"limit": 2, "cursor": first["next_cursor"]}).json()
        assert [post["post_id"] for post in rest["posts"]] == [posts[0]]
        assert rest["next_cursor"] == ""
        post = client.get(f"{base}/posts/{posts[2]}").json()
        assert post == first["posts"][0]
        assert (post["character_id"], post["display_name"], post["caption"]) == (ada, "Ada", f"2 {HARD}")
        assert (post["world_id"], post["is_ai"], post["tags"], post["likes_count"]) == (
            world.id,
            True,
            ["tag"],
            0,
        )
        for url in (post["media_url"], post["avatar_url"]):
            assert httpx2.get(url).status_code == 200
        people = client.get(f"{base}/characters").json()
        assert ([one["id"] for one in people["characters"]], people["total"]) == ([ada, bob], 2)
        assert [
            one["id"] for one in client.get(f"{base}/characters?limit=1&offset=1").json()["characters"]
        ] == [bob]
        one = client.get(f"/api/v1/characters/{ada}").json()
        assert one == people["characters"][0]
        assert (one["meta"], one["is_ai"], one["display_name"]) == ({"bio": "I am Ada"}, True, "Ada")
        assert set(one) == {
            *(
                "id",
                "world_id",
                "is_ai",
                "display_name",
                "avatar_url",
                "avatar_media_id",
                "meta",
                "created_at",
            )
        }
        hers = client.get(f"{base}/character/{ada}/posts").json()
        assert ([post["id"] for post in hers["posts"]], hers["total"]) == ([posts[2], posts[0]], 2)


def test_what_is_not_there(gateway: Gateway, services: Connections, world: WorldRecord, user: str) -> None:
    elsewhere = services.worlds.create(user, "", "", PROMPT, 1, 1)
    character = add_character(services, elsewhere.id)
    post = add_post(services, elsewhere.id, character, "x")
    with gateway.as_user(user) as client:
        for path in (
            "worlds/unknown",
            "worlds/unknown/posts",
            "worlds/unknown/characters",
            "worlds/unknown/status/stream",
            f"worlds/{world.id}/posts/{post}",
            f"worlds/{world.id}/posts/unknown",
            f"worlds/{world.id}/character/{character}/posts",
            "characters/unknown",
            "media/unknown",
        ):
            answer = client.get(f"/api/v1/{path}")
            assert is_problem(answer, 404), path
            assert "failed (" not in answer.text
        for path in (
            "worlds/a.b",
            f"worlds/{'x' * 65}",
            "characters/-a",
            "media/a%00b",
            "worlds/%D1%91/posts",
        ):
            assert is_problem(client.get(f"/api/v1/{path}"), 422), path
        posts = f"/api/v1/worlds/{world.id}/posts"
        for cursor in ("x", "é", "W10", "a" * 200):
            assert is_problem(client.get(posts, params={"cursor": cursor}), 404)
        assert is_problem(client.get(posts, params={"cursor": "a" * 201}), 422, "cursor")


def test_pictures(gateway: Gateway, services: Connections, world: WorldRecord) -> None:
    media_id = add_picture(services, world.id, MediaType.WORLD_HEADER)
    waiting = add_picture(services, world.id, MediaType.WORLD_HEADER, confirm=False)
    with gateway.as_user("guest") as client:
        shown = client.get(f"/api/v1/media/{media_id}").json()
        assert (shown["media_id"], shown["world_id"], shown["media_type"]) == (
            media_id,
            world.id,
            "WORLD_HEADER",
        )
        assert {variant["name"] for variant in shown["variants"]} == {"original", "thumbnail", "medium"}
        for variant in shown["variants"]:
            assert httpx2.get(variant["url"]).status_code == 200
        # What somebody has only announced can be neither seen nor written through the gateway.
        announced = client.get(f"/api/v1/media/{waiting}").json()
        assert announced["variants"] == []
        assert "http" not in str(announced)


def test_signed_urls_cannot_be_forged(gateway: Gateway, services: Connections, world: WorldRecord) -> None:
    media_id = add_picture(services, world.id, MediaType.WORLD_HEADER)
    other = add_picture(services, world.id, MediaType.WORLD_ICON)
    with gateway.as_user("guest") as client:
        urls = {v["name"]: v["url"] for v in client.get(f"/api/v1/media/{media_id}").json()["variants"]}
    url = urls["original"]
    assert httpx2.get(url).status_code == 200
    for forged in (
        url.partition("?")[0],
        url.replace(media_id, other),
        url[:-4] + ("0000" if not url.endswith("0000") else "1111"),
        url.replace("X-Amz-Expires=", "X-Amz-Expires=9"),
    ):
        assert httpx2.get(forged).status_code in (400, 403), forged
    # To read is not to write.
    assert httpx2.put(url, content=b"x").status_code in (400, 403)
    assert httpx2.delete(url).status_code in (400, 403)


def test_other_services_may_lack_json() -> None:
    found = CharacterRecord("c", "w", None, True, "x", None, "", "[1]", "2025-05-26T21:41:22.698Z")
    assert CharacterJson.of(found).meta is None


@pytest.fixture
def older_service(services: Connections) -> Iterator[str]:
    """A character service without the calls that are ours, before the one that is there; yields its address."""
    server = grpc.server(ThreadPoolExecutor(2))
    stub = wire.CharacterServiceStub(services.channels[1])
    # It answers each other call with UNIMPLEMENTED.
    known = {"GetCharacter": lambda _, request, __: stub.GetCharacter(request)}
    older = type("Older", (wire.CharacterServiceServicer,), known)()
    wire.add_CharacterServiceServicer_to_server(older, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(0).wait(5)


def test_a_download_that_the_disk_has_no_room_for(
    start_gateway: StartGateway,
    services: Connections,
    world: WorldRecord,
    user: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is told as that, and where; the next one may work."""
    add_post(services, world.id, add_character(services, world.id), "A post")
    with start_gateway().as_user(user) as client:
        with monkeypatch.context() as patch:
            patch.setattr(tempfile, "TemporaryFile", lambda **_: Path("/dev/full").open("w+b"))  # noqa: SIM115
            answer = client.get(f"/api/v1/worlds/{world.id}/export")
        assert is_problem(answer, 503), answer.text
        assert "no room" in answer.json()["detail"] and answer.headers["Retry-After"] == "60"
        assert "TMPDIR" in caplog.text
        assert client.get(f"/api/v1/worlds/{world.id}/export").status_code == 200


def test_a_service_that_lists_no_characters(
    start_gateway: StartGateway, older_service: str, services: Connections, world: WorldRecord, user: str
) -> None:
    """Those who have posted are listed, in the order of their first posts, and downloads hold them."""
    for name in ("Ada", "Bob"):
        author = add_character(services, world.id, name)
        add_post(services, world.id, author, f"{name} writes")
    add_post(services, world.id, author, "Once more")
    add_character(services, world.id, "Silent")
    with start_gateway().as_user(user) as client:
        posts = client.get(f"/api/v1/worlds/{world.id}/posts").json()["posts"]
        listed = client.get(f"/api/v1/worlds/{world.id}/characters").json()["characters"]
    firsts = list(dict.fromkeys(post["character_id"] for post in reversed(posts)))
    assert len(firsts) == 2
    with start_gateway(character_service=older_service).as_user(user) as client:
        found = client.get(f"/api/v1/worlds/{world.id}/characters", params={"limit": 1}).json()
        assert [one["id"] for one in found["characters"]] == firsts[:1]
        assert found["characters"][0] in listed and found["total"] == len(firsts)
        answer = client.get(f"/api/v1/worlds/{world.id}/export")
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            told = json.loads(archive.read("world.json"))
    assert [one["id"] for one in told["characters"]] == firsts
