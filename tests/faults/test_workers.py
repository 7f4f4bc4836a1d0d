"""Workers that are killed or frozen, at every moment of a step."""

from __future__ import annotations

import functools
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from generia_worker.client.order import Extension
from generia_worker.client.replies import ReplyTerms
from generia_worker.client.schedule import Schedule
from generia_worker.engine.queues import BANDS, bands
from generia_worker.rpc.channel import open_channel
from generia_worker.rpc.interaction_client import InteractionClient
from tests.faults.harness import Faults, in_parallel, task_of
from tests.integration.audit import calls_of


def await_state(faults: Faults, world: str, step: str, state: str) -> None:
    faults.until(lambda: faults.state(world, step) == state, f"{step} is {state}")


def await_answers(faults: Faults, world: str, step: str, count: int) -> None:
    faults.until(lambda: faults.answers(world, step) == count, f"{count} answers to {step} are kept")


def test_a_world_without_faults(faults: Faults) -> None:
    world = faults.new(2, 3)
    faults.assert_whole(world, 2, 3)


@pytest.mark.parametrize("task", ["describe_world", "illustrate_post", "fan_out"])
def test_a_message_that_dies_with_its_worker_is_published_again(faults: Faults, task: str) -> None:
    faults.arm("broker.noted", "before", f".{task}")
    world = faults.new(1, 1)
    faults.died()
    faults.assert_whole(world, 1, 1)


@pytest.mark.parametrize("step", ["describe", "picture/01/01"])
def test_death_before_a_paid_call_costs_no_second_one(faults: Faults, step: str) -> None:
    faults.arm("paid.draw" if step.startswith("picture") else "paid.text", "before", f"/{step}#")
    world = faults.new(1, 1)
    faults.died()
    faults.assert_whole(world, 1, 1, ambiguous=1)
    assert len(faults.billed(world, f"{step}#")) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_death_beside_a_reservation_leaves_the_right_sum_set_aside(faults: Faults, when: str) -> None:
    faults.arm("money.hold", when, "llm")
    # With a budget each call is held by itself.
    world = faults.new(1, 1, budget=100.0)
    faults.died()
    faults.assert_whole(world, 1, 1, ambiguous=1)
    assert len(faults.billed(world, "describe#")) == 1


def test_death_with_an_answer_in_hand_costs_one_call_that_is_called_ambiguous(faults: Faults) -> None:
    faults.arm("paid.text", "after", "/describe#")
    world = faults.new(1, 1)
    faults.died()
    status = faults.assert_whole(world, 1, 1, ambiguous=1)
    assert len(faults.billed(world, "describe#")) == 2
    assert status.ambiguous_calls_LLM == 1


def test_death_with_a_picture_in_hand_costs_nothing(faults: Faults) -> None:
    faults.arm("paid.draw", "after", "/illustrate#1.cover")
    world = faults.new(1, 1)
    faults.died()
    faults.assert_whole(world, 1, 1, ambiguous=0)
    assert len(faults.billed(world, "illustrate#1.cover")) == 1


@pytest.mark.parametrize(
    ("point", "when", "step"),
    [
        ("money.record", "after", "describe"),
        ("rpc.character", "after", "character/01"),
        ("rpc.post", "after", "picture/01/01"),
        ("ledger.commit", "before", "describe"),
        ("ledger.commit", "before", "fan_out"),
    ],
)
def test_death_after_an_answer_was_stored_repeats_nothing(
    faults: Faults, point: str, when: str, step: str
) -> None:
    faults.arm(point, when, step)
    world = faults.new(1, 1)
    faults.died()
    faults.assert_whole(world, 1, 1, ambiguous=0)


@pytest.mark.parametrize("step", ["cast/0", "plan/01"])
def test_what_follows_a_committed_step_appears_once(faults: Faults, step: str) -> None:
    faults.arm("ledger.commit", "after", f"/{step}")
    world = faults.new(1, 2)
    faults.died()
    faults.assert_whole(world, 1, 2)


def test_a_reply_to_a_person_whose_worker_dies_comes_once(faults: Faults) -> None:
    world = faults.new(1, 1)
    faults.assert_whole(world, 1, 1)
    faults.client.replies(world, ReplyTerms(budget=1.0))
    post = faults.step(world, "picture/01/01")["result"]["post_id"]
    deaths = [
        ("broker.noted", "before", ".reply"),
        ("paid.text", "after", "/reply/02#"),
        ("rpc.comment", "after", post),
    ]
    token = faults.settings.rpc_token.get_secret_value()
    with open_channel(faults.settings.interaction_service, token) as channel:
        for number, (point, when, match) in enumerate(deaths, start=1):
            faults.arm(point, when, match, also=world)
            said = f"What is number {number}?"
            InteractionClient(channel, 15).comment(
                "guest", post, world, said, idempotency_key=f"{post}.{number}"
            )
            assert faults.client.heard(world, post) == 1
            faults.died()
            await_state(faults, world, f"reply/0{number}", "done")
    status = faults.assert_whole(world, 1, 1, ambiguous=1)
    assert status.replies_created == 3
    said_by = [row["user_id"] for row in faults.db["comments"].find({"post_id": post})]
    assert (len(said_by), said_by.count("guest")) == (6, 3)
    assert len(faults.billed(world, "reply/02#")) == 2
    assert len(faults.billed(world, "reply/")) == 4


def test_a_day_whose_workers_die_at_every_turn_is_made_once(faults: Faults) -> None:
    world = faults.new(1, 1)
    faults.assert_whole(world, 1, 1)
    deaths = [
        ("broker.noted", "before", ".tell_news"),
        ("paid.text", "after", "/chronicle@2#"),
        ("ledger.commit", "after", "/fan_out@2"),
        ("rpc.post", "after", "/picture/01/01@2"),
    ]
    # Each dies long before what it left behind is found, and the next one is armed by then.
    for number, (point, when, match) in enumerate(deaths):
        faults.arm(point, when, match, also=world)
        if number == 0:
            faults.client.schedule(world, Schedule(posts_a_day=1))
        faults.died()
    faults.client.end_schedule(world)
    faults.assert_whole(world, 1, 2, ambiguous=1)
    assert len(faults.client.chronicle(world)) == faults.client.schedule(world).days == 1
    bought = Counter(
        entry["request"].partition("#")[0] for entry in faults.billed(world) if "@2" in entry["request"]
    )
    assert bought.pop(f"{world}/chronicle@2") == 2, "the answer of the first was in hand"
    assert set(bought.values()) == {1}


def test_death_before_a_part_of_a_chord_is_counted_loses_no_finish(faults: Faults) -> None:
    faults.arm("chord.part", "before", "illustrate_post")
    world = faults.new(1, 2)
    faults.died()
    faults.assert_whole(world, 1, 2, ambiguous=1)
    assert faults.step(world, "finish")["fence"] == 1


def test_a_world_finishes_although_its_last_worker_died_before_saying_so(faults: Faults) -> None:
    faults.arm("ledger.commit", "after", "/picture/01/01")
    world = faults.new(1, 1)
    faults.died()
    faults.assert_whole(world, 1, 1)
    assert faults.step(world, "finish")["fence"] == 1


def test_a_finish_that_was_lost_is_asked_for_again(faults: Faults) -> None:
    faults.arm("broker.noted", "before", ".finish_world")
    world = faults.new(1, 1)
    faults.died()
    faults.assert_whole(world, 1, 1)


def test_kill_and_kill_again(faults: Faults) -> None:
    """Three kills of whichever worker, at moments that nobody chose."""
    faults.behave(latency={"llm": {"fixed_s": 0.3}, "images": {"fixed_s": 0.3}})
    world = faults.new(2, 5)
    in_flight = 0
    for moment, name in (
        ("cast/0", "worker-llm"),
        ("character/02", "worker-inner"),
        ("plan/02", "worker-llm"),
    ):
        faults.until(functools.partial(faults.has_begun, world, moment), f"{moment} has begun")
        in_flight += sum(call["state"] == "intent" for call in calls_of(faults.db, world))
        faults.kill(name)
    faults.assert_whole(world, 2, 5, ambiguous=in_flight + 2)
    # And while it is extended.
    faults.client.extend(world, Extension(users_count=1, posts_count=4))
    for moment, name in (("cast/0@2", "worker-llm"), ("plan/03@2", "worker-inner")):
        faults.until(functools.partial(faults.has_begun, world, moment), f"{moment} has begun")
        in_flight += sum(call["state"] == "intent" for call in calls_of(faults.db, world))
        faults.kill(name)
    faults.assert_whole(world, 3, 9, ambiguous=in_flight + 4)


def test_a_lost_step_is_published_once_for_as_long_as_its_message_waits(faults: Faults) -> None:
    faults.behave(latency={"llm": {"fixed_s": faults.settings.llm_timeout_s * 0.9}})
    world = faults.new(1, 1)
    faults.until(lambda: faults.billed(world, "describe"), "the call is in flight")
    faults.behave()

    def known_to_be_taken() -> bool:
        # Only then can recovery tell, with nobody left to take a watermark, that the step's message is in no queue.
        watermarks = list(faults.db["queue_canaries"].find({"_id": {"$in": bands("llm")}}))
        published = faults.step(world, "initialize")["finished_at"]
        margin = timedelta(seconds=faults.settings.publish_timeout_s)
        taken = [watermark for watermark in watermarks if watermark["sent_at"] > published + margin]
        return len(taken) == BANDS

    faults.until(known_to_be_taken, "a watermark that was sent after the step's message comes out")
    faults.kill("worker-llm")
    faults.stack.processes["worker-llm"].stop()
    try:
        said = f"Step {world}/describe was lost"
        log = faults.stack.data_dir / "logs" / "worker-inner.log"
        faults.until(lambda: said in log.read_text(), "the step is published again")
        look_around_s = 4 * faults.settings.recover_every_s
        since = time.monotonic()
        faults.until(lambda: time.monotonic() - since > look_around_s, "recovery to look around a few times")
        assert log.read_text().count(said) == 1
    finally:
        faults.stack.processes["worker-llm"].start()
    faults.assert_whole(world, 1, 1, ambiguous=1)


@pytest.fixture(scope="module")
def wrong_clocks(module_stack: Faults) -> Iterator[None]:
    """Two more workers for paid calls, whose clocks are a minute ahead and a minute behind."""
    workers = [
        module_stack.another_worker("ahead", clock_s=60),
        module_stack.another_worker("behind", clock_s=-60),
    ]
    in_parallel(*(worker.__enter__ for worker in workers))
    yield
    in_parallel(*(functools.partial(worker.__exit__, None, None, None) for worker in workers))


@pytest.mark.usefixtures("wrong_clocks")
def test_workers_whose_clocks_are_wrong_are_still_one_owner_a_step(faults: Faults) -> None:
    # Longer than a lease: it must be renewed meanwhile, and looks expired to a clock that is ahead.
    slow = {"fixed_s": faults.settings.lease_s * 1.5}
    faults.behave(latency={"llm": slow, "images": slow})
    world = faults.new(1, 1)
    faults.until(lambda: faults.billed(world, "describe"), "the call is in flight")
    faults.behave()
    task, indexes = task_of("describe")
    faults.send(task, world, *indexes, times=6)
    faults.assert_whole(world, 1, 1)
    steps = faults.db["generation_steps"].find({"world_id": world})
    assert {row["takeovers"] for row in steps} == {0}


@pytest.mark.usefixtures("wrong_clocks")
def test_a_stale_owner_that_wakes_up_commits_nothing(faults: Faults) -> None:
    faults.behave(vary_answers=True, latency={"llm": {"fixed_s": 1.5}, "images": {"fixed_s": 1.5}})
    world = faults.new(1, 1)
    for step in ("describe", "cast/0", "picture/01/01"):
        # A picture is known to its provider by its key: whoever asks gets the one that was drawn.
        kept = 1 if step.startswith("picture") else 2
        in_flight = functools.partial(faults.billed, world, f"{step}#")
        faults.until(in_flight, f"the call of {step} is in flight")
        with faults.frozen_pid(faults.owner_pid(world, step)):
            await_state(faults, world, step, "done")
            committed = faults.step(world, step)
        assert committed["fence"] > 1
        await_answers(faults, world, step, kept)
        now = faults.step(world, step)
        assert (now["result"], now["fence"]) == (committed["result"], committed["fence"])
    faults.assert_whole(world, 1, 1, twice=2, ambiguous=1)
