"""The six stages that a person sees, computed from the ledger. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from generia_worker.client.status import WorldStatus
from generia_worker.engine.step import FATAL_KINDS, StepKind, StepState

#: The stages in their order, and the kinds of step that make up each.
STAGES: Mapping[str, tuple[StepKind, ...]] = {
    "initializing": (StepKind.INITIALIZE,),
    "world_description": (StepKind.DESCRIBE,),
    "world_image": (StepKind.ILLUSTRATE,),
    "characters": (StepKind.CAST, StepKind.FAN_OUT, StepKind.CHARACTER, StepKind.AVATAR),
    "posts": (StepKind.PLAN, StepKind.POST, StepKind.PICTURE),
    "finishing": (StepKind.FINISH,),
}

#: How many steps of each kind are in each state.
Census = Mapping[tuple[StepKind, StepState], int]


@dataclass(frozen=True, slots=True)
class Progress:
    """What the ledger says about a world as a whole."""

    status: WorldStatus
    current_stage: str
    stages: dict[str, WorldStatus]
    #: True when every step but `finish` is in an end state.
    ready_to_finish: bool


def _count(census: Census, kinds: tuple[StepKind, ...], *states: StepState) -> int:
    return sum(n for (kind, state), n in census.items() if kind in kinds and (not states or state in states))


def _stage_status(census: Census, kinds: tuple[StepKind, ...], *, whole: bool) -> WorldStatus:
    """Judge one stage; `whole` says that all of its steps are in the ledger already."""
    total = _count(census, kinds)
    final = sum(_count(census, kinds, state) for state in StepState if state.is_final)
    failed = _count(census, kinds, StepState.FAILED)
    done = _count(census, kinds, StepState.DONE)
    if total and final == total and (whole or failed or _count(census, kinds, StepState.SKIPPED)):
        if done:
            return WorldStatus.COMPLETED
        if failed:
            return WorldStatus.FAILED
        cancelled = _count(census, kinds, StepState.CANCELLED)
        return WorldStatus.CANCELLED if cancelled else WorldStatus.FAILED
    if final or _count(census, kinds, StepState.RUNNING):
        return WorldStatus.IN_PROGRESS
    return WorldStatus.PENDING


def progress_of(census: Census, *, cast_is_stored: bool, doomed: bool = False) -> Progress:
    """Compute stages and status of a world.

    `doomed` says that something happened after which no step can succeed (no credit at a provider).
    `cast_is_stored` says that the shares of the characters, and with them all steps, are in the ledger; until then the
    stages that depend on the cast cannot be complete. A stage in which something was made is `completed` when all of
    its steps have ended, also when some failed: `tasks_failed` tells of those.
    """
    stages: dict[str, WorldStatus] = {}
    for name, kinds in STAGES.items():
        whole = cast_is_stored or name not in ("characters", "posts")
        stages[name] = _stage_status(census, kinds, whole=whole)
    if stages["characters"] is WorldStatus.COMPLETED and not _count(census, STAGES["posts"]):
        stages["posts"] = WorldStatus.COMPLETED
    working = tuple(kind for kind in StepKind if kind is not StepKind.FINISH)
    unfinished = _count(census, working, StepState.PENDING, StepState.RUNNING)
    fatal = doomed or _count(census, tuple(FATAL_KINDS), StepState.FAILED) > 0
    # The last casting step and all steps of the characters are stored in one transaction: while some are still to
    # come, a casting step is unfinished.
    ready = _count(census, working) > 0 and unfinished == 0
    finished = _count(census, (StepKind.FINISH,), *(s for s in StepState if s.is_final))
    status = _world_status(census, stages, ready=ready, fatal=fatal, finished=bool(finished))
    current = next(
        (name for name, state in stages.items() if state in (WorldStatus.IN_PROGRESS, WorldStatus.PENDING)),
        "finishing",
    )
    if fatal:
        current = next((name for name, state in stages.items() if state is WorldStatus.FAILED), current)
    return Progress(status, current, stages, ready_to_finish=ready and not finished)


def _world_status(
    census: Census, stages: Mapping[str, WorldStatus], *, ready: bool, fatal: bool, finished: bool
) -> WorldStatus:
    if ready and finished:
        if fatal:
            return WorldStatus.FAILED
        if _count(census, tuple(StepKind), StepState.CANCELLED):
            return WorldStatus.CANCELLED
        nobody = not _count(census, (StepKind.CHARACTER,), StepState.DONE)
        return WorldStatus.FAILED if nobody else WorldStatus.COMPLETED
    if any(state is not WorldStatus.PENDING for state in stages.values()):
        return WorldStatus.IN_PROGRESS
    return WorldStatus.PENDING
