"""The status document: written here and nowhere else, by the progress task.

*Projecting* a world computes its whole document from the ledger and replaces the one that is there, unless another
projection was quicker (optimistic concurrency by `revision`). Nothing that a step writes is written, so that steps and
status never wait for each other; a message that asks for it twice, late or never changes nothing.

`revision` is the database's time in milliseconds at which the ledger was read, or one more than the revision before: it
only grows, and says from when on a reader of that document may have missed something.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cachetools import TTLCache
from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError, WTimeoutError

from generia_worker.billing.estimate import Finished
from generia_worker.billing.requests import Requests
from generia_worker.client.order import options_of
from generia_worker.client.status import WorldStatus
from generia_worker.engine.generations import Generation, Generations
from generia_worker.engine.specs import StepTable
from generia_worker.engine.step import Census, Scope, StepState
from generia_worker.engine.step_rows import StepRows
from generia_worker.status.changes import StatusChanges
from generia_worker.status.forecast import Forecast, Pace
from generia_worker.status.stages import Progress, progress_of
from generia_worker.storage.cache import ReadThroughCache
from generia_worker.storage.database import Database, Document, is_transient

#: The counters of a status document, with their starting values. Integers count, floats are dollars.
COUNTERS: dict[str, int | float] = {
    "tasks_completed": 0,
    "tasks_failed": 0,
    "tasks_skipped": 0,
    "tasks_cancelled": 0,
    "users_created": 0,
    "posts_created": 0,
    "likes_created": 0,
    "comments_created": 0,
    "replies_created": 0,
    "api_calls_made_LLM": 0,
    "api_calls_made_images": 0,
    "ambiguous_calls_LLM": 0,
    "ambiguous_calls_images": 0,
    "unknown_cost_calls": 0,
    "llm_cost_total": 0.0,
    "image_cost_total": 0.0,
}


#: A commit becomes visible a little after the time that it bears: readers look back so far, and drop what they know.
_VISIBLE_AFTER = timedelta(seconds=10)
#: How often a projection is tried again, because another one was quicker or MongoDB failed.
_TRIES = 10
#: How many of the latest completed worlds a forecast goes by, and for how many seconds they are remembered.
_KNOWN, _KNOWN_S = 20, 60.0


@dataclass(frozen=True, slots=True)
class Projected:
    """What a projection found: the order as it was read, the world's progress, and whether its document changed."""

    generation: Generation
    progress: Progress
    changed: bool


@dataclass(frozen=True, slots=True)
class NewPost:
    """A post that appeared or was redone at `at`, by the database's clock."""

    post_id: str
    at: datetime


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
        "extensions": len(generation.rounds) - 1,
        "revision": 0,
        "seconds_left": None,
        "error": None,
        "run": generation.run,
        "created_at": generation.created_at,
        "updated_at": generation.created_at,
    }


def _plan(generation: Generation, table: StepTable, *, total: int) -> Document:
    predicted = sum(table.count_of(one, generation.options) for one in generation.rounds)
    return {"tasks_total": total, "task_predicted": max(predicted - total, 0)}


def _order(generation: Generation) -> Document:
    return {
        "users_predicted": generation.users_count,
        "posts_predicted": generation.posts_count,
        "likes_predicted": generation.predicted.get("likes", 0),
        "comments_predicted": generation.predicted.get("comments", 0),
        "api_call_limits_LLM": generation.limits["llm"],
        "api_call_limits_images": generation.limits["images"],
        "budget_usd": generation.budget_usd,
        "parameters": {
            "users_count": generation.users_count,
            "posts_count": generation.posts_count,
            "user_prompt": generation.prompt,
            "reactions": generation.reactions,
        },
    }


class StatusProjection:
    """The collection `world_generation_status`; `_id` is the world's id."""

    def __init__(
        self,
        database: Database,
        generations: Generations,
        rows: StepRows,
        requests: Requests,
        *,
        forecast: Forecast,
    ) -> None:
        self._forecast = forecast
        latest: TTLCache[str, Pace] = TTLCache(maxsize=1, ttl=_KNOWN_S)
        self._pace = ReadThroughCache(latest, lasting=lambda _: True)
        self._database = database
        self._rows = database.status
        self._steps = database.steps
        self._generations = generations
        self._step_rows = rows
        self._requests = requests
        self._table = rows.table
        self._published = [spec.kind for spec in self._table if spec.counter == "posts_created"]

    def get(self, world_id: str) -> Document:
        """Return the status of a world that was ordered; `pending` when nothing has started. Raises NotFoundError."""
        found = self.get_many([world_id]).get(world_id)
        return pending_status(self._generations.get(world_id), self._table) if found is None else found

    def get_many(self, world_ids: Sequence[str]) -> dict[str, Document]:
        """Return the status of each of these worlds that has started, by one query."""
        found = {row["_id"]: row for row in self._rows.find({"_id": {"$in": list(world_ids)}})}
        for document in found.values():
            if WorldStatus(document["status"]).is_final and self._was_reopened(document):
                # The document still tells of the end before.
                document |= {"status": WorldStatus.IN_PROGRESS.value, "finished_at": None, "error": None}
        return found

    def _was_reopened(self, document: Document) -> bool:
        """True when a world was reopened (resume, retry, redo) and not projected since."""
        if "run" not in document:  # of a version before
            return self._generations.is_open(document["_id"])
        return bool(self._generations.get(document["_id"]).run != document["run"])

    def changes(self, resume_token: Mapping[str, Any] | None, wait_s: float) -> StatusChanges:
        """Follow the status documents and the posts of all worlds, from where `resume_token` was taken or from now on."""
        return StatusChanges(self._database, self._published, resume_token, wait_s)

    def finished(self) -> list[Finished]:
        """Return what the latest completed worlds took."""
        # Not one that went on later: it stood still in between.
        query: Document = {"status": WorldStatus.COMPLETED.value, "run": {"$in": [1, None]}}
        rows = self._rows.find(query).sort("created_at", -1).limit(_KNOWN)
        return [
            Finished(
                text_calls=row["api_calls_made_LLM"],
                image_calls=row["api_calls_made_images"],
                text_usd=row["llm_cost_total"],
                image_usd=row["image_cost_total"],
                seconds=(row["finished_at"] - row["created_at"]).total_seconds(),
                users=row["users_predicted"],
                posts=row["posts_predicted"],
                options=options_of(row["parameters"].get("reactions", "none")),
            )
            for row in rows
        ]

    def posts_since(self, revisions: Mapping[str, int]) -> dict[str, list[NewPost]]:
        """Return world → its posts that appeared, or were redone, since the ledger was read for this revision, in order.

        One query, for however many worlds. Some posts that appeared shortly before are among them; where the revision is
        from a version that counted from 1, all of them.
        """
        found: dict[str, list[NewPost]] = {world_id: [] for world_id in revisions}
        if not found:
            return found
        since: list[Document] = [
            {
                "world_id": world_id,
                "kind": {"$in": self._published},
                "state": StepState.DONE.value,
                "finished_at": {"$gte": datetime.fromtimestamp(revision / 1000, UTC) - _VISIBLE_AFTER},
            }
            for world_id, revision in revisions.items()
        ]
        for row in self._steps.find({"$or": since}, {"world_id": 1, "finished_at": 1, "result.post_id": 1}):
            found[row["world_id"]].append(NewPost(row["result"]["post_id"], row["finished_at"]))
        for posts in found.values():
            posts.sort(key=lambda post: post.at)
        return found

    def project(self, world_id: str) -> Projected:
        """Bring a world's status document up to what the ledger says.

        Raises NotFoundError; PyMongoError when MongoDB fails again and again.
        """
        for _ in range(_TRIES):
            found = self.project_many([world_id])
            if world_id in found:
                return found[world_id]
            self._generations.get(world_id)
        message = f"The status of {world_id} is projected by too many at a time."
        raise WTimeoutError(message)

    def project_many(self, world_ids: Sequence[str]) -> dict[str, Projected]:
        """Bring the status documents of worlds up to what the ledger says, with as many queries as for one of them.

        One that is missing in what is returned was not: it does not exist, or another projection was quicker. `project` it.
        Raises PyMongoError when MongoDB fails again and again.
        """
        tries_left = _TRIES
        while True:
            tries_left -= 1
            try:
                return self._try_to_project(world_ids)
            except PyMongoError as error:
                # One that was reported as failed may have been written: the revision tells.
                if not is_transient(error) or not tries_left:
                    raise

    def _try_to_project(self, world_ids: Sequence[str]) -> dict[str, Projected]:
        """Project once; without those of which another was quicker. All is read after the revisions that are replaced."""
        before = {row["_id"]: row for row in self._rows.find({"_id": {"$in": list(world_ids)}})}
        generations = self._generations.get_many(world_ids)
        censuses = self._step_rows.censuses(world_ids)
        # Calls after steps: whatever an ended step has paid is counted with it.
        totals = self._requests.totals(world_ids)
        found: dict[str, Projected] = {}
        changed: dict[str, tuple[int, Document]] = {}
        for world_id, (generation, now) in generations.items():
            census = censuses[world_id]
            progress = progress_of(
                self._table,
                census,
                cast_is_stored=generation.is_laid_out,
                is_fatal=generation.fatal is not None,
                forgiven=self._failed_rounds(generation),
            )
            document = self._document(generation, progress, census, totals[world_id])
            old: Document = before.get(world_id) or {"revision": 0, "finished_at": None}
            if world_id in before and document.items() <= old.items():
                found[world_id] = Projected(generation, progress, changed=False)
                continue
            was_final = old["finished_at"] is not None
            stamps: Document = {
                "revision": max(old["revision"] + 1, int(now.timestamp() * 1000)),
                "updated_at": now,
                "seconds_left": self._seconds_left(generation, progress, census, now),
                "finished_at": (old["finished_at"] if was_final else now)
                if progress.status.is_final
                else None,
            }
            changed[world_id] = old["revision"], document | stamps
            found[world_id] = Projected(generation, progress, changed=True)
        written = self._replace(changed)
        return {world_id: one for world_id, one in found.items() if not one.changed or world_id in written}

    def _failed_rounds(self, generation: Generation) -> int:
        """Return how many steps have failed that ended a later round, and not the world."""
        given_up = [one.number for one in generation.rounds if one.given_up is not None]
        if not given_up:
            return 0
        query: Document = {
            "world_id": generation.world_id,
            "kind": {"$in": sorted(self._table.fatal_kinds)},
            "state": StepState.FAILED.value,
            "round": {"$in": given_up},
        }
        return self._steps.count_documents(query)

    def _replace(self, documents: Mapping[str, tuple[int, Document]]) -> Collection[str]:
        """Write documents, world → (revision, document), each in place of the one with that revision (0: of none).

        Returns the worlds of which it is known that theirs was written.
        """
        known = {world_id: one for world_id, one in documents.items() if one[0]}
        written: set[str] = set()
        if len(known) == 1:
            (world_id, (revision, document)), *_ = known.items()
            if self._rows.replace_one({"_id": world_id, "revision": revision}, document).matched_count:
                written.add(world_id)
        elif known:
            replacements = [
                ReplaceOne({"_id": world_id, "revision": revision}, document)
                for world_id, (revision, document) in known.items()
            ]
            # Where some found another revision, or met an error, it is not known which were written.
            with suppress(BulkWriteError):
                if self._rows.bulk_write(replacements, ordered=False).matched_count == len(known):
                    written.update(known)
        for world_id, (revision, document) in documents.items():
            if not revision:
                with suppress(DuplicateKeyError):
                    self._rows.insert_one(document)
                    written.add(world_id)
        return written

    def _document(
        self,
        generation: Generation,
        progress: Progress,
        census: Census,
        calls: Mapping[str, int | float],
    ) -> Document:
        """Return the document without what tells when it was made; `calls` is what they add to its counters."""
        counters = dict(COUNTERS)
        for (kind, state), number in census.items():
            for name, value in self._table.counters(kind, state).items():
                counters[name] += number * value
        for kind, fields in self._table.summed.items():
            if any(counted == kind for counted, _ in census):
                for name, value in self._step_rows.sums(generation.world_id, kind, fields).items():
                    counters[name] += value
        stages = [{"name": name, "status": state.value} for name, state in progress.stages.items()]
        total = sum(self._table.without_aside(census).values())
        return {
            "_id": generation.world_id,
            "status": progress.status.value,
            "current_stage": progress.current_stage,
            "stages": stages,
            **_plan(generation, self._table, total=total),
            **counters,
            **calls,
            **_order(generation),
            "extensions": len(generation.rounds) - 1,
            "error": self._error(generation, progress, counters),
            "run": generation.run,
            "created_at": generation.created_at,
        }

    def _seconds_left(
        self, generation: Generation, progress: Progress, census: Census, now: datetime
    ) -> float | None:
        """Return how long a world that is being made will still take; it changes by itself, and alone no document."""
        if progress.status is not WorldStatus.IN_PROGRESS:
            return None
        pace = self._pace.get("", lambda _: self._forecast.pace(self.finished()))
        # One that was taken up again stood still in between.
        elapsed_s = (now - generation.created_at).total_seconds() if generation.run == 1 else None
        # Of a round that is not laid out the ledger knows nothing yet but who is to be invented.
        to_come = dict(self._table.without_aside(census))
        for one in generation.rounds[1:]:
            if not one.is_laid_out:
                numbers = self._table.numbers(
                    one.users, one.posts, 0, generation.options, one.first_character - 1
                )
                for kind, number in numbers.items():
                    if self._table[kind].scope in (Scope.CHARACTER, Scope.POST):
                        pending = (kind, StepState.PENDING)
                        to_come[pending] = to_come.get(pending, 0) + number
        users, posts = generation.users_count, generation.posts_count
        left_s = self._forecast.left_s(users, posts, to_come, elapsed_s, pace, generation.options)
        return round(left_s, 1)

    def _error(
        self, generation: Generation, progress: Progress, counters: Mapping[str, int | float]
    ) -> dict[str, Any] | None:
        """Say why a world failed, or what a completed one lacks and why: the first reason explains the others."""
        if generation.fatal is not None:
            return {"step": generation.fatal.get("step"), "reason": generation.fatal.get("reason")}
        if progress.status not in (WorldStatus.FAILED, WorldStatus.COMPLETED):
            return None
        if progress.status is WorldStatus.COMPLETED and not (
            counters["tasks_failed"] or counters["tasks_skipped"]
        ):
            return None
        stopped: Document = {"state": "skipped", "failure.kind": "BudgetExceeded"}
        first = self._steps.find_one(
            {
                "world_id": generation.world_id,
                "kind": {"$nin": sorted(self._table.aside_kinds)},
                "$or": [{"state": "failed"}, stopped],
            },
            sort=[("finished_at", 1)],
        )
        if first is None:
            return None
        reason = first["failure"]["reason"]
        if progress.status is WorldStatus.COMPLETED and first["state"] == "failed":
            reason = f"{_lacking(generation, counters)} {reason}"
        return {"step": first["step"], "reason": reason}


def _lacking(generation: Generation, counters: Mapping[str, int | float]) -> str:
    """Say what a completed world lacks."""
    lacks = [
        f"{wanted - counters[name]} of {wanted} {what}"
        for name, wanted, what in (
            ("users_created", generation.users_count, "characters"),
            ("posts_created", generation.posts_count, "posts"),
        )
        if counters[name] < wanted
    ]
    return f"{' and '.join(lacks)} could not be made:" if lacks else "Not everything could be made:"
