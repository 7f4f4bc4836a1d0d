"""Refreshing a world: the engine cancels and closes what is to be, the status tells what came of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from generia_worker.engine.generations import Generations
from generia_worker.engine.ledger import Ledger
from generia_worker.errors import NotFoundError
from generia_worker.observability import metrics
from generia_worker.status.projection import Projected, StatusProjection
from generia_worker.status.stages import Progress
from generia_worker.storage.database import Database, is_transient

log = logging.getLogger(__name__)


class StatusRefresh:
    """What the progress task does for one world."""

    def __init__(
        self, database: Database, generations: Generations, ledger: Ledger, projection: StatusProjection
    ) -> None:
        self._database = database
        self._generations = generations
        self._ledger = ledger
        self._projection = projection

    def refresh(self, world_id: str) -> Progress:
        """Write the status, cancel what is pending of a cancelled world, and close one that has ended.

        Raises NotFoundError.
        """
        begun = time.perf_counter()
        progress, changed = self._follow_up(self._projection.project(world_id))
        metrics.projected(changed, time.perf_counter() - begun)
        return progress

    def refresh_many(self, world_ids: Sequence[str]) -> dict[str, Progress]:
        """Refresh worlds together, which costs little more than one of them: world → its progress.

        What is wrong with one of them is logged and left to the sweep, and concerns no other. Raises PyMongoError when
        MongoDB fails again and again.
        """
        begun = time.perf_counter()
        found: dict[str, Projected] = {}
        if len(world_ids) > 1:
            with _logged("%d worlds are refreshed one by one.", len(world_ids)):
                found = self._projection.project_many(world_ids)
        each_s = (time.perf_counter() - begun) / max(len(world_ids), 1)
        refreshed: dict[str, Progress] = {}
        for world_id in world_ids:
            with _logged("The status of %s is left to the sweep.", world_id):
                if world_id in found:
                    refreshed[world_id], changed = self._follow_up(found[world_id])
                    metrics.projected(changed, each_s)
                else:
                    refreshed[world_id] = self.refresh(world_id)
        return refreshed

    def _follow_up(self, found: Projected) -> tuple[Progress, bool]:
        """Do what a status calls for; return the progress after that, and whether its document changed."""
        world_id = found.generation.world_id
        if found.generation.cancelled and not found.progress.status.is_final:
            self._database.transaction(lambda session: self._cancel(world_id, session))
            found = self._projection.project(world_id)
        if found.progress.status.is_final:
            self._generations.close(found.generation)
        return found.progress, found.changed

    def _cancel(self, world_id: str, session: ClientSession) -> None:
        """Cancel what is pending, unless the world was resumed just now: a resume and this exclude each other."""
        if self._generations.get(world_id, session).cancelled:
            self._ledger.cancel_pending(world_id, session)


@contextmanager
def _logged(message: str, *arguments: object) -> Iterator[None]:
    """Log what goes wrong in the block and go on after it, unless it is MongoDB that fails: so it would for the others."""
    try:
        yield
    except Exception as error:
        if isinstance(error, PyMongoError) and is_transient(error):
            raise
        log.warning(message, *arguments, exc_info=not isinstance(error, NotFoundError))
