"""The services, running over a real MongoDB and a real S3 server; no pipeline behind them."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import grpc
import pytest
import requests
from PIL import Image

from generia_worker.reference import registry
from generia_worker.reference.shared.server import RunningServices
from generia_worker.rpc.channel import open_channel
from generia_worker.rpc.character_client import CharacterClient, CharacterRecord
from generia_worker.rpc.interaction_client import InteractionClient
from generia_worker.rpc.media_client import MediaClient
from generia_worker.rpc.media_types import MediaType
from generia_worker.rpc.post_client import PostClient
from generia_worker.rpc.world_client import WorldClient, WorldRecord
from generia_worker.settings import Settings

PROMPT = "A city of clockmakers under the sea"
NOWHERE = "127.0.0.1:1"


def settings_of_services(servers: Settings) -> Settings:
    """Settings of the services: any free port each, a database of their own."""
    anywhere = {f"{name}_service": "127.0.0.1:0" for name in registry.NAMES}
    return servers.model_copy(
        update={"mongo_database": "platform_tests", "image_max_bytes": 2_000_000, **anywhere}
    )


@pytest.fixture(scope="session")
def settings(servers: Settings) -> Settings:
    """Settings of the services."""
    return settings_of_services(servers)


@dataclass(frozen=True)
class Clients:
    """A client and a bare channel a service."""

    worlds: WorldClient
    characters: CharacterClient
    posts: PostClient
    media: MediaClient
    interactions: InteractionClient
    channels: dict[str, grpc.Channel]


def connect(running: RunningServices, timeout_s: float = 20) -> Clients:
    """Return clients of running services."""
    channels = {name: open_channel(address) for name, address in running.addresses.items()}
    return Clients(
        WorldClient(channels["world"], timeout_s),
        CharacterClient(channels["character"], timeout_s),
        PostClient(channels["post"], timeout_s),
        MediaClient(channels["media"], timeout_s),
        InteractionClient(channels["interaction"], timeout_s),
        channels,
    )


@pytest.fixture(scope="session")
def clients(settings: Settings) -> Iterator[Clients]:
    """Clients of services that run for the whole session and order no generation."""
    with registry.start(["all"], settings, enqueue=False) as platform:
        made = connect(platform)
        yield made
        for channel in made.channels.values():
            channel.close()


@pytest.fixture
def world(clients: Clients) -> WorldRecord:
    """A new world."""
    return clients.worlds.create("user-1", "Tiefwerk", "", PROMPT, 3, 5)


@pytest.fixture
def character(clients: Clients, world: WorldRecord) -> CharacterRecord:
    """A new AI character of it."""
    return clients.characters.create(world.id, "Ada", {"bio": "x"}, idempotency_key=new_key())


def new_key() -> str:
    """Return an idempotency key that was never used."""
    return f"test/{uuid.uuid4()}"


def picture(kind: str = "PNG", size: tuple[int, int] = (320, 200), color: str = "teal") -> bytes:
    """Return an encoded picture."""
    target = io.BytesIO()
    Image.new("RGB", size, color).save(target, format=kind)
    return target.getvalue()


Upload = Callable[..., str]


@pytest.fixture
def upload(clients: Clients) -> Upload:
    """Announce, upload and (unless told otherwise) confirm a picture; returns its media id."""

    def run(
        world_id: str,
        media_type: MediaType,
        character_id: str = "",
        *,
        data: bytes | None = None,
        confirm: bool = True,
    ) -> str:
        data = picture() if data is None else data
        ticket = clients.media.presign_upload(
            world_id,
            character_id,
            "a.png",
            "image/png",
            len(data),
            media_type,
            idempotency_key=new_key(),
        )
        put(ticket.upload_url, data)
        if confirm:
            clients.media.confirm(ticket.media_id)
        return ticket.media_id

    return run


def put(url: str, data: bytes, content_type: str = "image/png") -> None:
    """Upload to a signed URL."""
    reply = requests.put(url, data=data, headers={"Content-Type": content_type}, timeout=10)
    assert reply.status_code == 200, reply.text
