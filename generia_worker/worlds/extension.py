"""Extending a world that has ended: new characters, new posts, in a round of its own.

All of it is one transaction: the round, what it may spend, its first steps. Publishing them is up to the caller; a message
that is lost is found by recovery, as any.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pymongo.client_session import ClientSession

from generia_worker.billing.holds import Holds
from generia_worker.client.order import Extension, MoreSize
from generia_worker.client.status import WorldStatus
from generia_worker.engine.generations import Generation, Generations
from generia_worker.engine.results import Results
from generia_worker.engine.rounds import Round
from generia_worker.engine.step import StepState
from generia_worker.engine.step_rows import StepRows
from generia_worker.errors import ConflictError
from generia_worker.status.projection import StatusProjection
from generia_worker.storage.database import Database, Document
from generia_worker.worlds import talk
from generia_worker.worlds.control import fresh_attempts, pending_again
from generia_worker.worlds.documents import Cast
from generia_worker.worlds.shares import share_round, written_by
from generia_worker.worlds.steps import CAST, CHARACTER, STEPS

#: A step's name has room for no more characters, and a world's row for so many rounds.
CHARACTERS_MAX, ROUNDS_MAX = 999, 1000
#: How each state is told to who wants more of a world in it.
_WHY_NOT = {
    WorldStatus.PENDING: "is still being made: extend it when it has ended",
    WorldStatus.IN_PROGRESS: "is still being made: extend it when it has ended",
    WorldStatus.FAILED: "has failed: resume it first, then extend it",
    WorldStatus.CANCELLED: "was cancelled: resume it first, then extend it",
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What a round may spend: calls by provider, of which `planned` are held at once, and dollars.

    `hold` holds these dollars of a day, where days have limits: it is given the world's row and what it has spent, and
    returns its field `allowance`.
    """

    limits: dict[str, int]
    planned: dict[str, int] | None
    budget_usd: float | None
    hold: Callable[[Document, float, ClientSession], Document] | None = None


class Extensions:
    """Extends worlds."""

    def __init__(
        self,
        database: Database,
        generations: Generations,
        rows: StepRows,
        results: Results,
        status: StatusProjection,
        holds: Holds,
    ) -> None:
        self._database = database
        self._generations = generations
        self._rows = rows
        self._results = results
        self._status = status
        self._holds = holds

    def check(self, world_id: str, asked: Extension, day: str | None = None) -> Generation | None:
        """Return the generation of a world that may be extended like this; None when this very request was accepted before,
        or the world has had this `day`.

        Raises:
            NotFoundError: it was never ordered.
            ConflictError: it has not ended, or was stopped, or is as large as it can be; or the request's id is that of
                another one.
        """
        status = WorldStatus(self._status.get(world_id)["status"])
        generation = self._generations.get(world_id)
        if self._was_accepted(generation, asked, day):
            return None
        self._check_room(generation, status, asked)
        return generation

    def check_size(self, world_id: str, size: MoreSize) -> Generation:
        """Return the generation of a world that may be extended by so much. Raises as `check`."""
        status = WorldStatus(self._status.get(world_id)["status"])
        generation = self._generations.get(world_id)
        self._check_room(generation, status, size)
        return generation

    def extend(
        self,
        generation: Generation,
        asked: Extension,
        batches: int,
        terms: Terms,
        *,
        at: datetime | None = None,
        day: str | None = None,
    ) -> bool:
        """Extend a world as it was checked, at a time (now); False when the same request was quicker.

        Raises ConflictError when the world was changed meanwhile, and what `terms.hold` raises.
        """
        last = generation.rounds[-1]
        one = Round(
            number=last.number + 1,
            users=asked.users_count,
            posts=asked.posts_count,
            batches=batches,
            first_character=last.first_character + last.users,
            shares=None,
            planned=terms.planned is not None,
            at=at or datetime.now(UTC),
            request_id=asked.request_id,
            request_hash=asked.request_hash(),
            day=day,
        )
        return self._database.transaction(
            lambda session: self._extend(generation, asked, one, terms, session)
        )

    def characters(self, world_id: str) -> int:
        """Return how many characters of a world exist."""
        return self._rows.census(world_id).get((CHARACTER.kind, StepState.DONE), 0)

    # --- how ---------------------------------------------------------------------------------------------------
    def _check_room(self, generation: Generation, status: WorldStatus, asked: MoreSize) -> None:
        world_id = generation.world_id
        if status is not WorldStatus.COMPLETED:
            raise ConflictError(f"World {world_id} {_WHY_NOT[status]}.").with_code("not_completed")
        if generation.users_count + asked.users_count > CHARACTERS_MAX:
            message = f"World {world_id} has {generation.users_count} characters of {CHARACTERS_MAX} that it may have."
            raise ConflictError(message).with_code("world_full")
        if len(generation.rounds) >= ROUNDS_MAX:
            message = f"World {world_id} was extended {ROUNDS_MAX - 1} times: more is not possible."
            raise ConflictError(message).with_code("world_full")
        if not asked.users_count and not self.characters(world_id):
            message = f"World {world_id} has no character that could write: extend it by characters, too."
            raise ConflictError(message).with_code("nobody_writes")

    def _was_accepted(self, generation: Generation, asked: Extension, day: str | None) -> bool:
        if day is not None:
            return any(one.day == day for one in generation.rounds)
        same = [one for one in generation.rounds if asked.request_id and one.request_id == asked.request_id]
        if same and same[0].request_hash != asked.request_hash():
            message = f"Request {asked.request_id} was sent before with other counts or limits: name this one otherwise."
            raise ConflictError(message).with_code("other_request")
        return bool(same)

    def _extend(
        self,
        checked: Generation,
        asked: Extension,
        one: Round,
        terms: Terms,
        session: ClientSession,
    ) -> bool:
        world_id = checked.world_id
        row = self._database.generations.find_one({"_id": world_id}, session=session) or {}
        before = Generation.from_document(row)
        if self._was_accepted(before, asked, one.day):
            return False
        if before.run != checked.run or before.cancelled:
            raise ConflictError(f"World {world_id} is being changed by another call: try again.")
        one = self._with_shares(before, one)
        more = self._holds.extended(world_id, terms.limits, terms.planned, terms.budget_usd, session)
        if terms.hold is not None:
            more["allowance"] = terms.hold(row, more["reserved"]["usd"], session)
        change = more | {"open": True, "fatal": None, "planned_first": before.rounds[0].planned}
        most = talk.most(
            before.reactions,
            min(before.users_count + one.users, one.users + one.posts),
            one.posts,
        )
        more_said = {f"predicted.{name}": number for name, number in most.items() if number}
        self._database.generations.update_one(
            {"_id": world_id},
            {"$set": change, "$push": {"rounds": one.as_document()}, "$inc": {"run": 1, **more_said}},
            session=session,
        )
        steps = [*STEPS.opening_of(one), *STEPS.of_round(one, before.options)]
        self._rows.add(world_id, steps, one.batches, session, in_round=one.number)
        # Its end comes once more.
        self._database.steps.update_one(
            {"_id": STEPS.closing.step().key(world_id)},
            [{"$set": pending_again(ready=False) | fresh_attempts()}],
            session=session,
        )
        return True

    def _with_shares(self, before: Generation, one: Round) -> Round:
        if one.batches:
            return one  # its last cast step shares the posts out
        written = written_by(self._rows.states(before.world_id))
        return replace(one, shares=share_round(one, self._wishes(before), written))

    def _wishes(self, generation: Generation) -> dict[int, int]:
        """Return how many posts each character would like to write, by its number."""
        casts = self._results.all_of(generation.world_id, CAST.kind, Cast)
        found: dict[int, int] = {}
        for one in generation.rounds:
            people = [
                person
                for step, cast in casts.items()
                if step.round == one.number
                for person in cast.characters
            ]
            found |= {number: person.posts_count for number, person in enumerate(people, one.first_character)}
        return found
