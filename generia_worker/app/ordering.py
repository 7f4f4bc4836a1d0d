"""Taking an order: what it gets where it names nothing, and what it holds of its day's allowance."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime

from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from generia_worker.app.container import Container
from generia_worker.billing import estimate as estimates
from generia_worker.client.estimate import Estimate
from generia_worker.client.order import Extension, Limits, MoreSize, Order, WorldSize
from generia_worker.engine.generations import Generation
from generia_worker.errors import GeneriaError, InvalidInputError, NotFoundError
from generia_worker.storage.database import Document
from generia_worker.worlds import talk
from generia_worker.worlds.extension import Terms

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
            InvalidInputError: a budget, or a limit of dollars a day, needs a price that nobody knows; or reactions are
                wanted where there is no interaction service.
            ConflictError: the world was ordered before with another body.
            AllowanceExceeded: the day's allowance does not suffice.
        """
        generations, allowances = self._container.generations, self._container.allowances
        try:
            return generations.accepted(order), False
        except NotFoundError:
            pass
        caps = allowances.caps_of(order.user_id)
        self._check_reactions(order.options)
        calls = self._calls(order.users_count, order.posts_count, order.options)
        limits, batches = self._limits(order, calls), self._batches(order.users_count)
        predicted = talk.most(order.reactions, order.users_count, order.posts_count)
        if not caps.bounds_dollars and caps.worlds is None:
            planned = self._planned(order.budget, calls, limits)
            return generations.accept(
                order, limits=limits, batches=batches, planned=planned, predicted=predicted
            )
        budget = self._budget(order, calls, order.user_id) if caps.bounds_dollars else order.budget

        def work(session: ClientSession) -> Generation:
            held = allowances.hold_new(order.user_id, budget or 0.0, session)
            planned = self._planned(budget, calls, limits)
            return generations.insert(
                order,
                limits=limits,
                batches=batches,
                planned=planned,
                predicted=predicted,
                budget_usd=budget,
                allowance=held,
                session=session,
            )

        try:
            return self._container.database.transaction(work), True
        except DuplicateKeyError:  # the same order came at the same time
            return generations.accepted(order), False

    def extend(
        self, world_id: str, asked: Extension, *, day: str | None = None, at: datetime | None = None
    ) -> None:
        """Extend a world, or let it have a `day` (an ISO date), as of `at` (now); the same again changes nothing.

        Raises:
            NotFoundError, ConflictError: as `Extensions.check` and `extend`.
            InvalidInputError, AllowanceExceeded: as `accept`.
        """
        extensions, allowances = self._container.extensions, self._container.allowances
        found = extensions.check(world_id, asked, day)
        if found is None:
            return
        known, is_day = extensions.characters(world_id), day is not None
        calls = self._calls(asked.users_count, asked.posts_count, found.options, known, is_day=is_day)
        limits, budget = self._limits(asked, calls), asked.budget
        hold = None
        if allowances.caps_of(found.person).bounds_dollars:
            self._look_at_holds(world_id)
            allowances.settle(world_id)
            budget = self._budget(asked, calls, found.person)

            def hold(row: Document, spent_usd: float, session: ClientSession) -> Document:
                return allowances.hold_more(row, budget or 0.0, spent_usd, session)

        planned = self._planned(budget, calls, limits)
        terms = Terms(limits, planned, budget, hold)
        extensions.extend(found, asked, self._batches(asked.users_count), terms, at=at, day=day)

    @contextmanager
    def going_on(self, world_id: str) -> Iterator[None]:
        """Hold what a world may still spend, and give it back when the block, which lets it go on, is refused.

        Raises NotFoundError, AllowanceExceeded, ConflictError.
        """
        found, allowances = self._container.generations.get(world_id), self._container.allowances
        held = False
        if allowances.caps_of(found.person).bounds_dollars:
            calls = self._calls(found.users_count, found.posts_count, found.options)
            self._look_at_holds(world_id)
            held = allowances.hold_again(world_id, self._spare_usd(), self._most_usd(calls))
        try:
            yield
        except GeneriaError:
            if held:
                allowances.give_up(world_id)
            raise

    def _look_at_holds(self, world_id: str) -> None:
        """Let a world that has just ended be settled before the next sweep, if all that is held belongs to its calls."""
        self._container.holds.reconcile(world_id, self._container.settings.lease_s)

    def estimate(self, size: WorldSize) -> Estimate:
        """Return what a world of this size will take, before anything is spent."""
        return self._estimate(size.users_count, size.posts_count, size.options)

    def estimate_more(self, world_id: str, size: MoreSize) -> Estimate:
        """Return what so much more of a world will take, at most. Raises NotFoundError, ConflictError: as `extend`."""
        extensions = self._container.extensions
        found = extensions.check_size(world_id, size)
        known = extensions.characters(world_id)
        return self._estimate(size.users_count, size.posts_count, found.options, known)

    def _estimate(
        self, users: int, posts: int, options: Collection[str], known: int | None = None
    ) -> Estimate:
        finished = self._container.status.finished()
        forecast = self._container.forecast
        seconds = forecast.whole_s(users, posts, forecast.pace(finished), options, known)
        calls = self._calls(users, posts, options, known)
        return estimates.estimate(calls, seconds, self._container.prices, finished)

    # --- dollars -----------------------------------------------------------------------------------------------------
    def _budget(self, asked: Limits, calls: tuple[int, int], person: str | None) -> float:
        """Return the budget of an order where dollars are limited: its own, or what it may take, if that is left.

        Raises InvalidInputError, AllowanceExceeded.
        """
        self._require_prices(
            "What a day may cost is limited here, and a limit",
            "tell who runs this place to",
            code="limit_without_prices",
        )
        if asked.budget is not None:
            return asked.budget
        likely, most = self._likely_usd(calls), self._most_usd(calls)
        left = self._container.allowances.left(person).usd_left
        if left is not None and left < likely:
            raise self._container.allowances.exceeded(person, likely)
        return most if left is None else min(most, left)

    def _likely_usd(self, calls: tuple[int, int]) -> float:
        """Return the upper end of the estimate, in dollars."""
        known = self._container.status.finished()
        found = estimates.estimate(calls, 0.0, self._container.prices, known).usd
        return 0.0 if found is None else found.high

    def _most_usd(self, calls: tuple[int, int]) -> float:
        return self._likely_usd(calls) + self._spare_usd()

    def least_usd(self) -> float:
        """Return what a budget must be at least: one text and one picture, at their worst. Raises InvalidInputError."""
        self._require_prices("A budget", code="budget_without_prices")
        return self._spare_usd() / _SPARE_CALLS

    def least_text_usd(self) -> float:
        """Return what a budget for texts must be at least: one, at its worst. Raises InvalidInputError."""
        self._require_prices("A budget", code="budget_without_prices", pictures=False)
        return self.worst_text_usd()

    def worst_text_usd(self) -> float:
        """Return what a text costs at its worst; 0 where nobody knows."""
        s = self._container.settings
        return self._container.prices.worst_text_usd(_PROMPT_BYTES, s.llm_max_tokens) or 0.0

    def _spare_usd(self) -> float:
        s, prices = self._container.settings, self._container.prices
        text = self.worst_text_usd()
        image = prices.worst_image_usd(s.cover_width, s.cover_height) or 0.0
        return _SPARE_CALLS * (text + image)

    def _require_prices(self, what: str, how: str = "", *, code: str, pictures: bool = True) -> None:
        """Raise InvalidInputError where nobody knows what a call can cost: a budget could not hold."""
        s, prices = self._container.settings, self._container.prices
        if prices.worst_text_usd(1, 1) is None:
            model, settings = (
                s.llm_model,
                "GENERIA_LLM_PRICE_INPUT_USD_PER_MTOK and GENERIA_LLM_PRICE_OUTPUT_USD_PER_MTOK",
            )
        elif (
            pictures
            and prices.image_usd is None
            and self._container.bills.dearest("images", s.image_model) is None
        ):
            model, settings = f"an image of {s.image_model}", "GENERIA_IMAGE_PRICE_USD"
        else:
            return
        rest = f": {how} set {settings}." if how else f": set {settings}, or order without a budget."
        message = f"{what} needs the price of {model}{rest}"
        raise InvalidInputError(message, field="budget").with_code(code)

    # --- calls -------------------------------------------------------------------------------------------------------
    def _batches(self, users: int) -> int:
        return -(-users // self._container.settings.cast_batch_size)

    def _calls(
        self,
        users: int,
        posts: int,
        options: Collection[str],
        known: int | None = None,
        *,
        is_day: bool = False,
    ) -> tuple[int, int]:
        """Return the paid calls of a world for which nothing goes wrong: (text, images); of a later round, if it has `known`
        characters already."""
        plan_batch, table = self._container.settings.plan_batch_size, self._container.rows.table
        return table.expected_calls(
            users, posts, self._batches(users), plan_batch, options, known, is_day=is_day
        )

    def _check_reactions(self, options: Collection[str]) -> None:
        if options and not self._container.settings.interaction_service:
            message = (
                "There are no likes and comments here, since no interaction service is configured: order without "
                'reactions ("none"), or set GENERIA_INTERACTION_SERVICE.'
            )
            raise InvalidInputError(message, field="reactions").with_code("no_reactions")

    def _limits(self, asked: Limits, calls: tuple[int, int]) -> dict[str, int]:
        """Return the limits of an order: its own, else what it needs plus slack. Raises InvalidInputError."""
        if asked.budget is not None:
            self._require_prices("A budget", code="budget_without_prices")
        defaults = [int(number * _SLACK_FACTOR) + _SLACK_CALLS for number in calls]
        return {
            "llm": defaults[0] if asked.api_call_limits_LLM is None else asked.api_call_limits_LLM,
            "images": defaults[1] if asked.api_call_limits_images is None else asked.api_call_limits_images,
        }

    def _planned(
        self, budget: float | None, calls: tuple[int, int], limits: dict[str, int]
    ) -> dict[str, int] | None:
        """Return the calls to hold with an order; None when they don't fit its limits, or each counts against a budget."""
        llm, images = calls
        if budget is not None or llm > limits["llm"] or images > limits["images"]:
            return None
        return {"llm": llm, "images": images}
