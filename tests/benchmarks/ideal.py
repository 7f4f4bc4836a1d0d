"""How long worlds would take if nothing but the providers took time: the canvas as a queueing model."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import simpy

from tests.benchmarks.peers.calls import Branch
from tests.benchmarks.peers.plan import world_plan


@dataclass(frozen=True, slots=True)
class Providers:
    """How long a call takes, in seconds, and how many are made at a time (None: any number)."""

    llm_s: float
    image_s: float
    llm_slots: int | None = None
    image_slots: int | None = None


def seconds(sizes: Sequence[tuple[int, int]], providers: Providers) -> list[float]:
    """Return when each of these worlds, ordered together, would be finished: first come, first served by the slots."""
    machine = simpy.Environment()
    model = _Model(machine, providers)
    finished: list[float] = [0.0] * len(sizes)

    def world(number: int, users: int, posts: int) -> Generator[Any, Any, None]:
        yield machine.process(model.branch(world_plan("", users, posts)))
        finished[number] = machine.now

    for number, (users, posts) in enumerate(sizes):
        machine.process(world(number, users, posts))
    machine.run()
    return finished


class _Model:
    def __init__(self, machine: simpy.Environment, providers: Providers) -> None:
        self._machine = machine
        unlimited = 10**9
        self._slots = {
            "llm": simpy.Resource(machine, providers.llm_slots or unlimited),
            "images": simpy.Resource(machine, providers.image_slots or unlimited),
        }
        self._takes = {"llm": providers.llm_s, "images": providers.image_s}

    def branch(self, branch: Branch) -> Generator[Any, Any, None]:
        for stage in branch.stages:
            yield self._machine.all_of([self._machine.process(self._call(call.provider)) for call in stage])
        yield self._machine.all_of([self._machine.process(self.branch(after)) for after in branch.then])

    def _call(self, provider: str) -> Generator[Any, Any, None]:
        with self._slots[provider].request() as slot:
            yield slot
            yield self._machine.timeout(self._takes[provider])
