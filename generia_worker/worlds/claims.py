"""A step's claim beside its use case: taken with the first paid call, given back, or ended without a result."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from generia_worker.billing.calls import MeteredCalls
from generia_worker.billing.requests import Requests
from generia_worker.engine.generations import Generation, Generations
from generia_worker.engine.ledger import Claim, Finished, Leased, Ledger, Scheduled
from generia_worker.engine.retry import Again, Decision, End
from generia_worker.engine.step import Failure, Step
from generia_worker.engine.step_rows import StepRows
from generia_worker.errors import GeneriaError, LeaseLost, NotFoundError
from generia_worker.storage.database import Document, insist
from generia_worker.worlds.context import first_call
from generia_worker.worlds.steps import STEPS


class Claims:
    """The claims of one process, whose name in the ledger is `owner`."""

    def __init__(
        self,
        owner: str,
        ledger: Ledger,
        rows: StepRows,
        generations: Generations,
        requests: Requests,
        calls: MeteredCalls,
        *,
        patience_s: float,
    ) -> None:
        self._owner = owner
        self._ledger = ledger
        self._rows = rows
        self._generations = generations
        self._requests = requests
        self._calls = calls
        self._patience_s = patience_s

    def take(self, world_id: str, step: Step) -> Claim | Leased | Scheduled | Finished:
        """Claim a step, with its first paid call where that is known before."""
        call = self._first_call(world_id, step)
        try:
            return self._ledger.claim(world_id, step, self._owner, call)
        except PyMongoError:
            if call is not None:
                # Whatever of it was stored: no call was made, and none is to be counted.
                self._calls.take_back(call)
            raise

    def _first_call(self, world_id: str, step: Step) -> Document | None:
        """Return the intent that can be stored with a claim: its world's plan covers the call, its key is known."""
        first = first_call(world_id, step, STEPS[step.kind])
        if first is None:
            return None
        try:
            order = self._generations.recent(world_id)
        except NotFoundError:
            return None  # and no such step
        covered = order.knows(step) and order.round_of(step).planned and not order.cancelled
        return self._calls.for_claim(*first) if covered else None

    def give_back(self, claim: Claim) -> None:
        """Give a step that MongoDB could not serve back as soon as it can, with the call that it was claimed with.

        That call was not made, and is not to be counted as one that may have been billed. Where the step has ended after
        all, or is another's by now, nothing is changed.
        """
        with suppress(LeaseLost):
            insist(lambda: self._ledger.release(claim, claim.attempts, None), for_s=self._patience_s)

    def end(self, order: Generation, claim: Claim, end: End, failure: Failure) -> bool:
        """End a step without a result, and skip what needs it: all of its world, if the world cannot be without it.

        Returns False where the step was being redone: then all is as it was before, and nothing follows. Raises LeaseLost.
        """
        world_id, step = order.world_id, claim.step
        spec = STEPS[step.kind]
        states = self._rows.states(world_id)
        own = order.round_of(step)
        dependents = STEPS.dependents(step, states if own.number == 1 else order.same_round(step, states))
        if claim.along:
            self._ledger.checkpoint(claim)  # what was not called is not in doubt
        self._requests.abandon(world_id, step.name)
        if claim.checkpoints.get("redo_of"):
            unpublished = [spec.publishes.within(step)] if spec.publishes else []
            self._ledger.restore(claim, [step, *dependents], failure, unpublished)
            return False

        def fail_world(session: ClientSession) -> None:
            self._generations.fail_world(world_id, failure, session)

        def give_up_round(session: ClientSession) -> None:
            self._generations.give_up(world_id, own.number, failure, session)

        # A reply that fails harms no world, whatever it failed of.
        fails_world = end.fails_world and not spec.is_aside
        rest = [one for one in states if one != step] if fails_world else dependents
        on_commit = fail_world if fails_world else None
        if own.number > 1 and spec.fatal and not fails_world:
            on_commit = give_up_round
        self._ledger.end_without_result(claim, end.state, failure, rest, on_commit)
        return True


def failure_of(claim: Claim, error: Exception, decision: Decision) -> Failure:
    """Describe the error of an attempt for a person: what the ledger keeps, and `/failures` shows.

    What is not an error of ours is named, not quoted: its text may hold a secret.
    """
    reason = f"An internal error ({type(error).__name__}); the worker's log has more."
    if isinstance(error, GeneriaError):
        reason = error.message
    if isinstance(decision, Again):
        attempt, kind = decision.attempts.made, type(error).__name__
        return Failure(reason=reason[:1000], kind=kind, attempt=attempt, at=datetime.now(UTC))
    return final_failure(claim, type(error).__name__, reason)


def final_failure(claim: Claim, kind: str, reason: str) -> Failure:
    """Describe why a step ends at this attempt."""
    attempt = claim.attempts.made + 1
    at = datetime.now(UTC)
    return Failure(reason=reason[:1000], kind=kind, attempt=attempt, at=at, step=claim.step.name)
