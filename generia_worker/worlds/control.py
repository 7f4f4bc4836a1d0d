"""What a person may do to a world that was ordered: cancel it, resume it, retry what failed, redo one thing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pymongo.client_session import ClientSession

from generia_worker.client.status import WorldStatus
from generia_worker.engine.generations import Generations
from generia_worker.engine.specs import StepTable
from generia_worker.engine.step import Step, StepState
from generia_worker.engine.step_rows import StepRows
from generia_worker.errors import ConflictError, InvalidInputError
from generia_worker.status.projection import StatusProjection
from generia_worker.storage.database import Database, Document


class Control:
    """Changes the course of worlds. Each change is one transaction; publishing what follows is up to the caller."""

    def __init__(
        self, database: Database, generations: Generations, rows: StepRows, status: StatusProjection
    ) -> None:
        self._database = database
        self._generations = generations
        self._step_rows = rows
        self._table: StepTable = rows.table
        self._status = status

    def cancel(self, world_id: str) -> None:
        """Stop a world: no step starts, no paid call is made any more; what exists stays.

        Raises:
            NotFoundError: it was never ordered.
            ConflictError: it has ended already.
        """
        # The status tells of the end first; a moment later the world is closed.
        if self._state(world_id).is_final or not self._mark_cancelled(world_id):
            message = f"World {world_id} has ended already: there is nothing to cancel."
            raise ConflictError(message).with_code("world_ended")

    def resume(self, world_id: str) -> None:
        """Go on with a world that was cancelled or has failed, from where it stood.

        Raises:
            NotFoundError, ConflictError: as `cancel`.
        """
        status = self._state(world_id)
        if status not in (WorldStatus.CANCELLED, WorldStatus.FAILED):
            message = f"World {world_id} is {status}: only a cancelled or failed one can be resumed."
            raise ConflictError(message).with_code("not_stopped")
        self._reopen(world_id, {StepState.CANCELLED, StepState.FAILED, StepState.SKIPPED})

    def retry(self, world_id: str) -> None:
        """Try the failed steps of a world again, and what was skipped because of them.

        Raises:
            NotFoundError: it was never ordered.
            ConflictError: nothing has failed, or the world was cancelled.
        """
        # A world may have ended as it was cancelled: then it is what its status says.
        cancelled = self._generations.get(world_id).cancelled
        if cancelled and self._state(world_id) is not WorldStatus.COMPLETED:
            raise ConflictError(f"World {world_id} was cancelled: resume it.").with_code("world_cancelled")
        if not self._reopen(world_id, {StepState.FAILED, StepState.SKIPPED}):
            raise ConflictError(f"Nothing of world {world_id} has failed.").with_code("nothing_failed")

    def redo(self, world_id: str, name: str) -> None:
        """Redo one character (`character/7`) or one post (`post/7/3`), in place.

        Raises:
            InvalidInputError: `name` is neither.
            NotFoundError: it was never ordered.
            ConflictError: the world has not ended, or has no such thing, or that was never made.
        """
        try:
            step = self._table.parse(name)
        except ValueError as error:
            raise InvalidInputError(str(error), field="step") from None
        if step.kind not in {spec.redo for spec in self._table}:
            message = "Only a character (character/7) or a post (post/7/3) can be made anew."
            raise InvalidInputError(message, field="step")
        if not self._state(world_id).is_final:
            raise ConflictError(f"World {world_id} has not ended: redo it afterwards.")
        steps = [spec.within(step) for spec in self._table.redone_with(step.kind)]
        self._database.transaction(lambda session: self._redo(world_id, steps, session))

    def _mark_cancelled(self, world_id: str) -> bool:
        change = {"$set": {"cancelled": True}}
        open_one = {"_id": world_id, "open": True}
        return bool(self._database.generations.update_one(open_one, change).matched_count)

    def _state(self, world_id: str) -> WorldStatus:
        """Return what a world's status says. Raises NotFoundError."""
        return WorldStatus(self._status.get(world_id)["status"])

    # --- how ---------------------------------------------------------------------------------------------------
    def _redo(self, world_id: str, steps: list[Step], session: ClientSession) -> None:
        rows = {
            row["_id"]: row
            for row in self._database.steps.find(
                {"_id": {"$in": [step.key(world_id) for step in steps]}}, session=session
            )
        }
        for position, step in enumerate(steps):
            row = rows.get(step.key(world_id))
            if row is None:
                raise ConflictError(f"World {world_id} has no {step}.")
            if row["state"] != StepState.DONE:
                raise ConflictError(f"{step} was never made: retry the world.")
            kept = {"redo_of": _identity(row["result"])}
            if self._table.is_published_later(step.kind):
                # What people see until the new one is published, and afterwards if that fails.
                kept["redo_from"] = row["result"]
            # A literal: a plain document would be merged into the checkpoints that are there.
            change = pending_again(ready=position == 0) | {"checkpoints": {"$literal": kept}}
            self._database.steps.update_one(
                {"_id": row["_id"]}, [{"$set": change | fresh_attempts()}, _next_edition()], session=session
            )
        self._open_again(world_id, session)

    def _reopen(self, world_id: str, states: Collection[StepState]) -> int:
        """Make the steps in these states pending again; returns how many there were."""

        def work(session: ClientSession) -> int:
            order = self._generations.get(world_id, session)
            world = self._step_rows.states(world_id, session)
            again = {
                step
                for step, state in world.items()
                if state in states
                and step.kind != self._table.closing.kind
                # Who commented does not wait for an answer any more.
                and step.kind not in self._table.aside_kinds
            }
            again |= self._waiting_for(again, world)
            if again or order.cancelled or not world:
                rounds: dict[int, set[Step]] = {}
                for step in world:
                    rounds.setdefault(order.round_of(step).number, set()).add(step)
                ready = {
                    step
                    for one in order.rounds
                    for own in [rounds.get(one.number, set())]
                    for step in own & again
                    # What waits for others is opened when these have ended, this time too.
                    if not self._table[step.kind].waits_for
                    and self._table.predecessor(step, one.batches, own, one.number) not in again
                }
                self._generations.take_up(order, session)
                self._set_pending(world_id, ready, session, ready=True)
                self._set_pending(world_id, again - ready, session, ready=False)
                self._open_again(world_id, session)
            return len(again)

        self._generations.get(world_id)
        return self._database.transaction(work)

    def _waiting_for(self, again: Collection[Step], world: Mapping[Step, StepState]) -> set[Step]:
        """Return the steps that are done and waited for all of a kind of which some are tried again: they look again at what
        there is then. What was paid for them is theirs already."""
        tried = {(step.kind, step.round) for step in again}
        for spec in self._table:
            tried |= {
                (spec.kind, in_round)
                for kind, in_round in tried
                if any(one.kind == kind for one in spec.waits_for)
            }
        return {
            step
            for step, state in world.items()
            if state is StepState.DONE
            and (step.kind, step.round) in tried
            and self._table[step.kind].waits_for
        }

    def _set_pending(
        self, world_id: str, steps: Iterable[Step], session: ClientSession, *, ready: bool
    ) -> None:
        keys = [step.key(world_id) for step in steps]
        if keys:
            change = pending_again(ready=ready) | fresh_attempts()
            self._database.steps.update_many({"_id": {"$in": keys}}, [{"$set": change}], session=session)

    def _open_again(self, world_id: str, session: ClientSession) -> None:
        self._set_pending(world_id, [self._table.closing.step()], session, ready=False)
        self._database.generations.update_one(
            {"_id": world_id},
            {"$set": {"open": True, "cancelled": False, "fatal": None}, "$inc": {"run": 1}},
            session=session,
        )


def pending_again(*, ready: bool) -> Document:
    """Return the fields of a step that is to be done (again), for an update that is a pipeline."""
    return {
        "state": StepState.PENDING.value,
        "failure": None,
        "owner": None,
        "lease_until": None,
        "takeovers": 0,
        "quarantined": False,
        "outage_since": None,
        "not_before": None,
        "ready_at": "$$NOW" if ready else None,
    }


def fresh_attempts() -> Document:
    """The attempts made so far do not count any more; they stay part of the names of calls, so that none is repeated."""
    return {"attempts_before": "$attempts"}


def _next_edition() -> Document:
    return {"$set": {"edition": {"$add": ["$edition", 1]}}}


def _identity(result: dict[str, Any]) -> str:
    """Return the id under which the services know what a step made."""
    return str(result.get("character_id") or result.get("post_id") or result.get("media_id") or "text")
