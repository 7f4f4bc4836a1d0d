"""What the runs of a system say, and the table of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from rich.table import Table

#: A table cell where a system was not measured.
_NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Run:
    """One run: the wall's seconds, and the CPU's; `calls` are those of the plan, which one run may pay more often."""

    wall_s: float
    calls: int
    worker_s: float
    engine_s: float
    services_s: float = 0.0
    paid: int = 0
    #: Calls that were being made when the workers were killed.
    in_flight: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians of some runs of the same work, each figure by itself; milliseconds of CPU are those a planned call."""

    wall_s: float
    worker_ms: float
    engine_ms: float
    services_ms: float
    paid_twice: float
    in_flight: float
    walls_s: tuple[float, ...] = ()

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of CPU a call, of worker and engine."""
        return self.worker_ms + self.engine_ms

    def as_json(self) -> dict[str, Any]:
        """Return the figures, rounded for reading."""
        return {
            "wall_s": round(self.wall_s, 1),
            "cpu_ms": round(self.cpu_ms, 1),
            "worker_ms": round(self.worker_ms, 1),
            "engine_ms": round(self.engine_ms, 1),
            "services_ms": round(self.services_ms, 1),
            "paid_twice": round(self.paid_twice),
            "in_flight": round(self.in_flight),
            "walls_s": [round(wall_s, 1) for wall_s in self.walls_s],
        }


def figures(runs: Sequence[Run]) -> Figures:
    """Return the medians of runs. Raises statistics.StatisticsError where there is none."""

    return Figures(
        wall_s=median(run.wall_s for run in runs),
        worker_ms=median(1000 * run.worker_s / run.calls for run in runs),
        engine_ms=median(1000 * run.engine_s / run.calls for run in runs),
        services_ms=median(1000 * run.services_s / run.calls for run in runs),
        paid_twice=median(run.paid - run.calls for run in runs),
        in_flight=median(run.in_flight for run in runs),
        walls_s=tuple(run.wall_s for run in runs),
    )


def cell(found: Mapping[str, Any], *, kill: bool) -> str:
    """Return one system's figures for one workload as text; `found` is a `Figures.as_json`, or says what failed."""
    if "failed" in found:
        return str(found["failed"])
    shares = f"{found['worker_ms']} + {found['engine_ms']}"
    services = f"; services {found['services_ms']}" if found["services_ms"] else ""
    text = f"{found['wall_s']} s, {found['cpu_ms']} ms ({shares}{services})"
    if kill or found["paid_twice"]:
        text += f", {found['paid_twice']} twice of {found['in_flight']} in flight"
    return text


def peers_table(found: Mapping[str, Any]) -> Table:
    """Return the table of what `measure` has found: a row a system, a column a workload, and the bound at the end."""
    workloads: Mapping[str, Any] = found["workloads"]
    table = Table(
        title="Wall, CPU a paid call (worker + engine); medians",
        title_justify="left",
    )
    table.add_column("system")
    for name, workload in workloads.items():
        table.add_column(f"{name}: {workload['title']}")
    systems = dict.fromkeys(name for workload in workloads.values() for name in workload["systems"])
    for system in systems:
        cells = []
        for workload in workloads.values():
            figures_of = workload["systems"].get(system)
            cells.append(_NOTHING if figures_of is None else cell(figures_of, kill=workload["kill"]))
        table.add_row(system, *cells)
    table.add_row("bound: the calls alone", *(f"{one['bound_s']} s" for one in workloads.values()))
    for name, why in found["skipped"].items():
        table.add_row(f"{name}: {why}")
    return table
