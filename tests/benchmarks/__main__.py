"""Runs measurements, each on stacks of its own; prints each as a table and all of them as one line of JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Container
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
    timeleft,
    transport,
)
from tests.benchmarks.peers import measure as peers
from tests.benchmarks.peers.table import peers_table
from tests.benchmarks.peers.workloads import WORKLOADS
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
    "timeleft": (timeleft.__doc__, timeleft.measure),
    "transport": (transport.__doc__, transport.measure),
    "peers": (peers.__doc__, peers.measure),
}


def main() -> None:
    """Run what the command line names."""
    asked = _parser().parse_args()
    found = {}
    for name in asked.names:
        if name == "scale" and asked.worlds:
            found[name] = scale.measure(asked.worlds)
        elif name == "peers":
            worlds = asked.worlds[0] if asked.worlds else None
            found[name] = peers.measure(asked.only, asked.workload, asked.rounds, worlds)
        else:
            found[name] = MEASUREMENTS[name][1]()
        _print(name, found[name])
    print(json.dumps(found))


def _parser() -> argparse.ArgumentParser:
    lines = [f"{name:<11} {(text or '').strip().splitlines()[0]}" for name, (text, _) in MEASUREMENTS.items()]
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        epilog="\n".join(lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="+", choices=MEASUREMENTS, metavar="MEASUREMENT")
    parser.add_argument(
        "--worlds",
        type=int,
        nargs="+",
        help="for scale: so many worlds at once, one number after the other; for peers: one number for every workload",
    )
    of_peers = parser.add_argument_group("for peers")
    of_peers.add_argument("--only", type=_names(peers.SYSTEMS), default=(), help=", ".join(peers.SYSTEMS))
    of_peers.add_argument("--workload", type=_names(WORKLOADS), default=(), help=", ".join(WORKLOADS))
    of_peers.add_argument("--rounds", type=int, default=3, help="how many runs each median is of (3)")
    return parser


def _names(known: Container[str]) -> Callable[[str], list[str]]:
    """Return a reader of names that are separated by commas."""

    def read(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}")
        return names

    return read


def _print(name: str, found: dict[str, Any]) -> None:
    if name == "peers":
        Console(width=200).print(peers_table(found))
        return
    table = Table("what", "figures", title=name, show_header=False, title_justify="left")
    for what, figures in found.items():
        shown = figures
        if isinstance(figures, dict):
            shown = "  ".join(f"{key} {value}" for key, value in figures.items())
        table.add_row(what, str(shown))
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
