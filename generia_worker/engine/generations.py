"""Orders: what was asked for, what of it may still be spent, and whether it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from cachetools import TTLCache
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from generia_worker.client.order import Order
from generia_worker.errors import (
    BudgetExceeded,
    ConflictError,
    NotFoundError,
    WorldCancelled,
)
from generia_worker.storage.cache import Kept
from generia_worker.storage.database import Database, Document

Provider = Literal["llm", "images"]
PROVIDERS: tuple[Provider, ...] = get_args(Provider)


@dataclass(frozen=True, slots=True)
class Generation:
    """An order as it is stored. `shares` holds the posts of each character once the cast is known."""

    world_id: str
    prompt: str
    users_count: int
    posts_count: int
    run: int
    batches: int
    limits: dict[str, int]
    budget_usd: float | None
    shares: list[int] | None
    cancelled: bool
    fatal: dict[str, Any] | None
    created_at: datetime
    request_hash: str

    @classmethod
    def from_document(cls, document: Document) -> Generation:
        """Read a row of `generations`."""
        return cls(
            world_id=document["_id"],
            prompt=document["prompt"],
            users_count=document["users_count"],
            posts_count=document["posts_count"],
            run=document["run"],
            batches=document["batches"],
            limits=document["limits"],
            budget_usd=document["budget_usd"],
            shares=document["shares"],
            cancelled=document["cancelled"],
            fatal=document["fatal"],
            created_at=document["created_at"],
            request_hash=document["request_hash"],
        )


#: How old an order may be that a step works with.
_RECENT_S = 2.0
_RECENT_MAX = 500


class Generations:
    """The collection `generations`; `_id` is the world's id."""

    def __init__(self, database: Database) -> None:
        self._rows = database.generations

    def accept(self, order: Order, *, limits: dict[str, int], batches: int) -> tuple[Generation, bool]:
        """Store an order durably; return it and whether it is new.

        Raises:
            ConflictError: the world was ordered before with another body.
        """
        row: Document = {
            "_id": order.world_id,
            "prompt": order.user_prompt,
            "users_count": order.users_count,
            "posts_count": order.posts_count,
            "request_hash": order.request_hash(),
            "run": 1,
            "batches": batches,
            "limits": limits,
            "budget_usd": order.budget,
            "reserved": {"llm": 0, "images": 0, "usd": 0.0},
            "shares": None,
            "cancelled": False,
            "fatal": None,
            "open": True,
            "started": False,
            "created_at": datetime.now(UTC),
        }
        try:
            self._rows.insert_one(row)
        except DuplicateKeyError:
            stored = self.get(order.world_id)
            if stored.request_hash != row["request_hash"]:
                message = f"World {order.world_id} was ordered before with another prompt, counts or limits."
                raise ConflictError(message) from None
            return stored, False
        return Generation.from_document(row), True

    def get(self, world_id: str) -> Generation:
        """Return an order. Raises NotFoundError."""
        document = self._rows.find_one({"_id": world_id})
        if document is None:
            message = f"No generation of world {world_id} was ordered."
            raise NotFoundError(message)
        return Generation.from_document(document)

    def newest(self, limit: int, offset: int = 0) -> list[Generation]:
        """Return the orders, newest first."""
        cursor = self._rows.find().sort("created_at", -1).skip(offset).limit(limit)
        return [Generation.from_document(document) for document in cursor]

    def open_worlds(self) -> list[str]:
        """Return the ids of the worlds that have not ended."""
        return [row["_id"] for row in self._rows.find({"open": True}, {"_id": 1})]

    def mark_started(self, world_id: str) -> None:
        """Note that the world's first steps are in the ledger."""
        self._rows.update_one({"_id": world_id}, {"$set": {"started": True}})

    def unstarted(self, before: datetime, limit: int) -> list[str]:
        """Return the ids of the orders from before `before` that nobody has started."""
        query = {"started": False, "created_at": {"$lt": before}}
        return [row["_id"] for row in self._rows.find(query, {"_id": 1}).sort("created_at", 1).limit(limit)]

    def is_open(self, world_id: str) -> bool:
        """True when the world has not ended, or was opened again."""
        return self._rows.find_one({"_id": world_id, "open": True}, {"_id": 1}) is not None

    def store_shares(self, world_id: str, shares: list[int], session: ClientSession) -> None:
        """Keep how many posts each character has; inside the transaction that stores their steps."""
        self._rows.update_one({"_id": world_id}, {"$set": {"shares": shares}}, session=session)

    def condemn(self, world_id: str, reason: dict[str, Any], session: ClientSession) -> None:
        """Note why no further step of the world can succeed; the first reason stays."""
        self._rows.update_one({"_id": world_id, "fatal": None}, {"$set": {"fatal": reason}}, session=session)

    def close(self, world_id: str, session: ClientSession) -> None:
        """Note that the world has ended: sweeps no longer look at it."""
        self._rows.update_one({"_id": world_id, "open": True}, {"$set": {"open": False}}, session=session)

    def reserve(self, world_id: str, provider: Provider, worst_usd: float) -> None:
        """Set one call and its worst case aside, atomically, before it is made.

        Raises:
            BudgetExceeded: a limit or the budget does not allow it, or the world was cancelled.
        """
        fits = {
            "$and": [
                {"$lt": [f"$reserved.{provider}", f"$limits.{provider}"]},
                {
                    "$or": [
                        {"$eq": ["$budget_usd", None]},
                        # A billionth of a dollar of slack: sums of floats, not money.
                        {"$lte": [{"$add": ["$reserved.usd", worst_usd]}, {"$add": ["$budget_usd", 1e-9]}]},
                    ]
                },
            ]
        }
        taken = self._rows.update_one(
            {"_id": world_id, "cancelled": False, "$expr": fits},
            {"$inc": {f"reserved.{provider}": 1, "reserved.usd": worst_usd}},
        )
        if not taken.matched_count:
            raise self._refusal(world_id, provider, worst_usd)

    def adjust(self, world_id: str, provider: Provider, *, calls: int, usd: float) -> None:
        """Change what is set aside: a refused call gives its share back, an answer releases the difference."""
        self._rows.update_one(
            {"_id": world_id}, {"$inc": {f"reserved.{provider}": calls, "reserved.usd": usd}}
        )

    def _refusal(self, world_id: str, provider: Provider, worst_usd: float) -> BudgetExceeded:
        row = self._rows.find_one({"_id": world_id}) or {}
        if row.get("cancelled"):
            return WorldCancelled("The world was cancelled.")
        limit = row["limits"][provider]
        if row["reserved"][provider] >= limit:
            kind = "text" if provider == "llm" else "image"
            return BudgetExceeded(f"The world's limit of {limit} {kind} calls is reached.")
        return BudgetExceeded(
            f"The world's budget of ${row['budget_usd']:.4f} is reached: ${row['reserved']['usd']:.4f} is spent or set "
            f"aside, and the next call may cost up to ${worst_usd:.4f}."
        )


class RecentOrders:
    """Orders as they were at most two seconds ago: all that a step needs, without asking for it each time.

    A cancel is not missed by that: `reserve` looks at the order itself, so that no paid call is made, and settling ends
    what has not begun. An order whose cast is not known yet is read anew each time, and so is one that was cancelled: it
    may be resumed at any moment.
    """

    def __init__(self, generations: Generations, clock: Callable[[], float] = time.monotonic) -> None:
        self._generations = generations
        cache: TTLCache[str, Generation] = TTLCache(maxsize=_RECENT_MAX, ttl=_RECENT_S, timer=clock)
        self._kept = Kept(cache, lambda order: order.shares is not None and not order.cancelled)

    def get(self, world_id: str) -> Generation:
        """Return an order. Raises NotFoundError."""
        return self._kept.get(world_id, self._generations.get)
