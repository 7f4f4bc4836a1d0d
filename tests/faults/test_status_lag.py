"""The status goes on while the machine is overloaded: it is never more than a few seconds behind the ledger."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from tests.faults.harness import Faults

USERS, POSTS = 40, 250
#: How far the status may be behind, in seconds, and in how many of a hundred looks it may be further.
BEHIND_S, EXCEPTIONS = 3, 1
#: Looks at a world that is being made, and at how many steps of it at least.
LOOKS, MOVED = 150, 100


@contextmanager
def burned_cores() -> Iterator[None]:
    """Have four times as many threads that want to run as there are cores."""
    burners = [
        subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"])
        for _ in range(4 * (os.cpu_count() or 1))
    ]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def steps_ended(faults: Faults, world: str, ago_s: float) -> int:
    """Return how many steps of a world had ended `ago_s` seconds ago, by the database's clock."""
    now = faults.db.client.admin.command("hello")["localTime"]
    ended = {"world_id": world, "finished_at": {"$lte": now - timedelta(seconds=ago_s)}}
    return faults.db["generation_steps"].count_documents(ended)


def test_the_status_of_a_large_world_is_never_far_behind(faults: Faults) -> None:
    world = faults.new(USERS, POSTS)
    faults.until(lambda: steps_ended(faults, world, 0) > USERS, "the characters are being made")
    late, began, looks = [], steps_ended(faults, world, 0), 0
    with burned_cores():
        while looks < LOOKS and not faults.client.status(world).status.is_final:
            ended = steps_ended(faults, world, BEHIND_S)
            told = faults.db["world_generation_status"].find_one({"_id": world}) or {}
            if told["tasks_completed"] < ended:
                late.append(ended - told["tasks_completed"])
            looks += 1
            faults.pause()
    moved = steps_ended(faults, world, 0) - began
    assert moved > MOVED, "there was little to tell"
    assert len(late) <= max(1, looks * EXCEPTIONS / 100), late
    faults.assert_whole(world, USERS, POSTS)
