"""A budget holds at any price: one that nobody configured, one that is configured wrongly, one that rises."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from starlette.testclient import TestClient

from generia_worker.api.app import create_app
from generia_worker.app.container import Container
from generia_worker.app.enqueue import Enqueuer
from generia_worker.billing.bills import Bills
from generia_worker.billing.calls import MeteredCalls, TextQuestion
from generia_worker.billing.prices import Dearest, PriceTable
from generia_worker.billing.requests import PaidCall
from generia_worker.errors import BudgetExceeded, BusyError, TransientError
from generia_worker.providers.images import ImageReceipt, ImageRequest
from generia_worker.providers.llm import ChatAnswer, ChatRequest, Message
from generia_worker.providers.usage import Provider, Usage
from generia_worker.settings import Settings
from generia_worker.storage.database import Database
from tests.books import WORLD, Books, in_parallel

DEFAULT, REAL = 0.0006, 0.05
QUESTION = TextQuestion((Message("user", "?"),), "post", {}, {}, "", 100)
SIDE = 1024


class Images:
    """Bills every picture at `price`; None: it names no price. With `together`, only when so many are being drawn."""

    model = "dear:1@1"

    def __init__(self, price: float | None) -> None:
        self.price = price
        self.bills: list[float] = []
        self.together: threading.Barrier | None = None

    def draw(self, request: ImageRequest) -> ImageReceipt:
        if self.together is not None:
            self.together.wait(20)
        self.bills.append(self.price or 0.0)
        return ImageReceipt(request.task_uuid, "i", None, b"", self.price)

    def download(self, *_: object) -> None:
        return None


class Texts:
    """Bills every text at `price`."""

    model = "m"

    def __init__(self, usage: Usage) -> None:
        self.usage = usage
        self.bills: list[float] = []

    def complete(self, _: ChatRequest) -> ChatAnswer:
        self.bills.append(self.usage.cost_usd or 0.0)
        return ChatAnswer("{}", "stop", "m", None, None, self.usage)


def metered(books: Books, prices: PriceTable, *, images: Any = None, texts: Any = None) -> MeteredCalls:
    slots: Any = SimpleNamespace(hold=nullcontext, pause=lambda _: None)
    both: dict[Provider, Any] = {"llm": slots, "images": slots}
    text_model: Any = texts or Texts(Usage(0.0, 1, 1))
    image_model: Any = images or Images(0.0)
    return MeteredCalls(
        text_model,
        image_model,
        books.requests,
        books.holds,
        prices,
        books.bills,
        both,
        patience_s=1,
    )


def draw_until_over(calls: MeteredCalls, count: int, threads: int = 8) -> Counter[str]:
    """Draw so many pictures, several at a time, as workers do; returns how it ended, and how often."""
    ends: list[str] = []
    numbers = iter(range(count))

    def work(_: int) -> None:
        for number in numbers:
            while True:
                try:
                    calls.picture(PaidCall(f"picture/{number}", WORLD, "picture"), "a hill", SIDE, SIDE)
                    ends.append("drawn")
                except BusyError:
                    continue
                except BudgetExceeded:
                    ends.append("over budget")
                break

    in_parallel(work, threads)
    return Counter(ends)


def spent(books: Books) -> float:
    row = books.database.generations.find_one({"_id": WORLD})
    assert row is not None
    return float(row["reserved"]["usd"])


@pytest.mark.parametrize("dies", [False, True], ids=["its answer never came", "its process died"])
def test_a_first_call_in_doubt_leaves_the_rest_of_the_budget(books: Books, dies: bool) -> None:
    """It was held at all there is, for nobody knew its price; in doubt, it is held at what the price table says."""

    class Silent(Texts):
        def complete(self, request: ChatRequest) -> ChatAnswer:
            if dies:
                raise KeyboardInterrupt
            raise TransientError("no answer", outcome_unknown=True)

    prices = PriceTable(1.0, 1.0, DEFAULT)
    first = PaidCall("text/1", WORLD, "describe")
    with pytest.raises(KeyboardInterrupt if dies else TransientError):
        metered(books, prices, texts=Silent(Usage(0.0))).text(first, QUESTION)
    assert (spent(books) == 0.20) is dies
    calls = metered(books, prices, texts=Texts(Usage(0.001, 1, 1)))
    again = PaidCall("text/1", WORLD, "describe", is_first_attempt=False)
    assert calls.text(again, QUESTION).content == "{}"
    assert 0.001 < spent(books) < 0.01
    assert not books.holds.may_fit(WORLD, "llm", 0.20), (
        "each dollar that is held was billed, or may have been"
    )


@pytest.fixture
def books(database: Database) -> Books:
    books = Books(database)
    books.order(budget=0.20)
    return books


@pytest.mark.parametrize("configured", [None, DEFAULT, REAL])
def test_images_dearer_than_anybody_said(books: Books, configured: float | None) -> None:
    images = Images(REAL)
    ends = draw_until_over(metered(books, PriceTable(1.0, 1.0, configured), images=images), 20)
    assert sum(images.bills) <= 0.20 + 1e-9
    assert ends == {"drawn": 4, "over budget": 16}
    assert spent(books) == pytest.approx(0.20)
    assert not books.holds.reconcile(WORLD, 0)


def test_of_a_model_without_a_bill_one_call_is_made_at_a_time(books: Books) -> None:
    """What waits goes on when the first bill is known."""
    images = Images(0.001)
    images.together = threading.Barrier(2)
    calls = metered(books, PriceTable(1.0, 1.0, DEFAULT), images=images)
    first = threading.Thread(
        target=lambda: calls.picture(PaidCall("a", WORLD, "picture"), "a hill", SIDE, SIDE)
    )
    first.start()
    try:
        while spent(books) == 0:
            pass
        assert spent(books) == pytest.approx(0.20)
        with pytest.raises(BusyError):
            calls.picture(PaidCall("b", WORLD, "picture"), "a hill", SIDE, SIDE)
    finally:
        images.together.wait(20)
        first.join()
    assert spent(books) == pytest.approx(0.001)
    images.together = None
    calls.picture(PaidCall("b", WORLD, "picture"), "a hill", SIDE, SIDE)
    assert spent(books) == pytest.approx(0.002)


@pytest.mark.parametrize("what", ["picture", "text", "refused", "in doubt"])
def test_a_process_that_is_frozen_beside_a_bill_gives_nothing_back_twice(
    books: Books, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """What it held is taken out meanwhile, as that of a dead one; a budget that looked larger then would be overdrawn."""

    class Failing(Texts):
        def complete(self, request: ChatRequest) -> ChatAnswer:
            raise TransientError("no", outcome_unknown=what == "in doubt")

    texts = Failing(Usage(0.0)) if what in ("refused", "in doubt") else Texts(Usage(0.001, 1, 1))
    calls = metered(books, PriceTable(1.0, 1.0, REAL), images=Images(0.001), texts=texts)
    change = books.holds._change

    def frozen(*arguments: Any) -> None:
        books.holds.reconcile(WORLD, 0)
        assert books.holds.reconcile(WORLD, 0), "it was taken for dead"
        change(*arguments)

    monkeypatch.setattr(books.holds, "_change", frozen)
    with suppress(TransientError):
        if what == "picture":
            calls.picture(PaidCall("a", WORLD, "picture"), "a hill", SIDE, SIDE)
        else:
            calls.text(PaidCall("a", WORLD, "post"), QUESTION)
    assert not books.holds.reconcile(WORLD, 0)
    assert not books.holds.reconcile(WORLD, 0), "as much is held as was billed or is in doubt"


def test_a_bill_counts_in_every_world_and_process(books: Books, database: Database) -> None:
    metered(books, PriceTable(1.0, 1.0, DEFAULT), images=Images(REAL)).picture(
        PaidCall("a", WORLD, "picture"), "a hill", SIDE, SIDE
    )
    other = Books(database)
    other.order("w2", budget=0.04)
    calls = metered(other, PriceTable(1.0, 1.0, DEFAULT), images=Images(REAL))
    with pytest.raises(BudgetExceeded, match=r"up to \$0.0500"):
        calls.picture(PaidCall("b", "w2", "picture"), "a hill", SIDE, SIDE)
    # A world without a budget tells what a model costs as well, and nobody asks it to wait.
    assert other.bills.dearest("images", "dear:1@1") == Dearest(REAL, REAL / SIDE**2, 1.0)
    elsewhere = Bills(database, {"llm": "texts.test", "images": "another.test"})
    assert elsewhere.dearest("images", "dear:1@1") is None


def test_texts_that_cost_more_than_is_configured(books: Books) -> None:
    # Ten times what the table says of these tokens.
    texts = Texts(Usage(0.011, 1000, 100))
    calls = metered(books, PriceTable(1.0, 1.0, 0.0), texts=texts)
    with pytest.raises(BudgetExceeded):
        for number in range(1000):
            calls.text(PaidCall(f"t/{number}", WORLD, "post"), QUESTION)
    assert 0.15 < sum(texts.bills) <= 0.20


def test_a_server_that_names_no_bills_is_taken_at_the_price_that_is_configured(books: Books) -> None:
    texts = Texts(Usage(None, 0, 0))
    calls = metered(books, PriceTable(1.0, 1.0, 0.0), texts=texts)
    for number in range(3):
        calls.text(PaidCall(f"t/{number}", WORLD, "post"), QUESTION)
    assert 0 < spent(books) < 0.01
    assert not books.holds.reconcile(WORLD, 0)


def test_a_call_whose_process_died_keeps_what_it_held(books: Books) -> None:
    """The next owner captures that very hold, whatever such a call would be held at by now."""
    price = PriceTable(1.0, 1.0, DEFAULT)

    def die(_: ImageRequest) -> ImageReceipt:
        raise RuntimeError

    dying = Images(REAL)
    with pytest.raises(RuntimeError):
        metered(books, price, images=SimpleNamespace(model=dying.model, draw=die)).picture(
            PaidCall("a", WORLD, "picture"), "a hill", SIDE, SIDE
        )
    assert spent(books) == pytest.approx(0.20)

    def fetch(uid: str) -> ImageReceipt:
        return ImageReceipt(uid, "i", None, b"", REAL)

    fetching = SimpleNamespace(model=dying.model, fetch=fetch, download=dying.download)
    metered(books, price, images=fetching).picture(
        PaidCall("a", WORLD, "picture", is_first_attempt=False), "a hill", SIDE, SIDE
    )
    assert spent(books) == pytest.approx(REAL)
    assert not books.holds.reconcile(WORLD, 0)


# --- orders ------------------------------------------------------------------------------------------------------
@pytest.fixture
def container(servers: Settings, database_name: str) -> Iterator[Container]:
    prices = {"llm_price_input_usd_per_mtok": 0.3, "llm_price_output_usd_per_mtok": 2.5}
    made = Container(servers.model_copy(update={"mongo_database": database_name} | prices))
    yield made
    made.close()


def ordered(container: Container, world_id: str, budget: float | None) -> tuple[int, dict[str, Any]]:
    body = {
        "world_id": world_id,
        "user_prompt": "A city of clockmakers",
        "users_count": 1,
        "posts_count": 1,
        "budget": budget,
    }
    with (
        Celery(broker=container.settings.redis_url.get_secret_value()) as celery,
        TestClient(create_app(container, Enqueuer(celery, lambda: container.redis))) as client,
    ):
        reply = client.post("/v1/generations", json=body)
        return reply.status_code, reply.json()


def test_a_budget_without_any_price_is_refused(container: Container) -> None:
    status, problem = ordered(container, "w1", 0.20)
    assert status == 422
    assert problem["errors"][0]["field"] == "budget"
    assert "price of an image of runware:100@1: set GENERIA_IMAGE_PRICE_USD" in problem["detail"]
    assert ordered(container, "w1", None)[0] == 202
    # A bill is as good as a price.
    container.bills.note("images", container.settings.image_model, Dearest(REAL, REAL / SIDE**2))
    assert ordered(container, "w2", 0.20)[0] == 202


def test_a_configured_price_will_do(container: Container, servers: Settings) -> None:
    priced = Container(container.settings.model_copy(update={"image_price_usd": 0.0}))
    try:
        assert ordered(priced, "w3", 0.20)[0] == 202
    finally:
        priced.close()
