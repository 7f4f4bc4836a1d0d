"""A stack of its own for one measurement: with the workers that it names, and a meter at every process."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from generia_worker.cli import programs
from generia_worker.embedded.stack import Program, Stack
from generia_worker.settings import Settings
from tests.integration.conftest import PROMPT, Platform

#: The programs of a stack that are neither workers, nor services, nor stand-ins for what is elsewhere in production.
ENGINE = ("mongo", "redis", "api", "beat")

#: Pictures are served, not drawn, and small: what is measured is the pipeline.
SMALL: dict[str, Any] = {
    "cover_width": 256,
    "cover_height": 128,
    "icon_size": 128,
    "avatar_size": 128,
    "post_image_size": 128,
}


def behaviour(llm_s: float, image_s: float) -> dict[str, Any]:
    """Return a simulator that takes exactly so long for a text and for a picture."""
    return {"latency": {"llm": {"fixed_s": llm_s}, "images": {"fixed_s": image_s}}, "prerendered": True}


def _as_delivered(_: Settings, parts: list[Program]) -> list[Program]:
    return parts


Change = Callable[[Settings, list[Program]], list[Program]]


@contextmanager
def rig(change: Change = _as_delivered, **settings: Any) -> Iterator[Platform]:
    """Start everything with these settings and small pictures, the programs as `change` returns them; stop it at the end."""
    with full_size_rig(change, **(SMALL | settings)) as platform:
        yield platform


@contextmanager
def full_size_rig(change: Change = _as_delivered, **settings: Any) -> Iterator[Platform]:
    """The same with pictures of the delivered sizes."""
    asked = Settings(_env_file=None, **settings)
    with tempfile.TemporaryDirectory(prefix="generia-bench-") as folder:
        parts = change(asked, programs.programs(asked))
        with Stack(programs.with_addresses(asked), Path(folder), parts) as stack:
            yield Platform(stack)


@contextmanager
def sampling(look: Callable[[], None], every_s: float) -> Iterator[None]:
    """Let a thread look every so often while the block runs."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(every_s):
            look()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def process_tree(pid: int) -> list[psutil.Process]:
    """Return a process and all of its children, those that still live."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


@dataclass
class Meter:
    """CPU seconds and memory of a stack's processes, by program, between `start` and `read`."""

    platform: Platform
    begun: float = 0.0
    before: dict[str, float] = field(default_factory=dict)

    def start(self) -> Meter:
        """Begin to measure."""
        self.begun, self.before = time.monotonic(), self._cpu()
        return self

    def cpu(self) -> dict[str, float]:
        """Return the CPU seconds of each program since the start."""
        return {name: now - self.before.get(name, 0.0) for name, now in self._cpu().items()}

    def seconds(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self.begun

    def memory_mb(self) -> dict[str, float]:
        """Return the resident memory of each program, in MB."""
        return {
            name: sum(p.memory_info().rss for p in process_tree(program.pid or 0)) / 1e6
            for name, program in self.platform.stack.processes.items()
        }

    def _cpu(self) -> dict[str, float]:
        found = {}
        for name, program in self.platform.stack.processes.items():
            used = 0.0
            for process in process_tree(program.pid or 0):
                times = process.cpu_times()
                used += times.user + times.system
            found[name] = used
        return found


def workers_of(used: Mapping[str, float]) -> float:
    """Return what the workers among the programs used."""
    return sum(value for name, value in used.items() if name.startswith("worker-"))


def engine_of(used: Mapping[str, float]) -> float:
    """Return what the engine among the programs used: database, broker, endpoint and scheduler."""
    return sum(used[name] for name in ENGINE)


@dataclass(frozen=True, slots=True)
class Made:
    """One world that a benchmark made: how long it took, and how many calls were billed, `texts` of them texts."""

    world_id: str
    seconds: float
    status: str
    calls: int
    texts: int


def make_worlds(
    platform: Platform, sizes: Sequence[tuple[int, int]], *, timeout_s: float = 900
) -> list[Made]:
    """Order worlds of these sizes together, wait for all; the seconds are those of their own clocks (the database's)."""
    names = [platform.order(PROMPT, users, posts) for users, posts in sizes]
    deadline = time.monotonic() + timeout_s
    made = []
    for world_id in names:
        ended = platform.wait(world_id, timeout_s=max(1.0, deadline - time.monotonic()))
        assert ended.finished_at is not None
        seconds = (ended.finished_at - ended.created_at).total_seconds()
        texts = ended.api_calls_made_LLM
        made.append(Made(world_id, seconds, ended.status, texts + ended.api_calls_made_images, texts))
    return made
