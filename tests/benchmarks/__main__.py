"""Runs measurements, each on stacks of its own; prints each as a table and all of them as one line of JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks import (
    cpu,
    events,
    fairness,
    footprint,
    hosts,
    overhead,
    pools,
    saturation,
    scale,
)
from tests.benchmarks.rig import full_size_rig


def _events() -> dict[str, Any]:
    with full_size_rig() as platform:
        return events.measure(platform, clients=500, worlds=10, users=5, posts=15)


def _cpu() -> dict[str, Any]:
    return cpu.measure(worlds=6, users=10, posts=30)


#: Name → what it measures, and how.
MEASUREMENTS: dict[str, tuple[str | None, Callable[[], dict[str, Any]]]] = {
    "overhead": (overhead.__doc__, overhead.measure),
    "cpu": (cpu.__doc__, _cpu),
    "saturation": (saturation.__doc__, saturation.measure),
    "pools": (pools.__doc__, pools.measure),
    "scale": (scale.__doc__, scale.measure),
    "fairness": (fairness.__doc__, fairness.measure),
    "footprint": (footprint.__doc__, footprint.measure),
    "hosts": (hosts.__doc__, hosts.measure),
    "events": (events.__doc__, _events),
}


def main() -> None:
    """Run what the command line names."""
    lines = [f"{name:<11} {(text or '').strip().splitlines()[0]}" for name, (text, _) in MEASUREMENTS.items()]
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        epilog="\n".join(lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="+", choices=MEASUREMENTS, metavar="MEASUREMENT")
    parser.add_argument(
        "--worlds", type=int, nargs="+", help="for scale: so many worlds at once, one number after the other"
    )
    asked = parser.parse_args()
    found = {}
    for name in asked.names:
        if name == "scale" and asked.worlds:
            found[name] = scale.measure(asked.worlds)
        else:
            found[name] = MEASUREMENTS[name][1]()
        _print(name, found[name])
    print(json.dumps(found))


def _print(name: str, found: dict[str, Any]) -> None:
    table = Table("what", "figures", title=name, show_header=False, title_justify="left")
    for what, figures in found.items():
        shown = figures
        if isinstance(figures, dict):
            shown = "  ".join(f"{key} {value}" for key, value in figures.items())
        table.add_row(what, str(shown))
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
