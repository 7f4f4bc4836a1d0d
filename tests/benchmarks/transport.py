"""CPU of a worker for a message that does nothing: with kombu's transport, with each part of ours, and with all of it.

`python -m tests.benchmarks.transport VARIANT` is a worker of such messages on the Redis that the environment names.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from celery import Celery
from kombu.transport import TRANSPORT_ALIASES
from redis import Redis

from generia_worker.app import transport
from generia_worker.app.task_events import GatheredEvents
from generia_worker.embedded.folder import new_credentials
from generia_worker.embedded.servers import Place, start_redis
from generia_worker.engine.queues import LLM, bands
from generia_worker.processes.worker import arguments, collect_seldom

_ROOT = Path(__file__).parents[2]
_THREADS = 32
_WAIT_S = 300


class _Unpolled(transport.Channel):
    """A channel that pops and acknowledges as kombu does, and keeps its client."""

    polls = False


class _Unkept(transport.Channel):
    """A channel that polls and makes a client for each command."""

    _create_client = transport.kombu.Channel._create_client


class _Keeping(transport.Transport):
    Channel = _Unpolled


class _Polling(transport.Transport):
    Channel = _Unkept


#: Name → the transport, and whether events are gathered.
VARIANTS: dict[str, tuple[Any, bool]] = {
    "kombu": (transport.kombu.Transport, False),
    "kept client": (_Keeping, False),
    "gathered events": (transport.kombu.Transport, True),
    "client + events": (_Keeping, True),
    "polls": (_Polling, False),
    "polls + client": (transport.Transport, False),
    "polls + events": (_Polling, True),
    "all": (transport.Transport, True),
}


def _application(url: str) -> Celery:
    app = Celery("benchmark", broker=url, backend=url)
    app.config_from_object("celeryconfig")
    app.conf.imports = ()
    app.conf.task_default_queue = LLM

    @app.task(name="hop", acks_late=True, shared=False)
    def hop(more: int) -> None:
        if more:
            _publish(app, more - 1)

    return app


def _publish(app: Celery, more: int) -> None:
    queues = bands(LLM)
    app.send_task("hop", (more,), queue=queues[more % len(queues)], ignore_result=True)


def work(variant: str) -> None:
    """Run a worker."""
    chosen, gathers = VARIANTS[variant]
    TRANSPORT_ALIASES["redis"] = f"{chosen.__module__}:{chosen.__name__}"
    collect_seldom()
    app = _application(os.environ["GENERIA_REDIS_URL"])
    if gathers:
        app.steps["consumer"].add(GatheredEvents)
    app.worker_main(arguments("threads", _THREADS, LLM, "benchmark", "WARNING"))


def _waiting(app: Celery) -> None:
    """1,000 messages wait when the worker looks."""
    for _ in range(1000):
        _publish(app, 0)


def _following(app: Celery) -> None:
    """10 messages at a time, each of which publishes the next."""
    for _ in range(10):
        _publish(app, 99)


def _trickling(app: Celery) -> None:
    """A message each 10 ms: each finds an idle worker."""
    for _ in range(200):
        _publish(app, 0)
        time.sleep(0.01)


#: How messages arrive, and how many.
ARRIVALS: tuple[tuple[Callable[[Celery], None], int], ...] = (
    (_waiting, 1000),
    (_following, 1000),
    (_trickling, 200),
)


class _Worker:
    def __init__(self, url: str, variant: str) -> None:
        path = os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")])
        self._redis, self._app = Redis.from_url(url), _application(url)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.transport", variant],
            env=os.environ | {"GENERIA_REDIS_URL": url, "PYTHONPATH": path},
        )
        self._meter = psutil.Process(self._process.pid)

    def cpu_s(self) -> float:
        times = self._meter.cpu_times()
        return times.user + times.system

    def handle(self, arrive: Callable[[Celery], None]) -> float:
        """Return the CPU seconds of the worker for all these messages."""
        before = self.cpu_s()
        arrive(self._app)
        self._await_end()
        return self.cpu_s() - before

    def idle(self, seconds: float = 5.0) -> float:
        """Return the share of a core that it takes with nothing to do."""
        before = self.cpu_s()
        time.sleep(seconds)
        return (self.cpu_s() - before) / seconds

    def _await_end(self) -> None:
        deadline = time.monotonic() + _WAIT_S
        while self._redis.exists("unacked", *bands(LLM)):
            if time.monotonic() > deadline:
                sys.exit("The messages were not all handled.")
            time.sleep(0.05)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)


@contextmanager
def _redis() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="generia-bench-") as folder:
        server = start_redis(Place(Path(folder), Path(folder), new_credentials()))
        try:
            yield server.settings["redis_url"].get_secret_value()
        finally:
            server.process.stop()


def measure(rounds: int = 5) -> dict[str, Any]:
    """Let a worker of each kind handle the same messages, in turn; medians of all rounds, milliseconds of CPU a message."""
    found: dict[str, dict[str, list[float]]] = {variant: {} for variant in VARIANTS}
    with _redis() as url:
        for _ in range(rounds):
            for variant in VARIANTS:
                figures = found[variant]
                worker = _Worker(url, variant)
                try:
                    worker.handle(lambda app: _publish(app, 100))  # it is there, and warm
                    for arrive, messages in ARRIVALS:
                        used = 1000 * worker.handle(arrive) / messages
                        figures.setdefault(f"{arrive.__name__[1:]}_ms", []).append(used)
                    figures.setdefault("idle_cores", []).append(worker.idle())
                finally:
                    worker.stop()
    return {
        variant: {name: round(statistics.median(values), 3) for name, values in figures.items()}
        for variant, figures in found.items()
    }


if __name__ == "__main__":
    work(sys.argv[1])
