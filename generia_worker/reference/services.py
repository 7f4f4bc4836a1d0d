"""All reference services by their names: any of them in one process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from generia_worker.errors import ConfigurationError
from generia_worker.reference import server
from generia_worker.reference.character import character_service as characters
from generia_worker.reference.media import media_service as media
from generia_worker.reference.post import post_service as posts
from generia_worker.reference.server import START_S, Platform, Register
from generia_worker.reference.world import world_service as worlds
from generia_worker.settings import Settings

REGISTER: Mapping[str, Register] = {
    "world": worlds.register,
    "character": characters.register,
    "post": posts.register,
    "media": media.register,
}
SERVICES = tuple(REGISTER)


def start(
    names: Sequence[str], settings: Settings, *, enqueue: bool = True, patience_s: float = START_S
) -> Platform:
    """Start the named services (`all`: every one). Raises ConfigurationError: a name is unknown, or as `server.start`."""
    return server.start(_chosen(names), settings, enqueue=enqueue, patience_s=patience_s)


def run(names: Sequence[str], settings: Settings) -> None:
    """Serve the named services until SIGTERM or SIGINT, then drain. Raises what `start` raises."""
    server.run(_chosen(names), settings)


def _chosen(names: Sequence[str]) -> dict[str, Register]:
    wanted = list(dict.fromkeys(SERVICES if "all" in names else names))
    unknown = [name for name in wanted if name not in SERVICES]
    if unknown or not wanted:
        raise ConfigurationError(
            f"Services are {', '.join(SERVICES)} or all, not {', '.join(unknown) or '(none)'}."
        )
    return {name: REGISTER[name] for name in wanted}
