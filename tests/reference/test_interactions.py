"""The interaction service over a real database."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from generia_worker.errors import ConflictError, InvalidInputError, NotFoundError
from generia_worker.rpc import wire
from generia_worker.rpc.character_client import CharacterRecord
from generia_worker.rpc.interaction_client import PostStats
from generia_worker.rpc.media_types import MediaType
from generia_worker.rpc.users import LOCAL_USER
from generia_worker.rpc.world_client import WorldRecord
from tests.reference.conftest import PROMPT, Clients, Upload, new_key
from tests.reference.test_media import BAD_IDS, UNKNOWN
from tests.reference.test_posts import publish
from tests.reference.test_worlds import HARD_TEXT


@pytest.fixture
def post(clients: Clients, world: WorldRecord, character: CharacterRecord, upload: Upload) -> str:
    """The id of a new post of a character."""
    return publish(clients, character, upload(world.id, MediaType.POST_IMAGE, character.id))


def test_a_like_is_one_however_often_it_is_given(clients: Clients, world: WorldRecord, post: str) -> None:
    service = clients.interactions
    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(lambda n: service.like(f"user-{n % 4}", post, world.id), range(16)))
    assert max(counts) == 4
    assert service.likes("user-0", post) and not service.likes("user-9", post)
    assert clients.posts.get(post, world.id).likes_count == 4
    assert service.unlike("user-0", post, world.id) == 3
    assert service.unlike("user-0", post, world.id) == 3, "twice is no error"
    assert not service.likes("user-0", post)
    assert clients.posts.feed(world.id).posts[0].likes_count == 3


def test_what_people_like_makes_a_world_popular(
    clients: Clients, world: WorldRecord, character: CharacterRecord, post: str
) -> None:
    quiet = clients.worlds.create("user-1", "", "", PROMPT, 1, 1).id

    def first() -> str:
        worlds, _ = clients.worlds.list("user-1", popular=True)
        return next(one.id for one in worlds if one.id in (world.id, quiet))

    # As popular as the other one, and older.
    assert first() == quiet
    # A character makes nothing popular.
    clients.interactions.like(character.id, post, world.id)
    assert first() == quiet
    for _ in range(2):
        clients.interactions.like("user-2", post, world.id)
    assert first() == world.id
    # A member is worth as much as a like.
    clients.worlds.join("user-3", quiet)
    assert first() == quiet
    clients.interactions.like("user-4", post, world.id)
    assert first() == world.id
    for person in ("user-4", "user-2", "user-2"):
        clients.interactions.unlike(person, post, world.id)
    assert first() == quiet


def test_comments_come_in_their_order_with_names_and_once(
    clients: Clients, world: WorldRecord, character: CharacterRecord, post: str
) -> None:
    service, key = clients.interactions, new_key()
    first = service.comment("user-1", post, world.id, HARD_TEXT, name="Ада 🪐", idempotency_key=key)
    assert service.comment("user-1", post, world.id, HARD_TEXT, name="Ада 🪐", idempotency_key=key) == first
    with pytest.raises(ConflictError):
        service.comment("user-1", post, world.id, "another text", idempotency_key=key)
    service.comment(character.id, post, world.id, "I know!", idempotency_key=new_key())
    service.comment(LOCAL_USER, post, world.id, "Mine", name="you", idempotency_key=new_key())
    # A character is called what it is called now.
    clients.characters.update(character.id, display_name="Countess Ada")
    page = service.comments(post, world.id)
    assert [(one.user_id, one.username, one.text) for one in page.comments] == [
        ("user-1", "Ада 🪐", HARD_TEXT),
        (character.id, "Countess Ada", "I know!"),
        (LOCAL_USER, "you", "Mine"),
    ]
    assert page.total == 3
    assert [one.text for one in service.comments(post, world.id, 1, 1).comments] == ["I know!"]
    assert clients.posts.get(post, world.id).comments_count == 3


def test_likes_are_listed_newest_first(
    clients: Clients, world: WorldRecord, character: CharacterRecord, post: str
) -> None:
    stub = wire.InteractionServiceStub(clients.channels["interaction"])
    for who in ("user-1", character.id, "user-2"):
        clients.interactions.like(who, post, world.id, name=who)
    found = stub.GetPostLikes(wire.interaction.GetPostLikesRequest(post_id=post, limit=2))
    assert ([like.username for like in found.likes], found.total) == (["user-2", "Ada"], 3)


def test_counts_of_many_posts_and_what_one_likes(
    clients: Clients, world: WorldRecord, character: CharacterRecord, upload: Upload
) -> None:
    media = upload(world.id, MediaType.POST_IMAGE, character.id)
    posts = [publish(clients, character, media, str(n)) for n in range(3)]
    clients.interactions.like("user-1", posts[0], world.id)
    clients.interactions.like("user-2", posts[0], world.id)
    clients.interactions.comment("user-1", posts[1], world.id, "Oh", idempotency_key=new_key())
    assert clients.interactions.stats([*posts, str(uuid.uuid4())][:3], "user-1") == {
        posts[0]: PostStats(2, 0, liked=True),
        posts[1]: PostStats(0, 1, liked=False),
        posts[2]: PostStats(0, 0, liked=False),
    }
    stub = wire.InteractionServiceStub(clients.channels["interaction"])
    one = stub.GetPostStats(wire.interaction.GetPostStatsRequest(post_id=posts[0]))
    assert (one.post_id, one.likes_count, one.comments_count, one.liked) == (posts[0], 2, 0, False)
    with pytest.raises(InvalidInputError, match="post_ids"):
        clients.interactions.stats([f"p-{n}" for n in range(101)], "user-1")


@pytest.mark.parametrize("bad", [*BAD_IDS, UNKNOWN])
def test_what_is_not_there_is_not_liked(clients: Clients, world: WorldRecord, post: str, bad: str) -> None:
    service = clients.interactions
    error = NotFoundError if bad == UNKNOWN else InvalidInputError
    with pytest.raises(error, match="post_id"):
        service.like("user-1", bad, world.id)
    with pytest.raises(error, match="post_id"):
        service.comment("user-1", bad, world.id, "Hi", idempotency_key=new_key())
    with pytest.raises(error, match="post_id"):
        service.comments(bad, world.id)
    if bad:  # without a world it is not asked which one a post is of
        with pytest.raises(error, match="world"):
            service.like("user-1", post, bad)
    if bad != UNKNOWN:
        with pytest.raises(InvalidInputError, match="user_id"):
            service.like(bad, post, world.id)


def test_characters_keep_to_their_worlds(clients: Clients, world: WorldRecord, post: str) -> None:
    other = clients.worlds.create("user-1", "Elsewhere", "", PROMPT, 1, 1)
    stranger = clients.characters.create(other.id, "Eve", {}, idempotency_key=new_key())
    with pytest.raises(InvalidInputError, match="lives in another world"):
        clients.interactions.like(stranger.id, post, world.id)
    with pytest.raises(NotFoundError, match="not known in world"):
        clients.interactions.like("user-1", post, other.id)


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 2_001, "a\x1b[31mb", "a\u202eb"])
def test_texts_that_are_none(clients: Clients, world: WorldRecord, post: str, text: str) -> None:
    with pytest.raises(InvalidInputError, match="text"):
        clients.interactions.comment("user-1", post, world.id, text, idempotency_key=new_key())
    with pytest.raises(InvalidInputError, match="generia-name"):
        clients.interactions.like("user-1", post, world.id, name="a\x1b[31mb")
