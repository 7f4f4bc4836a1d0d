"""The stages that a person sees, computed from what the ledger counts. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from generia_worker.client.status import WorldStatus
from generia_worker.engine.specs import StepTable
from generia_worker.engine.step import FINAL_STATES, Census, Scope, StepState


@dataclass(frozen=True, slots=True)
class Progress:
    """What the ledger says about a world."""

    status: WorldStatus
    current_stage: str
    stages: dict[str, WorldStatus]
    #: True when every step but the closing one is in a final state.
    ready_to_finish: bool
    #: Kinds of step that waited for all steps of others, which have ended, and of which some are pending.
    unblocked: tuple[str, ...] = ()


def _count(census: Census, kinds: Iterable[str], *states: StepState) -> int:
    wanted = set(kinds)
    return sum(n for (kind, state), n in census.items() if kind in wanted and (not states or state in states))


def _stage_status(census: Census, kinds: tuple[str, ...], *, complete: bool) -> WorldStatus:
    """Judge one stage; `complete` says that all of its steps are in the ledger already."""
    total = _count(census, kinds)
    final = _count(census, kinds, *FINAL_STATES)
    failed = _count(census, kinds, StepState.FAILED)
    done = _count(census, kinds, StepState.DONE)
    skipped, cancelled = (_count(census, kinds, one) for one in (StepState.SKIPPED, StepState.CANCELLED))
    if total and final == total and (complete or failed or skipped or cancelled):
        if cancelled:
            return WorldStatus.CANCELLED
        return WorldStatus.COMPLETED if done else WorldStatus.FAILED
    if final or _count(census, kinds, StepState.RUNNING):
        return WorldStatus.IN_PROGRESS
    return WorldStatus.PENDING


def progress_of(
    table: StepTable, census: Census, *, cast_is_stored: bool, is_fatal: bool = False, forgiven: int = 0
) -> Progress:
    """Compute stages and status of a world.

    `cast_is_stored` says that the shares of the characters, and with them all steps, are in the ledger; until then the
    stages that depend on the cast cannot be complete. `is_fatal` says that something happened after which no step can
    succeed (no credit at a provider); so many failures as are `forgiven` ended a later round only, and not the world. A
    stage in which something was made is `completed` when all of its steps have ended, also when some failed:
    `tasks_failed` tells of those. One of which something was cancelled is `cancelled`.
    """
    census = table.without_aside(census)
    stages = _stages(table, census, cast_is_stored)
    working = [spec.kind for spec in table if not spec.closes_world]
    unfinished = _count(census, working, StepState.PENDING, StepState.RUNNING)
    fatal = is_fatal or _count(census, table.fatal_kinds, StepState.FAILED) > forgiven
    # The last casting step and all steps of the characters are stored in one transaction: while some are still to
    # come, a casting step is unfinished.
    ready = _count(census, working) > 0 and unfinished == 0
    finished = _count(census, [table.closing.kind], *FINAL_STATES) > 0
    status = WorldStatus.PENDING
    if ready and finished:
        status = _final_status(table, census, fatal)
    elif any(state is not WorldStatus.PENDING for state in stages.values()):
        status = WorldStatus.IN_PROGRESS
    going_on = (WorldStatus.IN_PROGRESS, WorldStatus.PENDING)
    current = next((name for name, state in stages.items() if state in going_on), table.closing.stage)
    if fatal:
        current = next((name for name, state in stages.items() if state is WorldStatus.FAILED), current)
    return Progress(
        status, current, stages, ready_to_finish=ready and not finished, unblocked=_unblocked(table, census)
    )


def _unblocked(table: StepTable, census: Census) -> tuple[str, ...]:
    live = (StepState.PENDING, StepState.RUNNING)
    return tuple(
        spec.kind
        for spec in table
        if spec.waits_for
        and _count(census, [spec.kind], StepState.PENDING)
        and not _count(census, [one.kind for one in spec.waits_for], *live)
    )


def _stages(table: StepTable, census: Census, cast_is_stored: bool) -> dict[str, WorldStatus]:
    after_cast = {spec.stage for spec in table if spec.scope in (Scope.CHARACTER, Scope.POST)}
    stages: dict[str, WorldStatus] = {}
    before = WorldStatus.PENDING
    for name, kinds in table.stages.items():
        state = _stage_status(census, kinds, complete=cast_is_stored or name not in after_cast)
        if name in after_cast and before is WorldStatus.COMPLETED and not _count(census, kinds):
            state = WorldStatus.COMPLETED  # a world without posts
        stages[name] = before = state
    return stages


def _final_status(table: StepTable, census: Census, fatal: bool) -> WorldStatus:
    if fatal:
        return WorldStatus.FAILED
    if _count(census, [spec.kind for spec in table], StepState.CANCELLED):
        return WorldStatus.CANCELLED
    missing = any(spec.indispensable and not _count(census, [spec.kind], StepState.DONE) for spec in table)
    return WorldStatus.FAILED if missing else WorldStatus.COMPLETED
