"""What the scheduler asks for again and again reads what is under way, and nothing of worlds that have ended."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from celery.canvas import Signature

from generia_worker.app.container import Container
from generia_worker.engine.queues import QUEUES
from generia_worker.engine.retry import Attempts
from generia_worker.settings import Settings
from generia_worker.storage.database import Database, Document
from generia_worker.worlds.steps import DESCRIBE, ILLUSTRATE, INITIALIZE
from tasks import maintenance
from tests.books import WORLD, Books

#: Finished worlds, and the steps and the calls of each.
FINISHED, STEPS_OF_EACH = 100, 40
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def container(servers: Settings, database_name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Container]:
    """The resources of a worker process, with a database of its own."""
    container = Container(servers.model_copy(update={"mongo_database": database_name}))
    monkeypatch.setattr("tasks.maintenance.get_container", lambda: container)
    yield container
    container.close()


@pytest.fixture(autouse=True)
def nothing_is_sent(monkeypatch: pytest.MonkeyPatch, published: list[Signature]) -> None:
    """No broker is there: watermarks come out of their queues at once."""

    def at_once(args: tuple[str, str], **_: object) -> None:
        maintenance.advance_watermark(*args)

    monkeypatch.setattr(maintenance.advance_watermark, "apply_async", at_once)
    monkeypatch.setattr("tasks.maintenance.refresh_status", lambda world_id: None)


def add_finished(database: Database, count: int) -> None:
    """Insert worlds that have ended, with rows like those of the world that goes on."""
    order = database.generations.find_one({"_id": WORLD})
    row = database.steps.find_one({"world_id": WORLD, "step": INITIALIZE.step().name})
    assert order is not None
    assert row is not None
    ended: Document = {
        "state": "done",
        "unsettled": False,
        "ready_at": _LONG_AGO,
        "result": {"text": "x" * 200},
    }
    numbers = range(STEPS_OF_EACH)
    for number in range(count):
        world = f"finished-{number}"
        database.generations.insert_one(order | {"_id": world, "open": False, "started": True})
        mine = row | ended | {"world_id": world}
        database.steps.insert_many(
            mine | {"_id": f"{world}/{n}", "after": f"{world}/{n - 1}"} for n in numbers
        )
        call = {"world_id": world, "state": "answered", "unsettled": False, "provider": "llm"}
        database.requests.insert_many(
            call | {"_id": f"{world}/{n}#1", "call": f"{world}/{n}"} for n in numbers
        )
        database.status.insert_one({"_id": world, "status": "completed", "created_at": _LONG_AGO})


def add_waiting(database: Database, count: int) -> None:
    """Insert worlds that are being made, as copies of the one that is there: the first step of each is done, ten wait."""
    order = database.generations.find_one({"_id": WORLD})
    row = database.steps.find_one({"world_id": WORLD, "step": DESCRIBE.step().name})
    assert order is not None
    assert row is not None
    done: Document = {"state": "done", "finished_at": _LONG_AGO, "after": None, "ready_at": _LONG_AGO}
    waits: Document = {"state": "pending", "ready_at": None, "not_before": None}
    rows = []
    for number in range(count):
        world = f"waiting-{number}"
        database.generations.insert_one(order | {"_id": world, "open": True, "started": True})
        mine = row | {"world_id": world}
        first = {"_id": f"{world}/initialize", "kind": "initialize", "step": "initialize"}
        rows.append(mine | first | done)
        rows.append(mine | waits | {"_id": f"{world}/describe", "after": f"{world}/nothing yet"})
        rows += [mine | waits | {"_id": f"{world}/{n}", "after": f"{world}/{n - 1}"} for n in range(9)]
    if rows:
        database.steps.insert_many(rows)


#: A moment in the middle of a query: another one each time.
_MOMENT = re.compile(r"datetime\.datetime\([^()]*(\([^()]*(\([^()]*\))?[^()]*\))?[^()]*\)")


def a_world_with_work_for_everybody(container: Container) -> None:
    """A world with a step that is due, one that is lost, one whose owner died, and one that waits to be counted."""
    books = Books(container.database)
    books.order()
    books.open()
    books.generations.mark_started(WORLD)
    books.ledger.release(books.claim(DESCRIBE.step()), Attempts(1), None, wait_s=0)
    books.claim(ILLUSTRATE.step())
    books.expire(ILLUSTRATE.step(), ago_ms=60_000)
    books.change(INITIALIZE.step(), ready_at=_LONG_AGO)
    for queue in QUEUES:
        container.watermarks.advance(queue, datetime.now(UTC) - timedelta(seconds=30))


def examined(container: Container, finished: int, waiting: int = 0) -> dict[str, tuple[int, int]]:
    """Let the scheduler's tasks do their work beside so many finished worlds, and so many that wait; returns the documents
    and the keys that MongoDB examined for each kind of query."""
    database = container.database.database
    for name in database.list_collection_names():
        database[name].delete_many({})
    a_world_with_work_for_everybody(container)
    add_waiting(container.database, waiting)
    add_finished(container.database, finished)
    database.command("profile", 2)
    for task in (
        maintenance.dispatch_due,
        maintenance.sweep,
        maintenance.send_watermarks,
        maintenance.recover,
    ):
        task()
    container.recovery.expire_dead("nobody".__eq__)
    database.command("profile", 0)
    seen: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for one in database["system.profile"].find({"planSummary": {"$exists": True}}):
        docs, keys = seen[kind := kind_of(one)]
        seen[kind] = (docs + one.get("docsExamined", 0), keys + one.get("keysExamined", 0))
    database.drop_collection("system.profile")
    return dict(seen)


def kind_of(noted: dict[str, Any]) -> str:
    """Return what tells queries apart: collection, operation, and the fields that are asked for."""
    command = noted["command"]
    asked = command.get("filter") or command.get("q") or command.get("query") or command.get("pipeline") or {}
    told = str(sorted(asked) if isinstance(asked, dict) else asked)
    return f"{noted['ns'].rpartition('.')[2]} {noted['op']} {_MOMENT.sub('a moment', told)}"


def test_the_schedulers_work_does_not_grow_with_finished_worlds(container: Container) -> None:
    alone = examined(container, 0)
    assert len(alone) > 10, "MongoDB's profiler noted too little"
    beside_others = examined(container, FINISHED)
    for kind, (documents, keys) in beside_others.items():
        assert documents <= alone[kind][0], kind
        assert keys <= alone[kind][1], kind


def test_the_schedulers_work_does_not_grow_with_worlds_that_wait(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    refreshed: list[str] = []
    monkeypatch.setattr("tasks.maintenance.refresh_status", refreshed.append)
    read = {}
    for waiting in (20, 400):
        refreshed.clear()
        read[waiting] = sum(keys for _, keys in examined(container, 0, waiting).values())
        assert 10 <= len(refreshed) <= 40
    # Who is open is read four times; of the steps that wait, those of twenty worlds or so (ten each).
    assert read[400] <= 2 * read[20] + 4 * 400, read


@pytest.fixture
def many(container: Container) -> Database:
    """A hundred worlds that are being made."""
    a_world_with_work_for_everybody(container)
    database = container.database
    add_waiting(database, 100)
    database.steps.delete_many({"world_id": WORLD})
    database.generations.delete_one({"_id": WORLD})
    return database


def lose(database: Database, *worlds: int) -> None:
    """Let the first step of worlds have ended long ago, and nobody publish the second."""
    for number in worlds:
        after = f"waiting-{number}/initialize"
        database.steps.update_one({"_id": f"waiting-{number}/describe"}, {"$set": {"after": after}})


def test_a_step_that_is_lost_is_found_once_its_world_has_its_turn(
    container: Container, many: Database, published: list[Signature], monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(many, 42)
    now = 1e9
    monkeypatch.setattr("tasks.maintenance.time", SimpleNamespace(time=lambda: now))
    found = []
    for _ in range(100 // 20):
        maintenance.recover()
        found.append(len(published))
        now += container.settings.recover_every_s
    assert found[-1] == 1
    row = many.steps.find_one({"_id": "waiting-42/describe"})
    assert row is not None
    assert row["ready_at"] is not None


def test_what_all_worlds_have_lost_is_found_at_once(
    container: Container, many: Database, published: list[Signature]
) -> None:
    lose(many, *range(100))
    maintenance.recover()
    assert len(published) == 100


def test_what_a_dead_worker_did_not_publish_is_published_without_waiting_for_a_slow_publisher(
    container: Container, published: list[Signature]
) -> None:
    books = Books(container.database)
    books.order()
    books.open()
    books.generations.mark_started(WORLD)
    books.finish(INITIALIZE.step())  # and its worker dies before it publishes what follows
    maintenance.send_watermarks()
    maintenance.recover()
    assert not published, "the message may be under way"
    container.watermarks.note_death()
    maintenance.recover()
    assert not published, "the message may wait in its queue"
    maintenance.send_watermarks()
    maintenance.recover()
    assert len(published) == 1
    assert books.row(DESCRIBE.step())["ready_at"] is not None
    maintenance.recover()
    assert len(published) == 1, "it is published once"
