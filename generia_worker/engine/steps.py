"""The steps of every world as they lie in the ledger: their shape, their results, and where their messages should be."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from cachetools import LRUCache, TTLCache
from pymongo import UpdateOne
from pymongo.client_session import ClientSession

from generia_worker.engine.step import (
    INITIALIZE,
    Step,
    StepKind,
    StepState,
    predecessor,
)
from generia_worker.status.stages import Census
from generia_worker.storage.cache import Kept
from generia_worker.storage.database import Database, Document, unsettled_worlds

#: Casting steps whose results a process keeps: some ten kilobytes each.
_CASTS_KEPT = 500
#: How old the names of a world's people may be that a text is told, and of how many worlds a process keeps them.
_NAMES_S, _NAMES_KEPT = 2.0, 500
#: The owner's own renewal, late by so much, comes first.
_ORPHAN_MARGIN_MS = 1000
EXPIRED = {"$expr": {"$lt": ["$lease_until", {"$subtract": ["$$NOW", _ORPHAN_MARGIN_MS]}]}}


class Steps:
    """The collection `generation_steps`; `_id` is `{world_id}/{step}`."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._rows = database.steps
        names: TTLCache[str, dict[Step, dict[str, Any]]] = TTLCache(_NAMES_KEPT, _NAMES_S, timer=clock)
        self._names_known = Kept(names, lambda _: True)
        casts: LRUCache[str, dict[str, Any] | None] = LRUCache(_CASTS_KEPT)
        self._casts = Kept(casts, lambda made: made is not None)

    # --- the shape of a world ----------------------------------------------------------------------------------
    def add(
        self, world_id: str, steps: Iterable[Step], batches: int, session: ClientSession | None = None
    ) -> None:
        """Insert steps of a world that is cast in `batches` as pending; those that exist stay as they are."""
        world = set(steps)
        writes = [
            UpdateOne(
                {"_id": step.key(world_id)},
                {"$setOnInsert": new_row(world_id, step, predecessor(step, batches, world))},
                upsert=True,
            )
            for step in world
        ]
        if writes:
            self._rows.bulk_write(writes, ordered=False, session=session)

    def states(self, world_id: str, session: ClientSession | None = None) -> dict[Step, StepState]:
        """Return every step of a world with its state."""
        rows = self._rows.find({"world_id": world_id}, {"step": 1, "state": 1}, session=session)
        return {Step.parse(row["step"]): StepState(row["state"]) for row in rows}

    def census(self, world_id: str, session: ClientSession | None = None) -> Census:
        """Count the steps of a world by kind and state."""
        pipeline: list[Document] = [
            {"$match": {"world_id": world_id}},
            {"$group": {"_id": {"kind": "$kind", "state": "$state"}, "n": {"$sum": 1}}},
        ]
        return {
            (StepKind(group["_id"]["kind"]), StepState(group["_id"]["state"])): group["n"]
            for group in self._rows.aggregate(pipeline, session=session)
        }

    def result(self, world_id: str, step: Step) -> dict[str, Any] | None:
        """Return what a step has made, or None when it is not done."""
        return self.made(world_id, step).get(step)

    def made(self, world_id: str, *steps: Step) -> dict[Step, dict[str, Any]]:
        """Return what those of these steps that are done have made."""
        keys = [step.key(world_id) for step in steps]
        rows = self._rows.find(
            {"_id": {"$in": keys}, "state": StepState.DONE.value}, {"step": 1, "result": 1}
        )
        return {Step.parse(row["step"]): row["result"] for row in rows}

    def cast(self, world_id: str, batches: int) -> list[dict[str, Any]]:
        """Return what those of a world's casting steps that are done have made, in order.

        They are kept in memory: every later step asks for them, and what a casting step made never changes.
        """
        keys = [Step(StepKind.CAST, batch).key(world_id) for batch in range(batches)]
        return [made for key in keys if (made := self._casts.get(key, self._made_under)) is not None]

    def _made_under(self, key: str) -> dict[str, Any] | None:
        row = self._rows.find_one({"_id": key, "state": StepState.DONE.value}, {"result": 1})
        return row["result"] if row else None

    def results(
        self, world_id: str, kind: StepKind, *, first: int | None = None, fields: Sequence[str] = ()
    ) -> dict[Step, dict[str, Any]]:
        """Return what the done steps of a kind have made, in order: of one character when `first` is given, and only
        some `fields` of it when they are named."""
        query: Document = {"world_id": world_id, "kind": kind.value, "state": StepState.DONE.value}
        if first is not None:
            query["first"] = first
        wanted = [f"result.{name}" for name in fields] or ["result"]
        rows = self._rows.find(query, {"step": 1, **dict.fromkeys(wanted, 1)})
        found = {Step.parse(row["step"]): row["result"] for row in rows}
        return {step: found[step] for step in sorted(found)}

    def names(self, world_id: str) -> dict[Step, dict[str, Any]]:
        """Return the names of a world's characters that exist, as they were at most two seconds ago: by step, with
        `display_name` and `username`. Every text asks for them."""
        return self._names_known.get(world_id, self._read_names)

    def _read_names(self, world_id: str) -> dict[Step, dict[str, Any]]:
        fields = ("detail.display_name", "detail.username")
        return {
            step: made["detail"]
            for step, made in self.results(world_id, StepKind.CHARACTER, fields=fields).items()
        }

    def posts_settled(self, world_id: str, after: int, until: int) -> list[tuple[int, str]]:
        """Return the posts that appeared (or were made anew) with a revision of the status above `after`, up to `until`:
        (revision, post id), in their order."""
        query: Document = {
            "world_id": world_id,
            "kind": StepKind.PICTURE.value,
            "state": StepState.DONE.value,
            # Counted as made: one that was settled while it was worked on, and has been committed since, comes later.
            "settled.posts_created": 1,
            "settled_revision": {"$gt": after, "$lte": until},
        }
        rows = self._rows.find(query, {"settled_revision": 1, "result.post_id": 1})
        rows = rows.sort([("settled_revision", 1), ("finished_at", 1)])
        return [(row["settled_revision"], row["result"]["post_id"]) for row in rows]

    def failures(self, world_id: str, limit: int = 1000) -> list[dict[str, Any]]:
        """Return the failed and skipped steps of a world with their reasons, the failed ones first."""
        states = [StepState.FAILED.value, StepState.SKIPPED.value]
        rows = self._rows.find(
            {"world_id": world_id, "state": {"$in": states}},
            {"step": 1, "state": 1, "failure": 1, "attempts": 1},
        )
        rows = rows.sort([("state", 1), ("_id", 1)]).limit(limit)
        return [
            {
                "step": row["step"],
                "state": row["state"],
                "attempts": row["attempts"],
                **(row["failure"] or {}),
            }
            for row in rows
        ]

    def unsettled_worlds(self) -> set[str]:
        """Return the ids of the worlds with steps that no settling has counted yet."""
        return unsettled_worlds(self._rows)

    # --- what should be in a queue -----------------------------------------------------------------------------
    def mark_ready(self, ended: Sequence[str], session: ClientSession | None = None) -> None:
        """Note that the steps after those with the keys `ended` may start now: their messages should be under way."""
        waiting = {"after": {"$in": list(ended)}, "state": StepState.PENDING.value, "ready_at": None}
        self._rows.update_many(waiting, {"$currentDate": {"ready_at": True}}, session=session)

    def mark_published(self, keys: Sequence[str]) -> None:
        """Note that messages for these steps were published just now."""
        nobody = [{"state": StepState.PENDING.value}, {"state": StepState.RUNNING.value} | EXPIRED]
        self._rows.update_many(
            {"_id": {"$in": list(keys)}, "$or": nobody}, {"$currentDate": {"ready_at": True}}
        )

    def lost(
        self, kinds: Sequence[StepKind], before: datetime, limit: int, *, quarantined: bool = False
    ) -> list[tuple[str, Step]]:
        """Return steps that have been ready since before `before` and that nobody works on: (world, step), by age.

        `before` is a moment of which it is known that every message published until then was taken from its queue.
        """
        query: Document = {
            "state": StepState.PENDING.value,
            "ready_at": {"$lt": before},
            "kind": {"$in": [kind.value for kind in kinds]},
            "quarantined": quarantined,
        }
        return self._names(query, "ready_at", limit)

    def orphaned(
        self, kinds: Sequence[StepKind], before: datetime, limit: int, *, quarantined: bool = False
    ) -> list[tuple[str, Step]]:
        """Return steps whose owner let its lease run out a while ago: (world, step), by age.

        One that was published again, and whose message may still wait in its queue (see `lost`), is left out.
        """
        query: Document = {
            "state": StepState.RUNNING.value,
            "kind": {"$in": [kind.value for kind in kinds]},
            "quarantined": quarantined,
            "$or": [{"ready_at": None}, {"ready_at": {"$lt": before}}],
        }
        return self._names(query | EXPIRED, "lease_until", limit)

    def _names(self, query: Document, age: str, limit: int) -> list[tuple[str, Step]]:
        rows = self._rows.find(query, {"world_id": 1, "step": 1}).sort(age, 1).limit(limit)
        return [(row["world_id"], Step.parse(row["step"])) for row in rows]


def new_row(world_id: str, step: Step, before: Step | None) -> Document:
    """A step as it is inserted; `_id` comes from the upsert's filter.

    `after` is the key of the step that must end first, `ready_at` when that was seen (by settling): from then on the
    step's message should be in a queue.
    """
    return {
        "after": before.key(world_id) if before else None,
        "ready_at": datetime.now(UTC) if step == INITIALIZE else None,
        "world_id": world_id,
        "step": step.name,
        "kind": step.kind.value,
        "first": step.first,
        "second": step.second,
        "state": StepState.PENDING.value,
        "owner": None,
        "fence": 0,
        "lease_until": None,
        "attempts": 0,
        "attempts_before": 0,
        "takeovers": 0,
        "quarantined": False,
        "outage_since": None,
        "edition": 1,
        "checkpoints": {},
        "result": None,
        "failure": None,
        "contribution": {},
        "settled": {},
        "unsettled": True,
        "settled_revision": 0,
    }
