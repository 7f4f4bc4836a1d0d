"""GenerationTask: what every step has in common.

Claim the step, run its use case, commit the result or apply the decision.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any, NamedTuple

from celery import Task
from celery.exceptions import Ignore, Reject
from pymongo.errors import PyMongoError

from generia_worker.app.celery_app import app
from generia_worker.app.container import Container, get_container
from generia_worker.engine.generations import Generation
from generia_worker.engine.ledger import Claim
from generia_worker.engine.queues import QUARANTINE
from generia_worker.engine.retry import Again, Decision, End, RetryPolicy
from generia_worker.engine.specs import StepSpec
from generia_worker.engine.step import Failure, Scope, Step, StepState
from generia_worker.errors import GeneriaError, InvalidAnswerError, LeaseLost
from generia_worker.observability import logs, metrics
from generia_worker.settings import get_settings
from generia_worker.storage.database import is_transient
from generia_worker.worlds.claims import failure_of, final_failure
from generia_worker.worlds.context import StepContext, UseCase
from generia_worker.worlds.steps import STEPS
from tasks import pipeline
from tasks.progress import refresh_status

log = logging.getLogger(__name__)
_settings = get_settings()

#: Takeovers after which a step is suspected of killing its workers, and those in quarantine after which it is dead-lettered.
_TAKEOVERS_MAX = 2
_QUARANTINE_TAKEOVERS_MAX = 3


class StepFailed(GeneriaError):  # noqa: N818
    """Raised when a step has failed for good, after the ledger knows it: it makes the task red in Flower."""


class Verdict(NamedTuple):
    """What became of a message. `done`: its chain goes on. `failure`: why the step failed for good, if it did.

    `requeue`: the message goes back to its queue, for another worker.
    """

    done: bool
    failure: str | None = None
    requeue: bool = False


#: There was nothing to do now, or the step ended without a failure of its own: the chain does not go on.
_NOTHING = Verdict(done=False)


class GenerationTask(Task[Any, Any]):
    """One step of a world. The retry policy is declared in Celery's terms; attempts are counted in the ledger."""

    abstract = True
    acks_late = True
    throws = (StepFailed,)
    max_retries = _settings.step_max_retries
    retry_backoff = _settings.retry_backoff_s
    retry_backoff_max = _settings.retry_backoff_max_s
    policy = RetryPolicy(
        max_retries=max_retries,
        backoff_s=retry_backoff,
        backoff_max_s=retry_backoff_max,
        outage_max_s=_settings.outage_max_s,
    )

    def perform(self, world_id: str, step: Step, use_case: UseCase) -> None:
        """Run one step once: nothing happens when it has ended, waits for its time or is in other hands.

        Raises:
            Ignore: there is nothing to do now; the chain is not advanced by this message.
            Reject: MongoDB or this process is not able to; the message goes back to its queue.
            StepFailed: the step has failed for good.
        """
        container = get_container()
        if container.stopping.is_set():
            raise Reject("This worker is stopping.", requeue=True)
        with logs.work(world_id=world_id, step=step.name, task_id=self.request.id, task=self.name):
            try:
                verdict = self._run(container, world_id, step, use_case)
            except LeaseLost as error:
                metrics.lease_lost()
                log.warning("%s", error.message)
                # An answer that came too late for the step was recorded all the same: it is to be counted.
                refresh_status(world_id)
                verdict = _NOTHING
            except PyMongoError as error:
                if not is_transient(error):
                    raise
                log.warning("MongoDB is not able to serve step %s: %s", step, type(error).__name__)
                container.stopping.wait(_settings.retry_backoff_s)
                raise Reject("MongoDB is not available.", requeue=True) from None
        if verdict.failure is not None:
            raise StepFailed(f"{step.key(world_id)}: {verdict.failure}")
        if verdict.requeue:
            raise Reject("This worker is stopping.", requeue=True)
        if not verdict.done:
            raise Ignore

    def _run(self, container: Container, world_id: str, step: Step, use_case: UseCase) -> Verdict:
        """Claim the step and try it, again and again while the wait in between is short."""
        verdict = None
        again = False
        while verdict is None:
            claim = container.claims.take(world_id, step)
            if not isinstance(claim, Claim):
                return _NOTHING
            try:
                verdict = self._try(container, claim, use_case, again=again)
            except PyMongoError as error:
                if is_transient(error):
                    container.claims.give_back(claim)
                raise
            again = True
        return verdict

    def _try(self, container: Container, claim: Claim, use_case: UseCase, *, again: bool) -> Verdict | None:
        """Try a claimed step once. Returns None when it was given back and is to be tried again."""
        if self._to_quarantine(container, claim):
            return _NOTHING
        world_id, step = claim.world_id, claim.step
        if not again and step.scope in (Scope.WORLD, Scope.BATCH):
            refresh_status(world_id)  # a person sees the stages of the world itself begin
        order = container.generations.recent(world_id)
        if not order.knows(step):  # its round was added a moment ago
            order = container.generations.get(world_id)
        logs.note(run=order.run, attempt=claim.attempts.made + 1)
        stopped = self._attempt(container, order, claim, use_case)
        if stopped is None:
            log.info("Step %s is done.", claim.key)
            pipeline.publish_waiting(order, container.rows, step.kind)
            refresh_status(world_id, at_once=STEPS[step.kind].closes_world)
            return Verdict(done=True)
        decision, failure = stopped
        if isinstance(decision, End):
            return self._end(container, order, claim, decision, failure)
        if not _wait(container, claim, decision, failure):
            return Verdict(done=False, requeue=container.stopping.is_set())
        return None

    def _to_quarantine(self, container: Container, claim: Claim) -> bool:
        """Send a step whose owners keep dying where it takes no others along: one process, one step at a time."""
        here = (self.request.delivery_info or {}).get("routing_key") == QUARANTINE
        if here or not (claim.quarantined or claim.takeovers >= _TAKEOVERS_MAX):
            return False
        log.warning("Step %s was taken over %d times: to quarantine.", claim.key, claim.takeovers)
        container.ledger.quarantine(claim)
        self.signature_from_request(queue=QUARANTINE).apply_async()
        return True

    def _attempt(
        self, container: Container, order: Generation, claim: Claim, use_case: UseCase
    ) -> tuple[Decision, Failure] | None:
        """Try a claimed step once. Returns the decision about its error and how to tell it; None when it is done."""
        if order.cancelled and not STEPS[claim.step.kind].closes_world:
            reason = "The world was cancelled."
            return End(StepState.CANCELLED), final_failure(claim, "WorldCancelled", reason)
        if claim.quarantined and claim.takeovers >= _QUARANTINE_TAKEOVERS_MAX:
            reason = f"The step ended its worker process {claim.takeovers} times: it is not tried again."
            return End(StepState.FAILED), final_failure(claim, "PermanentError", reason)
        reached = len(claim.checkpoints)
        try:
            with container.leases.holding(claim), container.services.calls.recording(claim.along):
                ctx = StepContext(claim, order, container.services)
                outcome = use_case(ctx, container.services)
                container.ledger.commit(claim, outcome.result, outcome.on_commit)
                return None
        except (LeaseLost, PyMongoError):
            raise
        except Exception as error:
            if not isinstance(error, GeneriaError):
                log.exception("Step %s hit a defect.", claim.key)
            progress = len(claim.checkpoints) > reached
            decision = self.policy.decide(error, claim.attempts, datetime.now(UTC), progress=progress)
            refused = getattr(error, "refuses_contents", False) and isinstance(decision, End)
            if refused or isinstance(error, InvalidAnswerError):
                ctx.ask_anew()  # else whoever resumes or retries would send the same again
            return decision, failure_of(claim, error, decision)

    def _end(
        self, container: Container, order: Generation, claim: Claim, end: End, failure: Failure
    ) -> Verdict:
        """End a step without a result, and let the rest of the world go on."""
        goes_on = container.claims.end(order, claim, end, failure)
        # One that failed is worth a look, the others are as they should be.
        level = logging.WARNING if end.state is StepState.FAILED else logging.INFO
        log.log(level, "Step %s is %s: %s", claim.key, end.state.value, failure["reason"])
        metrics.ended(end.state.value)
        if goes_on:
            pipeline.publish_waiting(order, container.rows)
            canvas = pipeline.canvas_after(claim.step, order, container.rows.states(order.world_id))
            if canvas is not None:
                canvas.apply_async()
        refresh_status(order.world_id)
        failed = end.state is StepState.FAILED or not goes_on
        return Verdict(done=False, failure=failure["reason"]) if failed else _NOTHING


def step_task(spec: StepSpec[Any], use_case: UseCase) -> GenerationTask:
    """Return the Celery task of a kind of step: it takes the world's id, the step's indexes, and its round from 2 on."""

    def run(self: GenerationTask, world_id: str, *indexes: int, in_round: int = 1) -> None:
        self.perform(world_id, spec.step(*indexes, in_round=in_round), use_case)

    run.__doc__ = use_case.__doc__
    task: GenerationTask = app.task(base=GenerationTask, bind=True, name=spec.task)(run)
    return task


def _wait(container: Container, claim: Claim, again: Again, failure: Failure) -> bool:
    """Give the step back, and wait for a short time. False when it is scheduled instead, or the worker stops."""
    metrics.retried(again.why)
    log.info("Step %s waits %.1f s: %s", claim.key, again.delay_s, failure["reason"])
    if again.delay_s > _settings.park_after_s:
        container.ledger.release(claim, again.attempts, failure, wait_s=again.delay_s)
        return False
    container.ledger.release(claim, again.attempts, failure)
    return not container.stopping.wait(again.delay_s)
