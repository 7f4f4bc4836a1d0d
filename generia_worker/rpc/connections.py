"""Clients of all four services of one process: one channel each, made together, closed together."""

from __future__ import annotations

from dataclasses import dataclass

import grpc

from generia_worker.rpc.channel import open_channel
from generia_worker.rpc.character_client import CharacterClient
from generia_worker.rpc.media_client import MediaClient
from generia_worker.rpc.post_client import PostClient
from generia_worker.rpc.world_client import WorldClient


@dataclass(frozen=True, slots=True)
class Connections:
    """A client of each service; they may be used from several threads."""

    worlds: WorldClient
    characters: CharacterClient
    posts: PostClient
    media: MediaClient
    channels: tuple[grpc.Channel, grpc.Channel, grpc.Channel, grpc.Channel]

    def close(self) -> None:
        """Close the channels."""
        for channel in self.channels:
            channel.close()

    def with_timeout(self, timeout_s: float) -> Connections:
        """Return clients over the same channels that wait for `timeout_s` at most."""
        return _over(self.channels, timeout_s)


def connect(*, world: str, character: str, post: str, media: str, timeout_s: float) -> Connections:
    """Return clients of the services at these addresses (`host:port`). They connect with their first calls."""
    channels = (open_channel(world), open_channel(character), open_channel(post), open_channel(media))
    return _over(channels, timeout_s)


def _over(
    channels: tuple[grpc.Channel, grpc.Channel, grpc.Channel, grpc.Channel], timeout_s: float
) -> Connections:
    world, character, post, media = channels
    return Connections(
        WorldClient(world, timeout_s),
        CharacterClient(character, timeout_s),
        PostClient(post, timeout_s),
        MediaClient(media, timeout_s),
        channels,
    )
