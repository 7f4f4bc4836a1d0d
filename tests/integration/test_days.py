"""Worlds that live on: days made by the scheduler's own code at a clock of the test, worked on by real workers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from celery import Celery

from generia_worker.app.container import Container
from generia_worker.app.days import Days
from generia_worker.app.enqueue import START_WORLD, Enqueuer
from generia_worker.cli.export_command import export
from generia_worker.client.order import Extension
from generia_worker.client.schedule import Schedule
from generia_worker.client.status import GenerationStatus
from generia_worker.errors import ConflictError, NotFoundError
from tests.integration.conftest import PROMPT, Platform

ENGLISH = "A village of three very talkative lighthouse keepers"


class Clock:
    """The scheduler of a test: it has its own clock, and publishes what is due."""

    def __init__(self, platform: Platform, celery: Celery) -> None:
        self._platform = platform
        self._container = Container(platform.settings)
        self._enqueuer = Enqueuer(celery, lambda: self._container.redis)
        self.days = Days(self._container)
        # The stack's own scheduler does not know of these.
        self._container.database.schedules = self._container.database.database["schedules of a test"]
        self.now = datetime.now(UTC).replace(hour=18, minute=0) - timedelta(days=60)

    def made_before(self, world_id: str) -> None:
        """Let a world be from the day before this clock's."""
        created = {"$set": {"created_at": self.now - timedelta(days=1)}}
        self._container.database.generations.update_one({"_id": world_id}, created)

    def tick(self, world_id: str) -> GenerationStatus | None:
        """Begin what is due, and wait for it; None when nothing was."""
        begun = self.days.begin_due(self.now)
        assert set(begun) <= {world_id}
        if not begun:
            return None
        self._enqueuer.send(world_id, START_WORLD)
        return self._platform.wait(world_id)

    def close(self) -> None:
        """Close what was opened, and forget the schedules: a test that failed has not ended its own."""
        self._container.database.schedules.drop()
        self._container.close()


@pytest.fixture
def clock(platform: Platform) -> Iterator[Clock]:
    with platform.celery() as celery, closing(Clock(platform, celery)) as clock:
        yield clock


@pytest.mark.parametrize(("prompt", "reactions"), [(ENGLISH, "some"), (PROMPT, "none")])
def test_three_days_of_a_world(
    platform: Platform, clock: Clock, tmp_path: Path, prompt: str, reactions: str
) -> None:
    status: GenerationStatus | None
    status, audit = platform.make(prompt, 3, 3, reactions=reactions)
    world_id = audit.world_id
    clock.made_before(world_id)
    clock.days.schedule(world_id, Schedule(posts_a_day=4, budget_a_day=0.25, budget_total=2.0), clock.now)
    cost, dated = 0.0, {post.post_id for one in audit.character_ids() for post in audit.posts_of(one)}
    for day in range(1, 4):
        said, status = status.comments_created, clock.tick(world_id)
        assert status is not None
        assert (status.comments_created > said) == (reactions == "some"), "what is new is talked about"
        audit.check(status, 3, 3 + 4 * day)
        audit.check_money(status)
        found = clock.days.status(world_id)
        assert found.days == day
        assert found.last_day == clock.now.date()
        assert 0 < found.spent_usd - cost <= 0.25
        cost = found.spent_usd
        posts = [post for one in audit.character_ids() for post in audit.posts_of(one)]
        for post in posts:
            if post.post_id not in dated:
                moment = datetime.fromisoformat(str(post.created_at))
                assert clock.now - timedelta(days=1) <= moment <= clock.now
        dated |= {post.post_id for post in posts}
        assert clock.tick(world_id) is None, "a day is made once"
        clock.now += timedelta(days=1)
    told = platform.client.chronicle(world_id)
    assert [one.day for one in told] == [(clock.now - timedelta(days=n)).date() for n in (3, 2, 1)]
    assert len({one.headline for one in told}) == 3
    assert all(one.what_happened for one in told)
    export(platform.settings, platform.client.status(world_id), tmp_path / "world")
    exported = json.loads((tmp_path / "world" / "world.json").read_text(encoding="utf-8"))
    assert exported["chronicle"] == [one.model_dump(mode="json") for one in told]
    heading = "Chronicle" if prompt == ENGLISH else "Хроника"
    assert f">{heading}</h2>" in (tmp_path / "world" / "index.html").read_text(encoding="utf-8")
    # More of it by hand, in between.
    platform.client.extend(world_id, Extension(users_count=1, posts_count=2))
    audit.check(platform.wait(world_id), 4, 17)
    assert clock.days.end(world_id).ended == "It was ended."
    clock.now += timedelta(days=1)
    assert clock.tick(world_id) is None


def test_a_day_whose_news_fail_goes_on(platform: Platform, clock: Clock) -> None:
    _, audit = platform.make(ENGLISH, 2, 2)
    platform.behave(forbidden_words=["Tell what happened on this day"])
    clock.made_before(audit.world_id)
    clock.days.schedule(audit.world_id, Schedule(posts_a_day=2), clock.now)
    status = clock.tick(audit.world_id)
    assert status is not None
    assert (status.status, status.posts_created, status.tasks_failed) == ("completed", 4, 1)
    assert platform.client.chronicle(audit.world_id) == []


def test_what_is_no_schedule(platform: Platform, clock: Clock) -> None:
    _, audit = platform.make(ENGLISH, 1, 1)
    with pytest.raises(NotFoundError, match="has no schedule"):
        platform.client.schedule(audit.world_id)
    with pytest.raises(NotFoundError):
        platform.client.schedule("nobody", Schedule(posts_a_day=1))
    with pytest.raises(ConflictError, match="smallest post may cost"):
        platform.client.schedule(audit.world_id, Schedule(posts_a_day=1, budget_a_day=1e-9))
    with pytest.raises(ConflictError, match="last day is over"):
        platform.client.schedule(
            audit.world_id, Schedule(posts_a_day=1, until=datetime(2020, 1, 1, tzinfo=UTC).date())
        )
