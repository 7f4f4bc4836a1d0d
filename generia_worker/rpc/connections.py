"""Clients of all four services of one process: one channel each, made together, closed together."""

from __future__ import annotations

from dataclasses import dataclass

import grpc

from generia_worker.rpc.channel import open_channel
from generia_worker.rpc.character_client import CharacterClient
from generia_worker.rpc.media_client import MediaClient
from generia_worker.rpc.post_client import PostClient
from generia_worker.rpc.world_client import WorldClient
from generia_worker.settings import Settings


@dataclass(frozen=True, slots=True)
class Connections:
    """A client of each service; they may be used from several threads."""

    worlds: WorldClient
    characters: CharacterClient
    posts: PostClient
    media: MediaClient
    channels: tuple[grpc.Channel, ...]

    def close(self) -> None:
        """Close the channels."""
        for channel in self.channels:
            channel.close()

    def with_timeout(self, timeout_s: float) -> Connections:
        """Return clients over the same channels that wait for `timeout_s` at most."""
        worlds, characters, posts, media = self.channels
        return Connections(
            WorldClient(worlds, timeout_s),
            CharacterClient(characters, timeout_s),
            PostClient(posts, timeout_s),
            MediaClient(media, timeout_s),
            self.channels,
        )


def connect(settings: Settings) -> Connections:
    """Return clients of the services that the settings name. They connect with their first calls."""
    world, character, post, media = (
        open_channel(address)
        for address in (
            settings.world_service,
            settings.character_service,
            settings.post_service,
            settings.media_service,
        )
    )
    timeout_s = settings.rpc_timeout_s
    return Connections(
        WorldClient(world, timeout_s),
        CharacterClient(character, timeout_s),
        PostClient(post, timeout_s),
        MediaClient(media, timeout_s),
        (world, character, post, media),
    )
