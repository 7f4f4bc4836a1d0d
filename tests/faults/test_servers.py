"""Redis and MongoDB that restart, lose everything, hang, step down: rows 12 to 17."""

from __future__ import annotations

import time
from functools import partial

import pytest
import requests

from generia_worker.client.order import Extension, Order
from generia_worker.embedded import process as local_process
from generia_worker.engine.ledger import Claim, Ledger
from generia_worker.engine.step_rows import StepRows
from generia_worker.errors import NotFoundError
from generia_worker.storage.database import Database
from generia_worker.worlds.steps import INITIALIZE, STEPS
from tasks.progress import ASKED
from tests.faults.harness import PROMPT, Faults
from tests.faults.servers import (
    assert_one_at_a_time,
    cut_connections,
    flush,
    redis_down,
    redis_of,
    redis_read_only,
    step_down,
    stopped,
)

#: Shorter than the outages, so that what hangs is really given up on.
SETTINGS = {"redis_timeout_s": 2, "mongo_timeout_s": 1, "record_patience_s": 60}
USERS, POSTS = 3, 6
#: How slow the providers are, so that there is something in flight.
SLOW = {"llm": {"fixed_s": 0.4}, "images": {"fixed_s": 0.4}}


def ordered(faults: Faults, users: int = USERS, posts: int = POSTS, **latency: object) -> str:
    """Order a world whose calls take a while."""
    faults.behave(latency=latency or SLOW)
    return faults.order(PROMPT, users, posts)


def in_fan_out(faults: Faults, world: str) -> None:
    """Wait until the characters are being made, and a call for one of them is under way."""
    faults.until(lambda: faults.billed(world, "character"), "the characters are being written")


# --- Redis -------------------------------------------------------------------------------------------------------
def test_connections_cut_in_flight(faults: Faults) -> None:
    world = ordered(faults)
    for about in ("describe", "character", "post", "picture"):
        faults.until(partial(faults.billed, world, about), f"{about} is under way")
        assert cut_connections(faults) > 0
    # A worker that does not survive this is restarted, with its calls in flight lost: those of one process at most.
    status = faults.assert_whole(world, USERS, POSTS, ambiguous=4 * (USERS + POSTS))
    assert_one_at_a_time(faults, world)
    print(f"ambiguous: {status.ambiguous_calls_LLM}")


def test_redis_fails_over_for_twenty_seconds(faults: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    """It only refuses writes. Who is started meanwhile waits, and is not given up for it."""
    monkeypatch.setattr(local_process, "STABLE_AFTER_S", 5.0)
    world = ordered(faults)
    in_fan_out(faults, world)
    workers = [name for name in faults.stack.processes if name.startswith("worker-")]
    before = {name: process.starts for name, process in faults.stack.processes.items()}
    with redis_read_only(faults):
        for name in workers:
            faults.kill(name)
        ordered(faults)  # is accepted: it is in MongoDB
        time.sleep(20)
    faults.assert_whole(world, USERS, POSTS, ambiguous=4 * (USERS + POSTS))
    faults.workers_answer()
    starts = {name: process.starts - before[name] for name, process in faults.stack.processes.items()}
    assert all(starts[name] == 1 for name in workers), f"it was started in vain: {starts}"
    assert starts["beat"] == 0


@pytest.mark.parametrize("keeps_data", [True, False], ids=["with AOF", "without AOF"])
def test_redis_restarts(faults: Faults, keeps_data: bool) -> None:
    world = ordered(faults)
    in_fan_out(faults, world)
    with redis_down(faults, keeps_data=keeps_data):
        pass  # at once: the calls for the characters are in flight
    faults.until(lambda: faults.billed(world, "post"), "the posts are being written")
    with redis_down(faults, keeps_data=keeps_data):
        time.sleep(15 * faults.scale)  # the posts' calls end meanwhile
    status = faults.assert_whole(world, USERS, POSTS, ambiguous=USERS + POSTS)
    faults.workers_answer()
    print(f"ambiguous: {status.ambiguous_calls_LLM}")


def test_redis_is_emptied_in_mid_fan_out(faults: Faults) -> None:
    world = ordered(faults, 4, 8)
    in_fan_out(faults, world)
    flush(faults)
    faults.until(lambda: faults.billed(world, "post"), "the posts are being written")
    flush(faults)
    faults.assert_whole(world, 4, 8)
    # And twice while it is extended.
    faults.client.extend(world, Extension(users_count=1, posts_count=4))
    for step in ("cast/0@2", "plan/05@2"):
        faults.until(partial(faults.has_begun, world, step), f"{step} has begun")
        flush(faults)
    faults.assert_whole(world, 5, 12)


def test_redis_hangs(faults: Faults) -> None:
    # One world is in mid fan-out; another one is ordered while Redis hangs: accepted means durable.
    world = ordered(faults)
    in_fan_out(faults, world)
    began = time.monotonic()
    with faults.frozen("redis"):
        other = faults.order(PROMPT, 1, 1)
        accepted_s = time.monotonic() - began
        time.sleep(max(0.0, 60 * faults.scale - accepted_s))
    assert accepted_s < 2 * faults.settings.redis_timeout_s + 3, "the endpoint hung with Redis"
    faults.assert_whole(world, USERS, POSTS, ambiguous=USERS + POSTS)
    faults.assert_whole(other, 1, 1)
    assert_one_at_a_time(faults, world)


def test_a_message_that_asks_for_progress_is_lost(faults: Faults) -> None:
    world = ordered(faults, 1, 2)
    with redis_of(faults) as client:
        # Asked for, as everybody believes, and the message is gone.
        client.set(ASKED, 1, ex=max(1, int(30 * faults.scale)))
    faults.assert_whole(world, 1, 2)


# --- MongoDB -----------------------------------------------------------------------------------------------------
def test_the_primary_steps_down_again_and_again(faults: Faults) -> None:
    world = ordered(faults, 4, 8)
    for about in ("describe", "cast", "character", "plan", "post", "picture"):
        faults.until(partial(faults.billed, world, about), f"{about} is under way")
        step_down(faults)
    faults.assert_whole(world, 4, 8)


@pytest.mark.parametrize("hangs", [True, False], ids=["hangs", "is down"])
def test_mongo_is_away_before_a_claim_and_after_an_answer(faults: Faults, hangs: bool) -> None:
    # The answers to the characters' calls arrive while MongoDB is away; the image worker's next claims fail.
    world = ordered(faults, 3, 6, llm={"fixed_s": 0.7}, images={"fixed_s": 0.4})
    in_fan_out(faults, world)
    away = faults.frozen("mongo") if hangs else stopped(faults.stack.processes["mongo"])
    with away:
        time.sleep(60 * faults.scale)
    faults.assert_whole(world, 3, 6)
    assert_one_at_a_time(faults, world)


def test_nothing_is_taken_over_right_after_mongo_was_away(faults: Faults) -> None:
    # Who owns a step could not renew its lease meanwhile: it gets the time to do so.
    lease_s = 3.0
    uri = faults.settings.mongo_uri.get_secret_value()
    database = Database(uri, "takeovers", max_pool_size=4, timeout_ms=1000)
    ledger = Ledger(database, STEPS, lease_s=lease_s)
    StepRows(database, STEPS).add("w", [INITIALIZE.step()], 1)
    assert isinstance(ledger.claim("w", INITIALIZE.step(), "silent"), Claim)
    step_down(faults)
    faults.until(lambda: 0 < database.availability.steady_for_s() < lease_s, "the gap is seen, and over")
    began = time.monotonic()
    taken = faults.until(lambda: _claimed(ledger), "the step is taken over at last")
    steady_s = database.availability.steady_for_s()
    database.client.drop_database("takeovers")
    database.close()
    assert taken is not None
    assert taken.takeovers == 1
    assert steady_s >= lease_s, "it was taken over too early"
    assert time.monotonic() - began < lease_s + 2


def _claimed(ledger: Ledger) -> Claim | None:
    taken = ledger.claim("w", INITIALIZE.step(), "other")
    return taken if isinstance(taken, Claim) else None


# --- orders ------------------------------------------------------------------------------------------------------
def test_an_order_while_redis_is_down_is_kept(faults: Faults) -> None:
    with redis_down(faults, keeps_data=True):
        world = faults.order(PROMPT, 1, 1)
        assert faults.client.status(world).status == "pending"
        ready = requests.get(f"{faults.settings.api_url}/readyz", timeout=30)
        assert ready.status_code == 503
        assert ready.json()["mongodb"] == "ok"
        assert ready.json()["redis"].startswith("unavailable")
    faults.assert_whole(world, 1, 1)


def test_an_order_while_mongo_is_down_is_refused_and_nothing_is_half_made(faults: Faults) -> None:
    world = "ordered-while-mongo-was-down"
    order = Order(world_id=world, user_prompt=PROMPT, users_count=1, posts_count=1)
    token = {"Authorization": f"Bearer {faults.settings.api_token.get_secret_value()}"}
    with stopped(faults.stack.processes["mongo"]):
        reply = requests.post(
            f"{faults.settings.api_url}/v1/generations",
            json=order.model_dump(exclude_none=True),
            headers=token,
            timeout=30,
        )
    assert reply.status_code == 503
    assert int(reply.headers["Retry-After"]) > 0
    assert reply.headers["Content-Type"] == "application/problem+json"
    faults.until(lambda: faults.db.client.admin.command("ping"), "MongoDB is back")
    assert faults.db["generations"].count_documents({"_id": world}) == 0
    with pytest.raises(NotFoundError):
        faults.client.status(world)
    # Nothing stands in the way of the same order later; no service knows this world, which ends it with a reason.
    assert faults.client.order(order).status == "pending"
    assert faults.ended(world).status == "failed"
