"""Worlds that only wait are left alone: a long queue is not a loss."""

from __future__ import annotations

import contextlib
import re
import time

from generia_worker.errors import ConflictError
from tests.faults.harness import Faults

#: One slot and slow answers: nearly all of the worlds wait far longer than a lost step would.
SETTINGS = {
    "worker_threads": 16,
    "llm_concurrency": 1,
    "image_concurrency": 1,
}
WORLDS = 12


def test_worlds_that_only_wait_are_not_taken_for_lost(faults: Faults) -> None:
    # As long as a lost step would need to be noticed, three times over.
    noticed_s = 3 * (faults.settings.publish_timeout_s + 2 * faults.settings.recover_every_s)
    # Each world takes six texts or more: at the end of that time three quarters of the worlds still wait.
    faults.behave(latency={"llm": {"fixed_s": noticed_s / (1.5 * WORLDS)}})
    prompt = "A village where the postman is a heron and everybody writes letters"
    worlds = [faults.order(prompt, 1, 1) for _ in range(WORLDS)]
    since = time.monotonic()
    faults.until(lambda: time.monotonic() - since > noticed_s, "recovery to look around several times")
    waiting = [world_id for world_id in worlds if not faults.client.status(world_id).status.is_final]
    assert len(waiting) > WORLDS / 2, "nobody waits: this is no backlog"
    logs = (faults.stack.data_dir / "logs").glob("*.log")
    brought_back = re.compile(r".*(?:publishing it again|starting it).*")
    assert [line for log in logs for line in brought_back.findall(log.read_text())] == []
    for world_id in waiting:
        with contextlib.suppress(ConflictError):  # it ended meanwhile
            faults.client.cancel(world_id)
    for world_id in worlds:
        status = faults.ended(world_id, timeout_s=120)
        assert status.status in ("completed", "cancelled")
        assert status.tasks_failed == 0
        assert faults.loose_ends(world_id) == []
