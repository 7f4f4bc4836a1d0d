"""Taking an order: what it gets where it names nothing, and what it holds of its day's allowance."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from generia_worker.app.container import Container
from generia_worker.billing import estimate as estimates
from generia_worker.client.estimate import Estimate
from generia_worker.client.order import Order, WorldSize
from generia_worker.engine.generations import Generation
from generia_worker.errors import GeneriaError, InvalidInputError, NotFoundError

#: What a world gets beyond what it needs when the order names no limits.
_SLACK_FACTOR, _SLACK_CALLS = 1.5, 20
#: Calls, each at its worst, that a budget which nobody named has beyond the estimate: they are held while they are made.
_SPARE_CALLS = 4
#: The prompt of such a call, in bytes.
_PROMPT_BYTES = 15_000


class Ordering:
    """Takes orders, and lets worlds go on again, within what a day allows."""

    def __init__(self, container: Container) -> None:
        self._container = container

    def accept(self, order: Order) -> tuple[Generation, bool]:
        """Store an order durably; return its generation, and whether it is new.

        Raises:
            InvalidInputError: a budget, or a limit of dollars a day, needs a price that nobody knows.
            ConflictError: the world was ordered before with another body.
            AllowanceExceeded: the day's allowance does not suffice.
        """
        generations, allowances = self._container.generations, self._container.allowances
        try:
            return generations.accepted(order), False
        except NotFoundError:
            pass
        caps = allowances.caps_of(order.user_id)
        limits, batches = self._limits(order), self._batches(order)
        if not caps.bounds_dollars and caps.worlds is None:
            planned = self._planned(order, limits)
            return generations.accept(order, limits=limits, batches=batches, planned=planned)
        budget = self._budget(order) if caps.bounds_dollars else order.budget

        def work(session: ClientSession) -> Generation:
            held = allowances.hold_new(order.user_id, budget or 0.0, session)
            planned = self._planned(order, limits) if budget is None else None
            return generations.insert(
                order,
                limits=limits,
                batches=batches,
                planned=planned,
                budget_usd=budget,
                allowance=held,
                session=session,
            )

        try:
            return self._container.database.transaction(work), True
        except DuplicateKeyError:  # the same order came at the same time
            return generations.accepted(order), False

    @contextmanager
    def going_on(self, world_id: str) -> Iterator[None]:
        """Hold what a world may still spend, and give it back when the block, which lets it go on, is refused.

        Raises NotFoundError, AllowanceExceeded, ConflictError.
        """
        found, allowances = self._container.generations.get(world_id), self._container.allowances
        held = False
        if allowances.caps_of(found.person).bounds_dollars:
            size = WorldSize(users_count=found.users_count, posts_count=found.posts_count)
            held = allowances.hold_again(world_id, self._spare_usd(), self._most_usd(size))
        try:
            yield
        except GeneriaError:
            if held:
                allowances.give_up(world_id)
            raise

    def estimate(self, size: WorldSize) -> Estimate:
        """Return what a world of this size will take, before anything is spent."""
        known = self._container.status.finished()
        forecast = self._container.forecast
        seconds = forecast.whole_s(size.users_count, size.posts_count, forecast.pace(known))
        return estimates.estimate(self._expected_calls(size), seconds, self._container.prices, known)

    # --- dollars -----------------------------------------------------------------------------------------------------
    def _budget(self, order: Order) -> float:
        """Return the budget of a world where dollars are limited: its own, or what it may take, if that is left.

        Raises InvalidInputError, AllowanceExceeded.
        """
        self._require_prices(
            "What a day may cost is limited here, and a limit", "tell who runs this place to"
        )
        if order.budget is not None:
            return order.budget
        likely, most = self._likely_usd(order), self._most_usd(order)
        left = self._container.allowances.left(order.user_id).usd_left
        if left is not None and left < likely:
            raise self._container.allowances.exceeded(order.user_id, likely)
        return most if left is None else min(most, left)

    def _likely_usd(self, size: WorldSize) -> float:
        """Return the upper end of the estimate, in dollars."""
        found = self.estimate(size).usd
        return 0.0 if found is None else found.high

    def _most_usd(self, size: WorldSize) -> float:
        return self._likely_usd(size) + self._spare_usd()

    def _spare_usd(self) -> float:
        s, prices = self._container.settings, self._container.prices
        text = prices.worst_text_usd(_PROMPT_BYTES, s.llm_max_tokens) or 0.0
        image = prices.worst_image_usd(s.cover_width, s.cover_height) or 0.0
        return _SPARE_CALLS * (text + image)

    def _require_prices(self, what: str, how: str = "") -> None:
        """Raise InvalidInputError where nobody knows what a call can cost: a budget could not hold."""
        s, prices = self._container.settings, self._container.prices
        if prices.worst_text_usd(1, 1) is None:
            model, settings = (
                s.llm_model,
                "GENERIA_LLM_PRICE_INPUT_USD_PER_MTOK and GENERIA_LLM_PRICE_OUTPUT_USD_PER_MTOK",
            )
        elif prices.image_usd is None and self._container.bills.dearest("images", s.image_model) is None:
            model, settings = f"an image of {s.image_model}", "GENERIA_IMAGE_PRICE_USD"
        else:
            return
        rest = f": {how} set {settings}." if how else f": set {settings}, or order without a budget."
        raise InvalidInputError(f"{what} needs the price of {model}{rest}", field="budget")

    # --- calls -------------------------------------------------------------------------------------------------------
    def _batches(self, size: WorldSize) -> int:
        return -(-size.users_count // self._container.settings.cast_batch_size)

    def _expected_calls(self, size: WorldSize) -> tuple[int, int]:
        """Return the paid calls of a world for which nothing goes wrong: (text, images)."""
        batches, plan_batch = self._batches(size), self._container.settings.plan_batch_size
        table = self._container.rows.table
        return table.expected_calls(size.users_count, size.posts_count, batches, plan_batch)

    def _limits(self, order: Order) -> dict[str, int]:
        """Return the limits of an order: its own, else what it needs plus slack. Raises InvalidInputError."""
        if order.budget is not None:
            self._require_prices("A budget")
        defaults = [int(calls * _SLACK_FACTOR) + _SLACK_CALLS for calls in self._expected_calls(order)]
        return {
            "llm": defaults[0] if order.api_call_limits_LLM is None else order.api_call_limits_LLM,
            "images": defaults[1] if order.api_call_limits_images is None else order.api_call_limits_images,
        }

    def _planned(self, order: Order, limits: dict[str, int]) -> dict[str, int] | None:
        """Return the calls to hold with an order; None when they don't fit its limits, or each counts against a budget."""
        llm, images = self._expected_calls(order)
        if order.budget is not None or llm > limits["llm"] or images > limits["images"]:
            return None
        return {"llm": llm, "images": images}
