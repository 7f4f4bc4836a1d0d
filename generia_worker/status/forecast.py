"""How long a world will take, and how long it has still to go. Pure.

A model of the work (which steps are left, how they follow one another, how many calls may be in flight) gives seconds; the
*pace* says how many real seconds one of the model's is. It is learned from finished worlds, and more and more from the
world itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Any

from generia_worker.billing.estimate import Finished
from generia_worker.engine.specs import StepSpec, StepTable
from generia_worker.engine.step import Census, Scope, StepState

#: Seconds of one text call, of one image call with its upload, and of what a step does beside them.
_TEXT_S, _IMAGE_S, _STEP_S = 6.0, 3.0, 0.2
#: Of steps that run, this part is still to be done.
_RUNNING = 0.5
#: What comes one after the other, and not for each character at the same time.
_ALONE = (Scope.WORLD, Scope.BATCH)
#: The part of a world after which its own pace counts, and how far from that of others it may be at most, either way.
_OWN_FROM, _FURTHEST = 0.02, 20.0
#: How soon its own pace counts: the part that is done, to this power. And how much the median of others counts among them.
_OWN_WEIGHT, _TO_MEDIAN = 0.5, 0.05


@dataclass(frozen=True, slots=True)
class Shape:
    """How the pipeline makes calls: how many characters a batch of the cast has, how many posts one of a plan, and how many
    calls of each provider may be in flight."""

    cast_batch: int
    plan_batch: int
    text_slots: int
    image_slots: int


@dataclass(frozen=True, slots=True)
class Size:
    """What was ordered."""

    users: int
    posts: int


@dataclass(frozen=True, slots=True)
class _Work:
    """What there is to do, in the model's seconds: the longest chain of steps, and what the slots need for all calls.

    A world takes both: while its chains begin and end, the slots are not full.
    """

    chain_s: float
    slots_s: float


@dataclass(frozen=True, slots=True)
class _Pace:
    """How many real seconds one of the model's is, for each of the two."""

    chain: float = 1.0
    slots: float = 1.0

    def of(self, work: _Work) -> float:
        """Return the real seconds of some work."""
        return self.chain * work.chain_s + self.slots * work.slots_s


class Forecast:
    """Forecasts for worlds whose steps are those of `table`."""

    def __init__(self, table: StepTable, shape: Shape) -> None:
        self._table = table
        self._shape = shape

    def whole_s(self, size: Size, known: Sequence[Finished] = ()) -> float:
        """Return how many seconds a world of this size will take."""
        return self._pace(known).of(self._work(size, {}))

    def left_s(self, size: Size, census: Census, elapsed_s: float | None, known: Sequence[Finished]) -> float:
        """Return how many seconds a world has still to go, when a step of it has just ended.

        `elapsed_s` is how long it has been worked on; None when that is not known (it stood still in between).
        """
        pace = self._pace(known)
        whole, left = pace.of(self._work(size, {})), pace.of(self._work(size, census))
        done = max(1 - left / whole, 0.0)
        if elapsed_s is None or done < _OWN_FROM:
            return left
        own = elapsed_s / (done * whole)
        if not known:
            return left * own
        return left * float(min(max(own, 1 / _FURTHEST), _FURTHEST) ** (done**_OWN_WEIGHT))

    def _pace(self, known: Sequence[Finished]) -> _Pace:
        """Return the pace at which finished worlds of all sizes were made: least squares of their relative errors, drawn
        towards their median."""
        if not known:
            return _Pace()
        works = [self._work(Size(one.users, one.posts), {}) for one in known]
        usual = median(one.seconds / _Pace().of(work) for one, work in zip(known, works, strict=True))
        rows = [
            (work.chain_s / one.seconds, work.slots_s / one.seconds)
            for one, work in zip(known, works, strict=True)
        ]
        # Two equations for (chain, slots), with a weight that says how much the median counts.
        weight = _TO_MEDIAN / usual**2
        xx, yy = (sum(row[at] ** 2 for row in rows) + weight for at in (0, 1))
        xy = sum(x * y for x, y in rows)
        x1, y1 = (sum(row[at] for row in rows) + weight * usual for at in (0, 1))
        below = xx * yy - xy * xy
        chain, slots = (x1 * yy - y1 * xy) / below, (y1 * xx - x1 * xy) / below
        return _Pace(max(chain, usual / _FURTHEST), max(slots, 0.0))

    def _work(self, size: Size, census: Census) -> _Work:
        """Return the work of what `census` does not show as ended.

        What the world itself needs comes one after the other; after that, each character has a chain of its own.
        """
        chain, chains = 0.0, {"": 0.0}
        text = images = 0.0
        for kind, (waiting, running) in self._left(size, census).items():
            spec = self._table[kind]
            if spec.scope in _ALONE:  # when something of the world ends, what comes after it has just begun
                chain += self._seconds(spec, size) * (waiting + running)
                continue
            before = chains.get(spec.after.kind, 0.0) if spec.after else 0.0
            # A single step has just begun when another one ends; many are half done.
            calls = waiting + _RUNNING * (running + running**0.5)
            chains[kind] = before + self._seconds(spec, size) * calls / max(waiting + running, 1)
            text += calls * self._text_calls(spec, size)
            images += calls * spec.image_calls
        slots = max(text * _TEXT_S / self._shape.text_slots, images * _IMAGE_S / self._shape.image_slots)
        return _Work(chain + max(chains.values()), slots)

    def _left(self, size: Size, census: Census) -> Mapping[str, tuple[int, int]]:
        """Return of each kind how many steps have not begun, and how many run."""
        ordered = self._table.numbers(size.users, size.posts, ceil(size.users / self._shape.cast_batch))
        known = {kind for kind, _ in census}
        return {
            kind: (census.get((kind, StepState.PENDING), 0), census.get((kind, StepState.RUNNING), 0))
            if kind in known
            else (number, 0)
            for kind, number in ordered.items()
        }

    def _text_calls(self, spec: StepSpec[Any], size: Size) -> float:
        more = size.posts / max(size.users, 1) // self._shape.plan_batch if spec.text_calls_by_posts else 0
        return spec.text_calls + more

    def _seconds(self, spec: StepSpec[Any], size: Size) -> float:
        """Return the seconds of one step; its pictures are made at the same time."""
        pictures = _IMAGE_S if spec.image_calls else 0.0
        return self._text_calls(spec, size) * _TEXT_S + pictures + _STEP_S
