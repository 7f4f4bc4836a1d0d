"""How long worlds would take if nothing but the providers took time: the canvas as a queueing model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import simpy

from generia_worker.settings import Settings


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

    def world(number: int, users: int, posts: int) -> Iterator[Any]:
        yield machine.process(model.world(users, posts))
        finished[number] = machine.now

    for number, (users, posts) in enumerate(sizes):
        machine.process(world(number, users, posts))
    machine.run()
    return finished


class _Model:
    def __init__(self, machine: simpy.Environment, providers: Providers) -> None:
        self._machine = machine
        defaults = Settings.model_fields
        self._cast_batch: int = defaults["cast_batch_size"].default
        self._plan_batch: int = defaults["plan_batch_size"].default
        unlimited = 10**9
        self._slots = {
            "llm": simpy.Resource(machine, providers.llm_slots or unlimited),
            "images": simpy.Resource(machine, providers.image_slots or unlimited),
        }
        self._takes = {"llm": providers.llm_s, "images": providers.image_s}

    def world(self, users: int, posts: int) -> Iterator[Any]:
        """A world: described, illustrated (a text for the prompts, then cover and icon), cast, and its characters."""
        opening = ["llm", "llm", "images", "images", *["llm"] * -(-users // self._cast_batch)]
        yield from self._calls(opening)
        shares = [posts // users + (number < posts % users) for number in range(users)]
        yield self._machine.all_of([self._machine.process(self._character(share)) for share in shares])

    def _character(self, posts: int) -> Iterator[Any]:
        yield from self._calls(["llm", *["llm"] * -(-posts // self._plan_batch)])
        parts = [["images"], *[["llm", "images"]] * posts]
        yield self._machine.all_of([self._machine.process(self._calls(part)) for part in parts])

    def _calls(self, providers: Sequence[str]) -> Iterator[Any]:
        for provider in providers:
            with self._slots[provider].request() as slot:
                yield slot
                yield self._machine.timeout(self._takes[provider])
