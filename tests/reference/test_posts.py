"""The post service over a real database."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from generia_worker.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermanentError,
)
from generia_worker.rpc import wire
from generia_worker.rpc.character_client import CharacterRecord
from generia_worker.rpc.media_types import MediaType
from generia_worker.rpc.post_client import CreatedPost
from generia_worker.rpc.world_client import WorldRecord
from tests.reference.conftest import PROMPT, Clients, Upload, new_key
from tests.reference.test_media import BAD_IDS, UNKNOWN
from tests.reference.test_worlds import HARD_TEXT


@pytest.fixture
def media_id(upload: Upload, world: WorldRecord, character: CharacterRecord) -> str:
    return upload(world.id, MediaType.POST_IMAGE, character.id)


def publish(
    clients: Clients, character: CharacterRecord, media_id: str, caption: str = "Hi", key: str | None = None
) -> str:
    return clients.posts.create_ai(
        character.id, caption, media_id, character.world_id, ["a"], idempotency_key=key or new_key()
    ).post_id


def test_a_new_post(
    clients: Clients, world: WorldRecord, character: CharacterRecord, media_id: str, upload: Upload
) -> None:
    made = clients.posts.create_ai(
        character.id, HARD_TEXT, media_id, world.id, ["тег", "🪐", "a.b$"], idempotency_key=new_key()
    )
    post = clients.posts.get(made.post_id, world.id)
    assert (post.post_id, post.created_at) == (made.post_id, made.created_at)
    assert (post.character_id, post.world_id, post.display_name) == (character.id, world.id, "Ada")
    assert (post.caption, post.tags, post.is_ai) == (HARD_TEXT, ("тег", "🪐", "a.b$"), True)
    assert (post.likes_count, post.comments_count, post.avatar_url) == (0, 0, "")
    assert media_id in post.media_url
    assert requests.get(post.media_url, timeout=10).status_code == 200
    avatar = upload(world.id, MediaType.CHARACTER_AVATAR, character.id)
    clients.characters.update(character.id, display_name="Ада", avatar_media_id=avatar)
    post = clients.posts.get(made.post_id, world.id)
    assert post.display_name == "Ада" and avatar in post.avatar_url


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("caption", {"caption": ""}),
        ("caption", {"caption": " \n "}),
        ("caption", {"caption": "x" * 20_001}),
        ("tags", {"tags": ["x" * 101]}),
        ("tags", {"tags": [""]}),
        ("tags", {"tags": ["x"] * 31}),
        *[("media_id", {"media_id": bad}) for bad in BAD_IDS],
        *[("character_id", {"character_id": bad}) for bad in BAD_IDS],
        *[("world_id", {"world_id": bad}) for bad in BAD_IDS],
    ],
)
def test_posts_that_are_refused(clients: Clients, field: str, changes: dict[str, object]) -> None:
    arguments: dict[str, Any] = {
        "character_id": UNKNOWN,
        "caption": "Hi",
        "media_id": UNKNOWN,
        "world_id": UNKNOWN,
        "tags": [],
        **changes,
    }
    with pytest.raises(InvalidInputError, match=field):
        clients.posts.create_ai(**arguments, idempotency_key=new_key())


def test_what_a_post_refers_to_must_fit(
    clients: Clients, upload: Upload, world: WorldRecord, character: CharacterRecord, media_id: str
) -> None:
    other = clients.worlds.create("user-1", "", "", PROMPT, 1, 1)
    sister = clients.characters.create(world.id, "Eva", {}, idempotency_key=new_key())
    stranger = clients.characters.create(other.id, "Eva", {}, idempotency_key=new_key())
    person = clients.characters.create(world.id, "I", {}, idempotency_key=new_key(), real_user_id="user-1")
    avatar = upload(world.id, MediaType.CHARACTER_AVATAR, character.id)
    waiting = upload(world.id, MediaType.POST_IMAGE, character.id, confirm=False)
    foreign = upload(other.id, MediaType.POST_IMAGE, stranger.id)
    for character_id, media, kind, reason in (
        (UNKNOWN, media_id, NotFoundError, "character_id"),
        (stranger.id, media_id, NotFoundError, "character_id.*in world"),
        (person.id, media_id, PermanentError, "somebody else"),
        (sister.id, media_id, InvalidInputError, "media_id.*another character"),
        (character.id, UNKNOWN, NotFoundError, "media_id"),
        (character.id, avatar, InvalidInputError, "media_id.*POST_IMAGE"),
        (character.id, foreign, InvalidInputError, "media_id.*another world"),
        (character.id, waiting, PermanentError, "media_id.*not confirmed"),
    ):
        with pytest.raises(kind, match=reason):
            clients.posts.create_ai(character_id, "Hi", media, world.id, [], idempotency_key=new_key())
    assert clients.posts.feed(world.id).total == 0


def test_the_same_key_publishes_once(
    clients: Clients, world: WorldRecord, character: CharacterRecord, media_id: str
) -> None:
    key = new_key()
    with ThreadPoolExecutor(12) as pool:
        made = list(pool.map(lambda _: publish(clients, character, media_id, key=key), range(24)))
    assert len(set(made)) == 1
    assert clients.posts.feed(world.id).total == 1
    with pytest.raises(ConflictError, match="idempotency-key"):
        publish(clients, character, media_id, "Another", key)
    publish(clients, character, media_id)
    assert clients.posts.character_posts(character.id, world.id).total == 2


def test_posts_of_people(clients: Clients, world: WorldRecord, character: CharacterRecord) -> None:
    me = clients.characters.create(world.id, "I", {}, idempotency_key=new_key(), real_user_id="user-77")
    made = clients.posts.create("user-77", me.id, "Hello", "", world.id, ["x"])
    page = clients.posts.user_posts("user-77", world.id)
    assert ([p.post_id for p in page.posts], page.total) == ([made.post_id], 1)
    assert (page.posts[0].is_ai, page.posts[0].media_url) == (False, "")
    assert clients.posts.user_posts("user-77", "").total == 1
    assert clients.posts.user_posts("user-77", UNKNOWN).total == 0
    assert clients.posts.user_posts("user-78", world.id).total == 0
    for user, author in (("user-78", me.id), ("user-77", character.id)):
        with pytest.raises(PermanentError, match="somebody else"):
            clients.posts.create(user, author, "Hello", "", world.id)
    for bad in BAD_IDS:
        with pytest.raises(InvalidInputError, match="user_id"):
            clients.posts.create(bad, me.id, "Hello", "", world.id)
        with pytest.raises(InvalidInputError, match="user_id"):
            clients.posts.user_posts(bad, world.id)


def test_create_post_for_an_ai_needs_a_picture(
    clients: Clients, world: WorldRecord, character: CharacterRecord, media_id: str
) -> None:
    stub = wire.PostServiceStub(clients.channels["post"])
    request = wire.post.CreatePostRequest(
        user_id="user-1", character_id=character.id, caption="Hi", world_id=world.id, is_ai=True
    )
    with pytest.raises(Exception, match=r"(?s)INVALID_ARGUMENT.*media_id"):
        stub.CreatePost(request)
    request.media_id = media_id
    assert clients.posts.get(stub.CreatePost(request).post_id, world.id).is_ai


def test_reading_single_posts(
    clients: Clients, world: WorldRecord, character: CharacterRecord, media_id: str
) -> None:
    first, second = (publish(clients, character, media_id) for _ in range(2))
    other = clients.worlds.create("user-1", "", "", PROMPT, 1, 1)
    assert clients.posts.get(first, "").post_id == first
    page = clients.posts.get_many([second, UNKNOWN, first, second])
    assert [post.post_id for post in page.posts] == [second, first]
    for post_id, world_id in ((first, other.id), (UNKNOWN, world.id)):
        with pytest.raises(NotFoundError, match="post_id"):
            clients.posts.get(post_id, world_id)
    for bad in BAD_IDS:
        with pytest.raises(InvalidInputError, match="post_id"):
            clients.posts.get(bad, world.id)
        with pytest.raises(InvalidInputError, match="post_ids"):
            clients.posts.get_many([bad])
    with pytest.raises(InvalidInputError, match="world_id"):
        clients.posts.get(first, "../x")
    with pytest.raises(InvalidInputError, match="post_ids"):
        clients.posts.get_many([UNKNOWN] * 101)


def test_pages_of_a_character(
    clients: Clients, world: WorldRecord, character: CharacterRecord, media_id: str
) -> None:
    made = [publish(clients, character, media_id, str(n)) for n in range(5)]
    page = clients.posts.character_posts(character.id, world.id, 2, 1)
    assert ([p.post_id for p in page.posts], page.total) == ([made[3], made[2]], 5)
    assert clients.posts.character_posts(character.id, "", 100).total == 5
    other = clients.worlds.create("user-1", "", "", PROMPT, 1, 1)
    for character_id, world_id in ((UNKNOWN, world.id), (character.id, other.id), (UNKNOWN, "")):
        with pytest.raises(NotFoundError, match="character_id"):
            clients.posts.character_posts(character_id, world_id)
    for arguments, field in (((101, 0), "limit"), ((-1, 0), "limit"), ((1, -1), "offset")):
        with pytest.raises(InvalidInputError, match=field):
            clients.posts.character_posts(character.id, world.id, *arguments)
    for bad in BAD_IDS:
        with pytest.raises(InvalidInputError, match="character_id"):
            clients.posts.character_posts(bad, "")


def test_the_feed_is_paged_newest_first_while_posts_appear(
    clients: Clients, world: WorldRecord, character: CharacterRecord, media_id: str
) -> None:
    with ThreadPoolExecutor(8) as pool:  # so that some fall into the same millisecond
        made = list(pool.map(lambda n: publish(clients, character, media_id, str(n)), range(23)))
    seen: list[str] = []
    cursor, pages = "", 0
    while True:
        page = clients.posts.feed(world.id, 5, cursor)
        seen += [post.post_id for post in page.posts]
        pages += 1
        publish(clients, character, media_id, "late")
        assert page.total == 22 + pages
        cursor = page.next_cursor
        if not cursor:
            break
    assert pages == 5
    assert sorted(seen) == sorted(made)
    moments = [clients.posts.get(post_id, "").created_at for post_id in seen]
    assert moments == sorted(moments, reverse=True)
    whole = clients.posts.feed(world.id, 28)
    assert (len(whole.posts), whole.next_cursor) == (28, "")


def test_posts_of_characters_are_dated_by_who_publishes_them(
    clients: Clients, world: WorldRecord, character: CharacterRecord, media_id: str
) -> None:
    """And the feed goes by that, in whichever order they come."""

    def dated(days: float, key: str) -> CreatedPost:
        moment = now - timedelta(days=days)
        return clients.posts.create_ai(
            character.id, f"{days}", media_id, world.id, [], written_at=moment, idempotency_key=key
        )

    now = datetime.now(UTC)
    keys = [new_key() for _ in range(3)]
    made = [dated(days, key) for days, key in zip((2, 9, 0.5), keys, strict=True)]
    assert [post.caption for post in clients.posts.feed(world.id, 10).posts] == ["0.5", "2", "9"]
    assert [post.caption for post in clients.posts.character_posts(character.id, world.id).posts] == [
        "0.5",
        "2",
        "9",
    ]
    said = datetime.fromisoformat(made[1].created_at)
    assert abs(said - (now - timedelta(days=9))) < timedelta(seconds=1)
    assert dated(9, keys[1]) == made[1]
    with pytest.raises(ConflictError):
        dated(8, keys[1])
    # A little ahead is another machine's clock.
    assert datetime.fromisoformat(dated(-1 / 24 / 60, new_key()).created_at) <= datetime.now(UTC)


@pytest.mark.parametrize(
    "said", ["", "yesterday", "2026-05-09T12:00:00", "2999-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59"]
)
def test_times_that_are_none(
    clients: Clients, world: WorldRecord, character: CharacterRecord, media_id: str, said: str
) -> None:
    moment: Any = SimpleNamespace(isoformat=lambda: said)
    with pytest.raises(InvalidInputError, match="created_at"):
        clients.posts.create_ai(
            character.id,
            "Hi",
            media_id,
            world.id,
            [],
            written_at=moment,
            idempotency_key=new_key(),
        )
    assert clients.posts.feed(world.id).total == 0


def _cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "%%%",
        "é",
        _cursor("{}"),
        _cursor("[1]"),
        _cursor('["a", "b"]'),
        _cursor('[1, {"$ne": 1}]'),
        _cursor('[true, "a"]'),
        _cursor('[1e999, "a"]'),
        _cursor(f'[{10**17}, "a"]'),
        _cursor('[1, "../x"]'),
        _cursor("[" * 100),
        "A" * 500,
    ],
)
def test_cursors_that_are_not_ours(clients: Clients, world: WorldRecord, cursor: str) -> None:
    with pytest.raises(InvalidInputError, match="cursor"):
        clients.posts.feed(world.id, 5, cursor)
    with pytest.raises(InvalidInputError, match="limit"):
        clients.posts.feed(world.id, 101)


def test_update_changes_what_is_given(
    clients: Clients, upload: Upload, world: WorldRecord, character: CharacterRecord, media_id: str
) -> None:
    post_id = publish(clients, character, media_id, "before")
    changed = clients.posts.update(post_id, caption="after")
    assert (changed.caption, changed.tags) == ("after", ("a",))
    another = upload(world.id, MediaType.POST_IMAGE, character.id)
    changed = clients.posts.update(post_id, media_id=another, tags=["b", "c"])
    assert another in changed.media_url
    assert changed == clients.posts.get(post_id, world.id)
    assert (changed.caption, changed.tags) == ("after", ("b", "c"))
    avatar = upload(world.id, MediaType.CHARACTER_AVATAR, character.id)
    for arguments, kind, field in (
        ({"caption": ""}, InvalidInputError, "caption"),
        ({"media_id": avatar}, InvalidInputError, "media_id"),
        ({"media_id": UNKNOWN}, NotFoundError, "media_id"),
        ({"media_id": ""}, InvalidInputError, "media_id"),
    ):
        with pytest.raises(kind, match=field):
            clients.posts.update(post_id, **arguments)
    with pytest.raises(NotFoundError, match="post_id"):
        clients.posts.update(UNKNOWN, caption="x")


def test_health(clients: Clients) -> None:
    assert clients.posts.healthy()
