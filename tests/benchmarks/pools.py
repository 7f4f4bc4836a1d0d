"""Threads, gevent and prefork at the same work: throughput, CPU, memory for each call in flight, what a kill costs."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from generia_worker.cli import programs
from generia_worker.embedded.stack import Program
from generia_worker.settings import PREFIX, Settings
from tests.benchmarks.rig import (
    Change,
    Meter,
    behaviour,
    make_worlds,
    process_tree,
    rig,
    workers_of,
)
from tests.integration.conftest import PROMPT, Platform

_ROOT = Path(__file__).parents[2]
LLM_S, IMAGE_S = 2.0, 1.0
#: Processes cost memory: as many children as fit beside everything else on a small machine.
_CHILDREN = 16
_KILL_AFTER_S = 12


def measure(*, worlds: int = 10, users: int = 10, posts: int = 30) -> dict[str, Any]:
    """Make the same worlds on each pool; then kill the worker of texts in the midst of another world."""
    return {pool: _measure(pool, worlds, users, posts) for pool in ("threads", "gevent", "prefork")}


def _measure(pool: str, worlds: int, users: int, posts: int) -> dict[str, Any]:
    with rig(_on(pool)) as platform:
        platform.behave(**behaviour(0, 0))
        make_worlds(platform, [(2, 4)])
        platform.behave(**behaviour(LLM_S, IMAGE_S))
        meter = Meter(platform).start()
        made = make_worlds(platform, [(users, posts)] * worlds)
        took, used, memory = meter.seconds(), meter.cpu(), meter.memory_mb()
        calls = sum(one.calls for one in made)
        slots = sum(
            _concurrency(pool, one) for one in programs.workers(platform.settings) if one.name != "inner"
        )
        paid_mb = memory["worker-llm"] + memory["worker-images"]
        return {
            "seconds": round(took, 1),
            "calls_per_s": round(calls / took, 1),
            "worker_ms_a_call": round(1000 * workers_of(used) / calls, 1),
            "calls_in_flight": slots,
            "mb_a_call_in_flight": round(paid_mb / slots, 1),
            **_killed(platform, users, posts),
        }


def _killed(platform: Platform, users: int, posts: int) -> dict[str, Any]:
    """Kill the worker of texts with SIGKILL while it is busy: what is repeated, and how much longer the world takes."""
    alone = make_worlds(platform, [(users, posts)])[0].seconds
    world = platform.order(PROMPT, users, posts)
    time.sleep(_KILL_AFTER_S)
    for process in process_tree(platform.stack.processes["worker-llm"].pid or 0):
        os.kill(process.pid, signal.SIGKILL)
    ended = platform.wait(world, timeout_s=300)
    assert ended.finished_at is not None
    took = (ended.finished_at - ended.created_at).total_seconds()
    return {
        "kill_costs_s": round(took - alone, 1),
        "kill_ambiguous_calls": ended.ambiguous_calls_LLM,
        "kill_status": str(ended.status),
    }


def _concurrency(pool: str, worker: programs.Worker) -> int:
    return min(worker.threads, _CHILDREN) if pool == "prefork" else worker.threads


def _on(pool: str) -> Change:
    """Return what puts the workers of a stack on a pool."""

    def changed(settings: Settings, parts: list[Program]) -> list[Program]:
        by_name = {f"worker-{worker.name}": worker for worker in programs.workers(settings)}
        return [_pooled(part, by_name[part.name]) if part.name in by_name else part for part in parts]

    def _pooled(part: Program, worker: programs.Worker) -> Program:
        number = str(_concurrency(pool, worker))
        command = [sys.executable, "-m", "tests.benchmarks.pooled", pool, worker.name, worker.queues, number]
        env = {f"{PREFIX}WORKER_THREADS": str(worker.threads), "PYTHONPATH": str(_ROOT)}
        return replace(part, argv=lambda _: command, env=env)

    return changed
