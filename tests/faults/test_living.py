"""A month of a world that lives on: its workers are killed, its days have budgets, and two schedulers begin them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from generia_worker.app.container import Container
from generia_worker.app.days import Days
from generia_worker.app.enqueue import START_WORLD
from generia_worker.client.schedule import Schedule
from tests.books import in_parallel
from tests.faults.harness import Faults
from tests.integration.audit import EXACT, calls_of

DAYS, POSTS, BUDGET_USD = 30, 2, 0.5
DAY = timedelta(days=1)
#: The schedulers are down from the morning of this day on, for so many days.
DOWN_AT, DOWN_FOR = 12, 3


@pytest.fixture
def schedulers(faults: Faults) -> Iterator[list[Container]]:
    """What two schedulers have, with schedules that the stack's own beat, whose clock is another, does not see."""
    containers = [Container(faults.settings) for _ in range(2)]
    for one in containers:
        one.database.schedules = one.database.database["schedules of a test"]
    yield containers
    containers[0].database.schedules.drop()
    for one in containers:
        one.close()


@pytest.mark.slow
def test_a_month_whose_workers_are_killed(faults: Faults, schedulers: list[Container]) -> None:
    rng, now = random.Random(17), datetime.now(UTC).replace(hour=18, minute=0) - 60 * DAY
    world = faults.new(3, 3, reactions="some")
    faults.assert_whole(world, 3, 3)
    created = {"$set": {"created_at": now - DAY}}
    faults.db["generations"].update_one({"_id": world}, created)
    Days(schedulers[0]).schedule(world, Schedule(posts_a_day=POSTS, budget_a_day=BUDGET_USD), now)
    wanted, kills = [], 0
    for number in range(DAYS):
        if number == DOWN_AT:
            now += DOWN_FOR * DAY
        begun = begin(schedulers, now)
        assert set(begun) == {world}
        for _ in begun:  # (who was second publishes too: that is harmless)
            faults.send(START_WORLD, world)
        wanted.append(now.date().isoformat())
        kills += kill_at_random(faults, world, number + 2, rng)
        status = faults.ended(world)
        assert (status.status, status.posts_created) == ("completed", 3 + POSTS * (number + 1)), status.error
        for later in (timedelta(minutes=6), timedelta(hours=20)):
            assert begin(schedulers, now + later) == [], "a day is made once"
        now += DAY
    assert kills >= DAYS // 3
    order = faults.db["generations"].find_one({"_id": world}) or {}
    assert [one["day"] for one in order["rounds"]] == wanted
    assert [str(one.day) for one in faults.client.chronicle(world)] == wanted
    # Of each kill some calls may have been in flight.
    status = faults.assert_whole(world, 3, 3 + POSTS * DAYS, ambiguous=4 * kills)
    check_bill(faults, world, status.cost_usd)


def begin(schedulers: list[Container], now: datetime) -> list[str]:
    """Let all schedulers begin what is due, at the same time; return the worlds whose day they have begun."""
    begun: list[str] = []

    def look(number: int) -> None:
        begun.extend(Days(schedulers[number]).begin_due(now))

    in_parallel(look, len(schedulers))
    return begun


def kill_at_random(faults: Faults, world: str, in_round: int, rng: random.Random) -> int:
    """Kill one or two workers, each once a step of the round that is drawn was begun; returns how many."""
    kinds = ["chronicle", "fan_out", "plan", "post", "picture", "react", "answer", "deliver"]
    drawn = sorted(rng.sample(kinds, rng.randint(0, 2)), key=kinds.index)
    workers = sorted(name for name in faults.stack.processes if name.startswith("worker-"))
    for kind in drawn:
        query = {"world_id": world, "kind": kind, "round": in_round, "state": {"$ne": "pending"}}
        look = partial(faults.db["generation_steps"].find_one, query)
        faults.until(look, f"{kind} of round {in_round} begins")
        faults.kill(rng.choice(workers))
    return len(drawn)


def check_bill(faults: Faults, world: str, told_usd: float) -> None:
    """What was billed is what the ledger and the status say, and of no day more than its budget."""
    calls = {row["_id"]: row for row in calls_of(faults.db, world)}
    known = unknown = 0.0
    by_round: Counter[str] = Counter()
    for entry in faults.billed(world):
        call = calls[entry["request"]]
        by_round[call["step"].partition("@")[2]] += entry["charged_usd"]
        if call["state"] == "ambiguous":
            unknown += entry["charged_usd"]
        else:
            known += entry["charged_usd"]
    assert abs(known - told_usd) < EXACT
    assert abs(known - sum(row["cost_usd"] or 0 for row in calls.values())) < EXACT
    assert len(by_round) == DAYS + 1
    for number, usd in by_round.items():
        assert not number or usd <= BUDGET_USD + EXACT, number
