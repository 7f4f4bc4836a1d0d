"""The status goes on while the machine is overloaded: it is never more than a few seconds behind the ledger.

How much of the machine this test gets is not its own choice: other tests may run beside it, and a second may be too little
for a single query. So its seconds are those of a machine that it has for itself: where half of the processors' time goes to
others, a status may be twice as old. And it is late only if it does not tell what had ended some looks ago, too. A look is
three queries, a projection takes a few more: whoever stands still is late by both.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

import psutil
import pytest
from pymongo.read_concern import ReadConcern

from generia_worker.errors import ConflictError
from tests.faults.harness import Faults

USERS, POSTS = 40, 250
#: How far the status may be behind, in seconds and in looks, and in how many of a hundred looks it may be further.
BEHIND_S, BEHIND_LOOKS, EXCEPTIONS = 3, 10, 1
CORES = os.cpu_count() or 1
#: For how many seconds and looks a world is looked at while it is being made, at least, and at how many of its steps.
LOOKED_S, LOOKS, MOVED = 3 * BEHIND_S, 3 * BEHIND_LOOKS, 50


@contextmanager
def burned_cores() -> Iterator[Sequence[psutil.Process]]:
    """Have four times as many threads that want to run as there are cores, beside all others; yields their processes."""
    burners = [psutil.Popen([sys.executable, "-S", "-c", "while True: pass"]) for _ in range(4 * CORES)]
    try:
        yield burners
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def cpu_s(processes: Iterable[psutil.Process]) -> float:
    """Return the CPU seconds that processes have used."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def steps_ended(faults: Faults, world: str) -> int:
    """Return how many steps of a world have ended for good: MongoDB has written them down.

    When they ended by their own account is no measure: a commit that waits for the disk bears the time of before.
    """
    rows = faults.db["generation_steps"].with_options(read_concern=ReadConcern("majority"))
    return rows.count_documents({"world_id": world, "finished_at": {"$ne": None}})


class Look(NamedTuple):
    """When it was looked, how many steps had ended by then, and the CPU seconds that the test's processes had used."""

    at: float
    ended: int
    cpu_s: float


def how_late(told: int, now: float, used_s: float, looks: Sequence[Look]) -> float | None:
    """Return the age in seconds of a status that tells of `told` ended steps, where it is too old, else None.

    They are seconds in which the test's processes have both cores: of those on the clock, the part that they had.
    """
    since = [look for look in looks if look.ended > told]
    if len(since) < BEHIND_LOOKS:
        return None
    first = since[0]
    age = min(now - first.at, (used_s - first.cpu_s) / CORES)
    return age if age > BEHIND_S else None


@pytest.mark.parametrize(
    ("told", "now", "used_s", "late"),
    [
        (8, 10.0, CORES * 10.0, None),
        (3, 10.0, CORES * 10.0, 6.0),
        (3, 10.0, CORES * 6.5, None),  # since the step had ended, others had nearly all of the machine
        (9, 20.0, CORES * 20.0, None),  # nobody could look
    ],
)
def test_what_is_late(told: int, now: float, used_s: float, late: float | None) -> None:
    # A step ends in each second, and two looks are made; all cores are the test's own.
    looks = [Look(at / 2, at // 2, CORES * at / 2) for at in range(21)]
    assert how_late(told, now, used_s, looks) == late


def test_the_status_of_a_large_world_is_never_far_behind(faults: Faults) -> None:
    world = faults.new(USERS, POSTS)
    faults.until(lambda: steps_ended(faults, world) > USERS, "the characters are being made")
    late: list[str] = []
    began, moved = time.monotonic(), 0
    looks: list[Look] = []
    with burned_cores() as burners:
        own = [*burners, psutil.Process(), *map(psutil.Process, faults.pids())]
        while time.monotonic() < began + LOOKED_S or len(looks) < LOOKS or moved <= MOVED:
            if faults.client.status(world).status.is_final:
                break
            told = (faults.db["world_generation_status"].find_one({"_id": world}) or {}).get(
                "tasks_completed", 0
            )
            age = how_late(told, time.monotonic(), cpu_s(own), looks)
            if age is not None:
                late.append(f"{age:.1f} s: {told} of {looks[-1].ended}")
            ended = steps_ended(faults, world)
            looks.append(Look(time.monotonic(), ended, cpu_s(own)))
            moved = ended - looks[0].ended
            faults.pause()
    assert moved > MOVED, "there was little to tell"
    assert len(late) <= max(1, len(looks) * EXCEPTIONS / 100), (len(looks), late)
    # The rest of it would tell nothing more.
    with suppress(ConflictError):  # it has ended
        faults.client.cancel(world)
    faults.ended(world)
    assert faults.loose_ends(world) == []
