"""Finds the steps whose message must be published: those whose time has come, and those whose message or owner was lost.

`ready_at` is when a step's message should have been in its queue at the latest. The watermark of a queue is a moment
of which it is known that every message published until then was taken out (`watermarks.py`). A step that is pending,
ready since before its queue's watermark and not running has lost its message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from generia_worker.engine.step import Step, StepState
from generia_worker.engine.step_rows import StepRows
from generia_worker.storage.database import Database, Document

#: The owner's own renewal, late by so much, comes first.
_EXPIRED_MARGIN_MS = 1000
_EXPIRED = {"$expr": {"$lt": ["$lease_until", {"$subtract": ["$$NOW", _EXPIRED_MARGIN_MS]}]}}


@dataclass(frozen=True, slots=True)
class FoundStep:
    """A step that was found; `not_before` is set for one that was scheduled and is due."""

    world_id: str
    step: Step
    not_before: datetime | None = None

    @property
    def key(self) -> str:
        """The `_id` of the step's row."""
        return self.step.key(self.world_id)


class Recovery:
    """Queries over `generation_steps`. All of it may run twice, or on two machines."""

    def __init__(self, database: Database, rows: StepRows) -> None:
        self._rows = database.steps
        self._step_of = rows.step_of

    def due(self, limit: int) -> list[FoundStep]:
        """Return scheduled steps whose time has come, the longest waiting first."""
        query: Document = {
            "state": StepState.PENDING.value,
            # The type is what the index is about.
            "not_before": {"$type": "date"},
            "$expr": {"$lte": ["$not_before", "$$NOW"]},
        }
        return self._find(query, "not_before", limit)

    def dispatched(self, found: FoundStep) -> None:
        """Note that a scheduled step was published just now, unless it was scheduled again meanwhile."""
        self._rows.update_one(
            {"_id": found.key, "not_before": found.not_before, "state": StepState.PENDING.value},
            {"$set": {"not_before": None}, "$currentDate": {"ready_at": True}},
        )

    def mark_published(self, keys: Sequence[str]) -> None:
        """Note that messages for these steps are published now; those with a live owner stay as they are."""
        idle = [{"state": StepState.PENDING.value}, {"state": StepState.RUNNING.value} | _EXPIRED]
        self._rows.update_many(
            {"_id": {"$in": list(keys)}, "$or": idle}, {"$currentDate": {"ready_at": True}}
        )

    def lost(
        self, kinds: Sequence[str], before: datetime, limit: int, *, quarantined: bool = False
    ) -> list[FoundStep]:
        """Return steps that have been ready since before `before` and that are not running, by age.

        `before` is a moment of which it is known that every message published until then was taken from its queue.
        """
        query: Document = {
            "state": StepState.PENDING.value,
            "ready_at": {"$lt": before},
            "not_before": None,
            "kind": {"$in": list(kinds)},
            "quarantined": quarantined,
        }
        return self._find(query, "ready_at", limit)

    def orphaned(
        self, kinds: Sequence[str], before: datetime, limit: int, *, quarantined: bool = False
    ) -> list[FoundStep]:
        """Return steps whose owner let its lease run out a while ago, by age.

        One that was published again, and whose message may still wait in its queue (see `lost`), is left out.
        """
        query: Document = {
            "state": StepState.RUNNING.value,
            "kind": {"$in": list(kinds)},
            "quarantined": quarantined,
            "$or": [{"ready_at": None}, {"ready_at": {"$lt": before}}],
        }
        return self._find(query | _EXPIRED, "lease_until", limit)

    def has_orphans(self) -> bool:
        """True when the lease of some step has run out: cheap, and mostly False."""
        query: Document = {"state": StepState.RUNNING.value, "lease_until": {"$type": "date"}}
        return self._rows.find_one(query | _EXPIRED, {"_id": 1}) is not None

    def _find(self, query: Document, age: str, limit: int) -> list[FoundStep]:
        fields = {"world_id": 1, "kind": 1, "first": 1, "second": 1, "not_before": 1}
        rows = self._rows.find(query, fields).sort(age, 1).limit(limit)
        return [FoundStep(row["world_id"], self._step_of(row), row.get("not_before")) for row in rows]
