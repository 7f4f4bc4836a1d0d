"""Days of worlds that live on, at a clock of the test: a month under deaths and two schedulers, and how it ends."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from generia_worker.app.container import Container
from generia_worker.app.days import Days
from generia_worker.client.schedule import DAYS_MAX, Schedule
from generia_worker.engine.step import StepState
from generia_worker.errors import ConflictError, NotFoundError
from generia_worker.settings import Settings
from generia_worker.worlds.documents import DayNews
from generia_worker.worlds.results import PublishedPost
from generia_worker.worlds.schedules import AGAIN, Living
from generia_worker.worlds.steps import CHRONICLE, PICTURE, STEPS
from tests.books import WORLD, in_parallel
from tests.worlds.test_extension import Ended

START = datetime(2026, 3, 1, 18, 30, tzinfo=UTC)
DAY = timedelta(days=1)
of = STEPS.parse


class DeadError(BaseException):
    """The scheduler's process died."""


class Life:
    """A completed world, schedulers for it, and workers that do all at once what is asked of them."""

    def __init__(self, container: Container) -> None:
        self.container = container
        self.books = Ended(container.database)
        self.days = Days(container)
        self._backdate(START - DAY)

    def _backdate(self, at: datetime) -> None:
        self.container.database.generations.update_one({"_id": WORLD}, {"$set": {"created_at": at}})

    def work(self, usd_a_post: float = 0.0) -> None:
        """Do every step that is pending."""
        books = self.books
        for step, state in sorted(books.rows.states(WORLD).items()):
            if state is StepState.PENDING:
                made: Any = None
                if step.kind == PICTURE.kind:
                    made = PublishedPost(post_id=step.name, media_id="m")
                    if usd_a_post:
                        books.bill(step, usd_a_post)
                if step.kind == CHRONICLE.kind:
                    made = DayNews(headline=step.name, what_happened="Rain.")
                books.finish(step, made)
        assert books.told().status == "completed"

    def days_made(self) -> list[str]:
        """Return the days of the world's rounds."""
        return [one.day for one in self.books.generations.get(WORLD).rounds if one.day is not None]


@pytest.fixture
def life(servers: Settings, database_name: str) -> Iterator[Life]:
    prices = {
        "llm_price_input_usd_per_mtok": 0.3,
        "llm_price_output_usd_per_mtok": 2.5,
        "image_price_usd": 0.0006,
    }
    container = Container(servers.model_copy(update={"mongo_database": database_name, **prices}))
    yield Life(container)
    container.close()


# --- when --------------------------------------------------------------------------------------------------------------
def living(**changed: Any) -> Living:
    fields: dict[str, Any] = {
        "world_id": WORLD,
        "posts_a_day": 2,
        "budget_a_day": None,
        "budget_total": None,
        "paused": False,
        "until": date(2026, 4, 1),
        "since": START,
        "next_at": START,
        "last_day": None,
        "waiting": None,
        "ended": None,
    }
    return Living(**fields | changed)


@pytest.mark.parametrize(
    ("now", "day", "then"),
    [
        (START, "2026-03-01", START + DAY),
        (START + timedelta(hours=5), "2026-03-01", START + DAY),
        (START + timedelta(hours=8), "2026-03-01", START + DAY),
        (START + timedelta(hours=23, minutes=59), "2026-03-01", START + DAY),
        (START + DAY, "2026-03-02", START + 2 * DAY),
        (START + timedelta(days=5, hours=6), "2026-03-06", START + 6 * DAY),
    ],
)
def test_a_day_begins_at_its_time_and_bears_its_date(now: datetime, day: str, then: datetime) -> None:
    assert living().day_at(now).isoformat() == day
    assert living().next_after(now) == then


# --- a month -----------------------------------------------------------------------------------------------------------
def test_a_month_under_deaths_and_two_schedulers_is_a_month(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng, container = random.Random(7), life.container
    life.days.schedule(WORLD, Schedule(posts_a_day=2, budget_a_day=0.05), START)

    def dying(work: Callable[..., Any]) -> Callable[..., Any]:
        def maybe(*arguments: Any, **named: Any) -> Any:
            if rng.random() < 0.3:
                raise DeadError
            found = work(*arguments, **named)
            if rng.random() < 0.3:
                raise DeadError
            return found

        return maybe

    monkeypatch.setattr(container.extensions, "extend", dying(container.extensions.extend))
    monkeypatch.setattr(container.schedules, "told", dying(container.schedules.told))

    def tick(_: int) -> None:
        with contextlib.suppress(DeadError):
            Days(container).begin_due(now)

    for number in range(30):
        now = START + number * DAY
        for _ in range(6):
            now += timedelta(seconds=5)
            in_parallel(tick, 2)
        for _ in range(20):  # who was dead at the end of all of these comes back some time
            now += timedelta(minutes=5)
            tick(0)
        life.work(0.001)
    wanted = [(START + number * DAY).date().isoformat() for number in range(30)]
    assert life.days_made() == wanted, "no day is lost, none comes twice"
    told = life.books.told()
    assert (told.posts_created, told.posts_predicted) == (3 + 60, 3 + 60)
    assert [str(one.day) for one in life.days.chronicle(WORLD)] == wanted
    status = life.days.status(WORLD)
    assert status.days == 30
    assert status.spent_usd == pytest.approx(0.06)
    order = life.books.generations.get(WORLD)
    shares = [sum((one.shares or {}).get(number, 0) for one in order.rounds) for number in (1, 2)]
    assert abs(shares[0] - shares[1]) <= 1, "nobody is left out"


def test_a_scheduler_that_was_down_for_a_week_makes_one_day(life: Life) -> None:
    life.days.schedule(WORLD, Schedule(posts_a_day=2), START)
    assert life.days.begin_due(START) == [WORLD]
    life.work()
    late = START + 7 * DAY + timedelta(hours=3)
    for minutes in range(0, 60, 5):
        life.days.begin_due(late + timedelta(minutes=minutes))
    life.work()
    assert life.days_made() == ["2026-03-01", "2026-03-08"]
    assert life.days.status(WORLD).next_at == START + 8 * DAY


def test_worlds_without_a_schedule_are_not_looked_at(life: Life) -> None:
    plan = life.container.database.schedules.find({"next_at": {"$type": "date", "$lte": START}}).explain()
    assert "IXSCAN" in str(plan["queryPlanner"]["winningPlan"])
    assert life.days.begin_due(START) == []


# --- money -------------------------------------------------------------------------------------------------------------
def test_each_day_has_its_budget_and_no_more_than_is_left_of_all(life: Life) -> None:
    life.days.schedule(WORLD, Schedule(posts_a_day=2, budget_a_day=0.05, budget_total=0.14), START)
    budgets = []
    for number in range(5):
        now = START + number * DAY
        if life.days.begin_due(now):
            row = life.books.of_world()
            budgets.append(round(row["budget_usd"] - row["reserved"]["usd"], 6))
            life.work(0.025)  # two posts: the whole day's
    assert budgets == [0.05, 0.05, 0.04]
    status = life.days.status(WORLD)
    assert (status.ended, status.next_at, status.days) == ("Its budget is used up.", None, 3)


def test_a_budget_that_buys_nothing_is_refused(life: Life) -> None:
    for field in ("budget_a_day", "budget_total"):
        with pytest.raises(ConflictError, match="smallest post") as caught:
            life.days.schedule(WORLD, Schedule.model_validate({"posts_a_day": 1, field: 0.001}), START)
        assert caught.value.code == "budget_too_small"


# --- waiting, pausing, ending ------------------------------------------------------------------------------------------
def test_a_day_waits_for_a_world_that_is_being_made(life: Life) -> None:
    life.days.schedule(WORLD, Schedule(posts_a_day=2), START)
    life.books.extend(0, 1)
    life.books.told()
    assert life.days.begin_due(START) == []
    status = life.days.status(WORLD)
    assert status.waiting is not None
    assert "still being made" in status.waiting
    assert status.next_at == START + AGAIN
    life.work()
    assert life.days.begin_due(START + timedelta(minutes=1)) == []
    assert life.days.begin_due(START + AGAIN) == [WORLD]
    assert life.days.status(WORLD).waiting is None


def test_a_pause_and_an_end(life: Life) -> None:
    life.days.schedule(WORLD, Schedule(posts_a_day=2, paused=True), START)
    assert life.days.begin_due(START) == []
    life.days.schedule(WORLD, Schedule(posts_a_day=1, until=date(2026, 3, 2)), START)
    assert life.days.begin_due(START) == [WORLD]
    life.work()
    # Changed on the same day: that day is not made twice.
    life.days.schedule(WORLD, Schedule(posts_a_day=3, until=date(2026, 3, 2)), START + timedelta(hours=1))
    assert life.days.begin_due(START + timedelta(hours=1)) == []
    assert life.days.begin_due(START + DAY) == [WORLD]
    life.work()
    assert life.books.told().posts_created == 3 + 1 + 3
    assert life.days.begin_due(START + 2 * DAY) == []
    assert life.days.status(WORLD).ended == "Its last day is over."
    again = life.days.schedule(WORLD, Schedule(posts_a_day=1), START + 5 * DAY)
    assert (again.ended, again.days, again.spent_usd) == (None, 0, 0.0), "it begins anew"
    assert again.until == (START + (5 + DAYS_MAX - 1) * DAY).date()
    assert life.days.end(WORLD).ended == "It was ended."
    assert life.days.begin_due(START + 6 * DAY) == []


def test_a_world_that_has_none(life: Life) -> None:
    for ask in (life.days.status, life.days.end):
        with pytest.raises(NotFoundError, match="no schedule"):
            ask(WORLD)
    for work in (
        life.days.chronicle,
        lambda world: life.days.schedule(world, Schedule(posts_a_day=1), START),
    ):
        with pytest.raises(NotFoundError):
            work("nobody")
    assert life.days.chronicle(WORLD) == []
