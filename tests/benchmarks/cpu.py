"""CPU of the workers for each paid call: the product beside its canvas of tasks that do nothing, and beside bare clients."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from celery import Celery

from generia_worker.cli import programs
from generia_worker.embedded.stack import program_environment
from tests.benchmarks.rig import (
    Meter,
    behaviour,
    make_worlds,
    process_tree,
    rig,
    workers_of,
)
from tests.integration.conftest import Platform

_ROOT = Path(__file__).parents[2]
#: A latency that keeps no core waiting for long.
LLM_S, IMAGE_S = 0.5, 0.3
#: So many texts, and so many pictures.
_REMOTE_CALLS = 400


def measure(*, worlds: int, users: int, posts: int, **settings: Any) -> dict[str, Any]:
    """Make the same worlds with tasks that do nothing and for real; milliseconds of CPU a paid call."""
    with rig(**settings) as platform:
        platform.behave(**behaviour(LLM_S, IMAGE_S))
        make_worlds(platform, [(1, 1)])
        idle = _idle(platform)
        meter = Meter(platform).start()
        made = make_worlds(platform, [(users, posts)] * worlds)
        seconds, used = meter.seconds(), meter.cpu()
        calls = sum(one.calls for one in made)
        bare_ms = _bare_ms(platform, worlds, users, posts, calls)
        remote = _remote_ms(platform, made[0].world_id)
    each = {
        name: round(1000 * (value - idle.get(name, 0) * seconds) / calls, 2) for name, value in used.items()
    }
    workers_ms = workers_of(each)
    texts = sum(one.texts for one in made) / calls
    remote_ms = texts * remote["text"] + (1 - texts) * remote["picture"]
    return {
        "worlds": worlds,
        "size": f"{users}/{posts}",
        "calls": calls,
        "seconds": round(seconds, 1),
        "bare_ms": round(bare_ms, 2),
        "product_ms": round(workers_ms, 2),
        "ratio": round(workers_ms / bare_ms, 2),
        "clients_ms": round(remote_ms, 2),
        "ratio_with_clients": round(workers_ms / (bare_ms + remote_ms), 2),
        "all_ms": round(sum(each.values()), 2),
        "by_program_ms": each,
    }


def _idle(platform: Platform, seconds: float = 5.0) -> dict[str, float]:
    """Return the CPU seconds a second of each program while nothing is to do."""
    meter = Meter(platform).start()
    time.sleep(seconds)
    return {name: value / meter.seconds() for name, value in meter.cpu().items()}


def _bare_ms(platform: Platform, worlds: int, users: int, posts: int, calls: int) -> float:
    with bare_workers(platform) as (environment, processes):
        make = [sys.executable, "-m", "tests.benchmarks.bare", "make"]
        subprocess.run([*make, "1", "1", "1"], env=environment, check=True)
        before = _cpu(processes)
        subprocess.run([*make, str(worlds), str(users), str(posts)], env=environment, check=True)
        return 1000 * (_cpu(processes) - before) / calls


def _remote_ms(platform: Platform, world_id: str) -> dict[str, float]:
    """Return the CPU of one text's and one picture's calls to other servers, made by bare client libraries."""
    environment = _with_tests(program_environment(platform.settings))
    threads = str(min(platform.settings.llm_concurrency, platform.settings.worker_threads))
    make = [sys.executable, "-m", "tests.benchmarks.remote", world_id, threads, str(_REMOTE_CALLS)]
    found: dict[str, float] = json.loads(
        subprocess.run(make, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    )
    return found


def _with_tests(environment: dict[str, str]) -> dict[str, str]:
    path = os.pathsep.join([str(_ROOT), environment.get("PYTHONPATH", "")])
    return environment | {"PYTHONPATH": path}


def _cpu(processes: list[subprocess.Popen[bytes]]) -> float:
    times = [p.cpu_times() for one in processes for p in process_tree(one.pid)]
    return sum(t.user + t.system for t in times)


@contextmanager
def bare_workers(platform: Platform) -> Iterator[tuple[dict[str, str], list[subprocess.Popen[bytes]]]]:
    """Run as many bare workers as the stack has real ones, on a database of their own of the same Redis."""
    url = platform.settings.redis_url.get_secret_value().rsplit("/", 1)[0] + "/1"
    environment = _with_tests(program_environment(platform.settings) | {"GENERIA_REDIS_URL": url})
    processes = []
    try:
        for worker in programs.workers(platform.settings):
            command = [sys.executable, "-m", "tests.benchmarks.bare", "worker", worker.queues]
            own = environment | {"GENERIA_WORKER_THREADS": str(worker.threads)}
            processes.append(
                subprocess.Popen(command, env=own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )
        _wait_for(url, len(processes))
        yield environment, processes
    finally:
        for process in processes:
            process.terminate()
        psutil.wait_procs([psutil.Process(p.pid) for p in processes], timeout=20)


def _wait_for(url: str, number: int) -> None:
    deadline = time.monotonic() + 60
    with Celery(broker=url) as celery:
        while len(celery.control.ping(timeout=1.0) or []) < number:
            if time.monotonic() > deadline:
                sys.exit("The bare workers did not start.")
