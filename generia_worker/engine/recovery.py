"""Finds the steps whose message must be published: those whose time has come, and those whose message or owner was lost.

A step's message should be in its queue from the moment at which its predecessor ended, or at which it was published
again (`ready_at`). The watermark of a queue is a moment of which it is known that every message published until then was
taken out (`watermarks.py`). A step that is pending, and should have had its message before its queue's watermark, has
lost it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from generia_worker.engine.step import FINAL_STATES, Step, StepState
from generia_worker.engine.step_rows import OF_STEP, StepRows
from generia_worker.storage.database import Database, Document

#: The owner's own renewal, late by so much, comes first.
_EXPIRED_MARGIN_MS = 1000
_FINAL = sorted(state.value for state in FINAL_STATES)
_FOUND = ("world_id", *OF_STEP, "not_before", "ready_at")
_LONG_AGO = datetime.fromtimestamp(0, UTC)
_EXPIRED = {"$expr": {"$lt": ["$lease_until", {"$subtract": ["$$NOW", _EXPIRED_MARGIN_MS]}]}}


@dataclass(frozen=True, slots=True)
class FoundStep:
    """A step that was found; `not_before` is set for one that was scheduled and is due.

    `ready_at` is when it was published again before, or None.
    """

    world_id: str
    step: Step
    not_before: datetime | None = None
    ready_at: datetime | None = None

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

    def to_publish(self, found: Sequence[FoundStep]) -> list[FoundStep]:
        """Note that these steps are published now, and return those that are still to be.

        Not one that has a live owner meanwhile, or that somebody else who found it publishes. One whose message is lost once
        more, also before it was sent, is found again.
        """
        idle = [{"state": StepState.PENDING.value}, {"state": StepState.RUNNING.value} | _EXPIRED]
        return [
            one
            for one in found
            if self._rows.update_one(
                {"_id": one.key, "ready_at": one.ready_at, "$or": idle}, {"$currentDate": {"ready_at": True}}
            ).modified_count
        ]

    def lost(
        self,
        kinds: Sequence[str],
        before: datetime,
        limit: int,
        *,
        worlds: Sequence[str] | None = None,
        quarantined: bool = False,
    ) -> list[FoundStep]:
        """Return steps whose message should have been in their queue before `before`, and that are not running, by age.

        `before` is a moment of which it is known that every message published until then was taken from its queue. Of steps
        that were published by their predecessor alone only those of `worlds` (None: of all) are looked at: that reads each
        step of them that waits, whatever it waits for.
        """
        waiting: Document = {
            "state": StepState.PENDING.value,
            "not_before": None,
            "kind": {"$in": list(kinds)},
            "quarantined": quarantined,
        }
        found = self._find(waiting | {"ready_at": {"$lt": before}}, "ready_at", limit)
        if worlds is not None:
            waiting |= {"world_id": {"$in": list(worlds)}}
        return found + self._never_published(waiting, before, limit - len(found))

    def _never_published(self, waiting: Document, before: datetime, limit: int) -> list[FoundStep]:
        """Return steps whose predecessor ended before `before`, and which nobody published apart from that, by age."""
        hint = "sums" if "world_id" in waiting else "waiting"
        ended = {"state": {"$in": _FINAL}, "finished_at": {"$lt": before}}
        fields = dict.fromkeys(_FOUND, 1)
        pipeline: list[Document] = [
            {"$match": waiting | {"ready_at": None}},
            {
                "$lookup": {
                    "from": self._rows.name,
                    "localField": "after",
                    "foreignField": "_id",
                    "pipeline": [{"$match": ended}, {"$project": {"_id": 0, "finished_at": 1}}],
                    "as": "ended",
                }
            },
            {"$match": {"ended": {"$ne": []}}},
            {"$sort": {"ended.finished_at": 1, "_id": 1}},
            {"$limit": limit},
            {"$project": fields},
        ]
        return [self._found(row) for row in self._rows.aggregate(pipeline, hint=hint)] if limit > 0 else []

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

    def expire_dead(self, is_dead: Callable[[str], bool]) -> int:
        """End the leases of owners that are known to be dead: their steps are orphans from now on. Returns how many.

        Each counts as taken over when it is claimed again, as if its lease had run out: that is how a step that kills its
        workers is found.
        """
        running: Document = {"state": StepState.RUNNING.value}
        # Answered out of the index alone; without the hint MongoDB reads the full collection for this.
        owners = {row["owner"] for row in self._rows.find(running, {"owner": 1, "_id": 0}).hint("owner")}
        dead = [owner for owner in owners if is_dead(owner)]
        if not dead:
            return 0
        theirs = running | {"owner": {"$in": dead}, "$expr": {"$gt": ["$lease_until", "$$NOW"]}}
        # Also `ready_at`: the message went with its worker, so that no watermark need be awaited.
        over = {"$set": {"lease_until": _LONG_AGO, "ready_at": _LONG_AGO}}
        return self._rows.update_many(theirs, over).modified_count

    def _find(self, query: Document, age: str, limit: int) -> list[FoundStep]:
        rows = self._rows.find(query, dict.fromkeys(_FOUND, 1)).sort(age, 1).limit(limit) if limit > 0 else ()
        return [self._found(row) for row in rows]

    def _found(self, row: Document) -> FoundStep:
        return FoundStep(row["world_id"], self._step_of(row), row.get("not_before"), row.get("ready_at"))
