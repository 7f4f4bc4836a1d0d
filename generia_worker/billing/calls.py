"""Metered calls: each paid call is made once, held before, and recorded with its bill before anybody looks at its answer.

A call is known by its key. An answer that was recorded under that key – by this process, or by one that died – is adopted
instead of being bought again. The fence of a step plays no part here: money is never fenced.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from bson import encode
from bson.errors import BSONError
from pymongo.errors import PyMongoError

from generia_worker.billing.bills import Bills
from generia_worker.billing.holds import Holds
from generia_worker.billing.prices import Dearest, PriceTable
from generia_worker.billing.requests import Intent, PaidCall, Requests
from generia_worker.billing.slots import ProviderSlots
from generia_worker.errors import (
    AnswerRefused,
    BudgetExceeded,
    BusyError,
    DamagedPictureError,
    PermanentError,
    TransientError,
    WorldCancelled,
)
from generia_worker.providers.dialects import DIALECTS_MOST
from generia_worker.providers.images import ImageClient, ImageReceipt, ImageRequest, Picture, task_uuid
from generia_worker.providers.llm import ChatAnswer, ChatRequest, DialectRefused, LlmClient, Message
from generia_worker.providers.usage import Provider, Usage
from generia_worker.storage.database import Document, insist, is_transient

T = TypeVar("T")

#: How a provider's moderation says that it withheld an answer: no other answer will come.
_WITHHELD = "content_filter"
#: How long a call waits for what other calls of its world hold, in seconds.
_WAIT_FOR_OTHERS_S = 1.0
#: Of the answers that go along with another write. MongoDB takes 16 MiB together.
_SMALL_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class TextQuestion:
    """What to ask the model; see `ChatRequest`."""

    messages: tuple[Message, ...]
    schema_name: str
    schema: dict[str, Any]
    bounded_schema: dict[str, Any]
    schema_instruction: str
    max_tokens: int


@dataclass(frozen=True, slots=True)
class TextAnswer:
    """What the model said, and whether it was cut off."""

    content: str
    too_long: bool


class MeteredCalls:
    """Makes text and image calls for steps."""

    def __init__(
        self,
        llm: LlmClient,
        images: ImageClient,
        requests: Requests,
        holds: Holds,
        prices: PriceTable,
        bills: Bills,
        slots: Mapping[Provider, ProviderSlots],
        *,
        patience_s: float,
        accounts: Mapping[str, Holds] | None = None,
    ) -> None:
        """`patience_s`: for how long an answer is recorded again and again while MongoDB is away. `accounts` are those that
        calls may name (`PaidCall.account`); the others are held by `holds`."""
        self._llm = llm
        self._images = images
        self._requests = requests
        self._accounts: dict[str | None, Holds] = {None: holds}
        self._accounts.update(accounts or {})
        self._prices = prices
        self._bills = bills
        self._slots = slots
        self._patience_s = patience_s

    # --- with the step's row ------------------------------------------------------------------------------------
    def for_claim(self, call: PaidCall, provider: Provider) -> Document:
        """Return the intent of a planned call as the claim of its step stores it."""
        model = self._llm.model if provider == "llm" else self._images.model
        # Of a world without a budget: nothing is held for it, and what it can cost is not known before it is asked.
        intent = Intent(_request_id(call.key, provider), call, provider, model, 0.0, planned=True)
        return self._requests.for_claim(intent)

    def take_back(self, call: Document) -> None:
        """Forget the intent of a claim of which nobody knows whether it was stored: nothing is called."""
        self._insist(lambda: self._requests.take_back(call))

    @contextmanager
    def recording(self, along: dict[str, Any]) -> Iterator[None]:
        """Record what was to go `along` with the next write to a step's row at once, where an error comes in between."""
        try:
            yield
        except Exception:
            self.record(along)
            raise

    def record(self, along: dict[str, Any]) -> None:
        """Record at once what was to go `along` with the next write to a step's row, if anything: money is never fenced."""
        self._insist(lambda: self._requests.record_along(along))

    # --- text --------------------------------------------------------------------------------------------------
    def text(self, call: PaidCall, question: TextQuestion) -> TextAnswer:
        """Ask the model once, or return what it answered before under the same key.

        Raises:
            TransientError, PermanentError: as the client raises them, after the bill was recorded.
            AnswerRefused: the model declines to answer.
            BudgetExceeded: the world's limits do not allow the call; nothing was called.
        """
        self.record(call.along or {})
        if not call.is_first_attempt:
            stored = self._requests.answer_of(call.key)
            if stored is not None:
                return TextAnswer(stored["content"], stored["too_long"])
            since = self._of(call).reconciliations(call.world_id) if call.budgeted else 0
            self._free(call, self._requests.give_up_on_open(call), since)
        for _ in range(DIALECTS_MOST):
            request = ChatRequest(
                messages=question.messages,
                schema_name=question.schema_name,
                schema=question.schema,
                bounded_schema=question.bounded_schema,
                schema_instruction=question.schema_instruction,
                max_tokens=question.max_tokens,
                request_id=(call.is_begun and call.request_id) or _request_id(call.key, "llm"),
            )
            try:
                with self._slots["llm"].hold():
                    return self._ask(call, request)
            except DialectRefused:
                continue
        message = "The text model refuses every way of being asked: choose another GENERIA_LLM_MODEL."
        raise PermanentError(message, fatal_to_world=True)

    def _ask(self, call: PaidCall, request: ChatRequest) -> TextAnswer:
        dearest = self._dearest(call, "llm", self._llm.model)
        worst = self._worst_text_usd(request, dearest)
        unproven = worst if dearest is None else None
        intent = self._intend(
            Intent(request.request_id, call, "llm", self._llm.model, worst, unproven_usd=unproven)
        )
        try:
            answer = self._llm.complete(request)
        except TransientError as error:
            self._pause_if_asked("llm", error)
            if error.outcome_unknown:
                reason = error.message
                freed = self._insist(
                    lambda: self._requests.mark_ambiguous(
                        intent.request_id, "llm", reason, in_row=intent.in_row
                    )
                )
                self._free(call, freed, intent.since)
            else:
                self._refused(intent, error.message)
            raise
        except (PermanentError, DialectRefused) as error:
            self._refused(intent, error.message)
            raise
        spoiled = _why_useless(answer)
        too_long = answer.finish_reason == "length"
        stored = {"content": answer.content, "too_long": too_long, "model": answer.model}
        usage = self._prices.priced(answer.usage)
        spoiled = self._billed(intent, usage, stored, self._prices.text_bill(usage), spoiled)
        if spoiled:
            declined = answer.refusal or answer.finish_reason == _WITHHELD
            raise AnswerRefused(spoiled) if declined else TransientError(spoiled)
        return TextAnswer(answer.content, too_long)

    def _worst_text_usd(self, request: ChatRequest, dearest: Dearest | None) -> float:
        texts = [message.content for message in request.messages]
        size = sum(len(text.encode()) for text in (*texts, request.schema_instruction, str(request.schema)))
        return self._prices.worst_text_usd(size, request.max_tokens, dearest) or 0.0

    # --- images ------------------------------------------------------------------------------------------------
    def picture(self, call: PaidCall, prompt: str, width: int, height: int) -> Picture:
        """Draw a picture (sides in pixels), or fetch the one that was drawn before under the same key.

        Unlike a text, a picture is asked for under the same key in every attempt: the provider knows it by its taskUUID,
        draws it once and bills it once.

        Raises:
            TransientError, PermanentError: as the client raises them, after the bill was recorded.
            BudgetExceeded: the world's limits do not allow the call; nothing was called.
        """
        self.record(call.along or {})
        uid = task_uuid(call.key)
        stored = None if call.is_first_attempt else self._requests.answer_of(call.key)
        if stored is None:
            with self._slots["images"].hold():
                receipt = self._draw(call, ImageRequest(uid, prompt, width, height, call.key))
        else:
            receipt = self._fetch(uid)
        return self._images.download(receipt, width, height)

    def _fetch(self, uid: str) -> ImageReceipt:
        """Return a picture that was drawn before. Raises DamagedPictureError when its provider has forgotten it."""
        try:
            return self._images.fetch(uid)
        except PermanentError as error:
            if error.fatal_to_world:
                raise
            message = f"A picture that was drawn cannot be had any more. {error.message}"
            raise DamagedPictureError(message) from None

    def _begun(self, uid: str) -> ImageReceipt | None:
        """Return a picture whose drawing had an unknown outcome; None when the provider never heard of it."""
        try:
            return self._images.fetch(uid)
        except TransientError as error:
            error.outcome_unknown = True  # the fetching failed; the drawing is as unknown as before
            raise
        except PermanentError as error:
            if error.fatal_to_world:
                raise
            return None

    def _draw(self, call: PaidCall, request: ImageRequest) -> ImageReceipt:
        dearest = self._dearest(call, "images", self._images.model)
        worst = self._prices.worst_image_usd(request.width, request.height, dearest) or 0.0
        unproven = worst if dearest is None else None
        intent = Intent(call.key, call, "images", self._images.model, worst, unproven_usd=unproven)
        begun = None if call.is_first_attempt or call.is_begun else self._requests.open_one(intent)
        intent = (
            replace(begun, since=self._of(call).reconciliations(call.world_id))
            if begun
            else self._intend(intent)
        )
        try:
            receipt = self._begun(request.task_uuid) if begun else None
            receipt = receipt or self._images.draw(request)
        except TransientError as error:
            self._pause_if_asked("images", error)
            # An unknown outcome stays an intent: the same taskUUID fetches the picture, or draws it, next time.
            if not error.outcome_unknown:
                self._refused(intent, error.message)
            raise
        except PermanentError as error:
            self._refused(intent, error.message)
            raise
        cost = receipt.cost_usd if receipt.cost_usd is not None else self._prices.image_usd
        answer = {"task_uuid": receipt.task_uuid, "image_uuid": receipt.image_uuid}
        bill = Dearest(usd=cost or 0.0, usd_per_pixel=(cost or 0.0) / (request.width * request.height))
        self._billed(intent, Usage(cost), answer, bill)
        return receipt

    def _pause_if_asked(self, provider: Provider, error: TransientError) -> None:
        """Let everybody wait when the provider named a time: the others would only be refused too."""
        if error.outage and error.retry_after_s:
            self._slots[provider].pause(error.retry_after_s)

    # --- bookkeeping -------------------------------------------------------------------------------------------
    def _dearest(self, call: PaidCall, provider: Provider, model: str) -> Dearest | None:
        """Return the dearest bill of a model; nobody needs it for a world without a budget."""
        return self._bills.dearest(provider, model) if call.budgeted else Dearest()

    def _intend(self, intent: Intent) -> Intent:
        """Store that a call is about to be made, and hold its worst case, unless it was held with the order.

        What was held with the order is there once: not for a call of which a request counts already. What was stored with
        the claim of the step is both.
        """
        call, in_row = intent.call, replace(intent, planned=True, in_row=True)
        if call.along is not None and call.is_begun:
            self._of(call).admit(call.world_id)
            del call.along["call"]  # from now on it may have been made
            return in_row
        if call.planned and not call.is_first_attempt:
            self._of(call).admit(call.world_id)
            if self._requests.begin_again(in_row):
                return in_row
        if call.planned and (call.is_first_attempt or not self._requests.counts(call.key)):
            intent = replace(intent, planned=True)
        try:
            if intent.planned:
                self._of(call).admit(call.world_id)
                self._requests.begin(intent)
            else:
                self._requests.begin(intent)
                intent = self._hold(intent)
        except PyMongoError:
            # Whatever of it was stored: no call was made, and none is to be counted.
            self._insist(lambda: self._requests.withdraw(intent.request_id))
            raise
        return intent

    def _hold(self, intent: Intent) -> Intent:
        """Hold the worst case; while other calls of the world hold theirs, what they release is waited for.

        The first call of a model holds all that is left: what it will be billed is not known before it was, whatever price
        is configured.
        """
        holds = self._of(intent.call)
        try:
            if intent.unproven_usd is not None:
                held, since = holds.hold_rest(intent.call.world_id, intent.provider, intent.held_usd)
                intent = replace(intent, worst_usd=held)
                self._requests.begin(intent)
            else:
                since = holds.hold(intent.call.world_id, intent.provider, intent.held_usd)
            return replace(intent, since=since)
        except BudgetExceeded as error:
            self._requests.withdraw(intent.request_id)
            wanted = intent.call.world_id, intent.provider, intent.held_usd
            if isinstance(error, WorldCancelled) or not holds.may_fit(*wanted):
                raise
            raise BusyError(error.message, retry_after_s=_WAIT_FOR_OTHERS_S) from None

    def _refused(self, intent: Intent, reason: str) -> None:
        was_open = self._insist(
            lambda: self._requests.mark_refused(
                intent.request_id, intent.provider, reason, in_row=intent.in_row
            )
        )
        if was_open and not intent.planned:
            self._change_hold(
                lambda: self._of(intent.call).release(
                    intent.call.world_id, intent.provider, intent.held_usd, since=intent.since
                )
            )

    def _billed(
        self,
        intent: Intent,
        usage: Usage,
        answer: dict[str, Any],
        bill: Dearest,
        spoiled: str | None = None,
    ) -> str | None:
        """Record a bill with its answer; the bill alone if MongoDB does not take the answer. Returns why that is useless.

        What can wait for the next write to the step's row goes along with it.
        """
        if intent.in_row and intent.call.patient and spoiled is None and _is_small(answer):
            if usage.cost_usd is not None:
                self._insist(lambda: self._bills.note(intent.provider, intent.model, bill))
            self._requests.put_along(intent, usage, answer)
            return None

        def record() -> str | None:
            return self._requests.record_answer(intent, usage, answer, spoiled=spoiled)

        try:
            recorded = self._insist(record)
        except (BSONError, OverflowError, UnicodeError, PyMongoError) as error:
            if isinstance(error, PyMongoError) and is_transient(error):
                raise
            spoiled, answer = f"The answer cannot be stored ({type(error).__name__}).", {}
            recorded = self._insist(record)
        cost = usage.cost_usd
        if recorded and cost is not None:
            # Before the hold becomes smaller: calls that wait for it are to know what they will cost.
            self._insist(lambda: self._bills.note(intent.provider, intent.model, bill))
        # The hold of one that was given up is another by now: `reconcile` sees to it.
        if recorded and recorded != "late" and intent.call.budgeted and not intent.planned:
            if cost is None and intent.unproven_usd:
                # Nobody will ever name this bill: the price that is configured has to do, as for the calls to come.
                cost = intent.unproven_usd
                self._insist(lambda: self._requests.hold_less(intent.request_id, intent.unproven_usd or 0.0))
                self._insist(lambda: self._bills.note(intent.provider, intent.model, Dearest()))
            if cost is not None:
                self._change_hold(
                    lambda: self._of(intent.call).capture(
                        intent.call.world_id, intent.held_usd, cost, since=intent.since
                    )
                )
        return spoiled

    def _free(self, call: PaidCall, usd: float, since: int) -> None:
        if usd:
            self._change_hold(lambda: self._of(call).capture(call.world_id, usd, 0.0, since=since))

    def _of(self, call: PaidCall) -> Holds:
        """Return who holds what a call may cost."""
        return self._accounts[call.account]

    def _change_hold(self, change: Callable[[], None]) -> None:
        try:
            change()
        except PyMongoError as error:
            # Twice would be wrong, and `reconcile` takes the difference out; the answer is what counts.
            if not is_transient(error):
                raise

    def _insist(self, write: Callable[[], T]) -> T:
        """Record what the provider said also when MongoDB is away just now: it was paid for, and is nowhere else."""
        return insist(write, for_s=self._patience_s)


def _request_id(key: str, provider: Provider) -> str:
    """Return the name of a new request for a call. A picture has one in all its life: its provider knows it by that."""
    return f"{key}~{uuid.uuid4().hex[:8]}" if provider == "llm" else key


def _is_small(answer: dict[str, Any]) -> bool:
    """True for an answer that a row takes for certain, beside all that it holds."""
    try:
        return len(encode(answer)) < _SMALL_BYTES
    except (BSONError, OverflowError, UnicodeError):
        return False


def _why_useless(answer: ChatAnswer) -> str | None:
    """Say why a billed answer cannot be used at all; None when there is something to read."""
    if answer.refusal:
        return f"The text model declines: {answer.refusal}"
    if answer.error:
        return f"The text model broke off: {answer.error}"
    if answer.finish_reason == _WITHHELD:
        return "The text provider's moderation withheld the answer."
    if not answer.content.strip() and answer.finish_reason != "length":
        return "The text model answered nothing."
    return None
