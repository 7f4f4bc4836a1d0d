"""The character service over a real database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
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
from generia_worker.rpc.world_client import WorldRecord
from tests.reference.conftest import PROMPT, Clients, Upload, new_key
from tests.reference.test_media import BAD_IDS, UNKNOWN
from tests.reference.test_worlds import HARD_TEXT


def test_a_new_character(clients: Clients, world: WorldRecord) -> None:
    meta = {"bio": HARD_TEXT, "a.b": {"$inc": 1}, HARD_TEXT: []}
    made = clients.characters.create(world.id, HARD_TEXT, meta, idempotency_key=new_key())
    assert (made.world_id, made.display_name, made.real_user_id, made.is_ai) == (
        world.id,
        HARD_TEXT,
        None,
        True,
    )
    assert (made.avatar_media_id, made.avatar_url, made.meta) == (None, "", meta)
    assert clients.characters.get(made.id) == made


def test_characters_of_people(clients: Clients, world: WorldRecord) -> None:
    made = clients.characters.create(world.id, "I", {}, idempotency_key=new_key(), real_user_id="user-5")
    assert (made.real_user_id, made.is_ai) == ("user-5", False)
    assert clients.characters.of_user("user-5", world.id) == [made]
    assert clients.characters.of_user("user-6", world.id) == []
    with pytest.raises(InvalidInputError, match="user_id"):
        clients.characters.of_user("", world.id)


def test_absent_and_empty_are_told_apart(clients: Clients, world: WorldRecord) -> None:
    stub = wire.CharacterServiceStub(clients.channels["character"])
    made = stub.CreateCharacter(wire.character.CreateCharacterRequest(world_id=world.id, display_name="Bare"))
    assert not made.HasField("meta") and not made.HasField("real_user_id")
    assert not made.HasField("avatar_media_id")
    changed = stub.UpdateCharacter(
        wire.character.UpdateCharacterRequest(
            character_id=made.id, meta="{ }", avatar_url="https://example.org/a.png"
        )
    )
    assert (changed.meta, changed.avatar_url, changed.display_name) == (
        "{ }",
        "https://example.org/a.png",
        "Bare",
    )


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("display_name", {"display_name": ""}),
        ("display_name", {"display_name": "  \n"}),
        ("display_name", {"display_name": "x" * 201}),
        ("avatar_media_id", {"avatar_media_id": "../x"}),
        ("real_user_id", {"real_user_id": ""}),
        ("real_user_id", {"real_user_id": "a/b"}),
        ("meta", {"meta": {"a": "x" * 600_000}}),
        ("idempotency-key", {"idempotency_key": "x" * 201}),
    ],
)
def test_characters_that_are_refused(
    clients: Clients, world: WorldRecord, field: str, changes: dict[str, object]
) -> None:
    arguments: dict[str, Any] = {
        "display_name": "Ada",
        "meta": {},
        "idempotency_key": new_key(),
        **changes,
    }
    with pytest.raises(InvalidInputError, match=field):
        clients.characters.create(world.id, **arguments)


@pytest.mark.parametrize("meta", ["", "{", "[]", '"x"', "null", '{"a": Infinity}'])
def test_meta_must_be_a_json_object(clients: Clients, character: CharacterRecord, meta: str) -> None:
    stub = wire.CharacterServiceStub(clients.channels["character"])
    with pytest.raises(Exception, match=r"(?s)INVALID_ARGUMENT.*meta"):
        stub.UpdateCharacter(wire.character.UpdateCharacterRequest(character_id=character.id, meta=meta))


@pytest.mark.parametrize("url", ["javascript:alert(1)", "/x", "https://", "http://[", "https://a b"])
def test_avatar_addresses_must_be_of_the_web(clients: Clients, character: CharacterRecord, url: str) -> None:
    stub = wire.CharacterServiceStub(clients.channels["character"])
    with pytest.raises(Exception, match=r"(?s)INVALID_ARGUMENT.*avatar_url"):
        stub.UpdateCharacter(wire.character.UpdateCharacterRequest(character_id=character.id, avatar_url=url))


def test_the_same_key_creates_once(clients: Clients, world: WorldRecord) -> None:
    key = new_key()
    with ThreadPoolExecutor(12) as pool:
        made = list(
            pool.map(
                lambda _: clients.characters.create(world.id, "Ada", {"n": 1}, idempotency_key=key), range(24)
            )
        )
    assert len(set(made)) == 1
    assert clients.characters.create(world.id, "Ada", {"n": 1}, idempotency_key=key) == made[0]
    with pytest.raises(ConflictError, match="idempotency-key"):
        clients.characters.create(world.id, "Ada", {"n": 2}, idempotency_key=key)


def test_one_of_two_bodies_at_the_same_time_wins(clients: Clients, world: WorldRecord) -> None:
    key = new_key()

    def create(n: int) -> str:
        try:
            return clients.characters.create(world.id, f"Ada {n % 2}", {}, idempotency_key=key).id
        except ConflictError:
            return "conflict"

    with ThreadPoolExecutor(12) as pool:
        made = list(pool.map(create, range(24)))
    assert made.count("conflict") == 12
    assert len(set(made)) == 2


def test_without_a_key_every_call_creates(clients: Clients, world: WorldRecord) -> None:
    stub = wire.CharacterServiceStub(clients.channels["character"])
    request = wire.character.CreateCharacterRequest(world_id=world.id, display_name="Twin")
    assert stub.CreateCharacter(request).id != stub.CreateCharacter(request).id


def test_update_changes_what_is_given(
    clients: Clients, upload: Upload, world: WorldRecord, character: CharacterRecord
) -> None:
    avatar = upload(world.id, MediaType.CHARACTER_AVATAR, character.id)
    changed = clients.characters.update(character.id, avatar_media_id=avatar)
    assert (changed.avatar_media_id, changed.display_name, changed.meta) == (avatar, "Ada", {"bio": "x"})
    assert requests.get(changed.avatar_url, timeout=10).status_code == 200
    changed = clients.characters.update(character.id, display_name="Ада", meta={"b": "2"})
    assert (changed.avatar_media_id, changed.display_name, changed.meta) == (avatar, "Ада", {"b": "2"})
    assert clients.characters.update(character.id) == changed == clients.characters.get(character.id)
    with pytest.raises(InvalidInputError, match="display_name"):
        clients.characters.update(character.id, display_name=" ")


def test_a_character_created_with_its_avatar(clients: Clients, upload: Upload, world: WorldRecord) -> None:
    avatar = upload(world.id, MediaType.CHARACTER_AVATAR, "chosen-before")
    made = clients.characters.create(world.id, "Ada", {}, idempotency_key=new_key(), avatar_media_id=avatar)
    assert made.avatar_media_id == avatar
    assert requests.get(made.avatar_url, timeout=10).status_code == 200


def test_avatars_that_do_not_fit(
    clients: Clients, upload: Upload, world: WorldRecord, character: CharacterRecord
) -> None:
    other = clients.worlds.create("user-1", "", "", PROMPT, 1, 1)
    for media, kind, reason in (
        (upload(world.id, MediaType.POST_IMAGE, character.id), InvalidInputError, "CHARACTER_AVATAR"),
        (upload(other.id, MediaType.CHARACTER_AVATAR, character.id), InvalidInputError, "another world"),
        (
            upload(world.id, MediaType.CHARACTER_AVATAR, character.id, confirm=False),
            PermanentError,
            "confirmed",
        ),
        (UNKNOWN, NotFoundError, "avatar_media_id"),
        ("..", InvalidInputError, "avatar_media_id"),
    ):
        with pytest.raises(kind, match=reason):
            clients.characters.update(character.id, avatar_media_id=media)
        with pytest.raises(kind, match=reason):
            clients.characters.create(world.id, "Ada", {}, idempotency_key=new_key(), avatar_media_id=media)
    somebodys = upload(world.id, MediaType.CHARACTER_AVATAR, "somebody")
    with pytest.raises(InvalidInputError, match="another character"):
        clients.characters.update(character.id, avatar_media_id=somebodys)


@pytest.mark.parametrize("bad", BAD_IDS)
def test_bad_character_ids(clients: Clients, bad: str) -> None:
    for call in (clients.characters.get, clients.characters.update):
        with pytest.raises(InvalidInputError, match="character_id"):
            call(bad)


def test_unknown_character_ids(clients: Clients) -> None:
    for call in (clients.characters.get, clients.characters.update):
        with pytest.raises(NotFoundError, match="character_id"):
            call(UNKNOWN)


def test_all_characters_of_a_world_oldest_first(clients: Clients, world: WorldRecord) -> None:
    made = [
        clients.characters.create(world.id, str(n), {"n": n}, idempotency_key=new_key()).id for n in range(4)
    ]
    played = clients.characters.create(world.id, "P", {}, idempotency_key=new_key(), real_user_id="user-7")
    whole = clients.characters.list_in_world(world.id)
    assert ([one.id for one in whole.characters], whole.total) == ([*made, played.id], 5)
    assert whole.characters[-1] == played
    part = clients.characters.list_in_world(world.id, limit=2, offset=1)
    assert ([one.meta["n"] for one in part.characters], part.total) == ([1, 2], 5)
    assert clients.characters.list_in_world(world.id, offset=5).characters == ()
    empty = clients.worlds.create("user-1", "", "", PROMPT, 1, 1)
    assert clients.characters.list_in_world(empty.id).total == 0


def test_pages_that_cannot_be_listed(clients: Clients, world: WorldRecord) -> None:
    with pytest.raises(NotFoundError, match="world_id"):
        clients.characters.list_in_world(UNKNOWN)
    for arguments, field in (
        (("../x",), "world_id"),
        ((world.id, 101), "limit"),
        ((world.id, -1), "limit"),
        ((world.id, 20, -1), "offset"),
        ((world.id, 20, 1_000_001), "offset"),
    ):
        with pytest.raises(InvalidInputError, match=field):
            clients.characters.list_in_world(*arguments)


def test_health(clients: Clients) -> None:
    assert clients.characters.healthy()
