"""A worker that starts knows which workers of its host are dead: what they held is free at once, and not a lease later."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from tests.faults.harness import Faults

#: A lease that no test waits for, and one slot for each provider: what is not freed is not there.
SETTINGS: dict[str, Any] = {
    "lease_s": 400.0,
    "lease_renew_s": 0.5,
    "step_deadline_s": 600.0,
    "visibility_timeout_s": 1800.0,
    "llm_concurrency": 1,
    "image_concurrency": 1,
}
#: Long enough to be seen in flight.
_SLOW = {"fixed_s": 3.0}


@pytest.mark.parametrize(("name", "step"), [("worker-llm", "describe"), ("worker-images", "picture/01/01")])
def test_after_a_kill_and_a_restart_the_step_goes_on_at_once(faults: Faults, name: str, step: str) -> None:
    faults.behave(latency={"images" if name == "worker-images" else "llm": _SLOW})
    world = faults.new(1, 1)
    faults.until(functools.partial(faults.billed, world, f"{step}#"), f"the call of {step} is in flight")
    faults.behave()
    faults.kill(name)
    # A text that nobody has got is bought again; a picture is fetched.
    faults.assert_whole(world, 1, 1, ambiguous=0 if name == "worker-images" else 1)
    assert faults.step(world, step)["takeovers"] == 1


def test_of_workers_that_start_at_the_same_time_all_see_the_dead_and_none_each_other(faults: Faults) -> None:
    faults.behave(latency={"llm": {"fixed_s": 0.3}, "images": {"fixed_s": 0.3}})
    world = faults.new(2, 4)
    faults.until(functools.partial(faults.has_begun, world, "avatar/01"), "pictures are drawn")
    names = [name for name in faults.stack.processes if name.startswith("worker-")]
    for name in names:
        faults.kill(name)
    # The texts that were under way: of the other character, and of two posts.
    faults.assert_whole(world, 2, 4, ambiguous=3)
    assert max(row["takeovers"] for row in faults.db["generation_steps"].find({"world_id": world})) == 1


def test_a_worker_that_is_frozen_is_not_dead(faults: Faults) -> None:
    faults.behave(latency={"llm": _SLOW})
    world = faults.new(1, 1)
    faults.until(functools.partial(faults.billed, world, "describe#"), "the call is in flight")
    with faults.frozen("worker-llm"):
        before = faults.step(world, "describe")
        with faults.another_worker(queues="services"):
            after = faults.step(world, "describe")
    # A renewal that it had sent may have arrived after it was frozen; who frees a lease sets it back.
    assert after["lease_until"] >= before["lease_until"]
    assert after | {"lease_until": before["lease_until"]} == before
    faults.assert_whole(world, 1, 1)
    assert faults.step(world, "describe")["fence"] == 1
