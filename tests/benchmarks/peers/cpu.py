"""CPU seconds of process trees, also of those that are killed while they are measured."""

from __future__ import annotations

from collections.abc import Callable

import psutil

from tests.benchmarks.rig import process_tree


def tree_seconds(pid: int) -> float:
    """Return the user and system seconds of a process, of its living children, and of those that it has waited for."""
    used = 0.0
    for process in process_tree(pid):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        used += times.user + times.system + times.children_user + times.children_system
    return used


class CpuAccount:
    """What named process trees use from `open` on. What one has used when it is closed stays counted.

    account.open("worker", pid); …; account.close("worker"); kill(pid); account.open("worker", next_pid, from_birth=True)
    """

    def __init__(self, read: Callable[[int], float] = tree_seconds) -> None:
        self._read = read
        self._open: dict[str, tuple[int, float]] = {}
        self._closed: dict[str, float] = {}

    def open(self, name: str, pid: int, *, from_birth: bool = False) -> None:
        """Begin to count a tree; with `from_birth` also what it has used until now, such as its start."""
        self._open[name] = pid, 0.0 if from_birth else self._read(pid)

    def close(self, name: str) -> None:
        """Stop counting a tree. Raises KeyError when it is not being counted."""
        pid, before = self._open.pop(name)
        self._closed[name] = self._closed.get(name, 0.0) + self._read(pid) - before

    def seconds(self) -> dict[str, float]:
        """Return the seconds that each name has used so far."""
        found = dict(self._closed)
        for name, (pid, before) in self._open.items():
            found[name] = found.get(name, 0.0) + self._read(pid) - before
        return found
