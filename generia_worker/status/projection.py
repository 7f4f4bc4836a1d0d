"""The status document: written here and nowhere else, by the progress task.

*Projecting* a world adds to the counters what steps and requests contributed since the last time, and computes the stages
again. A message that asks for it twice, late or never changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pymongo.client_session import ClientSession

from generia_worker.billing.estimate import Finished
from generia_worker.client.status import WorldStatus
from generia_worker.engine.generations import Generation, Generations
from generia_worker.engine.specs import StepTable
from generia_worker.engine.step import FINAL_STATES, StepState
from generia_worker.engine.step_rows import StepRows
from generia_worker.status.changes import StatusChanges
from generia_worker.status.stages import Progress, progress_of
from generia_worker.storage.database import Database, Document, dirty_worlds

#: The counters of a status document, with their starting values. Integers count, floats are dollars.
COUNTERS: dict[str, int | float] = {
    "tasks_completed": 0,
    "tasks_failed": 0,
    "tasks_skipped": 0,
    "tasks_cancelled": 0,
    "users_created": 0,
    "posts_created": 0,
    "api_calls_made_LLM": 0,
    "api_calls_made_images": 0,
    "ambiguous_calls_LLM": 0,
    "ambiguous_calls_images": 0,
    "unknown_cost_calls": 0,
    "llm_cost_total": 0.0,
    "image_cost_total": 0.0,
}


@dataclass(frozen=True, slots=True)
class Projected:
    """What a projection found: the world's progress, whether its document changed, and the keys of the steps that ended
    since the last one."""

    progress: Progress
    changed: bool
    ended: list[str]


def pending_status(generation: Generation, table: StepTable) -> Document:
    """Return the status document of a generation that nothing has started yet."""
    stages = [{"name": name, "status": WorldStatus.PENDING.value} for name in table.stages]
    return {
        "_id": generation.world_id,
        "status": WorldStatus.PENDING.value,
        "current_stage": next(iter(table.stages)),
        "stages": stages,
        **_plan(generation, table, total=0),
        **COUNTERS,
        **_order(generation),
        "revision": 0,
        "error": None,
        "created_at": generation.created_at,
        "updated_at": generation.created_at,
    }


def _plan(generation: Generation, table: StepTable, *, total: int) -> Document:
    predicted = table.count(generation.users_count, generation.posts_count, generation.batches)
    return {"tasks_total": total, "task_predicted": max(predicted - total, 0)}


def _order(generation: Generation) -> Document:
    return {
        "users_predicted": generation.users_count,
        "posts_predicted": generation.posts_count,
        "api_call_limits_LLM": generation.limits["llm"],
        "api_call_limits_images": generation.limits["images"],
        "budget_usd": generation.budget_usd,
        "parameters": {
            "users_count": generation.users_count,
            "posts_count": generation.posts_count,
            "user_prompt": generation.prompt,
        },
    }


class StatusProjection:
    """The collection `world_generation_status`; `_id` is the world's id."""

    def __init__(self, database: Database, generations: Generations, rows: StepRows) -> None:
        self._rows = database.status
        self._steps = database.steps
        self._requests = database.requests
        self._generations = generations
        self._step_rows = rows
        self._table = rows.table
        self._published = [spec.kind for spec in self._table if spec.counter == "posts_created"]

    def get(self, world_id: str) -> Document:
        """Return the status of a world that was ordered; `pending` when nothing has started. Raises NotFoundError."""
        document = self._rows.find_one({"_id": world_id})
        if document is None:
            return pending_status(self._generations.get(world_id), self._table)
        if WorldStatus(document["status"]).is_final and self._generations.is_open(world_id):
            # Reopened (resume, retry, redo) and not settled since: the document still tells of the end before.
            document |= {"status": WorldStatus.IN_PROGRESS.value, "finished_at": None, "error": None}
        return document

    def changes(self, resume_token: Mapping[str, Any] | None, wait_s: float) -> StatusChanges:
        """Follow the status documents of all worlds, from where `resume_token` was taken or from now on."""
        return StatusChanges(self._rows, resume_token, wait_s)

    def finished(self, limit: int) -> list[Finished]:
        """Return what the latest completed worlds took."""
        rows = self._rows.find({"status": WorldStatus.COMPLETED.value}).sort("created_at", -1).limit(limit)
        return [
            Finished(
                text_calls=row["api_calls_made_LLM"],
                image_calls=row["api_calls_made_images"],
                text_usd=row["llm_cost_total"],
                image_usd=row["image_cost_total"],
                seconds=(row["finished_at"] - row["created_at"]).total_seconds(),
                users=row["users_created"],
            )
            for row in rows
        ]

    def dirty_worlds(self) -> set[str]:
        """Return the ids of the worlds with steps or calls that their status does not count yet."""
        return dirty_worlds(self._steps) | dirty_worlds(self._requests)

    def posts_between(self, world_id: str, after: int, until: int) -> list[tuple[int, str]]:
        """Return the posts that appeared (or were redone) with a revision above `after`, up to `until`:
        (revision, post id), in their order."""
        query: Document = {
            "world_id": world_id,
            "kind": {"$in": self._published},
            "state": StepState.DONE.value,
            # Counted as made: one that was counted while it was worked on, and has been committed since, comes later.
            "settled.posts_created": 1,
            "settled_revision": {"$gt": after, "$lte": until},
        }
        rows = self._steps.find(query, {"settled_revision": 1, "result.post_id": 1})
        rows = rows.sort([("settled_revision", 1), ("finished_at", 1)])
        return [(row["settled_revision"], row["result"]["post_id"]) for row in rows]

    def project(self, generation: Generation, session: ClientSession) -> Projected:
        """Bring a world's status document up to what the ledger says, inside a transaction."""
        world_id = generation.world_id
        census = self._step_rows.census(world_id, session)
        progress = progress_of(
            self._table,
            census,
            cast_is_stored=generation.shares is not None,
            is_fatal=generation.fatal is not None,
        )
        shown = _shown(progress)
        steps = _dirty(self._steps, world_id, session)
        requests = _dirty(self._requests, world_id, session)
        before = self._rows.find_one(
            {"_id": world_id}, {**dict.fromkeys(shown, 1), "revision": 1}, session=session
        )
        changed = bool(steps or requests or before is None or not shown.items() <= before.items())
        if changed:
            difference = _difference([*steps, *requests])
            self._write(generation, progress, sum(census.values()), difference, session)
            revision = (before["revision"] if before else 0) + 1
            _mark_counted(self._steps, steps, revision, session)
            _mark_counted(self._requests, requests, revision, session)
        ended = [step["_id"] for step in steps if step["state"] in FINAL_STATES]
        return Projected(progress, changed, ended)

    def _write(
        self,
        generation: Generation,
        progress: Progress,
        total: int,
        difference: dict[str, float],
        session: ClientSession,
    ) -> None:
        now = datetime.now(UTC)
        change: Document = {
            **_shown(progress),
            **_plan(generation, self._table, total=total),
            "error": self._error(generation, progress, session),
            "updated_at": now,
            "finished_at": now if progress.status.is_final else None,
        }
        start = {k: v for k, v in COUNTERS.items() if k not in difference}
        self._rows.update_one(
            {"_id": generation.world_id},
            {
                "$set": change,
                "$inc": {**difference, "revision": 1},
                "$setOnInsert": {**start, **_order(generation), "created_at": generation.created_at},
            },
            upsert=True,
            session=session,
        )

    def _error(
        self, generation: Generation, progress: Progress, session: ClientSession
    ) -> dict[str, Any] | None:
        """Say in one sentence why a world failed, or why it ended early: the first reason explains the others."""
        if generation.fatal is not None:
            return {"step": generation.fatal.get("step"), "reason": generation.fatal.get("reason")}
        if progress.status not in (WorldStatus.FAILED, WorldStatus.COMPLETED):
            return None
        # Of a completed world only that it reached a limit is told here; what failed in it is counted and listed.
        stopped: Document = {"state": "skipped", "failure.kind": "BudgetExceeded"}
        wanted = {"$or": [{"state": "failed"}, stopped]} if progress.status is WorldStatus.FAILED else stopped
        first = self._steps.find_one(
            {"world_id": generation.world_id, **wanted}, sort=[("finished_at", 1)], session=session
        )
        return {"step": first["step"], "reason": first["failure"]["reason"]} if first else None


def _shown(progress: Progress) -> Document:
    """What the document shows of a world's progress."""
    stages = [{"name": name, "status": state.value} for name, state in progress.stages.items()]
    return {"status": progress.status.value, "current_stage": progress.current_stage, "stages": stages}


def _dirty(collection: Any, world_id: str, session: ClientSession) -> list[Document]:
    fields = {"contribution": 1, "settled": 1, "state": 1}
    return list(collection.find({"world_id": world_id, "unsettled": True}, fields, session=session))


def _mark_counted(collection: Any, rows: list[Document], revision: int, session: ClientSession) -> None:
    if rows:
        counted = {"settled": "$contribution", "unsettled": False, "settled_revision": revision}
        ids = {"$in": [row["_id"] for row in rows]}
        collection.update_many({"_id": ids}, [{"$set": counted}], session=session)


def _difference(rows: Iterable[Document]) -> dict[str, float]:
    """Sum what was contributed and not yet counted; counters that do not change are left out."""
    total: dict[str, float] = {}
    for row in rows:
        for sign, counters in ((1, row["contribution"]), (-1, row["settled"])):
            for name, value in counters.items():
                total[name] = total.get(name, 0) + sign * value
    return {name: value for name, value in total.items() if value}
