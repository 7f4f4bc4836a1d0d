"""How long a world will take, and how long it has still to go. Pure.

A model of the work (which steps are left, how they follow one another, how many calls may be in flight) gives seconds; the
*pace* says how many real seconds one of the model's is. It is learned from finished worlds, and more and more from the
world itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from statistics import median

from generia_worker.billing.estimate import Finished
from generia_worker.engine.specs import StepTable
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
class _Work:
    """What there is to do, in the model's seconds: the longest chain of steps, and what the slots need for all calls.

    A world takes both: while its chains begin and end, the slots are not full.
    """

    chain_s: float
    slots_s: float


@dataclass(frozen=True, slots=True)
class Pace:
    """How many real seconds one of the model's is: for chains of steps, and for calls that wait for slots.

    `learned` is False for the model's own, where there is no finished world to go by.
    """

    chain: float = 1.0
    slots: float = 1.0
    learned: bool = False

    def of(self, work: _Work) -> float:
        """Return the real seconds of some work."""
        return self.chain * work.chain_s + self.slots * work.slots_s


_MODEL = Pace()


class Forecast:
    """Forecasts for worlds whose steps are those of `table`. Worlds of `users` characters and `posts` posts."""

    def __init__(self, table: StepTable, shape: Shape) -> None:
        self._table = table
        self._shape = shape

    def pace(self, known: Iterable[Finished]) -> Pace:
        """Return the pace at which finished worlds of all sizes were made.

        Least squares of their relative errors, drawn towards their median. One that took no time (a clock was set back in
        between) tells nothing.
        """
        took = [
            (self._work(one.users, one.posts, {}, one.options), one.seconds)
            for one in known
            if one.seconds > 0
        ]
        if not took:
            return _MODEL
        usual = median(seconds / _MODEL.of(work) for work, seconds in took)
        rows = [(work.chain_s / seconds, work.slots_s / seconds) for work, seconds in took]
        # Two equations for (chain, slots), with a weight that says how much the median counts.
        weight = _TO_MEDIAN / usual**2
        xx, yy = (sum(row[at] ** 2 for row in rows) + weight for at in (0, 1))
        xy = sum(x * y for x, y in rows)
        x1, y1 = (sum(row[at] for row in rows) + weight * usual for at in (0, 1))
        below = xx * yy - xy * xy
        chain, slots = (x1 * yy - y1 * xy) / below, (y1 * xx - x1 * xy) / below
        return Pace(max(chain, usual / _FURTHEST), max(slots, 0.0), learned=True)

    def whole_s(
        self,
        users: int,
        posts: int,
        pace: Pace = _MODEL,
        options: Collection[str] = (),
        known: int | None = None,
    ) -> float:
        """Return how many seconds a world will take, at the pace of others; or a later round of one that has `known`
        characters already."""
        return pace.of(self._work(users, posts, {}, options, known))

    def left_s(
        self,
        users: int,
        posts: int,
        census: Census,
        elapsed_s: float | None,
        pace: Pace = _MODEL,
        options: Collection[str] = (),
    ) -> float:
        """Return how many seconds a world has still to go, when a step of it has just ended.

        `elapsed_s` is how long it has been worked on; None when that is not known (it stood still in between).
        """
        whole = self.whole_s(users, posts, pace, options)
        left = pace.of(self._work(users, posts, census, options))
        done = max(1 - left / whole, 0.0)
        if elapsed_s is None or done < _OWN_FROM:
            return left
        own = max(elapsed_s, 0.0) / (done * whole)
        if not pace.learned:
            return left * own
        return left * float(min(max(own, 1 / _FURTHEST), _FURTHEST) ** (done**_OWN_WEIGHT))

    def _work(
        self,
        users: int,
        posts: int,
        census: Census,
        options: Collection[str],
        known: int | None = None,
    ) -> _Work:
        """Return the work of what `census` does not show as ended.

        What the world itself needs comes one after the other; after that, each character has a chain of its own.
        """
        chain, chains = 0.0, dict[str, float]()
        text = images = 0.0
        writers = users + (known or 0)
        more_texts = posts / max(writers, 1) // self._shape.plan_batch
        for kind, (waiting, running) in self._left(users, posts, census, options, known).items():
            spec = self._table[kind]
            texts = spec.text_calls + (more_texts if spec.text_calls_by_posts else 0)
            # The pictures of a step are made at the same time.
            seconds = texts * _TEXT_S + (_IMAGE_S if spec.image_calls else 0.0) + _STEP_S
            if spec.scope in _ALONE:  # when something of the world ends, what comes after it has just begun
                chain += seconds * (waiting + running)
                continue
            earlier = (spec.after, *spec.waits_for) if spec.after else spec.waits_for
            before = max((chains.get(one.kind, 0.0) for one in earlier), default=0.0)
            # A single step has just begun when another one ends; many are half done.
            steps = waiting + _RUNNING * (running + running**0.5)
            chains[kind] = before + seconds * steps / max(waiting + running, 1)
            text += steps * texts
            images += steps * spec.image_calls
        slots = max(text * _TEXT_S / self._shape.text_slots, images * _IMAGE_S / self._shape.image_slots)
        return _Work(chain + max(chains.values(), default=0.0), slots)

    def _left(
        self, users: int, posts: int, census: Census, options: Collection[str], known: int | None
    ) -> Mapping[str, tuple[int, int]]:
        """Return of each kind how many steps have not begun, and how many run."""
        ordered = self._table.numbers(users, posts, ceil(users / self._shape.cast_batch), options, known)
        counted = {kind for kind, _ in census}
        return {
            kind: (census.get((kind, StepState.PENDING), 0), census.get((kind, StepState.RUNNING), 0))
            if kind in counted
            else (number, 0)
            for kind, number in ordered.items()
        }
