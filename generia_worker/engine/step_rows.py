"""The rows of the ledger: what a step's row holds, and what a world's rows say together.

Collection `generation_steps`; `_id` is `{world_id}/{step}`. What changes a row is in `ledger.py`, who finds rows that were
lost in `recovery.py`, who reads results in `results.py`.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from pymongo import UpdateOne
from pymongo.client_session import ClientSession

from generia_worker.engine.specs import StepSpec, StepTable
from generia_worker.engine.step import Census, Step, StepState
from generia_worker.storage.database import Database, Document

#: The fields of a row that say which step it is.
OF_STEP = ("kind", "first", "second", "round")


class StepRows:
    """Inserts the steps of worlds, and tells their states."""

    def __init__(self, database: Database, table: StepTable) -> None:
        self.table = table
        self._rows = database.steps

    def step_of(self, row: Document) -> Step:
        """Return the step of a row that has the fields `OF_STEP`, the last of them only in later rounds."""
        indexes = (row[name] for name in ("first", "second") if row[name] is not None)
        return self.table[row["kind"]].step(*indexes, in_round=row.get("round", 1))

    def add(
        self,
        world_id: str,
        steps: Iterable[Step],
        batches: int,
        session: ClientSession | None = None,
        *,
        in_round: int = 1,
        checkpoints: Document | None = None,
    ) -> None:
        """Insert steps of a round that is cast in `batches` as pending, with these checkpoints; those that exist stay as
        they are."""
        world = set(steps)
        before = {step: self.table.predecessor(step, batches, world, in_round) for step in world}
        writes = [
            UpdateOne(
                {"_id": step.key(world_id)},
                {
                    "$setOnInsert": self._new(world_id, step, before[step], world)
                    | {"checkpoints": checkpoints or {}}
                },
                upsert=True,
            )
            for step in world
        ]
        if writes:
            self._rows.bulk_write(writes, ordered=False, session=session)

    def states(self, world_id: str, session: ClientSession | None = None) -> dict[Step, StepState]:
        """Return every step of a world with its state."""
        fields = dict.fromkeys((*OF_STEP, "state"), 1)
        rows = self._rows.find({"world_id": world_id}, fields, session=session)
        return {self.step_of(row): StepState(row["state"]) for row in rows}

    def census(self, world_id: str) -> Census:
        """Count the steps of a world by kind and state; answered by an index alone."""
        return self.censuses([world_id])[world_id]

    def censuses(self, world_ids: Sequence[str]) -> Mapping[str, Census]:
        """Count the steps of each of these worlds, as `census` does, by one query."""
        pipeline: list[Document] = [
            {"$match": {"world_id": {"$in": list(world_ids)}}},
            {
                "$group": {
                    "_id": {"world": "$world_id", "kind": "$kind", "state": "$state"},
                    "n": {"$sum": 1},
                }
            },
        ]
        found: dict[str, dict[tuple[str, StepState], int]] = {world_id: {} for world_id in world_ids}
        for group in self._rows.aggregate(pipeline):
            of = group["_id"]
            found[of["world"]][of["kind"], StepState(of["state"])] = group["n"]
        return found

    def open_waiting(self, world_id: str, spec: StepSpec[Any]) -> list[Step]:
        """Note that the steps of a kind which `waits_for` others are published now, if these have all ended; return them.

        Each is returned once, whoever asks how often. One whose message is lost afterwards is found by `Recovery`.
        """
        of_world: Document = {"world_id": world_id}
        if self._has_live(of_world, spec.waits_for):
            return []
        waiting = {"kind": spec.kind, "state": StepState.PENDING.value, "ready_at": None, "not_before": None}
        # A round is added whole, maybe since that look: of steps that are found now, all that they wait for is found by
        # the look after.
        keys = [row["_id"] for row in self._rows.find(of_world | waiting, {"_id": 1})]
        if not keys or self._has_live(of_world, spec.waits_for):
            return []
        # One write, however many there are: who marks one has it.
        mark = uuid4().hex
        change = {"$set": {"opened": mark}, "$currentDate": {"ready_at": True}}
        if not self._rows.update_many({"_id": {"$in": keys}} | waiting, change).modified_count:
            return []
        rows = self._rows.find(of_world | {"kind": spec.kind, "opened": mark}, dict.fromkeys(OF_STEP, 1))
        return sorted(self.step_of(row) for row in rows)

    def _has_live(self, of_world: Document, specs: Iterable[StepSpec[Any]]) -> bool:
        """True when a step of one of these kinds has not ended."""
        live = {"$in": [StepState.PENDING.value, StepState.RUNNING.value]}
        query = of_world | {"kind": {"$in": [spec.kind for spec in specs]}, "state": live}
        return self._rows.find_one(query, {"_id": 1}) is not None

    def sums(self, world_id: str, kind: str, fields: Mapping[str, str]) -> dict[str, int]:
        """Add up numbers of the results of a kind of step: name → field of the result.

        Also of steps that are done again, since what they had made stays.
        """
        totals = {name: {"$sum": f"$result.{field}"} for name, field in fields.items()}
        pipeline: list[Document] = [
            {"$match": {"world_id": world_id, "kind": kind, "result": {"$ne": None}}},
            {"$group": {"_id": None, **totals}},
        ]
        found = next(iter(self._rows.aggregate(pipeline)), {})
        return {name: found.get(name, 0) for name in fields}

    def failures(self, world_id: str, limit: int = 1000) -> list[dict[str, Any]]:
        """Return the failed and skipped steps of a world with their reasons, the failed ones first.

        Those that are done and have a reason are among them: a redo of them failed, and what they had made stays.
        """
        states = [StepState.FAILED.value, StepState.SKIPPED.value]
        kept = {"state": StepState.DONE.value, "failure": {"$ne": None}}
        rows = self._rows.find(
            {"world_id": world_id, "$or": [{"state": {"$in": states}}, kept]},
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

    def _new(self, world_id: str, step: Step, before: Step | None, added: Container[Step]) -> Document:
        """Return a row as it is inserted; `_id` comes from the filter of the upsert.

        `after` is the key of the step that must end first: from then on the step's message should be in a queue. `ready_at`
        is when it was published apart from that: as the first of its world or of what was `added` to it, again, or by a
        person. `not_before` is set while the step waits for a time, and has no message.
        """
        opens_round = step.round > 1 and step.character is None and before not in added
        begins = step.kind == self.table.first.kind or opens_round or self.table[step.kind].is_aside
        return {
            "after": before.key(world_id) if before else None,
            "ready_at": datetime.now(UTC) if begins else None,
            "not_before": None,
            "world_id": world_id,
            "step": step.name,
            "kind": step.kind,
            "first": step.indexes[0] if step.indexes else None,
            "second": step.post,
            **({"round": step.round} if step.round > 1 else {}),
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
            "call": None,
            "result": None,
            "failure": None,
        }
