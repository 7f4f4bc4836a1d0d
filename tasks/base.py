"""GenerationTask: what every step has in common. Claim, work, commit; wait, fail, tell the progress task."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any, NoReturn

from celery import Task
from celery.exceptions import Ignore, Reject
from kombu.utils import json
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from generia_worker.app.container import Runtime, get_runtime
from generia_worker.engine.generations import Generation
from generia_worker.engine.ledger import Busy, Claim, Over
from generia_worker.engine.queues import QUARANTINE
from generia_worker.engine.step import FINISH, Step, StepKind, StepState, doomed_by
from generia_worker.errors import (
    BudgetExceeded,
    BusyError,
    GeneriaError,
    InvalidAnswerError,
    LeaseLost,
    PermanentError,
    TransientError,
    WorldCancelled,
)
from generia_worker.observability import logs, metrics
from generia_worker.settings import get_settings
from generia_worker.storage.database import is_transient
from generia_worker.worlds.context import ASKED_ANEW, StepRun
from generia_worker.worlds.services import UseCase
from tasks import pipeline
from tasks.progress import ask_for_progress

log = logging.getLogger(__name__)
_settings = get_settings()

#: Steps whose start a person should see at once: the stages of the world itself.
_SHOWN_AT_START = frozenset({StepKind.INITIALIZE, StepKind.DESCRIBE, StepKind.ILLUSTRATE, StepKind.CAST})


#: Those who were told to wait equally long come back spread over so much of that time.
_SPREAD = 0.25
#: After so many takeovers a step is suspected of killing its workers, and after so many in quarantine convicted.
_TAKEOVERS = 2
_QUARANTINE_TAKEOVERS = 3

#: A failed step is worth a look, one that a person or a limit stopped is as it should be.
_LEVELS = {StepState.FAILED: logging.WARNING}


class StepFailed(GeneriaError):  # noqa: N818
    """Raised when a step has failed for good, after the ledger knows it: it makes the task red in Flower."""


Perform = Callable[["GenerationTask", str, Step, UseCase], None]


def _logged(perform: Perform) -> Perform:
    """Let everything that is logged meanwhile name the step."""

    @wraps(perform)
    def wrapped(task: GenerationTask, world_id: str, step: Step, use_case: UseCase) -> None:
        with logs.work(world_id=world_id, step=step.name, task_id=task.request.id, task=task.name):
            perform(task, world_id, step, use_case)

    return wrapped


class GenerationTask(Task[Any, Any]):
    """One step of a world. The retry policy is declared in Celery's terms; attempts are counted in the ledger."""

    abstract = True
    acks_late = True
    throws = (StepFailed,)
    max_retries = _settings.step_max_retries
    retry_backoff = _settings.retry_backoff_s
    retry_backoff_max = _settings.retry_backoff_max_s
    retry_jitter = True

    @_logged
    def perform(self, world_id: str, step: Step, use_case: UseCase) -> None:
        """Run one step once: nothing happens when it is done, outdated or in other hands.

        Raises:
            Ignore: there is nothing to do now; the chain is not advanced by this message.
            Reject: MongoDB or this process is not able to; the message goes back to its queue.
            StepFailed: the step has failed for good.
        """
        runtime = get_runtime()
        if runtime.stopping.is_set():
            raise Reject("This worker is stopping.", requeue=True)
        try:
            self._claim_and_work(runtime, world_id, step, use_case)
        except PyMongoError as error:
            if not is_transient(error):
                raise
            log.warning("MongoDB is not able to serve step %s: %s", step.key(world_id), type(error).__name__)
            runtime.stopping.wait(runtime.settings.retry_backoff_s)
            raise Reject("MongoDB is not available.", requeue=True) from None
        except LeaseLost as error:
            metrics.lease_lost()
            log.warning("%s", error.message)
            # An answer that came too late for the step was recorded all the same: it is to be counted.
            ask_for_progress(world_id)
            raise Ignore from None

    def _claim_and_work(self, runtime: Runtime, world_id: str, step: Step, use_case: UseCase) -> None:
        taken = runtime.ledger.claim(world_id, step, runtime.owner)
        if isinstance(taken, Over):
            raise Ignore
        if isinstance(taken, Busy):
            if step == FINISH:  # asked for by every settling until it is done: one more is not missed
                raise Ignore
            self._park(runtime, world_id, step, taken.remaining_s + 0.1, "Another worker is on it.")
        self._check_quarantine(runtime, taken)
        order = runtime.orders.get(world_id)
        if order.cancelled and step != FINISH:
            self._end(runtime, order, taken, StepState.CANCELLED, WorldCancelled("The world was cancelled."))
        if taken.quarantined and taken.takeovers >= _QUARANTINE_TAKEOVERS:
            message = f"The step ended its worker process {taken.takeovers} times: it is not tried again."
            self._end(runtime, order, taken, StepState.FAILED, PermanentError(message))
        if step.kind in _SHOWN_AT_START:
            ask_for_progress(world_id)
        claim: Claim | None = taken
        while claim is not None:
            with runtime.leases.holding(claim):
                claim = self._attempt(runtime, order, claim, use_case)
        log.info("Step %s is done.", taken.key)
        ask_for_progress(world_id)

    def _check_quarantine(self, runtime: Runtime, claim: Claim) -> None:
        """Send a step whose owners keep dying where it takes no others along: one process, one step at a time."""
        here = (self.request.delivery_info or {}).get("routing_key") == QUARANTINE
        if here or not (claim.quarantined or claim.takeovers >= _TAKEOVERS):
            return
        log.warning("Step %s was taken over %d times: to quarantine.", claim.key, claim.takeovers)
        runtime.ledger.quarantine(claim)
        self.signature_from_request(queue=QUARANTINE).apply_async()
        raise Ignore

    def _attempt(self, runtime: Runtime, order: Generation, claim: Claim, use_case: UseCase) -> Claim | None:
        """Work on a claimed step once. Returns the claim to go on with after a short wait, None when it is done."""
        reached = len(claim.checkpoints)
        logs.note(run=order.run, attempt=claim.attempts + 1)
        try:
            outcome = use_case(StepRun(claim, order, runtime.ledger), runtime.tools)
            runtime.ledger.commit(claim, outcome.result, outcome.also)
        except (TransientError, InvalidAnswerError) as error:
            return self._try_later(runtime, order, claim, error, progress=len(claim.checkpoints) > reached)
        except WorldCancelled as error:
            self._end(runtime, order, claim, StepState.CANCELLED, error)
        except BudgetExceeded as error:
            self._end(runtime, order, claim, StepState.SKIPPED, error)
        except (LeaseLost, Ignore, Reject, PyMongoError):
            raise
        except Exception as error:
            if not isinstance(error, GeneriaError):
                log.exception("Step %s hit a defect.", claim.key)
            self._end(runtime, order, claim, StepState.FAILED, error)
        return None

    # --- waiting -----------------------------------------------------------------------------------------------
    def _try_later(
        self,
        runtime: Runtime,
        order: Generation,
        claim: Claim,
        error: TransientError | InvalidAnswerError,
        *,
        progress: bool,
    ) -> Claim:
        """Count the attempt (an outage is not one) and wait: here when it is short, parked when it is not.

        What the bound counts are attempts in a row that came to nothing: after `progress` (a new checkpoint) it starts over,
        else a step of many calls would be given up sooner than one of few.
        """
        now = datetime.now(UTC)
        before = claim.attempts if progress else claim.attempts_before
        busy = isinstance(error, BusyError)
        outage = isinstance(error, TransientError) and error.outage
        earlier = None if progress else claim.outage_since
        since = (earlier or now) if outage else earlier if busy else None
        waited_s = (now - since).total_seconds() if since else 0.0
        attempts = claim.attempts if outage or busy else claim.attempts + 1
        if isinstance(error, InvalidAnswerError):
            asked = claim.checkpoints.get(ASKED_ANEW, 0)
            runtime.ledger.checkpoint(claim, **{ASKED_ANEW: asked + 1})
        if attempts - before > self.max_retries or waited_s > runtime.settings.outage_max_s:
            self._end(runtime, order, claim, StepState.FAILED, error)
        metrics.retried("outage" if outage else "busy" if busy else "error")
        wait_s = self._backoff_s(claim.attempts - before, waited_s, outage=outage)
        if isinstance(error, TransientError) and error.retry_after_s is not None:
            wait_s = max(error.retry_after_s, wait_s if outage else 0.0) * (1 + _SPREAD * random.random())
        runtime.ledger.release(
            claim, attempts=attempts, before=before, failure=_failure(error, attempts), outage_since=since
        )
        log.info("Step %s waits %.1f s: %s", claim.key, wait_s, error.message)
        if wait_s > runtime.settings.park_after_s or runtime.stopping.wait(wait_s):
            self._park(runtime, claim.world_id, claim.step, wait_s, error.message)
        again = runtime.ledger.claim(claim.world_id, claim.step, runtime.owner)
        if not isinstance(again, Claim):
            raise Ignore
        return again

    def _backoff_s(self, attempts: int, waited_s: float, *, outage: bool) -> float:
        """Double with each attempt (in an outage: with the time it lasts), with jitter, up to the maximum."""
        base = max(waited_s, self.retry_backoff) if outage else self.retry_backoff * 2.0**attempts
        spread = random.uniform(0.5, 1.0) if self.retry_jitter else 1.0
        return float(min(base, self.retry_backoff_max) * spread)

    def _park(self, runtime: Runtime, world_id: str, step: Step, wait_s: float, reason: str) -> NoReturn:
        """Give the thread back: the message is stored with all that it carries of its canvas, and acknowledged."""
        signature = json.dumps(dict(self.signature_from_request()))
        runtime.parked.park(step.key(world_id), world_id, signature, wait_s=wait_s, reason=reason[:300])
        raise Ignore

    # --- ending ------------------------------------------------------------------------------------------------
    def _end(
        self, runtime: Runtime, order: Generation, claim: Claim, state: StepState, error: Exception
    ) -> NoReturn:
        """End a step without a result, skip what needs it, and let the rest of the world go on."""
        failure = _failure(error, claim.attempts + 1) | {"step": claim.step.name}
        states = runtime.ledger.states(order.world_id)
        fatal = isinstance(error, PermanentError) and error.fatal_to_world
        doomed = [s for s in states if s != claim.step] if fatal else doomed_by(claim.step, states)

        def condemn(session: ClientSession) -> None:
            runtime.generations.condemn(order.world_id, failure, session)

        runtime.requests.abandon(order.world_id, claim.step.name)
        if claim.checkpoints.get("redo_of"):
            runtime.ledger.restore(claim, [claim.step, *doomed_by(claim.step, states)], failure)
            _tell(claim, state, failure)
            ask_for_progress(order.world_id)
            raise StepFailed(f"{claim.key}: {failure['reason']}")
        runtime.ledger.end_without_result(claim, state, failure, doomed, condemn if fatal else None)
        _tell(claim, state, failure)
        rest = pipeline.canvas_after(claim.step, order, runtime.ledger.states(order.world_id))
        if rest is not None:
            rest.apply_async()
        ask_for_progress(order.world_id)
        if state is StepState.FAILED:
            raise StepFailed(f"{claim.key}: {failure['reason']}")
        raise Ignore


def _tell(claim: Claim, state: StepState, failure: dict[str, Any]) -> None:
    """Log and count a step that ended without a result."""
    level = _LEVELS.get(state, logging.INFO)
    log.log(level, "Step %s is %s: %s", claim.key, state.value, failure["reason"])
    metrics.ended(state.value)


def _failure(error: Exception, attempt: int) -> dict[str, Any]:
    """Describe an error for a person. What is not ours is named, not quoted: its text may hold a secret."""
    reason = f"An internal error ({type(error).__name__}); the worker's log has more."
    if isinstance(error, GeneriaError):
        reason = error.message
    return {
        "reason": reason[:1000],
        "kind": type(error).__name__,
        "attempt": attempt,
        "at": datetime.now(UTC),
    }
