"""The status document: written here and nowhere else, by the progress task.

*Settling* adds to the counters what steps and requests contributed since the last time, and computes the stages anew, in
one transaction. A message that asks for it twice, late or never changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pymongo.client_session import ClientSession

from generia_worker.billing.estimate import Finished
from generia_worker.client.status import WorldStatus
from generia_worker.engine.generations import Generation, Generations
from generia_worker.engine.ledger import Ledger
from generia_worker.engine.step import FINAL_STATES, opening_steps, predicted_after_cast
from generia_worker.errors import NotFoundError
from generia_worker.observability import metrics
from generia_worker.status.changes import StatusChanges
from generia_worker.status.stages import (
    STAGES,
    Census,
    Progress,
    progress_of,
)
from generia_worker.storage.database import Database, Document

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
class Settled:
    """What a settling found: the world's progress, and whether the document changed."""

    progress: Progress
    changed: bool


def pending_status(generation: Generation) -> Document:
    """Return the status document of an order that nothing has started yet."""
    stages = [{"name": name, "status": WorldStatus.PENDING.value} for name in STAGES]
    return {
        "_id": generation.world_id,
        "status": WorldStatus.PENDING.value,
        "current_stage": next(iter(STAGES)),
        "stages": stages,
        **_plan(generation, total=0, batches=generation.batches),
        **COUNTERS,
        **_order(generation),
        "revision": 0,
        "error": None,
        "created_at": generation.created_at,
        "updated_at": generation.created_at,
    }


def _plan(generation: Generation, *, total: int, batches: int) -> Document:
    opening = len(opening_steps(batches))
    later = predicted_after_cast(generation.users_count, generation.posts_count)
    return {"tasks_total": total, "task_predicted": max(opening + later - total, 0)}


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


class Status:
    """The collection `world_generation_status`; `_id` is the world's id."""

    def __init__(self, database: Database, generations: Generations, ledger: Ledger) -> None:
        self._database = database
        self._rows = database.status
        self._steps = database.steps
        self._requests = database.requests
        self._generations = generations
        self._ledger = ledger

    def get(self, world_id: str) -> Document:
        """Return the status of a world that was ordered; `pending` when nothing has started. Raises NotFoundError."""
        document = self._rows.find_one({"_id": world_id})
        if document is None:
            return pending_status(self._generations.get(world_id))
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

    def settle(self, world_id: str) -> Settled:
        """Bring a world's status document up to what the ledger says. Raises NotFoundError."""
        begun = time.perf_counter()
        settled = self._database.transaction(lambda session: self._settle(world_id, session))
        metrics.settled(settled.changed, time.perf_counter() - begun)
        return settled

    def _settle(self, world_id: str, session: ClientSession) -> Settled:
        row = self._database.generations.find_one({"_id": world_id}, session=session)
        if row is None:
            message = f"No generation of world {world_id} was ordered."
            raise NotFoundError(message)
        generation = Generation.from_document(row)
        if generation.cancelled:
            self._ledger.cancel_pending(world_id, session)
        census = self._ledger.census(world_id, session)
        progress = progress_of(
            census, cast_is_stored=generation.shares is not None, doomed=generation.fatal is not None
        )
        shown = _shown(progress)
        steps = _unsettled(self._steps, world_id, session)
        requests = _unsettled(self._requests, world_id, session)
        before = self._rows.find_one(
            {"_id": world_id}, {**dict.fromkeys(shown, 1), "revision": 1}, session=session
        )
        if not steps and not requests and before is not None and shown.items() <= before.items():
            return Settled(progress, changed=False)
        self._write(generation, census, progress, _difference([*steps, *requests]), session)
        revision = (before["revision"] if before else 0) + 1
        for collection, found in ((self._steps, steps), (self._requests, requests)):
            if found:
                settled = {"settled": "$contribution", "unsettled": False, "settled_revision": revision}
                collection.update_many(
                    {"_id": {"$in": [item["_id"] for item in found]}}, [{"$set": settled}], session=session
                )
        self._ledger.mark_ready([step["_id"] for step in steps if step["state"] in FINAL_STATES], session)
        if progress.status.is_final:
            self._generations.close(world_id, session)
        return Settled(progress, changed=True)

    def _write(
        self,
        generation: Generation,
        census: Census,
        progress: Progress,
        difference: dict[str, float],
        session: ClientSession,
    ) -> None:
        now = datetime.now(UTC)
        change: Document = {
            **_shown(progress),
            **_plan(generation, total=sum(census.values()), batches=generation.batches),
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


def _unsettled(collection: Any, world_id: str, session: ClientSession) -> list[Document]:
    fields = {"contribution": 1, "settled": 1, "state": 1}
    return list(collection.find({"world_id": world_id, "unsettled": True}, fields, session=session))


def _difference(rows: Iterable[Document]) -> dict[str, float]:
    """Sum what was contributed and not yet settled; counters that do not change are left out."""
    total: dict[str, float] = {}
    for row in rows:
        for sign, counters in ((1, row["contribution"]), (-1, row["settled"])):
            for name, value in counters.items():
                total[name] = total.get(name, 0) + sign * value
    return {name: value for name, value in total.items() if value}
