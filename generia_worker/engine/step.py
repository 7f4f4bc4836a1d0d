"""The steps of a world: their names, their order and what each adds to the counters. Pure.

A step is the unit of durable work: one row of the ledger, one Celery task, at most a handful of remote calls. Its name
is its identity inside the world:

    initialize  describe  illustrate  cast/0 … cast/k  fan_out
    character/07  plan/07  avatar/07          one of each a character (`plan` only where there are posts)
    post/07/03  picture/07/03                 the text, then the picture and the publication of one post
    finish
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class StepKind(StrEnum):
    """What a step does; also the first part of its name."""

    INITIALIZE = "initialize"
    DESCRIBE = "describe"
    ILLUSTRATE = "illustrate"
    CAST = "cast"
    FAN_OUT = "fan_out"
    CHARACTER = "character"
    PLAN = "plan"
    AVATAR = "avatar"
    POST = "post"
    PICTURE = "picture"
    FINISH = "finish"


class StepState(StrEnum):
    """The life of a step: pending → running → one of the end states."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """True for the states in which a step stays unless a person asks for more."""
        return self in FINAL_STATES


FINAL_STATES = frozenset({StepState.DONE, StepState.FAILED, StepState.SKIPPED, StepState.CANCELLED})

#: How many indexes follow the kind in a step's name.
_INDEXES = {
    StepKind.CAST: 1,
    StepKind.CHARACTER: 1,
    StepKind.PLAN: 1,
    StepKind.AVATAR: 1,
    StepKind.POST: 2,
    StepKind.PICTURE: 2,
}
#: Steps whose failure ends the world.
FATAL_KINDS = frozenset(
    {StepKind.INITIALIZE, StepKind.DESCRIBE, StepKind.CAST, StepKind.FAN_OUT, StepKind.FINISH}
)

_NAME = re.compile(r"([a-z_]+)(?:/(\d{1,3}))?(?:/(\d{1,3}))?")


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """A step's name, taken apart. `first` is the batch or the character (from 1), `second` the post (from 1)."""

    kind: StepKind
    first: int | None = None
    second: int | None = None

    def __post_init__(self) -> None:
        given = sum(index is not None for index in (self.first, self.second))
        if given != _INDEXES.get(self.kind, 0) or (self.first is None and self.second is not None):
            message = f"A step of kind {self.kind} takes {_INDEXES.get(self.kind, 0)} indexes, not {given}."
            raise ValueError(message)

    @classmethod
    def parse(cls, name: str) -> Step:
        """Read a step's name, with or without leading zeros. Raises ValueError on anything else."""
        match = _NAME.fullmatch(name)
        if match is None or match[1] not in set(StepKind):
            message = (
                f"{name!r} is no step; a step is named like describe, cast/0, character/07 or post/07/03."
            )
            raise ValueError(message)
        first, second = (int(part) if part is not None else None for part in (match[2], match[3]))
        return cls(StepKind(match[1]), first, second)

    @property
    def name(self) -> str:
        """The name inside the world, with indexes padded so that names sort."""
        if self.kind is StepKind.CAST:
            return f"cast/{self.first}"
        parts = [
            f"{index:0{width}d}" for index, width in ((self.first, 2), (self.second, 2)) if index is not None
        ]
        return "/".join([self.kind.value, *parts])

    def key(self, world_id: str) -> str:
        """Return the `_id` of this step's row in the ledger."""
        return f"{world_id}/{self.name}"

    def __str__(self) -> str:
        return self.name


INITIALIZE = Step(StepKind.INITIALIZE)
DESCRIBE = Step(StepKind.DESCRIBE)
ILLUSTRATE = Step(StepKind.ILLUSTRATE)
FAN_OUT = Step(StepKind.FAN_OUT)
FINISH = Step(StepKind.FINISH)


def opening_steps(batches: int) -> list[Step]:
    """Return the steps that are known before the characters are, in their order, and `finish`.

    `batches` is how many calls the casting takes, each for so many concepts at most.
    """
    casts = [Step(StepKind.CAST, batch) for batch in range(batches)]
    return [INITIALIZE, DESCRIBE, ILLUSTRATE, *casts, FAN_OUT, FINISH]


def character_steps(number: int, posts: int) -> list[Step]:
    """Return the steps of the character with this number (from 1) that is given so many posts."""
    steps = [Step(StepKind.CHARACTER, number)]
    if posts:
        steps.append(Step(StepKind.PLAN, number))
    steps.append(Step(StepKind.AVATAR, number))
    for post in range(1, posts + 1):
        steps += [Step(StepKind.POST, number, post), Step(StepKind.PICTURE, number, post)]
    return steps


def steps_after_cast(shares: Sequence[int]) -> list[Step]:
    """Return every step that follows the casting; `shares[i]` is how many posts character i+1 has."""
    return [step for index, posts in enumerate(shares) for step in character_steps(index + 1, posts)]


def predicted_after_cast(users_count: int, posts_count: int) -> int:
    """Return how many steps the casting will add: exact, because nobody stays without posts while there are enough."""
    return 2 * users_count + min(users_count, posts_count) + 2 * posts_count


def predecessor(step: Step, batches: int, world: Container[Step]) -> Step | None:
    """Return the step of `world` after whose end this one's message is published; None for the first step, and for
    `finish`, which waits for all others. `batches` is how many calls the casting takes.

    A character's face is drawn when its posts are planned (both come out of one chord), where it has any.
    """
    kind, number = step.kind, step.first
    if kind is StepKind.CAST:
        return ILLUSTRATE if number == 0 else Step(StepKind.CAST, (number or 0) - 1)
    if kind is StepKind.FAN_OUT:
        return Step(StepKind.CAST, batches - 1)
    if kind is StepKind.CHARACTER:
        return FAN_OUT
    if kind is StepKind.PLAN:
        return Step(StepKind.CHARACTER, number)
    if kind is StepKind.AVATAR:
        plan = Step(StepKind.PLAN, number)
        return plan if plan in world else Step(StepKind.CHARACTER, number)
    if kind is StepKind.POST:
        return Step(StepKind.PLAN, number)
    if kind is StepKind.PICTURE:
        return Step(StepKind.POST, number, step.second)
    return {StepKind.DESCRIBE: INITIALIZE, StepKind.ILLUSTRATE: DESCRIBE}.get(kind)


def doomed_by(failed: Step, world: Iterable[Step]) -> list[Step]:
    """Return the steps of `world` that can never run once `failed` has failed for good."""
    if failed.kind in FATAL_KINDS:
        return [step for step in world if step != failed]
    same_character = [step for step in world if step.first == failed.first and step != failed]
    if failed.kind is StepKind.CHARACTER:
        kinds = {StepKind.PLAN, StepKind.AVATAR, StepKind.POST, StepKind.PICTURE}
        return [step for step in same_character if step.kind in kinds]
    if failed.kind is StepKind.PLAN:
        return [step for step in same_character if step.kind in (StepKind.POST, StepKind.PICTURE)]
    if failed.kind is StepKind.POST:
        return [s for s in same_character if s.kind is StepKind.PICTURE and s.second == failed.second]
    return []


def contribution(step: Step, state: StepState) -> dict[str, int]:
    """Return what a step in this state adds to the counters of the status document."""
    if state is StepState.DONE:
        created = {StepKind.CHARACTER: "users_created", StepKind.PICTURE: "posts_created"}.get(step.kind)
        return {"tasks_completed": 1} | ({created: 1} if created else {})
    return {
        StepState.FAILED: {"tasks_failed": 1},
        StepState.SKIPPED: {"tasks_skipped": 1},
        StepState.CANCELLED: {"tasks_cancelled": 1},
    }.get(state, {})
