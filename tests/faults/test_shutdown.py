"""Workers that are asked to stop while they are busy."""

from __future__ import annotations

import signal
import time

from tests.faults.harness import Faults

#: From the signal to the end of the world, beyond the grace time: a restart, a recovery, the rest of the work.
RECOVERY_S = 30


def test_what_ends_within_the_grace_time_is_finished_and_not_repeated(faults: Faults) -> None:
    slow = {"fixed_s": faults.settings.grace_s / 2}
    faults.behave(latency={"llm": slow, "images": slow})
    world = faults.new(1, 1)
    faults.until(lambda: faults.billed(world, "describe"), "the call is in flight")
    faults.behave()
    old = faults.kill("worker-llm", signal.SIGTERM)
    faults.restarted("worker-llm", old)
    assert faults.state(world, "describe") == "done", "the worker did not wait for its step"
    faults.assert_whole(world, 1, 1)
    assert len(faults.billed(world, "describe")) == 1


def test_what_takes_longer_is_released_and_done_by_others_in_bounded_time(faults: Faults) -> None:
    slow = {"fixed_s": faults.settings.llm_timeout_s * 0.9}
    faults.behave(latency={"llm": slow, "images": slow})
    world = faults.new(1, 1)
    faults.until(lambda: faults.billed(world, "describe"), "the call is in flight")
    faults.behave()
    stopped_at = time.monotonic()
    old = faults.kill("worker-llm", signal.SIGTERM)
    faults.restarted("worker-llm", old)
    assert time.monotonic() - stopped_at < faults.settings.grace_s + 5, "the grace time is not kept"
    faults.assert_whole(world, 1, 1, ambiguous=1)
    assert time.monotonic() - stopped_at < faults.settings.grace_s + RECOVERY_S * faults.patience
    assert faults.step(world, "describe")["takeovers"] == 0


def test_a_worker_that_cannot_even_stop_is_killed_and_replaced(faults: Faults) -> None:
    faults.behave(latency={"llm": {"fixed_s": faults.settings.llm_timeout_s * 0.9}})
    world = faults.new(1, 1)
    faults.until(lambda: faults.billed(world, "describe"), "the call is in flight")
    faults.behave()
    with faults.frozen("worker-llm"):  # SIGTERM is not even seen
        faults.stack.processes["worker-llm"].stop()
    faults.stack.processes["worker-llm"].start()
    faults.assert_whole(world, 1, 1, ambiguous=1)


def test_a_rolling_restart_of_all_workers_in_the_midst_of_ten_worlds(faults: Faults) -> None:
    faults.behave(latency={"llm": {"fixed_s": 0.3}, "images": {"fixed_s": 0.3}})
    worlds = [faults.new(1, 3) for _ in range(10)]
    faults.until(lambda: any(faults.has_begun(world, "post/01/01") for world in worlds), "a post is written")
    for name in ("worker-llm", "worker-images", "worker-inner", "worker-quarantine"):
        faults.restarted(name, faults.kill(name, signal.SIGTERM))
    for world in worlds:
        # Nothing is lost, and nothing is repeated: not one call is in doubt.
        faults.assert_whole(world, 1, 3, ambiguous=0)
