"""What a service remembers of what never changes: how few operations a call takes, and that nothing stale is believed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from pymongo import MongoClient

from generia_worker.errors import ConflictError, NotFoundError, PermanentError
from generia_worker.reference import registry
from generia_worker.rpc.character_client import CharacterRecord
from generia_worker.rpc.media_types import MediaType
from generia_worker.rpc.world_client import WorldRecord
from generia_worker.settings import Settings
from generia_worker.storage.mongo import Document
from tests.reference.conftest import Clients, Upload, connect, new_key, picture, put
from tests.reference.test_media import UNKNOWN, Announcement, announce

#: Makes a call and returns the operations that it took: "insert media".
Operations = Callable[[Callable[[], object]], list[str]]


@pytest.fixture
def operations(settings: Settings) -> Iterator[Operations]:
    """Let MongoDB note every operation on the services' database."""
    with MongoClient[Document](settings.mongo_uri.get_secret_value()) as client:
        database = client[settings.mongo_database]

        def during(call: Callable[[], object]) -> list[str]:
            database.command("profile", 0)
            database.drop_collection("system.profile")
            database.command("profile", 2)
            call()
            database.command("profile", 0)
            noted = database["system.profile"].find({"ns": {"$not": {"$regex": "system.profile|[$]cmd"}}})
            return [f"{one['op']} {one['ns'].partition('.')[2]}" for one in noted]

        yield during
        database.command("profile", 0)


@pytest.fixture
def elsewhere(settings: Settings) -> Iterator[Clients]:
    """The same services a second time, as another process would run them."""
    with registry.start(["all"], settings, enqueue=False) as platform:
        made = connect(platform)
        yield made
        for channel in made.channels.values():
            channel.close()


def test_each_call_that_makes_something_is_one_write(
    clients: Clients, operations: Operations, world: WorldRecord
) -> None:
    def create() -> CharacterRecord:
        return clients.characters.create(world.id, "Ada", {}, idempotency_key=new_key())

    character = create()
    data = picture()
    assert operations(create) == ["insert characters"]

    def uploaded(media_type: MediaType) -> str:
        announcement = Announcement(world.id, character.id, size=len(data), media_type=media_type)
        key = new_key()
        assert operations(lambda: announce(clients, announcement, key)) == ["insert media"]
        media_id, url, _ = announce(clients, announcement, key)
        put(url, data)
        assert operations(lambda: clients.media.confirm(media_id)) == ["update media"]
        return media_id

    post_image, avatar = uploaded(MediaType.POST_IMAGE), uploaded(MediaType.CHARACTER_AVATAR)

    def publish() -> object:
        return clients.posts.create_ai(
            character.id, "Hi", post_image, world.id, [], idempotency_key=new_key()
        )

    assert operations(publish) == ["insert posts"]
    assert operations(lambda: clients.characters.update(character.id, avatar_media_id=avatar)) == [
        "command characters"
    ]


def test_what_another_process_makes_and_confirms_is_seen(
    clients: Clients, elsewhere: Clients, world: WorldRecord
) -> None:
    data = picture()
    with pytest.raises(NotFoundError, match="character_id"):
        clients.posts.create_ai(UNKNOWN, "Hi", UNKNOWN, world.id, [], idempotency_key=new_key())
    character = elsewhere.characters.create(world.id, "Ada", {}, idempotency_key=new_key())
    announcement = Announcement(world.id, character.id, size=len(data), media_type=MediaType.POST_IMAGE)
    media_id, url, _ = announce(clients, announcement)

    def publish() -> str:
        return clients.posts.create_ai(
            character.id, "Hi", media_id, world.id, [], idempotency_key=new_key()
        ).post_id

    with pytest.raises(PermanentError, match="not confirmed"):
        publish()
    put(url, data)
    confirmed = elsewhere.media.confirm(media_id)
    assert clients.posts.get(publish(), world.id).character_id == character.id
    # The process that announced it knows of no confirmation, and finds the same picture.
    assert [(v.name, v.width) for v in clients.media.confirm(media_id)] == [
        (v.name, v.width) for v in confirmed
    ]


def test_a_key_that_was_used_is_known_before_what_the_call_refers_to(
    clients: Clients, world: WorldRecord, character: CharacterRecord, upload: Upload
) -> None:
    key = new_key()
    made = clients.characters.create(world.id, "Ada", {}, idempotency_key=key)
    with pytest.raises(ConflictError, match="idempotency-key"):
        clients.characters.create(UNKNOWN, "Ada", {}, idempotency_key=key)
    assert clients.characters.create(world.id, "Ada", {}, idempotency_key=key) == made
    media_id = upload(world.id, MediaType.POST_IMAGE, character.id)
    clients.posts.create_ai(character.id, "Hi", media_id, world.id, [], idempotency_key=key)
    with pytest.raises(ConflictError, match="idempotency-key"):
        clients.posts.create_ai(UNKNOWN, "Hi", media_id, world.id, [], idempotency_key=key)
