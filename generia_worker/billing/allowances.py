"""Allowances: how many worlds a person may order a day, and how many dollars these and everybody's may cost.

An order holds the most that its world may spend (its budget) of two sums, that of its person and that of all, in the
transaction that stores it; so the sums hold whatever is ordered at the same time, and no paid call has to look at them. When
the world has ended, what it did not spend is given back; a world that goes on again holds anew. A day is one of UTC, and
what a world spends counts for the day on which it was held.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from generia_worker.client.allowance import Allowance
from generia_worker.errors import AllowanceExceeded, ConflictError
from generia_worker.storage.database import Database, Document

#: Sums of floats, not money: differences below a billionth of a dollar.
NOTHING_USD = 1e-9
#: How long the sums of a day are kept.
_KEPT = timedelta(days=40)
#: A hold of a world that was to go on and did not is given back after this.
_GIVEN_UP, _AT_ONCE = timedelta(seconds=60), timedelta()
#: Of a world that has ended, with nothing held of which `Holds.reconcile` has still to say whether it was spent.
_ENDED: Document = {"open": False, "drift": None}


@dataclass(frozen=True, slots=True)
class Caps:
    """What a day allows: worlds and dollars of one person, dollars of all together. None: no limit."""

    worlds: int | None = None
    usd: float | None = None
    all_usd: float | None = None

    @property
    def bounds_dollars(self) -> bool:
        """True when each world must have a budget."""
        return self.usd is not None or self.all_usd is not None


class Allowances:
    """The collections `daily_sums`, by day and by day and person, and `allowances`, what single persons may; and the field
    `allowance` of `generations`, what a world holds."""

    def __init__(
        self, database: Database, caps: Caps, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """`caps` are those of everybody who has none of their own."""
        self._database = database
        self._sums = database.database["daily_sums"]
        self._own = database.database["allowances"]
        self._generations = database.generations
        self._caps = caps
        self._now = now

    # --- what is allowed -------------------------------------------------------------------------------------------
    def caps_of(self, person: str | None) -> Caps:
        """Return what a person may. Of those whom nobody names, dollars count in the sum of all alone."""
        if person is None:
            return Caps(all_usd=self._caps.all_usd)
        own = self._own.find_one({"_id": person}) or {}
        return Caps(own.get("worlds", self._caps.worlds), own.get("usd", self._caps.usd), self._caps.all_usd)

    def set_caps(self, person: str, *, worlds: int | None = None, usd: float | None = None) -> None:
        """Give a person limits of their own, beside those that they have."""
        change = {name: value for name, value in (("worlds", worlds), ("usd", usd)) if value is not None}
        self._own.update_one({"_id": person}, {"$set": change}, upsert=True)

    def forget_caps(self, person: str) -> None:
        """Let a person have the limits of everybody."""
        self._own.delete_one({"_id": person})

    def left(self, person: str | None, session: ClientSession | None = None) -> Allowance:
        """Return what today still allows."""
        caps, (day, ends) = self.caps_of(person), self._today()
        everybody = self._sum(day, session)
        own = self._sum(_key(day, person), session) if person is not None else {}
        rest = [
            most - found.get("usd", 0.0)
            for most, found in ((caps.usd, own), (caps.all_usd, everybody))
            if most is not None
        ]
        return Allowance(
            worlds_most=caps.worlds,
            worlds_left=None if caps.worlds is None else max(caps.worlds - own.get("worlds", 0), 0),
            usd_most=caps.usd,
            usd_left=max(min(rest), 0.0) if rest else None,
            resets_at=ends,
        )

    def spent_today(self) -> float:
        """Return the dollars of all that are held or spent today."""
        return float(self._sum(self._today()[0]).get("usd", 0.0))

    def _sum(self, key: str, session: ClientSession | None = None) -> Document:
        return self._sums.find_one({"_id": key}, session=session) or {}

    def _today(self) -> tuple[str, datetime]:
        """Return the name of the day, and when it ends."""
        now = self._now().astimezone(UTC)
        return now.date().isoformat(), now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(
            days=1
        )

    # --- what worlds hold --------------------------------------------------------------------------------------------
    def hold_new(self, person: str | None, usd: float, session: ClientSession) -> Document:
        """Hold a new world and the most that it may spend, inside the transaction that stores it.

        Returns the field `allowance` of its generation. Raises AllowanceExceeded.
        """
        return self._hold(person, usd, 1, session) | {"base": 0.0, "run": 1, "most": usd}

    def hold_more(self, row: Document, usd: float, spent_usd: float, session: ClientSession) -> Document:
        """Hold what a world that has ended may spend beside what it has spent, inside the transaction that extends it.

        `row` is its generation before. Returns the field `allowance`. Raises AllowanceExceeded; ConflictError when what it
        held before is not given back yet (`settle`).
        """
        if not (row.get("allowance") or {"settled": True})["settled"]:
            raise ConflictError(f"World {row['_id']} is being changed by another call: try again.")
        fresh = self._hold(row.get("person"), usd, 0, session)
        return fresh | {"base": spent_usd, "run": row["run"] + 1, "most": spent_usd + usd}

    def change_hold(
        self,
        held: Document | None,
        person: str | None,
        budget_usd: float,
        spent_usd: float,
        session: ClientSession,
    ) -> Document | None:
        """Hold what may still be spent of a budget that lasts longer than a day, in place of what was `held` of it before:
        inside the transaction that changes the budget.

        Returns what is held then; None where dollars have no limits. Raises AllowanceExceeded.
        """
        rest_usd, today = max(budget_usd - spent_usd, 0.0), self._today()[0]
        is_same = held is not None and (held["day"], held["person"]) == (today, person)
        before_usd = _unspent(held, spent_usd) if held is not None and is_same else 0.0
        if held is not None and not is_same:
            self.give_back(held, spent_usd, session)
        if not self.caps_of(person).bounds_dollars:
            if held is not None and is_same:
                self.give_back(held, spent_usd, session)
            return None
        more_usd = rest_usd - before_usd
        if more_usd < 0:
            self._return(today, person, -more_usd, session)
        else:
            self._hold(person, more_usd, 0, session)
        return {"day": today, "person": person, "usd": rest_usd, "base": spent_usd}

    def give_back(self, held: Document | None, spent_usd: float, session: ClientSession) -> None:
        """Give back what `change_hold` held, but for what was spent by now."""
        if held is not None:
            self._return(held["day"], held["person"], _unspent(held, spent_usd), session)

    def _return(self, day: str, person: str | None, usd: float, session: ClientSession) -> None:
        for key in (day, _key(day, person)):
            self._sums.update_one({"_id": key}, {"$inc": {"usd": -usd}}, session=session)

    def _hold(self, person: str | None, usd: float, worlds: int, session: ClientSession) -> Document:
        caps, (day, ends) = self.caps_of(person), self._today()
        wanted: list[tuple[str, float | None, int | None]] = [(day, caps.all_usd, None)]
        if person is not None:
            wanted.append((_key(day, person), caps.usd, caps.worlds))
        blank = {"usd": 0.0, "worlds": 0, "expires_at": ends + _KEPT}
        # Outside of the transaction: two of the first of a day don't exclude each other.
        fresh = [
            self._sums.update_one({"_id": key}, {"$setOnInsert": blank}, upsert=True) for key, *_ in wanted
        ]
        if any(one.upserted_id is not None for one in fresh):
            # One that has read anything before does not see them: it is run again from its start.
            message = "The first of a day is asked for once more."
            raise PyMongoError(message, error_labels=["TransientTransactionError"])
        for key, most_usd, most_worlds in wanted:
            if not self._add(key, usd, worlds, most_usd, most_worlds, session):
                raise self.exceeded(person, usd, session)
        return {"day": day, "person": person, "usd": usd, "settled": False, "since": self._now()}

    def _add(
        self,
        key: str,
        usd: float,
        worlds: int,
        most_usd: float | None,
        most_worlds: int | None,
        session: ClientSession,
    ) -> bool:
        """Add to a sum where there is room; False where there is none."""
        room: Document = {"_id": key}
        # (What holds nothing fits even where more was spent than is allowed by now.)
        if most_usd is not None and usd > 0:
            room["usd"] = {"$lte": most_usd - usd + NOTHING_USD}
        if most_worlds is not None and worlds:
            room["worlds"] = {"$lte": most_worlds - worlds}
        change = {"$inc": {"usd": usd, "worlds": worlds}}
        return self._sums.update_one(room, change, session=session).matched_count == 1

    def exceeded(
        self, person: str | None, usd: float, session: ClientSession | None = None
    ) -> AllowanceExceeded:
        """Return the error that says what is left, as a transaction sees it."""
        left = self.left(person, session)
        again = f"More from {left.resets_at:%Y-%m-%d %H:%M} UTC on."
        if left.worlds_left == 0:
            return AllowanceExceeded(f"Today left: no world of {left.worlds_most}. {again}")
        return AllowanceExceeded(
            f"Today left: ${left.usd_left or 0.0:.2f}; this world may cost ${usd:.2f}. Make it smaller, give it a "
            f"budget that fits, or wait. {again}"
        )

    def hold_again(self, world_id: str, spare_usd: float, most_usd: float) -> bool:
        """Hold what a world may still spend, before it goes on again; its budget shrinks to what is left where that is less.

        Returns whether something was held by this call: then `give_up` gives it back if the world doesn't go on.

        `spare_usd`: with less than this it is of no use. `most_usd` becomes the budget of a world that has none.

        Raises:
            AllowanceExceeded: less is left.
            ConflictError: another call lets it go on just now.
        """
        self.settle(world_id)
        row = self._generations.find_one({"_id": world_id})
        if row is None or row["open"] or not self.caps_of(row.get("person")).bounds_dollars:
            return False
        held = row.get("allowance") or {}
        if held and not held["settled"]:
            return False  # another call has just held it
        # What a world without a budget spent before is not in `reserved`.
        base = row["reserved"]["usd"] if row["budget_usd"] is not None else 0.0
        most = held.get("most") or row["budget_usd"] or most_usd
        left = self.left(row.get("person")).usd_left
        rest = most - base if left is None else min(most - base, left)
        if rest < min(spare_usd, most - base):
            raise self.exceeded(row.get("person"), most - base)

        def work(session: ClientSession) -> None:
            fresh = self._hold(row.get("person"), max(rest, 0.0), 0, session)
            fresh |= {"base": base, "run": row["run"] + 1, "most": most}
            change = {
                "allowance": fresh,
                "budget_usd": base + max(rest, 0.0),
                "reserved.usd": base,
                "planned": None,
            }
            same = {"_id": world_id, "run": row["run"], "open": False, "allowance": row.get("allowance")}
            if not self._generations.update_one(same, {"$set": change}, session=session).matched_count:
                raise ConflictError(f"World {world_id} is being changed by another call: try again.")

        self._database.transaction(work)
        return True

    def give_up(self, world_id: str) -> None:
        """Give back what was held for going on: that was refused."""
        self._settle(world_id, _AT_ONCE)

    def unsettled(self, limit: int) -> list[str]:
        """Return up to `limit` worlds that have ended and hold something."""
        query = {"allowance.settled": False, **_ENDED}
        return [row["_id"] for row in self._generations.find(query, {"_id": 1}).limit(limit)]

    def settle(self, world_id: str) -> None:
        """Give back what a world that has ended did not spend. May run twice, and at the same time as a resume.

        Not before its holds were found to be those of its calls: what a dead worker held was not spent.
        """
        self._settle(world_id, _GIVEN_UP)

    def _settle(self, world_id: str, given_up: timedelta) -> None:
        def work(session: ClientSession) -> None:
            row = self._generations.find_one({"_id": world_id, **_ENDED}, session=session) or {}
            held: dict[str, Any] = row.get("allowance") or {"settled": True}
            if held["settled"]:
                return
            if held["run"] > row["run"] and self._now() - held["since"] < given_up:
                return  # it was held for going on, which is being done just now
            spent = max(row["reserved"]["usd"] - held["base"], 0.0)
            for key in (held["day"], _key(held["day"], held["person"])):
                self._sums.update_one({"_id": key}, {"$inc": {"usd": spent - held["usd"]}}, session=session)
            done = {"allowance.settled": True, "allowance.usd": spent}
            self._generations.update_one({"_id": world_id}, {"$set": done}, session=session)

        self._database.transaction(work)


def _unspent(held: Document, spent_usd: float) -> float:
    left: float = held["usd"] - max(spent_usd - held["base"], 0.0)
    return max(left, 0.0)


def _key(day: str, person: str | None) -> str:
    return f"{day}/{person}"
