"""The status goes on while the machine is overloaded: it is never more than a few seconds behind the ledger.

How much of the machine this test gets is not its own choice: other tests may run beside it, and a second may be too little
for a single query. So a status is late only if it does not tell what had ended both some seconds and some looks ago. A look
is two queries, a projection takes a few more: whoever stands still is late by both.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pymongo.read_concern import ReadConcern

from generia_worker.errors import ConflictError
from tests.faults.harness import Faults

USERS, POSTS = 40, 250
#: How far the status may be behind, in seconds and in looks, and in how many of a hundred looks it may be further.
BEHIND_S, BEHIND_LOOKS, EXCEPTIONS = 3, 10, 1
#: For how many seconds and looks a world is looked at while it is being made, at least, and at how many of its steps.
LOOKED_S, LOOKS, MOVED = 3 * BEHIND_S, 3 * BEHIND_LOOKS, 50


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


def steps_ended(faults: Faults, world: str) -> int:
    """Return how many steps of a world have ended for good: MongoDB has written them down.

    When they ended by their own account is no measure: a commit that waits for the disk bears the time of before.
    """
    rows = faults.db["generation_steps"].with_options(read_concern=ReadConcern("majority"))
    return rows.count_documents({"world_id": world, "finished_at": {"$ne": None}})


def test_the_status_of_a_large_world_is_never_far_behind(faults: Faults) -> None:
    world = faults.new(USERS, POSTS)
    faults.until(lambda: steps_ended(faults, world) > USERS, "the characters are being made")
    late, moved, looks = [], 0, 0
    began, at_first = time.monotonic(), steps_ended(faults, world)
    #: When it was looked, and how many steps had ended: the last looks, of which the first is old enough to be told.
    seen = deque([(began, at_first)])
    with burned_cores():
        while time.monotonic() < began + LOOKED_S or looks < LOOKS or moved <= MOVED:
            if faults.client.status(world).status.is_final:
                break
            told = (faults.db["world_generation_status"].find_one({"_id": world}) or {})["tasks_completed"]
            now = time.monotonic()
            while len(seen) > BEHIND_LOOKS and seen[1][0] < now - BEHIND_S:
                seen.popleft()
            at, ended = seen[0]
            if len(seen) >= BEHIND_LOOKS and at < now - BEHIND_S and told < ended:
                late.append((round(now - at, 1), ended - told))
            seen.append((now, steps_ended(faults, world)))
            moved = seen[-1][1] - at_first
            looks += 1
            faults.pause()
    assert moved > MOVED, "there was little to tell"
    assert len(late) <= max(1, looks * EXCEPTIONS / 100), (looks, late)
    # The rest of it would tell nothing more.
    with suppress(ConflictError):  # it has ended
        faults.client.cancel(world)
    faults.ended(world)
    assert faults.loose_ends(world) == []
