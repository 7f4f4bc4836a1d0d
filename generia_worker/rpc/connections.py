"""Clients of the services of one process: one channel each, made together, closed together."""

from __future__ import annotations

from dataclasses import dataclass

import grpc

from generia_worker.errors import UnimplementedError
from generia_worker.rpc.channel import open_channel
from generia_worker.rpc.character_client import CharacterClient, CharacterPage
from generia_worker.rpc.interaction_client import InteractionClient
from generia_worker.rpc.media_client import MediaClient
from generia_worker.rpc.post_client import PostClient
from generia_worker.rpc.wire import PAGE_MAX
from generia_worker.rpc.world_client import WorldClient

#: Pages of posts that are looked through for their authors; a world that was just made has three.
_PAGES_MAX = 50
#: Of the world, character, post and media service, and of the interaction service where there is one.
_Channels = tuple[grpc.Channel, ...]


@dataclass(frozen=True, slots=True)
class Connections:
    """A client of each service; they may be used from several threads. `interactions` is None where there is none."""

    worlds: WorldClient
    characters: CharacterClient
    posts: PostClient
    media: MediaClient
    interactions: InteractionClient | None
    channels: _Channels

    def close(self) -> None:
        """Close the channels."""
        for channel in self.channels:
            channel.close()

    def characters_of_world(self, world_id: str, limit: int, offset: int = 0) -> CharacterPage:
        """Return a page of the characters of a world; where a service does not list them, of those that have posted.

        Raises NotFoundError, TransientError.
        """
        try:
            return self.characters.list_in_world(world_id, limit, offset)
        except UnimplementedError:
            authors = self._authors(world_id)
            page = authors[offset : offset + limit]
            return CharacterPage(tuple(self.characters.get(one) for one in page), len(authors))

    def _authors(self, world_id: str) -> list[str]:
        """Return the ids of who has posted, by their first posts."""
        # Newest first, so that what is put in last is what a character wrote first.
        found: dict[str, None] = {}
        cursor = ""
        for _ in range(_PAGES_MAX):
            page = self.posts.feed(world_id, PAGE_MAX, cursor)
            for post in page.posts:
                found.pop(post.character_id, None)
                found[post.character_id] = None
            cursor = page.next_cursor
            if not cursor:
                break
        return list(reversed(found))

    def with_timeout(self, timeout_s: float) -> Connections:
        """Return clients over the same channels that wait for `timeout_s` at most."""
        return _over(self.channels, timeout_s)


def connect(
    *,
    world: str,
    character: str,
    post: str,
    media: str,
    interaction: str = "",
    timeout_s: float,
    token: str = "",
) -> Connections:
    """Return clients of the services at these addresses (`host:port`). They connect with their first calls.

    An empty `interaction`: there is no such service. `token` is what the services ask for, empty: nothing.
    """
    channels = (
        open_channel(world, token),
        open_channel(character, token),
        open_channel(post, token),
        open_channel(media, token),
        *([open_channel(interaction, token)] if interaction else []),
    )
    return _over(channels, timeout_s)


def _over(channels: _Channels, timeout_s: float) -> Connections:
    world, character, post, media, *interaction = channels
    return Connections(
        WorldClient(world, timeout_s),
        CharacterClient(character, timeout_s),
        PostClient(post, timeout_s),
        MediaClient(media, timeout_s),
        InteractionClient(interaction[0], timeout_s) if interaction else None,
        channels,
    )
