"""Every paid call: the intent before it, the bill and the answer when it arrives. Money is never fenced.

A *call* is what a step needs once (`…/describe#1.text.0`: edition 1, first question); it may take several *requests*.
States: `intent` → `answered` (billed, usable), `spoiled` (billed, useless), `refused` (not billed) or `ambiguous` (it may
have been billed). Whoever brings an answer appends it, also after its step was taken over; the next owner adopts it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from generia_worker.client.receipt import ReceiptLine
from generia_worker.observability import metrics
from generia_worker.providers.usage import Provider, Usage
from generia_worker.storage.database import Database, Document

#: Names of the counters in the status document, by provider.
_CALLS = {"llm": "api_calls_made_LLM", "images": "api_calls_made_images"}
_COST = {"llm": "llm_cost_total", "images": "image_cost_total"}
_AMBIGUOUS = {"llm": "ambiguous_calls_LLM", "images": "ambiguous_calls_images"}
_BILLED = ("answered", "spoiled")


@dataclass(frozen=True, slots=True)
class PaidCall:
    """Whose call it is, and the key under which it is made once.

    `is_first_attempt`: it can't have been made before, so that nothing needs to be looked up. `budgeted`: its world has a
    budget, of which the worst case is held; of other worlds only the call itself is counted. `planned`: it was held with
    the order, once.
    """

    key: str
    world_id: str
    step: str
    is_first_attempt: bool = True
    budgeted: bool = True
    planned: bool = False


@dataclass(frozen=True, slots=True)
class Intent:
    """A request that is about to be sent. `worst_usd` is the most that it can cost, in dollars; one that is `planned` was
    held with its world's order. `unproven_usd` is set for a model of which nothing was billed yet: what the price table
    says of the request (0: nothing). `since` counts the reconciliations of its world before it was held (`Holds`)."""

    request_id: str
    call: PaidCall
    provider: Provider
    model: str
    worst_usd: float
    planned: bool = False
    unproven_usd: float | None = None
    since: int = 0

    @property
    def held_usd(self) -> float:
        """What is held for the request."""
        return self.worst_usd if self.call.budgeted else 0.0


class Requests:
    """The collection `api_requests_history`."""

    def __init__(self, database: Database) -> None:
        self._rows = database.requests

    def answer_of(self, call: str) -> dict[str, Any] | None:
        """Return the usable answer of a call that was made before, whoever made it; None when there is none."""
        row = self._rows.find_one({"call": call, "state": "answered"}, {"answer": 1})
        return row["answer"] if row else None

    def give_up_on_open(self, call: str) -> float:
        """Count the requests of a call whose owner vanished as ambiguous: they may have been billed.

        Returns what `mark_ambiguous` says of them together.
        """
        reason = "The process that made the call died."
        found = list(self._rows.find({"call": call, "state": "intent"}, {"provider": 1}))
        return sum(self.mark_ambiguous(row["_id"], row["provider"], reason) for row in found)

    def open_one(self, intent: Intent) -> Intent | None:
        """Return a request as it was begun, when its outcome is not recorded yet."""
        wanted = {"planned": 1, "worst_usd": 1}
        row = self._rows.find_one({"_id": intent.request_id, "state": "intent"}, wanted)
        if row is None:
            return None
        return replace(intent, planned=row.get("planned", False), worst_usd=row["worst_usd"])

    def counts(self, call: str) -> bool:
        """True when a request of this call was billed, or may have been."""
        counted: Document = {"call": call, "state": {"$in": [*_BILLED, "ambiguous"]}}
        return self._rows.find_one(counted, {"_id": 1}) is not None

    def totals(self, world_id: str) -> dict[str, int | float]:
        """Return what a world's calls add to the counters of its status; answered by an index alone."""
        groups = self._rows.aggregate(
            [
                {"$match": {"world_id": world_id, "state": {"$in": [*_BILLED, "ambiguous"]}}},
                {
                    "$group": {
                        "_id": {
                            "state": "$state",
                            "provider": "$provider",
                            "known": {"$gt": ["$cost_usd", None]},
                        },
                        "calls": {"$sum": 1},
                        "cost": {"$sum": "$cost_usd"},
                    }
                },
            ]
        )
        found: dict[str, int | float] = {}
        for group in groups:
            of, calls = group["_id"], group["calls"]
            counters: dict[str, int | float] = {_CALLS[of["provider"]]: calls}
            if of["state"] == "ambiguous":
                counters[_AMBIGUOUS[of["provider"]]] = calls
            elif of["known"]:
                counters[_COST[of["provider"]]] = group["cost"]
            else:
                counters["unknown_cost_calls"] = calls
            for name, value in counters.items():
                found[name] = found.get(name, 0) + value
        return found

    def late(self) -> list[tuple[str, str]]:
        """Return (world id, request id) of the answers that came after their call had been given up, and that no status
        is known to count."""
        found = self._rows.find({"unsettled": True}, {"world_id": 1}).hint("unsettled")
        return [(row["world_id"], row["_id"]) for row in found]

    def counted(self, request_ids: Sequence[str]) -> None:
        """Note that the status counts these answers."""
        self._rows.update_many({"_id": {"$in": list(request_ids)}}, {"$set": {"unsettled": False}})

    def withdraw(self, request_id: str) -> None:
        """Forget an intent that came to nothing before anything was sent."""
        self._rows.delete_one({"_id": request_id, "state": "intent"})

    def abandon(self, world_id: str, step: str) -> None:
        """Count what a step that has ended still has open as ambiguous: it will not be asked for again."""
        query = {"world_id": world_id, "step": step, "state": "intent"}
        for row in list(self._rows.find(query, {"provider": 1})):
            self.mark_ambiguous(row["_id"], row["provider"], "The step ended before an answer came.")

    def begin(self, intent: Intent) -> None:
        """Store the intent before the call is made; a repeated request id starts over."""
        row: Document = {
            "world_id": intent.call.world_id,
            "step": intent.call.step,
            "call": intent.call.key,
            "provider": intent.provider,
            "model": intent.model,
            "worst_usd": intent.worst_usd,
            "planned": intent.planned,
            "state": "intent",
            "intent_at": datetime.now(UTC),
        }
        if intent.unproven_usd is not None:
            row["unproven_usd"] = intent.unproven_usd
        blank = {"cost_usd": None, "answer": None}
        self._rows.update_one({"_id": intent.request_id}, {"$set": row, "$setOnInsert": blank}, upsert=True)

    def hold_less(self, request_id: str, usd: float) -> None:
        """Note that a request whose bill nobody names is held at this many dollars from now on."""
        self._rows.update_one({"_id": request_id, "cost_usd": None}, {"$set": {"worst_usd": usd}})

    def record_answer(
        self, intent: Intent, usage: Usage, answer: dict[str, Any], *, spoiled: str | None = None
    ) -> str | None:
        """Append what was billed and answered; `spoiled` says why the answer is useless.

        Returns what became of the request: `answered`, `spoiled`, or `late` when it had been given up; None when the same
        request was recorded before (it is billed once).
        """
        change: Document = {
            "state": "spoiled" if spoiled else "answered",
            "cost_usd": usage.cost_usd,
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "answer": answer,
            "error": spoiled,
            "answered_at": datetime.now(UTC),
        }
        outcome: str = change["state"]
        # (`find_one_and_update` has the server keep an image of the row beside it, a write more: it is for the rare case.)
        open_one = {"_id": intent.request_id, "state": "intent"}
        if not self._rows.update_one(open_one, {"$set": change | {"unsettled": False}}).matched_count:
            # The step of one that was given up may have ended, and its world too: the sweep has it counted.
            before = self._rows.find_one_and_update(
                {"_id": intent.request_id, "state": {"$in": ["ambiguous", "refused"]}},
                {"$set": change | {"unsettled": True}},
                {"state": 1},
            )
            if before is None:
                return None
            outcome = "late" if before["state"] == "ambiguous" else outcome
        tokens = usage.prompt_tokens, usage.completion_tokens
        metrics.billed(intent.provider, outcome, usage.cost_usd, *tokens)
        return outcome

    def receipt(self, world_id: str) -> list[ReceiptLine]:
        """Return what each kind of step spent with each provider, in the order in which they began."""
        ambiguous = {"$eq": ["$state", "ambiguous"]}
        unknown = {"$and": [{"$ne": ["$state", "ambiguous"]}, {"$eq": ["$cost_usd", None]}]}
        sums: Document = {
            "prompt_tokens": "$prompt_tokens",
            "completion_tokens": "$completion_tokens",
            "calls": 1,
            "ambiguous_calls": {"$cond": [ambiguous, 1, 0]},
            "cost_usd": "$cost_usd",
            "unknown_cost_calls": {"$cond": [unknown, 1, 0]},
        }
        groups = self._rows.aggregate(
            [
                {"$match": {"world_id": world_id, "state": {"$in": [*_BILLED, "ambiguous"]}}},
                {
                    "$group": {
                        "_id": {
                            # Of `plan/07@2` and of `plan@2` it is `plan`.
                            "part": {"$first": {"$split": [{"$first": {"$split": ["$step", "@"]}}, "/"]}},
                            "provider": "$provider",
                        },
                        "began": {"$min": "$intent_at"},
                        **{name: {"$sum": value} for name, value in sums.items()},
                    }
                },
                {"$sort": {"began": 1, "_id": 1}},
            ]
        )
        return [ReceiptLine.model_validate(group["_id"] | group) for group in groups]

    def mark_refused(self, request_id: str, reason: str) -> bool:
        """Note that the provider did not take (or bill) the request. Returns False when it was settled otherwise."""
        change = {"state": "refused", "error": reason, "answered_at": datetime.now(UTC)}
        open_one = {"_id": request_id, "state": "intent"}
        row = self._rows.find_one_and_update(open_one, {"$set": change}, {"provider": 1})
        if row is None:
            return False
        metrics.not_billed(row["provider"], "refused")
        return True

    def mark_ambiguous(self, request_id: str, provider: Provider, reason: str) -> float:
        """Note that the request may have been billed: it keeps its hold.

        One that was held at all that was left, since nobody knew its price, would let its world make no other call. It is
        held at what the price table says from now on; returns by how many dollars less that is.
        """
        change = {
            "state": "ambiguous",
            "error": {"$literal": reason},
            "answered_at": datetime.now(UTC),
            "worst_usd": {"$ifNull": ["$unproven_usd", "$worst_usd"]},
        }
        open_one = {"_id": request_id, "state": "intent"}
        wanted = {"worst_usd": 1, "unproven_usd": 1}
        before = self._rows.find_one_and_update(open_one, [{"$set": change}], wanted)
        if before is None:
            return 0.0
        metrics.not_billed(provider, "ambiguous")
        return float(before["worst_usd"] - before.get("unproven_usd", before["worst_usd"]))
