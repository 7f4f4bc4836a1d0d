"""Refreshing a world: the engine does what the world's steps ask for, the status tells what came of it, in one
transaction."""

from __future__ import annotations

import time

from pymongo.client_session import ClientSession

from generia_worker.engine.generations import Generations
from generia_worker.engine.ledger import Ledger
from generia_worker.engine.step_rows import StepRows
from generia_worker.observability import metrics
from generia_worker.status.projection import Projected, StatusProjection
from generia_worker.status.stages import Progress
from generia_worker.storage.database import Database


class StatusRefresh:
    """What the progress task does for one world."""

    def __init__(
        self,
        database: Database,
        generations: Generations,
        rows: StepRows,
        ledger: Ledger,
        projection: StatusProjection,
    ) -> None:
        self._database = database
        self._generations = generations
        self._step_rows = rows
        self._ledger = ledger
        self._projection = projection

    def refresh(self, world_id: str) -> Progress:
        """Cancel what is pending of a cancelled world, write the status, make ready what comes after ended steps, and close
        a world that has ended. Raises NotFoundError."""
        begun = time.perf_counter()
        found = self._database.transaction(lambda session: self._refresh(world_id, session))
        metrics.projected(found.changed, time.perf_counter() - begun)
        return found.progress

    def _refresh(self, world_id: str, session: ClientSession) -> Projected:
        generation = self._generations.get(world_id, session)
        if generation.cancelled:
            self._ledger.cancel_pending(world_id, session)
        found = self._projection.project(generation, session)
        if found.ended:
            self._step_rows.mark_ready(found.ended, session)
        if found.changed and found.progress.status.is_final:
            self._generations.close(world_id, session)
        return found
