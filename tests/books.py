"""Every collection behind its class, over one real database, and the few things that tests do with them again and again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from generia_worker.billing.bills import Bills
from generia_worker.billing.holds import Holds
from generia_worker.billing.requests import Requests
from generia_worker.client.order import Order, Talk
from generia_worker.client.status import GenerationStatus
from generia_worker.engine.generations import Generation, Generations
from generia_worker.engine.ledger import Claim, Ledger
from generia_worker.engine.recovery import Recovery
from generia_worker.engine.results import Results
from generia_worker.engine.rounds import Round
from generia_worker.engine.specs import StepTable
from generia_worker.engine.step import Step
from generia_worker.engine.step_rows import StepRows
from generia_worker.engine.watermarks import Watermarks
from generia_worker.status.forecast import Forecast, Shape
from generia_worker.status.projection import StatusProjection
from generia_worker.status.refresh import StatusRefresh
from generia_worker.storage.database import Database
from generia_worker.worlds.results import Nothing
from generia_worker.worlds.steps import STEPS

WORLD = "w1"


class Books:
    """The repositories of one process: what `Container` makes, without its settings, and a world to work on.

    books = Books(database)
    books.order(users_count=2, posts_count=3)
    books.open()
    books.finish(DESCRIBE.step(), description)
    """

    def __init__(
        self,
        database: Database,
        table: StepTable = STEPS,
        *,
        lease_s: float = 20,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.database = database
        self.table = table
        self.generations = Generations(database, clock)
        self.rows = StepRows(database, table)
        self.ledger = Ledger(database, table, lease_s=lease_s)
        self.results = Results(database, self.rows, clock)
        self.recovery = Recovery(database, self.rows)
        self.watermarks = Watermarks(database)
        self.requests = Requests(database)
        self.holds = Holds(database, clock)
        self.bills = Bills(database, {"llm": "texts.test", "images": "images.test"})
        forecast = Forecast(table, Shape(10, 25, 50, 30))
        self.status = StatusProjection(
            database, self.generations, self.rows, self.requests, forecast=forecast
        )
        self.refresh = StatusRefresh(database, self.generations, self.ledger, self.status)

    # --- worlds ------------------------------------------------------------------------------------------------
    def order(
        self,
        world_id: str = WORLD,
        *,
        prompt: str = "A village of talkative lighthouse keepers",
        users_count: int = 2,
        posts_count: int = 3,
        budget: float | None = None,
        limits: dict[str, int] | None = None,
        batches: int = 1,
        planned: dict[str, int] | None = None,
        reactions: Talk = "none",
    ) -> Generation:
        """Accept an order, which nothing has started."""
        order = Order(
            world_id=world_id,
            user_prompt=prompt,
            users_count=users_count,
            posts_count=posts_count,
            budget=budget,
            reactions=reactions,
        )
        limits = {"llm": 99, "images": 99} if limits is None else limits
        accepted, _ = self.generations.accept(order, limits=limits, batches=batches, planned=planned)
        return accepted

    def open(self, world_id: str = WORLD, *, batches: int = 1) -> None:
        """Add the steps that a world begins with."""
        self.rows.add(world_id, self.table.opening(batches), batches)

    def cast(
        self,
        shares: list[int],
        world_id: str = WORLD,
        *,
        batches: int = 1,
        options: Collection[str] = (),
    ) -> None:
        """Add the steps of the characters and their posts, and store how many posts each character has."""
        by_number = dict(enumerate(shares, start=1))
        one = Round(1, len(shares), sum(shares), batches, 1, by_number, False, datetime.now(UTC))
        self.database.transaction(lambda session: self.generations.store_shares(world_id, one, session))
        self.rows.add(world_id, self.table.after_cast(shares, options), batches)

    def told(self, world_id: str = WORLD) -> GenerationStatus:
        """Refresh a world and return its status document as it travels."""
        self.refresh.refresh(world_id)
        return GenerationStatus.model_validate(self.status.get(world_id))

    # --- steps -------------------------------------------------------------------------------------------------
    def claim(
        self, step: Step, owner: str = "me", world_id: str = WORLD, call: dict[str, Any] | None = None
    ) -> Claim:
        """Claim a step that can be claimed."""
        taken = self.ledger.claim(world_id, step, owner, call)
        assert isinstance(taken, Claim), taken
        return taken

    def finish(self, step: Step, result: BaseModel | None = None, world_id: str = WORLD) -> None:
        """Claim a step and commit it with its result."""
        self.ledger.commit(self.claim(step, world_id=world_id), Nothing() if result is None else result)

    def finish_all(self, world_id: str = WORLD) -> None:
        """Commit every step of a world that has not ended."""
        for step, state in self.rows.states(world_id).items():
            if not state.is_final:
                self.finish(step, world_id=world_id)

    def row(self, step: Step, world_id: str = WORLD) -> dict[str, Any]:
        """Return a step's row."""
        found = self.database.steps.find_one({"_id": step.key(world_id)})
        assert found is not None
        return found

    def change(self, step: Step, world_id: str = WORLD, **fields: object) -> None:
        """Set fields of a step's row: what time, or another process, would have done to it. Values may be expressions."""
        changed = self.database.steps.update_one({"_id": step.key(world_id)}, [{"$set": fields}])
        assert changed.matched_count

    def expire(self, step: Step, world_id: str = WORLD, *, ago_ms: int = 1) -> None:
        """Let a lease run out without waiting for it."""
        self.change(step, world_id, lease_until={"$subtract": ["$$NOW", ago_ms]})


def generation(
    shares: list[int] | None, *, users_count: int = 2, batches: int = 1, **fields: Any
) -> Generation:
    """Return a generation that no database knows, whose characters have these numbers of posts; None: not cast yet."""
    row = {
        "_id": WORLD,
        "prompt": "A village of talkative lighthouse keepers",
        "users_count": users_count if shares is None else len(shares),
        "posts_count": sum(shares or [3]),
        "run": 1,
        "batches": batches,
        "limits": {"llm": 99, "images": 99},
        "budget_usd": None,
        "shares": shares,
        "cancelled": False,
        "fatal": None,
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "request_hash": "",
    }
    return Generation.from_document(row | fields)


def in_parallel(work: Callable[[int], object], count: int) -> None:
    """Do something in so many threads at once; each is told its number."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
