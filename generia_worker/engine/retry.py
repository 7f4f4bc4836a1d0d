"""The retry policy: what becomes of a step after an error. Pure: what is known goes in, a decision comes out.

| error | decision |
| --- | --- |
| `TransientError` | again after a backoff that doubles with each attempt; counted |
| the same with `outage` | again after a backoff that grows with the outage; not counted, for `outage_max_s` at most |
| the same with `retry_after_s` | again not before that time |
| `NotFoundError` | as an outage: the ids that a step works with came from the service that does not know them now |
| `BusyError` | again not before the time that it names; not counted |
| `InvalidAnswerError` | again, with new questions; counted |
| `WorldCancelled` | ends as `cancelled` |
| `BudgetExceeded` | ends as `skipped` |
| `PermanentError` | ends as `failed`; the world too where it is `fatal_to_world` |
| anything else | a defect: ends as `failed` |

The bound counts attempts in a row that came to nothing: after progress (a new checkpoint) counting starts over, else
a step of many calls would be given up sooner than one of few.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from generia_worker.engine.step import StepState
from generia_worker.errors import (
    BudgetExceeded,
    BusyError,
    InvalidAnswerError,
    NotFoundError,
    PermanentError,
    TransientError,
    WorldCancelled,
)


@dataclass(frozen=True, slots=True)
class Attempts:
    """What was tried so far. `made` minus `before` is what the bound counts; `outage_since` is None outside of outages."""

    made: int = 0
    before: int = 0
    outage_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """Try again after `delay_s` seconds. `attempts` is what the ledger then says; `why` is outage, busy or error."""

    delay_s: float
    attempts: Attempts
    why: str


@dataclass(frozen=True, slots=True)
class End:
    """The step ends without a result. `fails_world`: no further step of its world can succeed either."""

    state: StepState
    fails_world: bool = False


Decision = Again | End


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how far apart. Times in seconds.

    A wait that another side named is lengthened by a random part of up to `jitter_fraction`: those who were told the same
    time don't come back at the same moment.
    """

    max_retries: int
    backoff_s: float
    backoff_max_s: float
    outage_max_s: float
    jitter_fraction: float = 0.25
    #: A number from 0 to 1; a test passes its own.
    draw: Callable[[], float] = random.random

    def decide(
        self, error: Exception, attempts: Attempts, now: datetime, *, progress: bool = False
    ) -> Decision:
        """Return what becomes of a step whose attempt ended with `error`; `progress`: it got further than before.

        >>> policy = RetryPolicy(6, 0.5, 30, 3600, draw=lambda: 1.0)
        >>> policy.decide(TransientError("502"), Attempts(), datetime(2026, 1, 1))
        Again(delay_s=0.5, attempts=Attempts(made=1, before=0, outage_since=None), why='error')
        """
        if isinstance(error, TransientError | InvalidAnswerError | NotFoundError):
            return self._again(error, attempts, now, progress)
        if isinstance(error, WorldCancelled):
            return End(StepState.CANCELLED)
        if isinstance(error, BudgetExceeded):
            return End(StepState.SKIPPED)
        fatal = isinstance(error, PermanentError) and error.fatal_to_world
        return End(StepState.FAILED, fails_world=fatal)

    def _again(
        self,
        error: TransientError | InvalidAnswerError | NotFoundError,
        old: Attempts,
        now: datetime,
        progress: bool,
    ) -> Decision:
        why = _why(error)
        before = old.made if progress else old.before
        earlier = None if progress else old.outage_since
        since = (earlier or now) if why == "outage" else earlier if why == "busy" else None
        lasted_s = (now - since).total_seconds() if since else 0.0
        made = old.made + 1 if why == "error" else old.made
        if made - before > self.max_retries or lasted_s > self.outage_max_s:
            return End(StepState.FAILED)
        base = (
            max(lasted_s, self.backoff_s) if why == "outage" else self.backoff_s * 2.0 ** (old.made - before)
        )
        delay_s = min(base, self.backoff_max_s) * (0.5 + 0.5 * self.draw())
        if isinstance(error, TransientError) and error.retry_after_s is not None:
            least_s = max(error.retry_after_s, delay_s if why == "outage" else 0.0)
            delay_s = least_s * (1 + self.jitter_fraction * self.draw())
        return Again(delay_s, Attempts(made, before, since), why)


def _why(error: TransientError | InvalidAnswerError | NotFoundError) -> str:
    """Return outage, busy or error; only an error counts as an attempt."""
    if isinstance(error, NotFoundError) or (isinstance(error, TransientError) and error.outage):
        return "outage"
    return "busy" if isinstance(error, BusyError) else "error"
