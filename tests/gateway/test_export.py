"""The download of a world: whole, its creator's alone, readable without a server."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from generia_worker.errors import NotFoundError
from generia_worker.gateway import export
from generia_worker.reference.shared.signed_urls import s3_client
from generia_worker.rpc import wire
from generia_worker.rpc.connections import Connections
from generia_worker.rpc.media_types import MediaType, sniff_format
from generia_worker.rpc.world_client import WorldRecord
from tests.gateway.conftest import EndpointDouble, Gateway, add_character, add_picture, add_post


@pytest.fixture
def full_world(services: Connections, world: WorldRecord) -> WorldRecord:
    """A world with a cover, two characters and three posts; Bob's avatar is of another site."""
    services.worlds.update_image(world.id, add_picture(services, world.id, MediaType.WORLD_HEADER), "")
    services.worlds.update_params(world.id, {"theme": "tea"}, "Tiefwerk", 2, 3)
    ada = add_character(services, world.id, "Ada")
    made = wire.CharacterServiceStub(services.channels[1]).CreateCharacter(
        wire.character.CreateCharacterRequest(world_id=world.id, display_name="Bob")
    )
    wire.CharacterServiceStub(services.channels[1]).UpdateCharacter(
        wire.character.UpdateCharacterRequest(
            character_id=made.id, avatar_url="http://169.254.169.254/secret"
        )
    )
    for n, who in enumerate((ada, made.id, ada)):
        add_post(services, world.id, who, f"Post {n} 🦔")
    return world


def test_a_whole_world(gateway: Gateway, full_world: WorldRecord, user: str) -> None:
    with gateway.as_user(user) as client:
        answer = client.get(f"/api/v1/worlds/{full_world.id}/export")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="world-{full_world.id}.zip"'
    assert answer.headers["Content-Length"] == str(len(answer.content))
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    whole = json.loads(archive.read("world.json"))
    assert set(whole) == {"world", "status", "chronicle", "characters", "posts"}
    assert whole["chronicle"] == []
    assert (whole["world"]["name"], whole["world"]["params"]) == ("Tiefwerk", {"theme": "tea"})
    assert whole["status"]["status"] == "pending"
    ada, bob = whole["characters"]
    assert (ada["display_name"], bob["display_name"], bob["avatar_url"]) == ("Ada", "Bob", "")
    assert [post["caption"] for post in whole["posts"]] == [f"Post {n} 🦔" for n in (2, 1, 0)]
    assert [post["avatar_url"] for post in whole["posts"]] == [ada["avatar_url"], "", ada["avatar_url"]]
    pictures = {
        whole["world"]["image_url"],
        ada["avatar_url"],
        *(post["media_url"] for post in whole["posts"]),
    }
    assert pictures == {name for name in archive.namelist() if name.startswith("images/")}
    assert len(pictures) == 5
    for name in pictures:
        assert sniff_format(archive.read(name)) is not None
    # No signed URL leaves with it.
    assert "X-Amz" not in archive.read("world.json").decode()


def test_what_people_said_goes_with_it(
    gateway: Gateway,
    services: Connections,
    full_world: WorldRecord,
    user: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert services.interactions is not None
    newest, _, oldest = services.posts.feed(full_world.id).posts
    services.interactions.like(user, newest.post_id, full_world.id)
    services.interactions.like(newest.character_id, newest.post_id, full_world.id)
    said = [f"Comment {n} <b>" for n in range(3)]
    for text in said:
        services.interactions.comment(
            user, newest.post_id, full_world.id, text, name="Eve", idempotency_key=text.replace(" ", "-")[:9]
        )
    services.interactions.comment(
        newest.character_id, oldest.post_id, full_world.id, "I know!", idempotency_key="own"
    )
    # In pages of two.
    monkeypatch.setattr(export, "PAGE_MAX", 2)

    def exported() -> tuple[list[dict[str, Any]], str]:
        target = tmp_path / "world.zip"
        export.export_world(full_world.id, target, services=services, settings=gateway.deps.settings)
        with zipfile.ZipFile(target) as archive:
            page = archive.read("index.html").decode()
            return json.loads(archive.read("world.json"))["posts"], page

    posts, page = exported()
    assert [post["likes_count"] for post in posts] == [2, 0, 0]
    assert [post["comments_count"] for post in posts] == [3, 0, 1]
    assert [[one["text"] for one in post["comments"]] for post in posts] == [said, [], ["I know!"]]
    assert [one["username"] for post in posts for one in post["comments"]] == ["Eve"] * 3 + ["Ada"]
    assert "liked" not in posts[0]
    for shown in ("2 likes · 3 comments", "Comment 2 &lt;b&gt;", "I know!", "Eve"):
        assert shown in page
    monkeypatch.setattr(export, "_COMMENTS_MAX", 1)
    posts, _ = exported()
    assert [len(post["comments"]) for post in posts] == [1, 0, 0]
    # Without such a service there are none.
    services = replace(services, interactions=None)
    posts, _ = exported()
    assert [post["comments"] for post in posts] == [[], [], []]


def test_its_chronicle_goes_with_it_where_it_has_one(
    gateway_with_endpoint: Gateway, endpoint: EndpointDouble, full_world: WorldRecord, user: str
) -> None:
    told = [
        {"day": f"2026-12-0{n}", "headline": f"Day {n} <b>", "what_happened": "The tide kept out."}
        for n in (1, 2)
    ]
    path = f"/v1/generations/{full_world.id}/chronicle"

    def exported() -> tuple[Any, str]:
        with gateway_with_endpoint.as_user(user) as client:
            answer = client.get(f"/api/v1/worlds/{full_world.id}/export")
        archive = zipfile.ZipFile(io.BytesIO(answer.content))
        return json.loads(archive.read("world.json"))["chronicle"], archive.read("index.html").decode()

    endpoint.answer("GET", path, 200, told)
    chronicle, page = exported()
    assert chronicle == told
    # On the page the last day comes first.
    shown = [
        page.index(words)
        for words in (">Chronicle<", "2 December 2026", "Day 2 &lt;b&gt;", "Day 1 &lt;b&gt;")
    ]
    assert shown == sorted(shown)
    # Without days, of an endpoint that does not know the world, and beside one that is not able, there is neither.
    for status, answer in ((200, []), (404, {"detail": "not ordered"}), (500, {"detail": "away"})):
        endpoint.answer("GET", path, status, answer)
        chronicle, page = exported()
        assert (chronicle, ">Chronicle<" in page) == ([], False), status


def test_it_is_the_creators_alone(gateway: Gateway, world: WorldRecord) -> None:
    with gateway.as_user("guest") as client:
        assert client.get(f"/api/v1/worlds/{world.id}/export").status_code == 403
        assert client.get("/api/v1/worlds/unknown/export").status_code == 404


def test_only_so_many_at_once(gateway: Gateway, world: WorldRecord, user: str) -> None:
    exports = gateway.deps.exports
    taken = [exports.acquire(blocking=False) for _ in range(2)]
    try:
        assert all(taken)
        with gateway.as_user(user) as client:
            answer = client.get(f"/api/v1/worlds/{world.id}/export")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    finally:
        exports.release(2)
    with gateway.as_user(user) as client:
        assert client.get(f"/api/v1/worlds/{world.id}/export").status_code == 200


def test_pictures_that_cannot_be_read_are_left_out(
    gateway: Gateway, services: Connections, full_world: WorldRecord, tmp_path: Path
) -> None:
    media = gateway.collection("media")
    lost = media.find_one({"world_id": full_world.id, "media_type": int(MediaType.POST_IMAGE)})
    assert lost is not None
    settings = gateway.deps.settings
    s3_client(settings).remove_object(settings.s3_bucket, lost["key"])
    target = tmp_path / "out.zip"
    missing = export.export_world(full_world.id, target, services=services, settings=settings)
    assert len(missing) == 1
    assert missing[0].startswith("posts/")
    archive = zipfile.ZipFile(target)
    whole = json.loads(archive.read("world.json"))
    assert sorted(bool(post["media_url"]) for post in whole["posts"]) == [False, True, True]
    assert whole["status"] is None


def test_an_unknown_world(gateway: Gateway, services: Connections, tmp_path: Path) -> None:
    target = tmp_path / "out.zip"
    with pytest.raises(NotFoundError):
        export.export_world("unknown", target, services=services, settings=gateway.deps.settings)
    assert not target.exists()
