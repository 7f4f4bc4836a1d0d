"""Holds: what is set aside of a world's limits and budget for calls that are about to be made.

A call is held before it is made, at its worst case; its answer captures what was billed, a refusal releases it all. The
calls of a world without a budget in which nothing goes wrong are held with its order, all at once: most calls need no
hold of their own.

Holds change beside the rows of the calls, not in one transaction with them: that is six times faster, and a process
that dies in between leaves a difference. `reconcile` looks for such differences and takes them out. A process that was
only frozen, or waited for MongoDB, may go on after that: what it gives back then was given back already. So whatever gives
something back names the number of reconciliations that it knows of, and does nothing where there was another one since; at
worst too much is held, until it is reconciled.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from cachetools import TTLCache
from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from generia_worker.billing.allowances import NOTHING_USD
from generia_worker.errors import BudgetExceeded, WorldCancelled
from generia_worker.providers.usage import PROVIDERS, Provider
from generia_worker.storage.cache import ReadThroughCache
from generia_worker.storage.database import Database, Document

#: States of calls that keep what was held for them. Refused ones have released it.
_HELD = ["intent", "answered", "spoiled", "ambiguous"]
#: How old the knowledge may be that a world was not cancelled, in seconds, and of how many worlds it is kept.
_RECENT_S, _RECENT_MAX = 0.5, 1000
#: What must be left of a budget for a call of which nobody knows what it costs.
_LEAST_USD = 1e-6


class Holds:
    """The fields `reserved` of `generations`, `drift` (a difference that was seen, and since when; empty: nobody has looked
    yet), and `reconciled`: how often one was taken out.

    A world may have another account beside that of its orders: a row of another collection, with the fields `limits`,
    `budget_usd`, `reserved`, `cancelled` and `open`, and the calls that name this `account`.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float] = time.monotonic,
        *,
        rows: Collection[Document] | None = None,
        account: str | None = None,
    ) -> None:
        self._database = database
        self._rows = database.generations if rows is None else rows
        self._account = account
        self._requests = database.requests
        recent: TTLCache[str, bool] = TTLCache(_RECENT_MAX, _RECENT_S, timer=clock)
        self._cancelled = ReadThroughCache(recent, lasting=lambda cancelled: not cancelled)

    def hold(self, world_id: str, provider: Provider, worst_usd: float) -> int:
        """Set one call and its worst case aside, atomically, before it is made; return the reconciliations so far.

        Raises:
            WorldCancelled: the world was cancelled.
            BudgetExceeded: a limit or the budget does not allow the call.
        """
        before = self._rows.find_one_and_update(
            _fitting(world_id, provider, worst_usd),
            {"$inc": {f"reserved.{provider}": 1, "reserved.usd": worst_usd}},
            {"reconciled": 1},
        )
        if before is None:
            raise self._refusal(world_id, provider, worst_usd)
        return int(before.get("reconciled", 0))

    def hold_rest(self, world_id: str, provider: Provider, worst_usd: float) -> tuple[float, int]:
        """Set one call aside with all that is left of the budget; return how much that is, and the reconciliations so far.

        For a call that may turn out dearer than `worst_usd`: until its bill is known, no other call of the world is made
        that the budget might not be enough for. Raises as `hold` does.
        """
        worst_usd = max(worst_usd, _LEAST_USD)
        rest = {"$ifNull": ["$budget_usd", {"$add": ["$reserved.usd", worst_usd]}]}
        change = {f"reserved.{provider}": {"$add": [f"$reserved.{provider}", 1]}, "reserved.usd": rest}
        before = self._rows.find_one_and_update(
            _fitting(world_id, provider, worst_usd),
            [{"$set": change}],
            {"reserved": 1, "budget_usd": 1, "reconciled": 1},
        )
        if before is None:
            raise self._refusal(world_id, provider, worst_usd)
        budget, since = before["budget_usd"], int(before.get("reconciled", 0))
        return (worst_usd if budget is None else float(budget - before["reserved"]["usd"])), since

    def reconciliations(self, world_id: str) -> int:
        """Return how often a difference was taken out so far: to be asked before what changes a call's row."""
        row = self._rows.find_one({"_id": world_id}, {"reconciled": 1}) or {}
        return int(row.get("reconciled", 0))

    def admit(self, world_id: str) -> None:
        """Let a call be made that was held with its world's order.

        Raises WorldCancelled, half a second after the world was cancelled at the latest.
        """
        if self._cancelled.get(world_id, self._is_cancelled):
            raise WorldCancelled("The world was cancelled.")

    def _is_cancelled(self, world_id: str) -> bool:
        return self._rows.find_one({"_id": world_id, "cancelled": True}, {"_id": 1}) is not None

    def release(self, world_id: str, provider: Provider, held_usd: float, *, since: int) -> None:
        """Give back what was held for a call that was refused, if nothing was reconciled `since`."""
        self._change(world_id, {f"reserved.{provider}": -1, "reserved.usd": -held_usd}, since)

    def capture(self, world_id: str, held_usd: float, billed_usd: float, *, since: int) -> None:
        """Keep what was billed of a hold, and give back the rest, if nothing was reconciled `since`."""
        self._change(world_id, {"reserved.usd": billed_usd - held_usd}, since)

    def _change(self, world_id: str, change: dict[str, float], since: int) -> None:
        self._rows.update_one({"_id": world_id, "reconciled": since or {"$in": [None, 0]}}, {"$inc": change})

    def _refusal(self, world_id: str, provider: Provider, worst_usd: float) -> BudgetExceeded:
        row = self._rows.find_one({"_id": world_id}) or {}
        if row.get("cancelled"):
            return WorldCancelled(
                "The world was cancelled."
                if self._account is None
                else f"There are no {self._account} any more."
            )
        whose = "world's" if self._account is None else f"{self._account}'"
        limit = row["limits"][provider]
        if row["reserved"][provider] >= limit:
            kind = "text" if provider == "llm" else "image"
            return BudgetExceeded(f"The {whose} limit of {limit} {kind} calls is reached.")
        return BudgetExceeded(
            f"The {whose} budget of ${row['budget_usd']:.4f} is reached: ${row['reserved']['usd']:.4f} is spent or set "
            f"aside, and the next call may cost up to ${worst_usd:.4f}."
        )

    def may_fit(self, world_id: str, provider: Provider, worst_usd: float) -> bool:
        """True while a call that was refused may have room later: more is set aside than was billed or is in doubt.

        Such is a call in flight, one that is being recorded, and what a dead process held, which `reconcile` takes out. One
        that was refused a moment ago may have room by now, too.
        """
        # As `hold_rest`: else a call of no known price would wait for ever.
        worst_usd = max(worst_usd, _LEAST_USD)

        def look(session: ClientSession) -> bool:
            _, drift = self._drift(world_id, session)
            queries = (
                (self._rows, _fitting(world_id, provider, worst_usd)),
                (self._requests, {"world_id": world_id, "state": "intent", "account": self._account}),
            )
            return (
                drift["usd"] > NOTHING_USD
                or any(drift[name] > 0 for name in PROVIDERS)
                or any(rows.find_one(query, {"_id": 1}, session=session) for rows, query in queries)
            )

        # All of it at one moment: between two looks a call that was in flight is billed.
        return self._database.transaction(look)

    # --- holds of processes that died ----------------------------------------------------------------------------
    def worlds_to_reconcile(self, limit: int) -> list[str]:
        """Return up to `limit` worlds to look at: those that go on or have a difference, the longest unseen first."""
        query = {"$or": [{"open": True}, {"drift": {"$type": "object"}}]}
        rows = self._rows.find(query, {"_id": 1}).sort("looked_at", 1).limit(limit)
        return [row["_id"] for row in rows]

    def reconcile(self, world_id: str, patience_s: float) -> bool:
        """Take out a difference that has been the same for `patience_s`; True when there was one.

        A younger one may be a call that is being begun or recorded just now: it is noted, and looked at again.
        """
        row, drift = self._database.transaction(lambda session: self._drift(world_id, session))
        noted = row.get("drift")
        seen: Document = {"$currentDate": {"looked_at": True}}
        if _is_nothing(drift):
            self._rows.update_one({"_id": world_id}, seen | {"$set": {"drift": None}})
            return False
        if noted is None or not _is_nothing({name: drift[name] - noted.get(name, 0) for name in drift}):
            fresh = {f"drift.{name}": value for name, value in drift.items()}
            dates = {"$currentDate": {"looked_at": True, "drift.since": True}}
            if noted is None:
                self._rows.update_one({"_id": world_id, "drift": None}, {"$set": {"drift": {}}})
            self._rows.update_one({"_id": world_id}, {"$set": fresh, **dates})
            return False
        old = {"$lt": ["$drift.since", {"$subtract": ["$$NOW", int(patience_s * 1000)]}]}
        change: Document = {
            **seen,
            "$inc": {f"reserved.{name}": -value for name, value in drift.items()} | {"reconciled": 1},
            "$set": {"drift": None},
        }
        return bool(
            self._rows.update_one({"_id": world_id, "drift": noted, "$expr": old}, change).matched_count
        )

    # --- more for a world that has ended ---------------------------------------------------------------------------
    def extended(
        self,
        world_id: str,
        limits: Mapping[str, int],
        planned: Mapping[str, int] | None,
        budget_usd: float | None,
        session: ClientSession,
    ) -> Document:
        """Return the fields of `generations` with which a world that has ended may spend this beside what it has spent.

        `limits` are calls by provider; `planned` ones are held at once. No call of the world is being made.
        """
        row = self._rows.find_one({"_id": world_id}, {"planned": 1, "reconciled": 1}, session=session) or {}
        due = self._due(world_id, session)
        before = row.get("planned") or dict.fromkeys(PROVIDERS, 0)
        made = {name: before[name] + due.get(name, {}).get("calls", 0) for name in PROVIDERS}
        spent_usd = sum(group["usd"] for group in due.values()) if budget_usd is not None else 0.0
        more = planned or dict.fromkeys(PROVIDERS, 0)
        return {
            "limits": {name: made[name] + limits[name] for name in PROVIDERS},
            "planned": {name: before[name] + more[name] for name in PROVIDERS}
            if planned or row.get("planned")
            else None,
            "reserved": {name: made[name] + more[name] for name in PROVIDERS} | {"usd": spent_usd},
            "budget_usd": None if budget_usd is None else spent_usd + budget_usd,
            "drift": None,
            # Who was frozen since the end before gives nothing back any more: all is counted anew here.
            "reconciled": row.get("reconciled", 0) + 1,
        }

    def spent_usd(self, world_id: str, session: ClientSession | None = None) -> float:
        """Return what a world's calls of this account cost, or may, in dollars: of one with a budget, but for its planned
        calls."""
        return float(sum(group["usd"] for group in self._due(world_id, session).values()))

    def _due(self, world_id: str, session: ClientSession | None = None) -> dict[str, Document]:
        """Return the calls of a world that were not planned, and what they cost or may, by provider."""
        own = {"world_id": world_id, "state": {"$in": _HELD}, "account": self._account}
        groups = self._requests.aggregate(
            [
                {"$match": own | {"planned": {"$ne": True}}},
                {
                    "$group": {
                        "_id": "$provider",
                        "calls": {"$sum": 1},
                        "usd": {"$sum": {"$ifNull": ["$cost_usd", "$worst_usd"]}},
                    }
                },
            ],
            session=session,
        )
        return {group["_id"]: group for group in groups}

    def _drift(self, world_id: str, session: ClientSession) -> tuple[Document, dict[str, Any]]:
        """Return the world's row, and by how much more is held than its calls say."""
        wanted = {"reserved": 1, "drift": 1, "budget_usd": 1, "planned": 1}
        row = self._rows.find_one({"_id": world_id}, wanted, session=session) or {}
        due = self._due(world_id, session)
        reserved = row.get("reserved") or {"llm": 0, "images": 0, "usd": 0.0}
        planned = row.get("planned") or dict.fromkeys(PROVIDERS, 0)
        drift = {
            name: reserved[name] - planned[name] - due.get(name, {}).get("calls", 0) for name in PROVIDERS
        }
        usd = sum(group["usd"] for group in due.values()) if row.get("budget_usd") is not None else 0.0
        return row, drift | {"usd": reserved["usd"] - usd}


def _is_nothing(drift: dict[str, Any]) -> bool:
    return not any(drift[name] for name in PROVIDERS) and abs(drift["usd"]) < NOTHING_USD


def _fitting(world_id: str, provider: Provider, worst_usd: float) -> Document:
    """Return the query for a world that has room for one more call of this price."""
    fits = {
        "$and": [
            {"$lt": [f"$reserved.{provider}", f"$limits.{provider}"]},
            {
                "$or": [
                    {"$eq": ["$budget_usd", None]},
                    {
                        "$lte": [
                            {"$add": ["$reserved.usd", worst_usd]},
                            {"$add": ["$budget_usd", NOTHING_USD]},
                        ]
                    },
                ]
            },
        ]
    }
    return {"_id": world_id, "cancelled": False, "$expr": fits}
