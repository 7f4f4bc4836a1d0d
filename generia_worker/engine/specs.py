"""What kinds of step there are: a spec a kind, and a table of specs from which everything about their order follows. Pure.

The table itself is `generia_worker/worlds/steps.py`; the engine, the status and the canvases are handed it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from generia_worker.engine.rounds import Round
from generia_worker.engine.step import Census, Scope, Step, StepState

M = TypeVar("M", bound=BaseModel)

_NAME = re.compile(r"([a-z_]+)(?:/(\d{1,6}))?(?:/(\d{1,3}))?(?:@([2-9]|[1-9]\d{1,3}))?")
_INDEXES = {Scope.WORLD: 0, Scope.BATCH: 1, Scope.CHARACTER: 1, Scope.POST: 2, Scope.COMMENT: 1}
#: The counter that every final state adds to.
_STATE_COUNTERS = {
    StepState.DONE: "tasks_completed",
    StepState.FAILED: "tasks_failed",
    StepState.SKIPPED: "tasks_skipped",
    StepState.CANCELLED: "tasks_cancelled",
}


@dataclass(frozen=True, eq=False, kw_only=True)
class StepSpec(Generic[M]):
    """One kind of step.

    PLAN = StepSpec(kind="plan", scope=Scope.CHARACTER, after=CHARACTER, result=PostPlan,
                    task="tasks.characters.plan_posts", queue="llm", stage="posts", text_calls=1)
    """

    #: The first part of the names of its steps, and the value of `kind` in their rows.
    kind: str
    #: What is stored when the step is done, and read back by later steps.
    result: type[M]
    #: The name of its Celery task, and the queue that this task waits in.
    task: str
    queue: str
    #: The stage of the status document that it belongs to, empty for none; stages come in the order of the table.
    stage: str
    scope: Scope = Scope.WORLD
    #: The kind after whose end its message is published; None: published with the order, or by what follows.
    after: StepSpec[Any] | None = None
    #: Kinds of step that must all have ended in the world, however that was, before its messages are published.
    waits_for: tuple[StepSpec[Any], ...] = ()
    #: The kind without whose result it cannot run, where that is not the one that it comes `after`.
    needs: StepSpec[Any] | None = None
    #: Done once, however many rounds its world has: of the world, or of a character in the round that makes it.
    once: bool = False
    #: Only the rounds of days have it.
    days_only: bool = False
    #: Only characters that were given posts have it.
    only_with_posts: bool = False
    #: Only worlds whose order asks for this have it; None: all.
    option: str | None = None
    #: It waits for every other step of its world, and ends it.
    closes_world: bool = False
    #: Its failure ends the world.
    fatal: bool = False
    #: A world in which none of these succeeded has failed.
    indispensable: bool = False
    #: A counter of the status document that it adds to when it is done.
    counter: str | None = None
    #: Counters that it adds a number of its result to when it is done: counter → field of the result.
    sums: Mapping[str, str] = field(default_factory=dict)
    #: Paid calls when nothing has to be asked twice.
    text_calls: int = 0
    image_calls: int = 0
    #: What the first of them is for, text before image: the part of its key that tells it from others of the step.
    first_call: str = "text"
    #: One more text call for each full batch (`plan_batch_size`) of a character's posts.
    text_calls_by_posts: bool = False
    #: The kind that a person names to have this redone: `redo character/07` redoes all steps with `redo="character"`.
    redo: str | None = None
    #: The kind whose result nobody sees before this step is done.
    publishes: StepSpec[Any] | None = None

    @property
    def requires(self) -> StepSpec[Any] | None:
        """The kind without whose result this one cannot run."""
        return self.needs or self.after

    @property
    def is_aside(self) -> bool:
        """True for what is done for a person's comment: it is no part of an order, its account is another one, and the
        state of its world does not depend on it."""
        return self.scope is Scope.COMMENT

    def step(self, *indexes: int, in_round: int = 1) -> Step:
        """Return the step of this kind in a round; one that is done `once` is the same in all of them.

        Raises ValueError when the number of indexes is not that of its scope.
        """
        in_round = 1 if self.once else in_round
        if len(indexes) != _INDEXES[self.scope]:
            message = f"A step of kind {self.kind} takes {_INDEXES[self.scope]} indexes, not {len(indexes)}."
            raise ValueError(message)
        if self.scope is Scope.BATCH:
            return Step(self.kind, batch=indexes[0], round=in_round)
        if self.scope is Scope.COMMENT:
            return Step(self.kind, comment=indexes[0], round=in_round)
        return Step(self.kind, None, *indexes, round=in_round)

    def within(self, step: Step) -> Step:
        """Return the step of this kind that has the round, world, batch, character and post of another step.

        Raises ValueError where this kind is of a narrower scope than `step`.
        """
        own = {Scope.BATCH: (step.batch,), Scope.COMMENT: (step.comment,)}
        wanted = own.get(self.scope, (step.character, step.post))[: _INDEXES[self.scope]]
        return self.step(*(index for index in wanted if index is not None), in_round=step.round)


class StepTable:
    """Specs in the order in which a person would tell them; what follows from them."""

    def __init__(self, specs: Iterable[StepSpec[Any]]) -> None:
        """Raises ValueError when a spec is there twice, or names one that does not stand before it."""
        self._specs: dict[str, StepSpec[Any]] = {}
        for spec in specs:
            for before in (spec.after, spec.needs, *spec.waits_for):
                if before is not None and self._specs.get(before.kind) is not before:
                    raise ValueError(f"{spec.kind} names {before.kind}, which does not stand before it.")
            if spec.kind in self._specs:
                raise ValueError(f"There are two specs of kind {spec.kind}.")
            self._specs[spec.kind] = spec

    def __iter__(self) -> Iterator[StepSpec[Any]]:
        return iter(self._specs.values())

    def __getitem__(self, kind: str) -> StepSpec[Any]:
        return self._specs[kind]

    def with_spec(self, spec: StepSpec[Any]) -> StepTable:
        """Return a copy with one spec more, before the one that closes the world."""
        return StepTable([*(one for one in self if not one.closes_world), spec, self.closing])

    # --- names and rows ----------------------------------------------------------------------------------------
    def parse(self, name: str) -> Step:
        """Read a step's name, with or without leading zeros. Raises ValueError on anything else."""
        match = _NAME.fullmatch(name)
        known = self._specs.get(match[1]) if match else None
        if match is None or known is None or (len(match[2] or "") > 3 and not known.is_aside):
            message = (
                f"{name!r} is no step; a step is named like describe, cast/0, character/07 or post/07/03."
            )
            raise ValueError(message)
        indexes = (int(part) for part in (match[2], match[3]) if part is not None)
        in_round = int(match[4] or 1)
        step = self[match[1]].step(*indexes, in_round=in_round)
        if step.round != in_round:
            raise ValueError(f"{name!r} is no step; {step} is done once, in no round of its own.")
        return step

    # --- the steps of a world ----------------------------------------------------------------------------------
    def opening(self, batches: int) -> list[Step]:
        """Return the steps that are known before the characters are: of the world and of `batches` batches."""
        return self._opening(batches, 1, is_day=False)

    def opening_of(self, one: Round) -> list[Step]:
        """Return the same of any round: a later one has no steps that are done once."""
        return self._opening(one.batches, one.number, is_day=one.day is not None)

    def _opening(self, batches: int, in_round: int, *, is_day: bool) -> list[Step]:
        steps: list[Step] = []
        for spec in self:
            if (spec.once and in_round > 1) or (spec.days_only and not is_day):
                continue
            if spec.scope is Scope.WORLD:
                steps.append(spec.step(in_round=in_round))
            elif spec.scope is Scope.BATCH:
                steps += [spec.step(batch, in_round=in_round) for batch in range(batches)]
        return steps

    def _with(self, options: Collection[str]) -> Iterator[StepSpec[Any]]:
        """Return the specs of a world whose order asks for `options`."""
        return (spec for spec in self if spec.option is None or spec.option in options)

    def of_character(
        self,
        number: int,
        posts: int,
        options: Collection[str] = (),
        *,
        in_round: int = 1,
        is_new: bool = True,
    ) -> list[Step]:
        """Return the steps of character `number` (from 1) and of its `posts` posts in a round; `is_new`: made in it."""
        specs = list(self._with(options))
        own = [
            s
            for s in specs
            if s.scope is Scope.CHARACTER and (posts or not s.only_with_posts) and (is_new or not s.once)
        ]
        each = [s for s in specs if s.scope is Scope.POST]
        steps = [spec.step(number, in_round=in_round) for spec in own]
        return steps + [
            spec.step(number, post, in_round=in_round) for post in range(1, posts + 1) for spec in each
        ]

    def of_round(self, one: Round, options: Collection[str] = ()) -> list[Step]:
        """Return every step of a round's characters and posts; none before its shares are known."""
        return [
            step
            for number, posts in (one.shares or {}).items()
            for step in self.of_character(
                number, posts, options, in_round=one.number, is_new=one.is_new(number)
            )
        ]

    def after_cast(self, shares: Sequence[int], options: Collection[str] = ()) -> list[Step]:
        """Return every step of characters and posts; `shares[i]` is how many posts character i + 1 has."""
        return [
            step
            for number, posts in enumerate(shares, start=1)
            for step in self.of_character(number, posts, options)
        ]

    def numbers(
        self,
        users: int,
        posts: int,
        batches: int,
        options: Collection[str] = (),
        known: int | None = None,
        *,
        is_day: bool = False,
    ) -> dict[str, int]:
        """Return how many steps of each kind a world will have: exact, since each character gets a post while there are
        enough.

        `known`: how many characters there are before a later round; then the most that it can have, since it depends on the
        shares who of them writes.
        """
        writers = users + (known or 0)
        numbers = {Scope.WORLD: 1, Scope.BATCH: batches, Scope.CHARACTER: writers, Scope.POST: posts}
        numbers[Scope.COMMENT] = 0  # nobody orders any
        if known is not None:  # of those who were there before only who writes takes part
            numbers[Scope.CHARACTER] = min(writers, users + posts)
        specs = list(self._with(options))
        found = {s.kind: min(writers, posts) if s.only_with_posts else numbers[s.scope] for s in specs}
        if known is not None:
            found |= {s.kind: users if s.scope is Scope.CHARACTER else 0 for s in specs if s.once}
        return found if is_day else found | {s.kind: 0 for s in specs if s.days_only}

    def count(self, users: int, posts: int, batches: int, options: Collection[str] = ()) -> int:
        """Return how many steps a world will have."""
        return sum(self.numbers(users, posts, batches, options).values())

    def count_of(self, one: Round, options: Collection[str] = ()) -> int:
        """Return how many steps a round has, or will have at most while its shares are not known."""
        if one.is_laid_out:
            return len(self.opening_of(one)) + len(self.of_round(one, options))
        known = None if one.number == 1 else one.first_character - 1
        is_day = one.day is not None
        numbers = self.numbers(one.users, one.posts, one.batches, options, known, is_day=is_day)
        return sum(numbers.values())

    def expected_calls(
        self,
        users: int,
        posts: int,
        batches: int,
        plan_batch: int,
        options: Collection[str] = (),
        known: int | None = None,
        *,
        is_day: bool = False,
    ) -> tuple[int, int]:
        """Return the paid calls of a world in which nothing goes wrong, or of a later round: (text, images).

        Where characters with many posts take several calls, or one may have nothing to answer, the most that can occur is
        counted: it depends on the shares, and on what is written.
        """
        numbers = self.numbers(users, posts, batches, options, known, is_day=is_day)
        text = images = 0
        for spec in self._with(options):
            number = numbers[spec.kind]
            text += number * spec.text_calls + (posts // plan_batch if spec.text_calls_by_posts else 0)
            images += number * spec.image_calls
        return text, images

    # --- order -------------------------------------------------------------------------------------------------
    @cached_property
    def first(self) -> StepSpec[Any]:
        """The spec that every world begins with."""
        return next(spec for spec in self if spec.after is None)

    @cached_property
    def closing(self) -> StepSpec[Any]:
        """The spec that waits for all others."""
        return next(spec for spec in self if spec.closes_world)

    def predecessor(self, step: Step, batches: int, world: Container[Step], in_round: int = 1) -> Step | None:
        """Return the step of `world` after whose end this one's message is published.

        None for the first step, and for the closing one. Batches follow one another; a step whose predecessor's kind this
        character does not have comes after what would have come before that. `batches` and `world` are those of the round
        `in_round` that it is done in, which the step itself does not tell where it is done `once`.
        """
        own = replace(step, round=in_round)
        if step.batch:
            return replace(step, batch=step.batch - 1)
        before = self[step.kind].after
        while before is not None:
            if before.scope is not Scope.BATCH:
                found = before.within(own)
            elif batches:
                found = before.step(batches - 1, in_round=in_round)
            else:  # a later round may have no new characters
                before = before.after
                continue
            opens = before.scope in (Scope.WORLD, Scope.BATCH) and not before.days_only
            if found in world or opens:
                return found
            before = before.after
        return None

    def dependents(self, failed: Step, world: Iterable[Step]) -> list[Step]:
        """Return the steps of `world` that can never run once `failed` has failed for good.

        Of a later round `world` is that round: what was made before it stays, and is finished.
        """
        if self[failed.kind].fatal:
            rest = [step for step in world if step != failed]
            return [step for step in rest if failed.round == 1 or not self[step.kind].closes_world]
        kinds = {failed.kind}
        for spec in self:
            if spec.requires is not None and spec.requires.kind in kinds:
                kinds.add(spec.kind)
        found = [step for step in world if step.kind in kinds and step != failed]
        return [step for step in found if self[failed.kind].within(step) == failed]

    def goes_on_after(self, failed: Step) -> bool:
        """True when something comes after this kind of step that does not need its result."""
        spec = self[failed.kind]
        return any(one.after is spec and one.requires is not spec for one in self)

    @cached_property
    def fatal_kinds(self) -> frozenset[str]:
        """The kinds whose failure ends the world."""
        return frozenset(spec.kind for spec in self if spec.fatal)

    def waiting_for(self, kind: str) -> list[StepSpec[Any]]:
        """Return the specs whose steps wait until all steps of this kind have ended."""
        return [spec for spec in self if any(one.kind == kind for one in spec.waits_for)]

    # --- what others derive ------------------------------------------------------------------------------------
    @cached_property
    def stages(self) -> Mapping[str, tuple[str, ...]]:
        """The stages in their order, each with its kinds of step."""
        found: dict[str, tuple[str, ...]] = {}
        for spec in self:
            if spec.stage:
                found[spec.stage] = (*found.get(spec.stage, ()), spec.kind)
        return found

    @cached_property
    def aside_kinds(self) -> frozenset[str]:
        """The kinds that the state of a world does not depend on."""
        return frozenset(spec.kind for spec in self if spec.is_aside)

    def without_aside(self, census: Census) -> Census:
        """Return what a census says of the steps that the state of a world depends on."""
        return {(kind, state): n for (kind, state), n in census.items() if kind not in self.aside_kinds}

    @cached_property
    def routes(self) -> dict[str, dict[str, str]]:
        """Celery's `task_routes` of all steps."""
        return {spec.task: {"queue": spec.queue} for spec in self}

    def kinds_in(self, queue: str) -> list[str]:
        """Return the kinds of step that wait in a queue."""
        return [spec.kind for spec in self if spec.queue == queue]

    def counters(self, kind: str, state: StepState) -> dict[str, int]:
        """Return what a step of a kind adds to the counters of the status document in this state."""
        if not state.is_final or self[kind].is_aside:
            return {}
        own = self[kind].counter if state is StepState.DONE else None
        return {_STATE_COUNTERS[state]: 1} | ({own: 1} if own else {})

    @cached_property
    def summed(self) -> Mapping[str, Mapping[str, str]]:
        """The kinds that add numbers of their results to counters, each with counter → field of the result."""
        return {spec.kind: spec.sums for spec in self if spec.sums}

    def is_published_later(self, kind: str) -> bool:
        """True for a kind whose result nobody sees before a step of another kind is done."""
        return any(spec.publishes is not None and spec.publishes.kind == kind for spec in self)

    def redone_with(self, kind: str) -> list[StepSpec[Any]]:
        """Return the specs that are redone together when a person names `kind`; none when it can't be redone."""
        return [spec for spec in self if spec.redo == kind]
