"""Generations: each an order as it was accepted, and whether it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cachetools import TTLCache
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from generia_worker.client.order import Order, options_of
from generia_worker.engine.rounds import Round, pairs
from generia_worker.engine.step import Failure, Step
from generia_worker.errors import ConflictError, NotFoundError
from generia_worker.observability import tracing
from generia_worker.storage.cache import ReadThroughCache
from generia_worker.storage.database import Database, Document

#: How old the generation may be that a step works with, in seconds, and how many a process keeps.
_RECENT_S, _RECENT_MAX = 2.0, 500


@dataclass(frozen=True, slots=True)
class Generation:
    """A row of `generations`. `rounds` are the order and what extended the world, and the counts are those of all of them;
    `run` counts how often the world was begun or reopened; `fatal` says why no further step can succeed. `planned`: the paid
    calls of a world in which nothing goes wrong, where all of them are held from the start; None where each is held by
    itself. `reactions` is how much its characters have to say of each other's posts (none, some, many), `predicted` how many
    "likes" and "comments" that will be at most. `person` ordered it, where that was said; `trace` is where it was
    ordered in, where traces are kept."""

    world_id: str
    prompt: str
    users_count: int
    posts_count: int
    rounds: tuple[Round, ...]
    run: int
    limits: dict[str, int]
    budget_usd: float | None
    planned: dict[str, int] | None
    cancelled: bool
    fatal: Failure | None
    created_at: datetime
    request_hash: str
    reactions: str = "none"
    predicted: dict[str, int] = field(default_factory=dict)
    person: str | None = None
    trace: str | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """What the order asks for beyond what every world has: the `option` of kinds of step."""
        return options_of(self.reactions)

    @classmethod
    def from_document(cls, document: Document) -> Generation:
        """Read a row of `generations`."""
        rounds = _rounds(document)
        return cls(
            world_id=document["_id"],
            prompt=document["prompt"],
            users_count=sum(one.users for one in rounds),
            posts_count=sum(one.posts for one in rounds),
            rounds=rounds,
            run=document["run"],
            limits=document["limits"],
            budget_usd=document["budget_usd"],
            planned=document.get("planned"),
            cancelled=document["cancelled"],
            fatal=document["fatal"],
            created_at=document["created_at"],
            request_hash=document["request_hash"],
            reactions=document.get("reactions", "none"),
            predicted=document.get("predicted") or {},
            person=document.get("person"),
            trace=document.get("trace"),
        )

    # --- its rounds ------------------------------------------------------------------------------------------------
    @property
    def is_laid_out(self) -> bool:
        """True when all steps of all rounds are in the ledger."""
        return all(one.is_laid_out for one in self.rounds)

    def round_of(self, step: Step) -> Round:
        """Return the round that a step is done in: the one of its name, and of a character itself the one that makes it.

        Raises LookupError for one that this generation, read too early, does not know.
        """
        found = self._round_of(step)
        if found is None:
            raise LookupError(f"Generation {self.world_id} has no round of {step}.")
        return found

    def knows(self, step: Step) -> bool:
        """True when the round of a step is among those of this generation."""
        return self._round_of(step) is not None

    def _round_of(self, step: Step) -> Round | None:
        if step.round == 1 and step.character is not None:
            return next((one for one in self.rounds if one.is_new(step.character)), None)
        return self.rounds[step.round - 1] if step.round <= len(self.rounds) else None

    def same_round(self, step: Step, world: Iterable[Step]) -> list[Step]:
        """Return the steps of a world that are done in the same round as `step`."""
        own = self.round_of(step)
        return [one for one in world if self.round_of(one) is own]


def _rounds(document: Document) -> tuple[Round, ...]:
    held = document.get("planned") is not None
    shares = document["shares"]
    rounds = [
        Round(
            number=1,
            users=document["users_count"],
            posts=document["posts_count"],
            batches=document["batches"],
            first_character=1,
            shares=None if shares is None else dict(enumerate(shares, start=1)),
            planned=held and document.get("planned_first", True),
            at=document["created_at"],
        )
    ]
    for number, later in enumerate(document.get("rounds", ()), start=2):
        first = rounds[-1].first_character + rounds[-1].users
        rounds.append(Round.from_document(later, number, first, planned=held))
    return tuple(rounds)


class Generations:
    """The collection `generations`; `_id` is the world's id."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._rows = database.generations
        recent: TTLCache[str, Generation] = TTLCache(_RECENT_MAX, _RECENT_S, timer=clock)
        self._recent = ReadThroughCache(
            recent, lasting=lambda found: found.is_laid_out and not found.cancelled
        )

    def accept(
        self,
        order: Order,
        *,
        limits: dict[str, int],
        batches: int,
        planned: dict[str, int] | None = None,
        predicted: dict[str, int] | None = None,
    ) -> tuple[Generation, bool]:
        """Store an order durably; return its generation, and whether it is new. `planned` calls are held with it.

        Raises:
            ConflictError: the world was ordered before with another body.
        """
        try:
            made = self.insert(order, limits=limits, batches=batches, planned=planned, predicted=predicted)
            return made, True
        except DuplicateKeyError:
            return self.accepted(order), False

    def accepted(self, order: Order) -> Generation:
        """Return the generation of an order that was stored before. Raises NotFoundError, ConflictError as `accept`."""
        stored = self.get(order.world_id)
        if stored.request_hash != order.request_hash():
            message = f"World {order.world_id} was ordered before with another prompt, counts or limits."
            raise ConflictError(message)
        return stored

    def insert(
        self,
        order: Order,
        *,
        limits: dict[str, int],
        batches: int,
        planned: dict[str, int] | None = None,
        predicted: dict[str, int] | None = None,
        budget_usd: float | None = None,
        allowance: Document | None = None,
        session: ClientSession | None = None,
    ) -> Generation:
        """Store a new order, with the budget that it gets where it names none, and what it holds of its day's allowance.

        Raises DuplicateKeyError.
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
            "budget_usd": order.budget if budget_usd is None else budget_usd,
            "reactions": order.reactions,
            "person": order.user_id,
            "trace": tracing.current(),
            "allowance": allowance,
            "planned": planned,
            "predicted": predicted or {},
            "reserved": {"llm": 0, "images": 0, **(planned or {}), "usd": 0.0},
            "shares": None,
            "cancelled": False,
            "fatal": None,
            "open": True,
            "started": False,
            "created_at": datetime.now(UTC),
        }
        self._rows.insert_one(row, session=session)
        return Generation.from_document(row)

    def get(self, world_id: str, session: ClientSession | None = None) -> Generation:
        """Return a generation. Raises NotFoundError."""
        document = self._rows.find_one({"_id": world_id}, session=session)
        if document is None:
            message = f"No generation of world {world_id} was ordered."
            raise NotFoundError(message)
        return Generation.from_document(document)

    def get_many(self, world_ids: Sequence[str]) -> dict[str, tuple[Generation, datetime]]:
        """Return those of these worlds that were ordered, by one query, and the database's time at which they were read."""
        rows = self._rows.aggregate(
            [{"$match": {"_id": {"$in": list(world_ids)}}}, {"$set": {"read_at": "$$NOW"}}]
        )
        return {row["_id"]: (Generation.from_document(row), row["read_at"]) for row in rows}

    def recent(self, world_id: str) -> Generation:
        """Return a generation as it was at most two seconds ago: what a step needs, without a read each time.

        A cancel is not missed by that: no paid call of a cancelled world is admitted, and what has not begun is cancelled
        with the next status. A generation without its cast, or one that was cancelled, is read each time: it may be resumed
        at any moment. Raises NotFoundError.
        """
        return self._recent.get(world_id, self.get)

    def open_worlds(self) -> list[str]:
        """Return the ids of the worlds that have not ended."""
        return [row["_id"] for row in self._rows.find({"open": True}, {"_id": 1})]

    def mark_started(self, world_id: str) -> None:
        """Note that the world's first steps are in the ledger."""
        self._rows.update_one({"_id": world_id}, {"$set": {"started": True}})

    def unstarted(self, before: datetime, limit: int) -> list[str]:
        """Return the ids of the orders from before `before` that were not started."""
        query = {"started": False, "created_at": {"$lt": before}}
        return [row["_id"] for row in self._rows.find(query, {"_id": 1}).sort("created_at", 1).limit(limit)]

    def is_open(self, world_id: str) -> bool:
        """True when the world has not ended, or was opened again."""
        return self._rows.find_one({"_id": world_id, "open": True}, {"_id": 1}) is not None

    def store_shares(self, world_id: str, one: Round, session: ClientSession) -> None:
        """Keep how many posts each character writes in a round; inside the transaction that stores their steps."""
        shares = one.shares or {}
        if one.number == 1:
            change = {"$set": {"shares": [shares[number] for number in sorted(shares)]}}
            self._rows.update_one({"_id": world_id}, change, session=session)
        else:
            self._set_in(world_id, one.number, {"shares": pairs(shares), "given_up": None}, session)

    def give_up(self, world_id: str, in_round: int, reason: Failure, session: ClientSession) -> None:
        """Note why nothing can come of a later round any more; the world ends with what was made before."""
        self._set_in(world_id, in_round, {"given_up": reason}, session)

    def take_up(self, generation: Generation, session: ClientSession) -> None:
        """Let the rounds that were given up be tried again, together with their steps."""
        for one in generation.rounds:
            if one.given_up is not None:
                self._set_in(generation.world_id, one.number, {"given_up": None}, session)

    def _set_in(self, world_id: str, in_round: int, fields: Document, session: ClientSession) -> None:
        change = {f"rounds.{in_round - 2}.{name}": value for name, value in fields.items()}
        self._rows.update_one({"_id": world_id}, {"$set": change}, session=session)

    def fail_world(self, world_id: str, reason: Failure, session: ClientSession) -> None:
        """Note why no further step of the world can succeed; the first reason stays."""
        self._rows.update_one({"_id": world_id, "fatal": None}, {"$set": {"fatal": reason}}, session=session)

    def close(self, generation: Generation) -> None:
        """Note that the world has ended: sweeps no longer look at it. One that was reopened meanwhile stays open.

        What is held of its budget is looked at once more, with the difference (`drift`) that nobody has seen yet.
        """
        ended = {"_id": generation.world_id, "run": generation.run, "open": True}
        self._rows.update_one(ended, {"$set": {"open": False, "drift": {}}})
