"""Workers on our transport that are killed, stopped, and lose their Redis: what becomes of their messages."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from generia_worker.embedded.folder import new_credentials
from generia_worker.embedded.servers import Place, start_redis
from tests.app.holding_worker import application

_ROOT = Path(__file__).parents[2]
#: How long anything may take on a machine that is busy with other things.
_PATIENCE_S = 60
QUEUES = ("services", "maintenance")


class Bench:
    """A Redis that can be restarted, and workers on it."""

    def __init__(self, folder: Path) -> None:
        place = Place(folder, folder, new_credentials())
        self.server = start_redis(place)
        self.url = self.server.settings["redis_url"].get_secret_value()
        self.redis: Any = Redis.from_url(self.url, decode_responses=True)
        self._app = application(self.url)
        self._workers: list[subprocess.Popen[bytes]] = []

    def worker(self, pool: str = "threads", threads: int = 4, *, mode: str = "") -> subprocess.Popen[bytes]:
        """Start a worker of all queues; `mode` is that of `holding_worker`."""
        path = os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")])
        command = [sys.executable, "-m", "tests.app.holding_worker", pool, str(threads), ",".join(QUEUES)]
        environment = os.environ | {"BROKER": self.url, "PYTHONPATH": path, "MODE": mode}
        self._workers.append(subprocess.Popen(command, env=environment))
        return self._workers[-1]

    def publish(self, *names: str, free: bool = False) -> None:
        """Publish a message for each name; with `free`, its task does not wait."""
        for number, name in enumerate(names):
            if free:
                self.let_end(name)
            queue = QUEUES[number % len(QUEUES)]
            self._app.send_task("hold", (name,), queue=queue, ignore_result=True)

    def let_end(self, *names: str) -> None:
        """Let tasks end."""
        for name in names:
            self.redis.rpush(f"may-end:{name}", "")

    def begun(self) -> list[str]:
        """Return the names of the tasks that began, sorted."""
        return sorted(self.redis.lrange("begun", 0, -1))

    def ended(self) -> list[str]:
        """Return the names of the tasks that ended, sorted."""
        return sorted(self.redis.lrange("ended", 0, -1))

    def await_(self, condition: Callable[[], Any]) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + _PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, (self.begun(), self.ended(), self.redis.hkeys("unacked"))
            time.sleep(0.02)

    def is_clean(self) -> bool:
        """True if no message is anywhere."""
        return not self.redis.exists("unacked", "unacked_index", *QUEUES)

    def stop(self) -> None:
        """End everything."""
        for worker in self._workers:
            worker.kill()
            worker.wait()
        self.server.process.stop()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.stop()


@pytest.mark.parametrize("successor", ["", "kombu"], ids=["ours", "kombu"])
def test_a_worker_that_is_killed_between_pop_and_delivery_loses_no_message(
    bench: Bench, successor: str
) -> None:
    bench.publish("one", free=True)
    worker = bench.worker(mode="die")
    assert worker.wait(_PATIENCE_S) == -signal.SIGKILL
    assert bench.redis.hlen("unacked") == 1
    assert not bench.redis.exists(*QUEUES)
    bench.worker(mode=successor)
    # Between kombu's pop and its record, a message is nowhere.
    bench.await_(lambda: bench.is_clean() and bench.ended() == ["one"])


def test_a_worker_that_is_killed_in_its_tasks_loses_no_message(bench: Bench) -> None:
    names = sorted(f"{number}" for number in range(6))
    bench.publish(*names)
    worker = bench.worker()
    bench.await_(lambda: len(bench.begun()) == 4)
    worker.kill()
    bench.let_end(*names, *names)
    bench.worker()
    bench.await_(lambda: bench.is_clean() and set(bench.ended()) == set(names))


def test_workers_with_either_transport_share_a_redis(bench: Bench) -> None:
    names = [f"{number:03}" for number in range(100)]
    bench.worker()
    bench.worker(mode="kombu")
    bench.publish(*names, free=True)
    bench.await_(lambda: bench.is_clean() and set(bench.ended()) == set(names))


@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_a_worker_that_is_stopped_acknowledges_what_it_finishes(bench: Bench, pool: str) -> None:
    names = [f"{number:02}" for number in range(12)]
    bench.publish(*names[:8], free=True)
    bench.publish(*names[8:10])
    worker = bench.worker(pool, 2)
    bench.await_(lambda: len(bench.begun()) == 10)
    worker.terminate()
    bench.let_end(*names[8:10])
    assert worker.wait(_PATIENCE_S) == 0
    assert bench.is_clean()
    assert bench.ended() == names[:10], "each of them once"


def test_work_goes_on_after_a_restart_of_redis(bench: Bench) -> None:
    bench.publish("before", free=True)
    bench.worker()
    bench.await_(bench.is_clean)
    assert bench.server.process.pid is not None
    os.kill(bench.server.process.pid, signal.SIGKILL)
    bench.await_(lambda: _answers(bench.redis))
    bench.publish("after", free=True)
    bench.await_(lambda: bench.is_clean() and bench.ended() == ["after", "before"])


def _answers(redis: Any) -> bool:
    try:
        return bool(redis.ping())
    except RedisConnectionError:
        return False
