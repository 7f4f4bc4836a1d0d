"""The step ledger: who works on which step, what came of it. The truth about every world.

A step is owned through a lease by the database's clock and guarded by a fence number: only the owner that holds the
current fence can change it, so that an owner that was believed dead cannot commit over its successor.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pymongo.client_session import ClientSession

from generia_worker.engine.step import Step, StepKind, StepState, contribution
from generia_worker.engine.steps import Steps
from generia_worker.errors import LeaseLost
from generia_worker.storage.database import Database, Document

_WORKABLE = [StepState.PENDING.value, StepState.RUNNING.value]


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a step, as long as the lease is renewed and nobody raised the fence."""

    world_id: str
    step: Step
    owner: str
    fence: int
    edition: int
    attempts: int
    takeovers: int
    #: How many attempts were made before the step last got further or was reopened: they do not count any more.
    attempts_before: int = 0
    quarantined: bool = False
    checkpoints: dict[str, Any] = field(default_factory=dict)
    outage_since: datetime | None = None

    @property
    def key(self) -> str:
        """The `_id` of the step's row."""
        return self.step.key(self.world_id)

    @property
    def first(self) -> bool:
        """True when nobody ever worked on the step before: none of its calls can have been begun."""
        return self.fence == 1


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody else holds the lease, for so many seconds more at most."""

    remaining_s: float


@dataclass(frozen=True, slots=True)
class Over:
    """There is nothing to do: the step is in an end state, or there is no such step (None)."""

    state: StepState | None


class Ledger(Steps):
    """Who works on which step. Everything that changes a step's state goes through a claim."""

    def __init__(
        self, database: Database, *, lease_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(database, clock)
        self._lease_s = lease_s
        self._lease_ms = int(lease_s * 1000)

    # --- ownership ---------------------------------------------------------------------------------------------
    def claim(self, world_id: str, step: Step, owner: str) -> Claim | Busy | Over:
        """Take a step that is pending, or whose owner let its lease run out, in one conditional update.

        Nothing is taken over for one lease length after MongoDB was away: who owns a step could not renew its lease.
        """
        grace_s = self._lease_s - self._database.availability.steady_for_s()
        workable = _WORKABLE if grace_s <= 0 else [StepState.PENDING.value]
        free = {
            "$or": [
                {"$eq": [{"$ifNull": ["$lease_until", None]}, None]},
                {"$lte": ["$lease_until", "$$NOW"]},
            ]
        }
        takeover = {"$cond": [{"$eq": ["$state", StepState.RUNNING.value]}, 1, 0]}
        change = {
            "state": StepState.RUNNING.value,
            "owner": {"$literal": owner},
            "fence": {"$add": ["$fence", 1]},
            "takeovers": {"$add": ["$takeovers", takeover]},
            "lease_until": {"$add": ["$$NOW", self._lease_ms]},
            "started_at": "$$NOW",
            "updated_at": "$$NOW",
            # Not unsettled by that: it adds nothing to the counters, and a settling would collide with the step's commit.
        }
        row = self._rows.find_one_and_update(
            {"_id": step.key(world_id), "state": {"$in": workable}, "$expr": free},
            [{"$set": change}],
            return_document=True,
        )
        if row is not None:
            return Claim(
                world_id=world_id,
                step=step,
                owner=owner,
                fence=row["fence"],
                edition=row["edition"],
                attempts=row["attempts"],
                takeovers=row["takeovers"],
                attempts_before=row["attempts_before"],
                quarantined=row["quarantined"],
                checkpoints=row["checkpoints"],
                outage_since=row["outage_since"],
            )
        return self._why_not(step.key(world_id), max(grace_s, 0.0))

    def _why_not(self, key: str, grace_s: float) -> Busy | Over:
        pipeline: list[Document] = [
            {"$match": {"_id": key}},
            {"$project": {"state": 1, "left": {"$subtract": ["$lease_until", "$$NOW"]}}},
        ]
        row = next(iter(self._rows.aggregate(pipeline)), None)
        if row is None:
            return Over(None)
        state = StepState(row["state"])
        return Over(state) if state.is_final else Busy(max((row["left"] or 0) / 1000, grace_s))

    def renew(self, owner: str, keys: Sequence[str]) -> set[str]:
        """Renew the leases of this owner's steps at once; return the keys that are still its own."""
        mine = {"_id": {"$in": list(keys)}, "owner": owner, "state": StepState.RUNNING.value}
        self._rows.update_many(mine, [{"$set": {"lease_until": {"$add": ["$$NOW", self._lease_ms]}}}])
        return {row["_id"] for row in self._rows.find(mine, {"_id": 1})}

    # --- what an owner does ------------------------------------------------------------------------------------
    def checkpoint(self, claim: Claim, **values: Any) -> None:
        """Store what must not be done twice before the next thing is done: name → value. Raises LeaseLost."""
        self._change(claim, {"$set": {f"checkpoints.{name}": value for name, value in values.items()}})
        claim.checkpoints.update(values)

    def commit(
        self, claim: Claim, result: dict[str, Any], also: Callable[[ClientSession], None] | None = None
    ) -> None:
        """End the step as done with its result, and do `also` in the same transaction. Raises LeaseLost."""
        change = _ending(claim.step, StepState.DONE) | {"result": result, "failure": None}
        if also is None:
            self._change(claim, {"$set": change, "$currentDate": _STAMPS})
            return

        def work(session: ClientSession) -> None:
            self._change(claim, {"$set": change, "$currentDate": _STAMPS}, session)
            also(session)

        self._database.transaction(work)

    def end_without_result(
        self,
        claim: Claim,
        state: StepState,
        failure: dict[str, Any],
        doomed: Sequence[Step],
        also: Callable[[ClientSession], None] | None = None,
    ) -> None:
        """End the step as failed or skipped, and skip the steps that can never run now. Raises LeaseLost."""

        def work(session: ClientSession) -> None:
            change = _ending(claim.step, state) | {"failure": failure, "attempts": claim.attempts + 1}
            self._change(claim, {"$set": change, "$currentDate": _STAMPS}, session)
            because = {"reason": f"Needs {claim.step}, which did not succeed.", "kind": "Skipped"}
            self._skip(claim.world_id, doomed, because, session)
            if also is not None:
                also(session)

        self._database.transaction(work)

    def cancel_pending(self, world_id: str, session: ClientSession) -> None:
        """End every step of a cancelled world that has not begun, but for `finish`."""
        pending = {
            "world_id": world_id,
            "state": StepState.PENDING.value,
            "kind": {"$ne": StepKind.FINISH.value},
        }
        change = {
            "state": StepState.CANCELLED.value,
            "contribution": {"tasks_cancelled": 1},
            "failure": {"reason": "The world was cancelled.", "kind": "WorldCancelled"},
            "unsettled": True,
        }
        self._rows.update_many(pending, {"$set": change, "$currentDate": _STAMPS}, session=session)

    def restore(self, claim: Claim, steps: Sequence[Step], failure: dict[str, Any]) -> None:
        """Let things that could not be made anew stand as they were; the failure says why. Raises LeaseLost."""

        def work(session: ClientSession) -> None:
            for step in steps:
                change = _ending(step, StepState.DONE) | {"failure": failure}
                update = {"$set": change, "$currentDate": _STAMPS}
                if step == claim.step:
                    self._change(claim, update, session)
                else:
                    waiting = {"_id": step.key(claim.world_id), "state": StepState.PENDING.value}
                    self._rows.update_one(waiting, update, session=session)

        self._database.transaction(work)

    def _skip(
        self, world_id: str, steps: Sequence[Step], failure: dict[str, Any], session: ClientSession
    ) -> None:
        keys = [step.key(world_id) for step in steps]
        if not keys:
            return
        change = {
            "state": StepState.SKIPPED.value,
            "contribution": contribution(steps[0], StepState.SKIPPED),
            "failure": failure,
            "unsettled": True,
        }
        pending = {"_id": {"$in": keys}, "state": StepState.PENDING.value}
        self._rows.update_many(pending, {"$set": change, "$currentDate": _STAMPS}, session=session)

    def release(
        self,
        claim: Claim,
        *,
        attempts: int,
        before: int,
        failure: dict[str, Any] | None,
        outage_since: datetime | None,
    ) -> None:
        """Give the step back as pending, to be tried again later; `before` of its attempts do not count any more.

        Raises LeaseLost.
        """
        change = {
            "state": StepState.PENDING.value,
            "owner": None,
            "lease_until": None,
            "attempts": attempts,
            "attempts_before": before,
            "failure": failure,
            "outage_since": outage_since,
            "unsettled": True,
        }
        # Ready from now on: whoever releases a step publishes it again, or parks it.
        self._change(claim, {"$set": change, "$currentDate": {"updated_at": True, "ready_at": True}})

    def quarantine(self, claim: Claim) -> None:
        """Give the step back for the quarantine worker, where takeovers are counted anew. Raises LeaseLost."""
        change = {
            "state": StepState.PENDING.value,
            "owner": None,
            "lease_until": None,
            # One that came here again through recovery was taken over in quarantine: that counts.
            "takeovers": claim.takeovers if claim.quarantined else 0,
            "quarantined": True,
            "unsettled": True,
        }
        self._change(claim, {"$set": change, "$currentDate": {"updated_at": True, "ready_at": True}})

    def abandon(self, owner: str) -> int:
        """Give all steps of an owner that stops back at once; what it still does to them is fenced off."""
        change = {
            "$set": {
                "state": StepState.PENDING.value,
                "owner": None,
                "lease_until": None,
                "unsettled": True,
                # As if ready for ever: recovery need not wait for a canary to know that nobody has the message.
                "ready_at": datetime.fromtimestamp(0, UTC),
            },
            "$inc": {"fence": 1},
        }
        mine = {"owner": owner, "state": StepState.RUNNING.value}
        return self._rows.update_many(mine, change).modified_count

    def _change(self, claim: Claim, update: Document, session: ClientSession | None = None) -> None:
        mine = {
            "_id": claim.key,
            "owner": claim.owner,
            "fence": claim.fence,
            "state": StepState.RUNNING.value,
        }
        if not self._rows.update_one(mine, update, session=session).matched_count:
            message = f"Step {claim.key} was taken over while {claim.owner} worked on it."
            raise LeaseLost(message)


_STAMPS = {"finished_at": True, "updated_at": True}


def _ending(step: Step, state: StepState) -> Document:
    return {
        "state": state.value,
        "contribution": contribution(step, state),
        "owner": None,
        "lease_until": None,
        "outage_since": None,
        "unsettled": True,
    }
