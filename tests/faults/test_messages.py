"""Messages that come twice, five times, late or never, and what is scheduled twice."""

from __future__ import annotations

from typing import Any

from redis import Redis

from generia_worker.engine.queues import bands
from tests.faults.harness import Faults, in_parallel, task_of


def SETTINGS(scale: float) -> dict[str, Any]:  # noqa: N802 - what the fixture looks for
    """A visibility timeout that a test can wait for."""
    return {
        "visibility_timeout_s": 110 * scale,
        "step_deadline_s": 100 * scale,
        "llm_timeout_s": 95 * scale,
        "image_timeout_s": 95 * scale,
    }


def unacknowledged(faults: Faults, world_id: str) -> int:
    """Return how many messages about a world were taken by a worker and not acknowledged."""
    with Redis.from_url(faults.settings.redis_url.get_secret_value()) as redis:
        found: Any = redis.hvals("unacked")
    return sum(world_id.encode() in value or f"'{world_id}'".encode() in value for value in found)


def bill_of(faults: Faults, world_id: str) -> list[str]:
    """Return the calls that were billed for a world."""
    return sorted(entry["request"] for entry in faults.billed(world_id))


def test_a_message_that_was_done_but_not_acknowledged_comes_again_for_nothing(faults: Faults) -> None:
    faults.arm("broker.ack", "before", ".describe_world")
    world = faults.new(1, 1)
    faults.died()
    assert unacknowledged(faults, world), "the message does not wait to be given out again"
    faults.assert_whole(world, 1, 1)
    bill, before = bill_of(faults, world), faults.step(world, "describe")
    timeout_s = faults.settings.visibility_timeout_s + 15
    faults.until(lambda: not unacknowledged(faults, world), "the message came again", timeout_s)
    faults.assert_whole(world, 1, 1)
    assert bill_of(faults, world) == bill
    assert faults.step(world, "describe") == before


def test_the_same_message_five_times_has_one_effect(faults: Faults) -> None:
    faults.behave(latency={"llm": {"fixed_s": 0.2}, "images": {"fixed_s": 0.2}})
    world = faults.new(2, 4)
    repeated: set[str] = set()
    steps = faults.db["generation_steps"]

    def repeat_what_runs() -> bool:
        """Send the message of every step that is being worked on (or was too quick to be seen) five times."""
        query = {"world_id": world, "state": {"$in": ["running", "done"]}}
        for row in steps.find(query, {"step": 1}):
            if row["step"] not in repeated:
                repeated.add(row["step"])
                task, indexes = task_of(row["step"])
                faults.send(task, world, *indexes, times=5)
        return not faults.loose_ends(world) and "finish" in repeated

    faults.until(repeat_what_runs, f"{world} ends")
    assert len(repeated) == steps.count_documents({"world_id": world})
    faults.assert_whole(world, 2, 4)


def test_everything_again_after_the_end_changes_nothing(faults: Faults) -> None:
    world = faults.new(1, 2)
    before = faults.assert_whole(world, 1, 2)
    bill = bill_of(faults, world)
    rows = list(faults.db["generation_steps"].find({"world_id": world}).sort("_id", 1))
    for row in rows:
        task, indexes = task_of(row["step"])
        faults.send(task, world, *indexes, times=2)
    for task in ("tasks.world.start_world", "tasks.progress.record_progress"):
        faults.send(task, world, times=2)
    drained(faults)
    after = faults.assert_whole(world, 1, 2)
    assert after == before
    assert bill_of(faults, world) == bill
    assert list(faults.db["generation_steps"].find({"world_id": world}).sort("_id", 1)) == rows


def drained(faults: Faults) -> None:
    """Wait until a watermark that is sent now has come out of every queue."""
    watermarks = faults.db["queue_canaries"]
    now = faults.db.client.admin.command("hello")["localTime"]
    queues = [*bands("llm"), *bands("images"), "services"]
    wanted = {"_id": {"$in": queues}, "sent_at": {"$gt": now}}
    faults.until(
        lambda: watermarks.count_documents(wanted) == len(queues), "watermarks come out of all queues", 30
    )


def test_a_fan_out_that_comes_twice_makes_nobody_twice(faults: Faults) -> None:
    faults.behave(vary_answers=True, latency={"llm": {"fixed_s": 0.3}, "images": {"fixed_s": 0.3}})
    world = faults.new(3, 5)
    faults.until(lambda: faults.has_begun(world, "cast/0"), "the cast is being found")
    faults.send("tasks.characters.cast_characters", world, 0, times=3)
    faults.until(lambda: faults.state(world, "cast/0") == "done", "the cast is found")
    cast = faults.step(world, "cast/0")["result"]
    shares = (faults.db["generations"].find_one({"_id": world}) or {})["shares"]
    for _ in range(3):
        faults.send("tasks.world.fan_out", world)
    faults.until(lambda: faults.has_begun(world, "plan/01"), "the first character plans")
    faults.send("tasks.world.fan_out", world, times=3)
    faults.assert_whole(world, 3, 5)
    assert faults.step(world, "cast/0")["result"] == cast
    assert (faults.db["generations"].find_one({"_id": world}) or {})["shares"] == shares


def test_a_step_that_outlives_its_message_is_committed_once(faults: Faults) -> None:
    """A text and then a picture take longer than a lease may be renewed, and than a message stays away."""
    settings = faults.settings
    # A call that took no longer than this is over long before it is given up, also on a busy machine.
    slow_s = settings.image_timeout_s - 15 * faults.scale
    # An owner that vanished is missed a second after its lease, and the next one has some more to come.
    assert 2 * slow_s > settings.step_deadline_s + settings.lease_s + 1 + 20 * faults.scale
    # The second text of a world is of the step, as are its first two pictures. Said before the world is ordered: a worker
    # may have had that text before the next line of a test on a busy machine.
    faults.forget_calls()
    faults.behave(slow_tail=1.0, slow_tail_s=slow_s, only={"after": 1})
    world = faults.new(1, 1)
    faults.until(lambda: faults.step(world, "illustrate").get("takeovers"), "the step is taken over", 90)
    faults.behave()
    faults.assert_whole(world, 1, 1, ambiguous=1, twice=1)
    # To look whether a picture is ready that its first owner had begun is no attempt.
    assert faults.step(world, "illustrate")["attempts"] == 0
    faults.until(lambda: not unacknowledged(faults, world), "no message is left over", 30)


def test_two_schedulers_and_two_of_everything_do_no_harm(faults: Faults) -> None:
    faults.behave(
        rate_429=0.2, retry_after_s=1, latency={"llm": {"fixed_s": 0.1}, "images": {"fixed_s": 0.1}}
    )
    with faults.another_scheduler():
        world = faults.new(2, 4)

        def pester(task: str) -> None:
            while faults.loose_ends(world):
                faults.send(f"tasks.maintenance.{task}", queue="maintenance", times=2)
                faults.pause()

        in_parallel(
            *(lambda task=task: pester(task) for task in ("pump", "sweep", "recover", "send_canaries"))
        )
        faults.assert_whole(world, 2, 4)
