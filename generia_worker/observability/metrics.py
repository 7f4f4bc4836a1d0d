"""What this process counts: paid calls, tokens, dollars, tasks, retries, settlings, recoveries.

Counted in memory until `keep_in` names a folder; from then on in files that an exporter on the same machine adds up
(`app/exporter.py`), whatever processes there are, threads or prefork. One count costs a few microseconds and asks
no server. Nothing is labelled by world: the number of series does not grow with what is made.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values

from generia_worker.observability import metric_files

log = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

_TASK_S = (0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300)
_CALL_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160)
_SETTLE_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)


class Recorder:
    """The metrics of one process."""

    def __init__(self) -> None:
        #: What these metrics are found in by whoever wants to read them in this process.
        self.registry = registry = CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"generia_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"generia_{name}", text, labels, registry=registry, buckets=buckets)

        self.calls = counter("paid_calls", "Paid calls by what came of them.", "provider", "outcome")
        self.call_seconds = histogram("paid_call_seconds", "Time of a paid call.", _CALL_S, "provider")
        self.waiting = Gauge(
            "generia_calls_waiting",
            "Threads that wait for a slot.",
            ["provider"],
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.tokens = counter("tokens", "Tokens that were billed.", "kind")
        self.dollars = counter("dollars", "Dollars that were billed.", "provider")
        self.unpriced = counter("unpriced_calls", "Calls billed at an unknown price.", "provider")
        self.reasks = counter("reasks", "Answers that did not fit and were asked for again.")
        self.retries = counter("step_retries", "Steps that are tried later.", "reason")
        self.ends = counter("step_ends", "Steps that ended without a result.", "state")
        self.settles = counter("settles", "Settlings of a world.", "changed")
        self.settle_seconds = histogram("settle_seconds", "Time of a settling.", _SETTLE_S)
        self.recoveries = counter("recoveries", "What was lost and published again.", "what")
        self.leases_lost = counter("leases_lost", "Steps taken over while their owner worked on.")
        self.tasks = counter("tasks", "Celery tasks by their end.", "task", "state")
        self.task_seconds = histogram("task_seconds", "Time of a Celery task.", _TASK_S, "task")


_now = Recorder()
_folder: Path | None = None


def recorder() -> Recorder:
    """Return the metrics of this process."""
    return _now


# --- where it is counted -----------------------------------------------------------------------------------------
def keep_in(folder: Path) -> None:
    """Count in files of this folder from now on; where it cannot be written, in memory, and the log says so."""
    global _now, _folder
    try:
        metric_files.begin(folder)
        with metric_files.tidied(folder):
            pass
    except OSError as error:
        log.warning("Metrics are not kept: %s cannot be written (%s).", folder, error.strerror)
        return
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)  # the one way to tell the library
    values.ValueClass = values.MultiProcessValue(metric_files.identity)
    _folder = folder
    _now = Recorder()


def after_fork() -> None:
    """Let a forked child count in files of its own."""
    if _folder is not None:
        try:
            metric_files.begin(_folder)
        except OSError as error:
            log.warning("Metrics of a child are not kept: %s", error.strerror)


# --- what is counted ---------------------------------------------------------------------------------------------
def billed(
    provider: str, outcome: str, cost_usd: float | None, prompt_tokens: int, completion_tokens: int
) -> None:
    """Count a call that was billed: `answered`, `spoiled`, or `late` when it had been counted as ambiguous."""
    _now.calls.labels(provider, outcome).inc()
    if cost_usd is None:
        _now.unpriced.labels(provider).inc()
    else:
        _now.dollars.labels(provider).inc(cost_usd)
    if prompt_tokens or completion_tokens:
        _now.tokens.labels("prompt").inc(prompt_tokens)
        _now.tokens.labels("completion").inc(completion_tokens)


def not_billed(provider: str, outcome: str) -> None:
    """Count a call without a bill: `refused`, or `ambiguous` when it may have been billed."""
    _now.calls.labels(provider, outcome).inc()


def timed(provider: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Note how long each call of a function that makes a paid call takes, whatever comes of it."""

    def decorated(call: Callable[P, T]) -> Callable[P, T]:
        @wraps(call)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
            begun = time.perf_counter()
            try:
                return call(*args, **kwargs)
            finally:
                _now.call_seconds.labels(provider).observe(time.perf_counter() - begun)

        return wrapped

    return decorated


@contextmanager
def waiting(provider: str) -> Iterator[None]:
    """Count this thread among those that wait for a slot, for the time of the block."""
    gauge = _now.waiting.labels(provider)
    gauge.inc()
    try:
        yield
    finally:
        gauge.dec()


def asked_again() -> None:
    """Count an answer that did not fit and is asked for again."""
    _now.reasks.inc()


def retried(reason: str) -> None:
    """Count a step that is tried later: after an `error`, an `outage`, or because all slots are `busy`."""
    _now.retries.labels(reason).inc()


def ended(state: str) -> None:
    """Count a step that ended without a result."""
    _now.ends.labels(state).inc()


def projected(changed: bool, seconds: float) -> None:
    """Count a settling of a world."""
    _now.settles.labels("yes" if changed else "no").inc()
    _now.settle_seconds.observe(seconds)


def recovered(what: str) -> None:
    """Count a `step` or an `order` that was lost and is published again."""
    _now.recoveries.labels(what).inc()


def lease_lost() -> None:
    """Count a step that another owner took over while this process worked on it."""
    _now.leases_lost.inc()


def task_ended(name: str, state: str, seconds: float) -> None:
    """Count a Celery task that came to an end here."""
    _now.tasks.labels(name, state).inc()
    _now.task_seconds.labels(name).observe(seconds)
