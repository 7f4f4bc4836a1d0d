"""The same paid calls made by Generia, bare asyncio, taskiq, DBOS and Restate: wall, CPU a call, calls paid twice."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.benchmarks.peers.cpu import CpuAccount
from tests.benchmarks.peers.generia import Generia
from tests.benchmarks.peers.over_http import Bare, DbosPostgres, DbosSqlite
from tests.benchmarks.peers.plan import world_plan
from tests.benchmarks.peers.restate import Restate
from tests.benchmarks.peers.system import DidNotEnd, System
from tests.benchmarks.peers.table import Run, figures
from tests.benchmarks.peers.taskiq import Taskiq
from tests.benchmarks.peers.workloads import WORKLOADS, Workload

SYSTEMS: dict[str, type[System]] = {
    "asyncio": Bare,
    "taskiq": Taskiq,
    "restate": Restate,
    "dbos-sqlite": DbosSqlite,
    "dbos-postgres": DbosPostgres,
    "generia": Generia,
}
#: A world before the clock starts: connections are open and code is loaded then.
_WARM_UP, _WARM_UP_SIZE = "warm-up", (2, 4)
#: How long workers that were killed stay away.
_AWAY_S = 3.0
_POLL_S = 0.05
#: What has not ended after so long, and so many times what its calls alone take, is given up.
_PATIENCE_S, _PATIENCE_TIMES = 120.0, 3


def measure(
    only: Sequence[str] = (), workloads: Sequence[str] = (), rounds: int = 3, worlds: int | None = None
) -> dict[str, Any]:
    """Give each system each workload, `rounds` times; `worlds` in place of the workload's own number of them.

    A round is all systems one after the other, each with an empty engine. Systems that cannot be measured here are named
    with the reason under `skipped`.
    """
    wanted = {name: SYSTEMS[name] for name in only or SYSTEMS}
    skipped = {name: why for name, system in wanted.items() if (why := system.missing()) is not None}
    here = [system for name, system in wanted.items() if name not in skipped]
    found = {}
    for name in workloads or WORKLOADS:
        workload = WORKLOADS[name]
        if worlds is not None:
            workload = replace(workload, worlds=worlds)
        found[name] = {
            "title": workload.title,
            "calls": sum(len(list(plan)) for plan in workload.plans().values()),
            "bound_s": round(workload.bound_s(), 1),
            "kill": workload.kill,
            "systems": _measured(here, name, workload, rounds),
        }
    return {"workloads": found, "skipped": skipped}


def _measured(
    systems: Sequence[type[System]], name: str, workload: Workload, rounds: int
) -> dict[str, dict[str, Any]]:
    runs: dict[str, list[Run]] = {}
    failed: dict[str, str] = {}
    for number in range(1, rounds + 1):
        for system in systems:
            title = system.title()
            if title in failed:
                continue
            try:
                run = run_once(system, workload)
            except DidNotEnd as error:
                failed[title] = str(error)
            else:
                runs.setdefault(title, []).append(run)
            print(f"{name}, round {number}: {title}: {failed.get(title) or run}", file=sys.stderr, flush=True)
    measured = {title: figures(of).as_json() for title, of in runs.items()}
    return measured | {title: {"failed": why} for title, why in failed.items()}


def run_once(kind: type[System], workload: Workload) -> Run:
    """Let a system do a workload once. Raises DidNotEnd; AssertionError where a world is not whole afterwards."""
    plans = workload.plans()
    slots = {"llm": workload.llm_slots, "images": workload.image_slots}
    everything = plans | {_WARM_UP: world_plan(_WARM_UP, *_WARM_UP_SIZE)}
    timeout_s = _PATIENCE_S + _PATIENCE_TIMES * workload.bound_s()
    with (
        tempfile.TemporaryDirectory(prefix="generia-peers-") as folder,
        kind(Path(folder), slots, everything) as system,
    ):
        system.behave(0, 0)
        system.order([_WARM_UP])
        system.wait([_WARM_UP], timeout_s)
        system.behave(workload.llm_s, workload.image_s)
        calls = sum(len(list(plan)) for plan in plans.values())
        account = _opened(system)
        begun = time.monotonic()
        system.order(plans)
        in_flight = _kill(system, account, calls // 2, timeout_s) if workload.kill else 0
        system.wait(plans, timeout_s)
        wall_s, used = time.monotonic() - begun, account.seconds()
        bill = system.bill()
        system.audit(plans, bill)
    return Run(
        wall_s=wall_s,
        calls=calls,
        worker_s=sum(used[name] for name in system.workers),
        engine_s=sum(used[name] for name in system.engine),
        services_s=sum(used[name] for name in system.services),
        paid=_paid(bill),
        in_flight=in_flight,
    )


def _opened(system: System) -> CpuAccount:
    account = CpuAccount()
    for name, process in (system.workers | system.engine | system.services).items():
        account.open(name, process.pid or 0)
    return account


def _kill(system: System, account: CpuAccount, after_calls: int, timeout_s: float) -> int:
    """Kill all workers once so many calls were billed, and start them again; return how many were in flight.

    Raises DidNotEnd.
    """
    deadline = time.monotonic() + timeout_s
    while _paid(system.bill(requests_of="nobody")) < after_calls:  # the sums alone
        if time.monotonic() > deadline:
            raise DidNotEnd(f"{after_calls} calls were not made after {timeout_s:.0f} s")
        time.sleep(_POLL_S)
    system.kill_workers(account)
    entries = system.bill()["entries"]
    in_flight = len([entry for entry in entries if entry["billed"] and not entry["answered"]])
    time.sleep(_AWAY_S)
    system.restart_workers(account)
    return int(in_flight)


def _paid(bill: Mapping[str, Any]) -> int:
    return int(bill["llm"]["calls"] + bill["images"]["calls"])
