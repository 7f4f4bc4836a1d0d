"""Every paid call: the intent before it, the bill and the answer when it arrives. Money is never fenced.

A *call* is what a step needs once (`…/describe#1.text.0`: edition 1, first question); it may take several *requests*.
States: `intent` → `answered` (billed, usable), `spoiled` (billed, useless), `refused` (not billed) or `ambiguous` (it may
have been billed). Whoever brings an answer appends it, also after its step was taken over; the next owner adopts it.

The first request of most steps is kept in the step's own row, as its field `call`: it is stored with the claim, and its
bill with what the step writes next, so that neither is a write of its own. All others are documents of
`api_requests_history`. The fields are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from pymongo.collection import Collection

from generia_worker.client.receipt import ReceiptLine
from generia_worker.observability import metrics
from generia_worker.providers.usage import Provider, Usage
from generia_worker.storage.database import Database, Document

#: Names of the counters in the status document, by provider.
_CALLS = {"llm": "api_calls_made_LLM", "images": "api_calls_made_images"}
_COST = {"llm": "llm_cost_total", "images": "image_cost_total"}
_AMBIGUOUS = {"llm": "ambiguous_calls_LLM", "images": "ambiguous_calls_images"}
_BILLED = ("answered", "spoiled")
#: Fields that a receipt sums up.
_SUMMED = ("prompt_tokens", "completion_tokens", "cost_usd")
#: The field of a step's row that holds a request, as the first part of the names of its fields.
_IN_ROW = "call."


@dataclass(frozen=True, slots=True)
class PaidCall:
    """Whose call it is, and the key under which it is made once.

    `is_first_attempt`: it can't have been made before, so that nothing needs to be looked up. `budgeted`: its world has a
    budget, of which the worst case is held; of other worlds only the call itself is counted. `planned`: it was held with
    the order, once. `request_id`: the request for it that was stored with the claim of its step; then `along` is what the
    next write to the step's row stores too, and `patient` says that such a write follows, with nothing in between that
    would be worth another call: the bill may wait for it. `account`: whose limits and budget it counts against, where these
    are not those of its world's orders (`Holds`).
    """

    key: str
    world_id: str
    step: str
    is_first_attempt: bool = True
    budgeted: bool = True
    planned: bool = False
    request_id: str | None = None
    along: dict[str, Any] | None = None
    patient: bool = False
    account: str | None = None

    @property
    def is_begun(self) -> bool:
        """True when an intent was stored with the claim, and nothing was called for it so far."""
        return self.request_id is not None and self.along is not None and "call" in self.along


@dataclass(frozen=True, slots=True)
class Intent:
    """A request that is about to be sent. `worst_usd` is the most that it can cost, in dollars; one that is `planned` was
    held with its world's order. `unproven_usd` is set for a model of which nothing was billed yet: what the price table
    says of the request (0: nothing). `since` counts the reconciliations of its world before it was held (`Holds`).
    `in_row`: it is kept in the row of its step."""

    request_id: str
    call: PaidCall
    provider: Provider
    model: str
    worst_usd: float
    planned: bool = False
    unproven_usd: float | None = None
    since: int = 0
    in_row: bool = False

    @property
    def held_usd(self) -> float:
        """What is held for the request."""
        return self.worst_usd if self.call.budgeted else 0.0


class Requests:
    """The collection `api_requests_history`, and the field `call` of the ledger's rows."""

    def __init__(self, database: Database) -> None:
        self._rows = database.requests
        self._steps = database.steps

    # --- what was called before --------------------------------------------------------------------------------
    def answer_of(self, call: str) -> dict[str, Any] | None:
        """Return the usable answer of a call that was made before, whoever made it; None when there is none."""
        return next((row["answer"] for row, _ in self._of_call(call, ["answered"], "answer")), None)

    def give_up_on_open(self, call: PaidCall) -> float:
        """Count the requests of a call whose owner vanished as ambiguous: they may have been billed.

        Returns what `mark_ambiguous` says of them together.
        """
        reason = "The process that made the call died."
        return sum(
            self.mark_ambiguous(row["_id"], row["provider"], reason, in_row=in_row)
            for row, in_row in self._of_call(call.key, ["intent"], "provider")
            if not (in_row and call.is_begun)
        )

    def open_one(self, intent: Intent) -> Intent | None:
        """Return a request as it was begun, when its outcome is not recorded yet."""
        for row, in_row in self._of_call(intent.call.key, ["intent"], "planned", "worst_usd"):
            if row["_id"] == intent.request_id:
                planned = row.get("planned", False)
                return replace(intent, planned=planned, worst_usd=row["worst_usd"], in_row=in_row)
        return None

    def counts(self, call: str) -> bool:
        """True when a request of this call was billed, or may have been."""
        return next(self._of_call(call, [*_BILLED, "ambiguous"]), None) is not None

    def _of_call(self, call: str, states: Sequence[str], *fields: str) -> Iterator[tuple[Document, bool]]:
        """Yield the requests of a call in one of these states with some of their fields, and whether a step's row has it."""
        for in_row in (False, True):
            rows, at = self._place(in_row)
            query = {f"{at}call": call, f"{at}state": {"$in": states}}
            if in_row:
                query["_id"] = _row_of(call)
            for row in list(
                rows.find(query, dict.fromkeys([f"{at}_id", *(at + name for name in fields)], 1))
            ):
                yield (row["call"] if in_row else row), in_row

    def _place(self, in_row: bool) -> tuple[Collection[Document], str]:
        """Return where requests are kept, and what the names of their fields begin with there."""
        return (self._steps, _IN_ROW) if in_row else (self._rows, "")

    def _one(self, request_id: str, states: Sequence[str], in_row: bool) -> Document:
        """Return the query for a request that is in one of these states."""
        query: Document = {"_id": request_id}
        if in_row:
            query = {"_id": _row_of(request_id), f"{_IN_ROW}_id": request_id}
        return query | {f"{_IN_ROW if in_row else ''}state": {"$in": states}}

    # --- sums --------------------------------------------------------------------------------------------------
    def _counted(self, world_ids: Sequence[str], *fields: str) -> list[Document]:
        """Return the stages of a pipeline for these fields of the worlds' requests that were billed, or may have been."""
        of_worlds = {"$in": list(world_ids)}
        counted = {"$in": [*_BILLED, "ambiguous"]}
        in_rows: list[Document] = [
            {"$match": {"world_id": of_worlds, f"{_IN_ROW}state": counted}},
            {"$project": {"_id": 0, **{name: _place_in_row(name) for name in fields}}},
        ]
        return [
            {"$match": {"world_id": of_worlds, "state": counted}},
            {"$project": {"_id": 0, **dict.fromkeys(fields, 1)}},
            {"$unionWith": {"coll": self._steps.name, "pipeline": in_rows}},
        ]

    def totals(self, world_ids: Sequence[str]) -> dict[str, dict[str, int | float]]:
        """Return what the calls of each world add to the counters of its status; answered by two indexes alone."""
        groups = self._rows.aggregate(
            [
                *self._counted(world_ids, "world_id", "state", "provider", "cost_usd"),
                {
                    "$group": {
                        "_id": {
                            "world": "$world_id",
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
        found: dict[str, dict[str, int | float]] = {world_id: {} for world_id in world_ids}
        for group in groups:
            of, calls = group["_id"], group["calls"]
            counters: dict[str, int | float] = {_CALLS[of["provider"]]: calls}
            if of["state"] == "ambiguous":
                counters[_AMBIGUOUS[of["provider"]]] = calls
            elif of["known"]:
                counters[_COST[of["provider"]]] = group["cost"]
            else:
                counters["unknown_cost_calls"] = calls
            sums = found[of["world"]]
            for name, value in counters.items():
                sums[name] = sums.get(name, 0) + value
        return found

    def late(self) -> list[tuple[str, str]]:
        """Return (world id, request id) of the answers that came after their call had been given up, and that no status
        is known to count."""
        found = self._rows.find({"unsettled": True}, {"world_id": 1}).hint("unsettled")
        in_rows = self._steps.find({"call.unsettled": True}, {"world_id": 1, "call._id": 1}).hint(
            "late_calls"
        )
        return [(row["world_id"], row.get("call", row)["_id"]) for row in (*found, *in_rows)]

    def counted(self, request_ids: Sequence[str]) -> None:
        """Note that the status counts these answers."""
        ids = list(request_ids)
        self._rows.update_many({"_id": {"$in": ids}}, {"$set": {"unsettled": False}})
        rows = {"_id": {"$in": [_row_of(one) for one in ids]}, "call._id": {"$in": ids}}
        self._steps.update_many(rows, {"$set": {"call.unsettled": False}})

    # --- what becomes of a request -----------------------------------------------------------------------------
    def withdraw(self, request_id: str) -> None:
        """Forget an intent that came to nothing before anything was sent."""
        self._rows.delete_one({"_id": request_id, "state": "intent"})

    def take_back(self, call: Document) -> None:
        """Forget the intent that a claim may have stored, as `for_claim` made it. Not that of another claim."""
        self._steps.update_one({"_id": _row_of(call["_id"]), "call": call}, {"$set": {"call": None}})

    def abandon(self, world_id: str, step: str) -> None:
        """Count what a step that has ended still has open as ambiguous: it will not be asked for again."""
        reason = "The step ended before an answer came."
        query = {"world_id": world_id, "step": step, "state": "intent"}
        for row in list(self._rows.find(query, {"provider": 1})):
            self.mark_ambiguous(row["_id"], row["provider"], reason)
        in_row = self._steps.find_one({"_id": f"{world_id}/{step}", "call.state": "intent"}, {"call": 1})
        if in_row is not None:
            found = in_row["call"]
            self.mark_ambiguous(found["_id"], found["provider"], reason, in_row=True)

    def begin(self, intent: Intent) -> None:
        """Store the intent before the call is made; a repeated request id starts over."""
        blank = {"cost_usd": None, "answer": None}
        change = {"$set": self._begun(intent), "$setOnInsert": blank}
        self._rows.update_one({"_id": intent.request_id}, change, upsert=True)

    def begin_again(self, intent: Intent) -> bool:
        """Let a request start over that came to nothing, or may have, if the row of its step holds it. May run twice."""
        query = self._one(intent.request_id, ["refused", "ambiguous"], in_row=True)
        change = {f"{_IN_ROW}{name}": value for name, value in self._begun(intent).items()}
        return bool(self._steps.update_one(query, {"$set": change}).matched_count)

    def for_claim(self, intent: Intent) -> Document:
        """Return an intent as the claim of its step stores it."""
        return {"_id": intent.request_id, **self._begun(intent), "cost_usd": None, "answer": None}

    @staticmethod
    def _begun(intent: Intent) -> Document:
        now = datetime.now(UTC)
        row: Document = {
            "world_id": intent.call.world_id,
            "step": intent.call.step,
            "call": intent.call.key,
            "provider": intent.provider,
            "model": intent.model,
            "worst_usd": intent.worst_usd,
            "planned": intent.planned,
            "state": "intent",
            # In milliseconds, as it is read back.
            "intent_at": now.replace(microsecond=now.microsecond // 1000 * 1000),
        }
        if intent.unproven_usd is not None:
            row["unproven_usd"] = intent.unproven_usd
        if intent.call.account is not None:
            row["account"] = intent.call.account
        return row

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
        outcome = self._append(intent.request_id, _answered(usage, answer, spoiled), in_row=intent.in_row)
        if outcome is not None:
            tokens = usage.prompt_tokens, usage.completion_tokens
            metrics.billed(intent.provider, outcome, usage.cost_usd, *tokens)
        return outcome

    def _append(self, request_id: str, change: Document, *, in_row: bool) -> str | None:
        rows, at = self._place(in_row)

        def update(unsettled: bool) -> Document:
            fields = change | {"unsettled": unsettled}
            return {"$set": {at + name: value for name, value in fields.items()}}

        outcome: str = change["state"]
        # (`find_one_and_update` has the server keep an image of the row beside it, a write more: it is for the rare case.)
        if rows.update_one(self._one(request_id, ["intent"], in_row), update(False)).matched_count:
            return outcome
        # The step of one that was given up may have ended, and its world too: the sweep has it counted.
        given_up = self._one(request_id, ["ambiguous", "refused"], in_row)
        before = rows.find_one_and_update(given_up, update(True), {f"{at}state": 1})
        if before is None:
            return None
        state = (before["call"] if in_row else before)["state"]
        return "late" if state == "ambiguous" else outcome

    def put_along(self, intent: Intent, usage: Usage, answer: dict[str, Any]) -> None:
        """Let the next write to the step's row record a usable answer: see `record_along`."""
        assert intent.in_row
        assert intent.call.along is not None
        fields = {"_id": intent.request_id, **_answered(usage, answer, None), "unsettled": False}
        intent.call.along.update({f"{_IN_ROW}{name}": value for name, value in fields.items()})
        metrics.billed(
            intent.provider, "answered", usage.cost_usd, usage.prompt_tokens, usage.completion_tokens
        )

    def record_along(self, along: dict[str, Any]) -> None:
        """Record an answer now that was to go along with the next write to its step's row: there will be none. May run
        twice."""
        fields = {
            name.removeprefix(_IN_ROW): value for name, value in along.items() if name.startswith(_IN_ROW)
        }
        if fields:
            self._append(fields.pop("_id"), fields, in_row=True)
            along.clear()

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
                *self._counted([world_id], "step", "state", "provider", "intent_at", *_SUMMED),
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

    def spent_by_round(self, world_id: str) -> dict[int, float]:
        """Return what the calls of each later round of a world cost, or may have, in dollars."""
        groups = self._rows.aggregate(
            [
                *self._counted([world_id], "step", "cost_usd", "worst_usd"),
                {
                    "$group": {
                        "_id": {"$arrayElemAt": [{"$split": ["$step", "@"]}, 1]},
                        "usd": {"$sum": {"$ifNull": ["$cost_usd", "$worst_usd"]}},
                    }
                },
                {"$match": {"_id": {"$type": "string"}}},
            ]
        )
        return {int(group["_id"]): group["usd"] for group in groups}

    def mark_refused(self, request_id: str, provider: Provider, reason: str, *, in_row: bool = False) -> bool:
        """Note that the provider did not take (or bill) the request. Returns False when it was settled otherwise."""
        rows, at = self._place(in_row)
        change = {f"{at}state": "refused", f"{at}error": reason, f"{at}answered_at": datetime.now(UTC)}
        open_one = self._one(request_id, ["intent"], in_row)
        if not rows.update_one(open_one, {"$set": change}).matched_count:
            return False
        metrics.not_billed(provider, "refused")
        return True

    def mark_ambiguous(
        self, request_id: str, provider: Provider, reason: str, *, in_row: bool = False
    ) -> float:
        """Note that the request may have been billed: it keeps its hold.

        One that was held at all that was left, since nobody knew its price, would let its world make no other call. It is
        held at what the price table says from now on; returns by how many dollars less that is.
        """
        rows, at = self._place(in_row)
        change = {
            f"{at}state": "ambiguous",
            f"{at}error": {"$literal": reason},
            f"{at}answered_at": datetime.now(UTC),
            f"{at}worst_usd": {"$ifNull": [f"${at}unproven_usd", f"${at}worst_usd"]},
        }
        open_one = self._one(request_id, ["intent"], in_row)
        wanted = {f"{at}worst_usd": 1, f"{at}unproven_usd": 1}
        found = rows.find_one_and_update(open_one, [{"$set": change}], wanted)
        if found is None:
            return 0.0
        metrics.not_billed(provider, "ambiguous")
        before = found["call"] if in_row else found
        return float(before["worst_usd"] - before.get("unproven_usd", before["worst_usd"]))


def _answered(usage: Usage, answer: dict[str, Any], spoiled: str | None) -> Document:
    """Return the fields that a bill and its answer set."""
    return {
        "state": "spoiled" if spoiled else "answered",
        "cost_usd": usage.cost_usd,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "answer": answer,
        "error": spoiled,
        "answered_at": datetime.now(UTC),
    }


def _place_in_row(name: str) -> str:
    """Return where a step's row has a field of its call: the world's id is the row's own."""
    return "$world_id" if name == "world_id" else f"${_IN_ROW}{name}"


def _row_of(key: str) -> str:
    """Return the `_id` of the row of the step that a call or request belongs to, which their names begin with."""
    return key.partition("#")[0]
