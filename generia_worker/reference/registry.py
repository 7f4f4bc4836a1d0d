"""All reference services by their names: any of them in one process."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from generia_worker.errors import ConfigurationError
from generia_worker.reference.character.character_service import CharacterService
from generia_worker.reference.interaction.interaction_service import InteractionService
from generia_worker.reference.media.media_service import MediaService
from generia_worker.reference.post.post_service import PostService
from generia_worker.reference.shared import server
from generia_worker.reference.shared.server import START_S, RunningServices, ServiceFactory
from generia_worker.reference.world.world_service import WorldService
from generia_worker.settings import Settings

_SERVICES = {
    service.name: service
    for service in (WorldService, CharacterService, PostService, MediaService, InteractionService)
}
NAMES = tuple(_SERVICES)


def start(
    names: Sequence[str], settings: Settings, *, enqueue: bool = True, patience_s: float = START_S
) -> RunningServices:
    """Start the named services (`all`: every one) in this process and return them running.

    Without `enqueue` the world service orders no generation of new worlds.

    Raises:
        ConfigurationError: a name is unknown, or what `server.start` raises it for.
    """
    return server.start(_factories(names, enqueue=enqueue), settings, patience_s=patience_s)


def run(names: Sequence[str], settings: Settings) -> None:
    """Serve the named services until SIGTERM or SIGINT, then drain. Raises what `start` raises."""
    server.run(_factories(names, enqueue=True), settings)


def _factories(names: Sequence[str], *, enqueue: bool) -> list[ServiceFactory]:
    wanted = list(dict.fromkeys(NAMES if "all" in names else names))
    unknown = [name for name in wanted if name not in NAMES]
    if unknown or not wanted:
        raise ConfigurationError(
            f"Services are {', '.join(NAMES)} or all, not {', '.join(unknown) or '(none)'}."
        )
    factories: dict[str, ServiceFactory] = {**_SERVICES, "world": partial(WorldService, enqueue=enqueue)}
    return [factories[name] for name in wanted]
