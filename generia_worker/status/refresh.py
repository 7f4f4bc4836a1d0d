"""Refreshing a world: the engine cancels and closes what is to be, the status tells what came of it."""

from __future__ import annotations

import time

from pymongo.client_session import ClientSession

from generia_worker.engine.generations import Generations
from generia_worker.engine.ledger import Ledger
from generia_worker.observability import metrics
from generia_worker.status.projection import StatusProjection
from generia_worker.status.stages import Progress
from generia_worker.storage.database import Database


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
        found = self._projection.project(world_id)
        if found.generation.cancelled and not found.progress.status.is_final:
            self._database.transaction(lambda session: self._cancel(world_id, session))
            found = self._projection.project(world_id)
        if found.progress.status.is_final:
            self._generations.close(found.generation)
        metrics.projected(found.changed, time.perf_counter() - begun)
        return found.progress

    def _cancel(self, world_id: str, session: ClientSession) -> None:
        """Cancel what is pending, unless the world was resumed just now: a resume and this exclude each other."""
        if self._generations.get(world_id, session).cancelled:
            self._ledger.cancel_pending(world_id, session)
