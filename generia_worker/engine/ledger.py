"""The ledger: who works on which step, and what came of it. The truth about every world.

A step is owned through a lease by the database's clock, and guarded by a fence number: only the owner that holds the current
fence can change it, so that an owner that was believed dead cannot commit over its successor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel
from pymongo.client_session import ClientSession

from generia_worker.engine.retry import Attempts
from generia_worker.engine.specs import StepTable
from generia_worker.engine.step import Failure, Step, StepState
from generia_worker.errors import LeaseLost
from generia_worker.storage.database import Database, Document

_WORKABLE = [StepState.PENDING.value, StepState.RUNNING.value]
_STAMPS = {"finished_at": True, "updated_at": True}
#: Before every message: recovery need not wait for a watermark to know that a step's message is gone.
_LONG_AGO = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a step, for as long as the lease is renewed and the fence was not raised."""

    world_id: str
    step: Step
    owner: str
    fence: int
    edition: int
    takeovers: int
    attempts: Attempts = field(default_factory=Attempts)
    quarantined: bool = False
    checkpoints: dict[str, Any] = field(default_factory=dict)
    #: The `_id` of the call that was stored with the claim; None when there was none, or the row had one before.
    call: str | None = None
    #: What the next write to the row stores too, field → value: null for that call until it is made, then its bill.
    along: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The `_id` of the step's row."""
        return self.step.key(self.world_id)

    @property
    def is_first_attempt(self) -> bool:
        """True when the step was never claimed before: none of its calls can have been begun."""
        return self.fence == 1


@dataclass(frozen=True, slots=True)
class Leased:
    """Another owner holds the step, for `remaining_s` seconds more at most."""

    remaining_s: float


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The step waits for its time: it will be dispatched then."""


@dataclass(frozen=True, slots=True)
class Finished:
    """There is nothing to do: the step is in a final state, or there is no such step (None)."""

    state: StepState | None


class Ledger:
    """Changes the rows of `generation_steps`; whatever changes a running step goes through its claim."""

    def __init__(self, database: Database, table: StepTable, *, lease_s: float) -> None:
        self._database = database
        self._table = table
        self._rows = database.steps
        self._lease_s = lease_s
        self._lease_ms = int(lease_s * 1000)

    # --- ownership ---------------------------------------------------------------------------------------------
    @property
    def takeover_grace_s(self) -> float:
        """For how long no step may be taken over yet, in seconds.

        One lease length after MongoDB was away: until then an owner that lives may not have been able to renew its lease.
        """
        return max(self._lease_s - self._database.availability.steady_for_s(), 0.0)

    def claim(
        self, world_id: str, step: Step, owner: str, call: Document | None = None
    ) -> Claim | Leased | Scheduled | Finished:
        """Take a step that is pending and due, or whose owner let its lease run out, in one conditional update.

        `call` is stored in the row by the same update, unless the row holds one or the step is redone. Who owns the step has
        to make it.
        """
        grace_s = self.takeover_grace_s
        workable = _WORKABLE if not grace_s else [StepState.PENDING.value]
        never = _LONG_AGO
        free = {
            "$and": [
                {"$lte": [{"$ifNull": ["$lease_until", never]}, "$$NOW"]},
                {"$lte": [{"$ifNull": ["$not_before", never]}, "$$NOW"]},
            ]
        }
        takeover = {"$cond": [{"$eq": ["$state", StepState.RUNNING.value]}, 1, 0]}
        change = {
            "state": StepState.RUNNING.value,
            "owner": {"$literal": owner},
            "fence": {"$add": ["$fence", 1]},
            "takeovers": {"$add": ["$takeovers", takeover]},
            "lease_until": {"$add": ["$$NOW", self._lease_ms]},
            "not_before": None,
            "started_at": "$$NOW",
            "updated_at": "$$NOW",
        }
        if call is not None:
            # (A row of a version before has no such field, which is not null: who knows what was called for it?)
            new = {"$and": [{"$eq": ["$call", None]}, {"$eq": ["$edition", 1]}]}
            change["call"] = {"$cond": [new, {"$literal": call}, "$call"]}
        row = self._rows.find_one_and_update(
            {"_id": step.key(world_id), "state": {"$in": workable}, "$expr": free},
            [{"$set": change}],
            return_document=True,
        )
        if row is None:
            return self._why_not(step.key(world_id), grace_s)
        return Claim(
            world_id=world_id,
            step=step,
            owner=owner,
            fence=row["fence"],
            edition=row["edition"],
            takeovers=row["takeovers"],
            attempts=Attempts(row["attempts"], row["attempts_before"], row["outage_since"]),
            quarantined=row["quarantined"],
            checkpoints=row["checkpoints"],
            **({"call": call["_id"], "along": {"call": None}} if call and row.get("call") == call else {}),
        )

    def _why_not(self, key: str, grace_s: float) -> Leased | Scheduled | Finished:
        left = {"$subtract": ["$lease_until", "$$NOW"]}
        pipeline: list[Document] = [{"$match": {"_id": key}}, {"$project": {"state": 1, "left": left}}]
        row = next(iter(self._rows.aggregate(pipeline)), None)
        if row is None:
            return Finished(None)
        state = StepState(row["state"])
        if state.is_final:
            return Finished(state)
        if state is StepState.PENDING:
            return Scheduled()
        return Leased(max((row["left"] or 0) / 1000, grace_s))

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
        self,
        claim: Claim,
        result: BaseModel,
        on_commit: Callable[[ClientSession], None] | None = None,
    ) -> None:
        """End the step as done with its result; `on_commit` writes in the same transaction. Raises LeaseLost."""
        change = _ending(StepState.DONE)
        change |= {"result": result.model_dump(mode="json"), "failure": None}
        update = {"$set": change, "$currentDate": _STAMPS}
        if on_commit is None:
            self._change(claim, update)
            return

        def work(session: ClientSession) -> None:
            self._change(claim, update, session)
            on_commit(session)

        self._database.transaction(work)
        claim.along.clear()

    def end_without_result(
        self,
        claim: Claim,
        state: StepState,
        failure: Failure,
        dependents: Sequence[Step],
        on_commit: Callable[[ClientSession], None] | None = None,
    ) -> None:
        """End the step as failed, skipped or cancelled, and skip its dependents that are pending. Raises LeaseLost."""

        def work(session: ClientSession) -> None:
            change = _ending(state) | {
                "failure": failure,
                "attempts": claim.attempts.made + 1,
            }
            self._change(claim, {"$set": change, "$currentDate": _STAMPS}, session)
            because = Failure(reason=f"Needs {claim.step}, which did not succeed.", kind="Skipped")
            keys = [step.key(claim.world_id) for step in dependents]
            if keys:
                self._end_pending({"_id": {"$in": keys}}, StepState.SKIPPED, because, session)
            if on_commit is not None:
                on_commit(session)

        self._database.transaction(work)

    def cancel_pending(self, world_id: str, session: ClientSession) -> None:
        """End every pending step of a cancelled world, but for the closing one."""
        because = Failure(reason="The world was cancelled.", kind="WorldCancelled")
        steps = {"world_id": world_id, "kind": {"$ne": self._table.closing.kind}}
        self._end_pending(steps, StepState.CANCELLED, because, session)

    def _end_pending(
        self, which: Document, state: StepState, failure: Failure, session: ClientSession
    ) -> None:
        change = {"state": state.value, "failure": failure, "not_before": None}
        pending = which | {"state": StepState.PENDING.value}
        self._rows.update_many(pending, {"$set": change, "$currentDate": _STAMPS}, session=session)

    def restore(
        self, claim: Claim, steps: Sequence[Step], failure: Failure, unpublished: Sequence[Step] = ()
    ) -> None:
        """Put steps back to done after a redo that failed; what they made before stays, the failure says why.

        Steps in `unpublished` were redone already, and nobody sees it: they get back what they had made before.

        Raises LeaseLost.
        """
        former = {"$ifNull": ["$checkpoints.redo_from", "$result"]}

        def work(session: ClientSession) -> None:
            for step in steps:
                change = _ending(StepState.DONE) | {"failure": failure}
                update = {"$set": change, "$currentDate": _STAMPS}
                if step == claim.step:
                    self._change(claim, update, session)
                else:
                    waiting = {"_id": step.key(claim.world_id), "state": StepState.PENDING.value}
                    self._rows.update_one(waiting, update, session=session)
            for step in unpublished:
                done = {"_id": step.key(claim.world_id), "state": StepState.DONE.value}
                self._rows.update_one(done, [{"$set": {"result": former}}], session=session)

        self._database.transaction(work)

    def release(
        self,
        claim: Claim,
        attempts: Attempts,
        failure: Failure | None,
        *,
        wait_s: float | None = None,
    ) -> None:
        """Give the step back as pending. With `wait_s` it is scheduled: dispatched after that many seconds, and not before.

        Raises LeaseLost.
        """
        due = None if wait_s is None else {"$add": ["$$NOW", int(wait_s * 1000)]}
        change = {
            "state": StepState.PENDING.value,
            "owner": None,
            "lease_until": None,
            "not_before": due,
            "attempts": attempts.made,
            "attempts_before": attempts.before,
            "failure": {"$literal": failure},
            "outage_since": attempts.outage_since,
            "updated_at": "$$NOW",
            "ready_at": "$$NOW",
        }
        self._change(claim, [{"$set": change}])

    def quarantine(self, claim: Claim) -> None:
        """Give the step back for the quarantine worker, where takeovers are counted from 0. Raises LeaseLost."""
        change = {
            "state": StepState.PENDING.value,
            "owner": None,
            "lease_until": None,
            # One that came here again through recovery was taken over in quarantine: that counts.
            "takeovers": claim.takeovers if claim.quarantined else 0,
            "quarantined": True,
        }
        self._change(claim, {"$set": change, "$currentDate": {"updated_at": True, "ready_at": True}})

    def abandon(self, owner: str) -> int:
        """Give all steps of an owner that stops back at once; what it still does to them is fenced off."""
        change = {
            "$set": {
                "state": StepState.PENDING.value,
                "owner": None,
                "lease_until": None,
                "ready_at": _LONG_AGO,
            },
            "$inc": {"fence": 1},
        }
        mine = {"owner": owner, "state": StepState.RUNNING.value}
        return self._rows.update_many(mine, change).modified_count

    def _change(
        self, claim: Claim, update: Document | list[Document], session: ClientSession | None = None
    ) -> None:
        mine = {
            "_id": claim.key,
            "owner": claim.owner,
            "fence": claim.fence,
            "state": StepState.RUNNING.value,
        }
        if isinstance(update, list):
            along = {name: {"$literal": value} for name, value in claim.along.items()}
            update = [*update, {"$set": along}] if along else update
        else:
            update = update | {"$set": update.get("$set", {}) | claim.along}
        if not self._rows.update_one(mine, update, session=session).matched_count:
            message = f"Step {claim.key} was taken over while {claim.owner} worked on it."
            raise LeaseLost(message)
        if session is None:  # else it may be undone
            claim.along.clear()


def _ending(state: StepState) -> Document:
    return {"state": state.value, "owner": None, "lease_until": None, "outage_since": None}
