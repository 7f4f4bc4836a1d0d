"""A step: the unit of durable work, one row of the ledger and one Celery task. Pure.

A step's name is its identity inside the world. What kinds of step there are, and in which order they come, is a table of
specs (`generia_worker/engine/specs.py`) that the engine is given:

    describe          of a world: one
    cast/0            of a batch, counted from 0
    character/07      of a character, counted from 1
    post/07/03        of a post of a character, both counted from 1
    plan/07@2         the same in a later round of the world (`rounds.py`)
    reply/03          of a comment by a person, counted from 1 through all of the world
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Required, TypedDict


class Scope(StrEnum):
    """What a kind of step is done once for."""

    WORLD = "world"
    BATCH = "batch"
    CHARACTER = "character"
    POST = "post"
    COMMENT = "comment"


class StepState(StrEnum):
    """The life of a step: pending → running → one of the final states."""

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


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """One step of a world.

    `batch` counts from 0; the others from 1. Which of them are given, but for `round`, is the kind's scope:

        Step("describe")   Step("cast", batch=0)   Step("character", character=7)   Step("post", character=7, post=3)
    """

    kind: str
    round: int = field(default=1, kw_only=True)
    batch: int | None = None
    character: int | None = None
    post: int | None = None
    comment: int | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for indexes that no scope has."""
        of = (self.batch, self.character, self.comment)
        if sum(one is not None for one in of) > 1 or (self.post is not None and self.character is None):
            message = (
                f"No step has these indexes: {self.batch}, {self.character}, {self.post}, {self.comment}."
            )
            raise ValueError(message)

    @property
    def scope(self) -> Scope:
        """What the step is done for, told by its indexes."""
        if self.post is not None:
            return Scope.POST
        if self.character is not None:
            return Scope.CHARACTER
        if self.comment is not None:
            return Scope.COMMENT
        return Scope.WORLD if self.batch is None else Scope.BATCH

    @property
    def indexes(self) -> tuple[int, ...]:
        """The indexes that are given, in their order: the arguments of the step's task after the world's id."""
        return tuple(i for i in (self.batch, self.character, self.post, self.comment) if i is not None)

    @property
    def name(self) -> str:
        """The name inside the world, with characters and posts padded so that names sort."""
        suffix = f"@{self.round}" if self.round > 1 else ""
        if self.batch is not None:
            return f"{self.kind}/{self.batch}{suffix}"
        return "/".join([self.kind, *(f"{index:02d}" for index in self.indexes)]) + suffix

    def key(self, world_id: str) -> str:
        """Return the `_id` of this step's row in the ledger: `{world_id}/{name}`."""
        return f"{world_id}/{self.name}"

    def __str__(self) -> str:
        return self.name


class Failure(TypedDict, total=False):
    """Why a step did not succeed, as its row keeps it and `/failures` shows it."""

    #: In words for a person; at most 1,000 characters.
    reason: Required[str]
    #: The name of the error.
    kind: str
    #: The number of the attempt that ended with it, from 1.
    attempt: int
    at: datetime
    #: The step's name; only of one that has ended.
    step: str


#: How many steps of each kind are in each state.
Census = Mapping[tuple[str, StepState], int]
