"""The switch that lets characters of a world reply to people, with its account and the steps that reply.

Off until who made the world switches it on, with dollars that all replies may cost together: an account beside that of
the world's orders (`generia_worker/billing/holds.py`). A reply is a step of the world's ledger, one for each comment; the
state of the world does not depend on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pymongo.client_session import ClientSession

from generia_worker.billing.allowances import NOTHING_USD, Allowances
from generia_worker.billing.holds import Holds
from generia_worker.engine.step import Step, StepState
from generia_worker.engine.step_rows import StepRows
from generia_worker.storage.database import Database
from generia_worker.worlds.results import HEARD, Heard
from generia_worker.worlds.steps import REPLY

#: Calls of an account at most, and comments of a world that a step's name has room for: neither is ever reached.
_MOST = 999_999


@dataclass(frozen=True, slots=True)
class ReplyAccount:
    """A row of `replies`; `_id` is the world's id. `since`: when it was switched on; `today`: who was replied to on the day
    `day`, one entry a comment."""

    world_id: str
    on: bool
    budget_usd: float
    since: datetime
    day: str
    today: tuple[str, ...]

    def on_day(self, now: datetime) -> tuple[str, ...]:
        """Return who was replied to on the day of `now`."""
        return self.today if self.day == _day(now) else ()


@dataclass(frozen=True, slots=True)
class ReplyBounds:
    """How many comments of a world are replied to a day, of all and of one person, and what must be left for one more."""

    world: int
    person: int
    least_usd: float


class ReplyAccounts:
    """The collection `replies`, and the steps that reply."""

    def __init__(self, database: Database, rows: StepRows, allowances: Allowances, holds: Holds) -> None:
        self._database = database
        self._accounts = database.replies
        self._steps = database.steps
        self._step_rows = rows
        self._allowances = allowances
        self._holds = holds

    def find(self, world_id: str) -> ReplyAccount | None:
        """Return a world's switch; None when it was never touched."""
        row = self._accounts.find_one({"_id": world_id})
        return None if row is None else _read(row)

    def switch_on(self, world_id: str, person: str | None, budget_usd: float, now: datetime) -> None:
        """Let characters reply to people from now on, for so many dollars at most together with all replies before.

        Where a day has limits of dollars they are held of that of `person`, as those of an order. Raises AllowanceExceeded.
        """

        def work(session: ClientSession) -> None:
            row = self._accounts.find_one({"_id": world_id}, session=session)
            # Not what is held: a part of that may be of a process that died, and belong to no call.
            spent = self._holds.spent_usd(world_id, session)
            held = self._allowances.change_hold(
                row["allowance"] if row else None, person, budget_usd, spent, session
            )
            stays_on = row is not None and not row["cancelled"]
            change = {"budget_usd": budget_usd, "cancelled": False, "allowance": held}
            fresh = {
                "limits": {"llm": _MOST, "images": 0},
                "reserved": {"llm": 0, "images": 0, "usd": 0.0},
                "made": 0,
                "day": "",
                "today": [],
                "open": False,
                "drift": None,
                "reconciled": 0,
                "looked_at": None,
            }
            self._accounts.update_one(
                {"_id": world_id},
                {"$set": change | ({} if stays_on else {"since": now}), "$setOnInsert": fresh},
                upsert=True,
                session=session,
            )

        self._database.transaction(work)

    def switch_off(self, world_id: str) -> None:
        """Let nobody be replied to any more; what is not spent is given back to the day that it was held of."""

        def work(session: ClientSession) -> None:
            row = self._accounts.find_one({"_id": world_id}, session=session)
            if row is None:
                return
            spent = self._holds.spent_usd(world_id, session)
            self._allowances.give_back(row["allowance"], spent, session)
            change = {"cancelled": True, "allowance": None}
            self._accounts.update_one({"_id": world_id}, {"$set": change}, session=session)

        self._database.transaction(work)

    # --- the steps -----------------------------------------------------------------------------------------------------
    def known(self, world_id: str, comment_ids: list[str]) -> set[str]:
        """Return which of these comments have steps already."""
        field = f"checkpoints.{HEARD}.comment_id"
        rows = self._steps.find({"world_id": world_id, field: {"$in": comment_ids}}, {field: 1})
        return {row["checkpoints"][HEARD]["comment_id"] for row in rows}

    def add(
        self, world_id: str, heard: Heard, person: str, bounds: ReplyBounds, now: datetime
    ) -> Step | None:
        """Insert the step that replies to a comment; None where there is one, or none is to be.

        Whoever asks at the same time changes the same row: each comment gets one step, and no bound is passed.
        """

        def work(session: ClientSession) -> Step | None:
            row = self._accounts.find_one({"_id": world_id, "cancelled": False}, session=session)
            if row is None or row["made"] >= _MOST:
                return None
            today = _read(row).on_day(now)
            if len(today) >= bounds.world or today.count(person) >= bounds.person:
                return None
            same = {"world_id": world_id, f"checkpoints.{HEARD}.comment_id": heard.comment_id}
            if self._steps.find_one(same, {"_id": 1}, session=session) is not None:
                return None
            left = row["budget_usd"] - row["reserved"]["usd"]
            # What others hold just now is waited for by the step itself.
            if left + NOTHING_USD < bounds.least_usd and not self._works(world_id, session):
                return None
            step = REPLY.step(row["made"] + 1)
            change = {"made": row["made"] + 1, "day": _day(now), "today": [*today, person], "open": True}
            self._accounts.update_one({"_id": world_id}, {"$set": change}, session=session)
            given = {HEARD: heard.model_dump(mode="json")}
            self._step_rows.add(world_id, [step], 0, session, checkpoints=given)
            return step

        return self._database.transaction(work)

    def close_idle(self, world_id: str) -> None:
        """Note that nothing is worked on, and nothing held: sweeps no longer look at this account."""

        def work(session: ClientSession) -> None:
            if not self._works(world_id, session):
                idle = {"_id": world_id, "drift": None}
                self._accounts.update_one(idle, {"$set": {"open": False}}, session=session)

        self._database.transaction(work)

    def _works(self, world_id: str, session: ClientSession) -> bool:
        live = {"$in": [StepState.PENDING.value, StepState.RUNNING.value]}
        query = {"world_id": world_id, "kind": REPLY.kind, "state": live}
        return self._steps.find_one(query, {"_id": 1}, session=session) is not None


def _read(row: Mapping[str, Any]) -> ReplyAccount:
    return ReplyAccount(
        world_id=row["_id"],
        on=not row["cancelled"],
        budget_usd=row["budget_usd"],
        since=row["since"],
        day=row["day"],
        today=tuple(row["today"]),
    )


def _day(now: datetime) -> str:
    return now.astimezone(UTC).date().isoformat()
