"""Rounds: a world is made in one, and each time that it is extended is one more. Pure.

The first round is the order. A later one has characters and posts of its own, a plan of its own of everybody who writes in
it, and its number in the names of its steps (`plan/07@2`). What a world or a character is made of once has no number:
`describe`, `character/41`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from generia_worker.engine.step import Failure


@dataclass(frozen=True, slots=True)
class Round:
    """One order of a world, as it is stored.

    `first_character` is the number of the first of its `users` new characters. `shares` tells how many posts each character
    writes in it, once that is known: all new ones are among them, and of the others those who write. `planned`: its paid
    calls are held from the start. `given_up` says why nothing can come of it any more.
    """

    number: int
    users: int
    posts: int
    batches: int
    first_character: int
    shares: Mapping[int, int] | None
    planned: bool
    at: datetime
    given_up: Failure | None = None
    #: What its sender calls it, and a digest of it: the same request makes no second round.
    request_id: str | None = None
    request_hash: str = ""
    #: The day of a world that lives on, as its ISO date: at most one round a day has it.
    day: str | None = None

    @property
    def is_laid_out(self) -> bool:
        """True when all of its steps are in the ledger that ever will be."""
        return self.shares is not None or self.given_up is not None

    def is_new(self, character: int) -> bool:
        """True for a character that is made in this round."""
        return self.first_character <= character < self.first_character + self.users

    def as_document(self) -> dict[str, Any]:
        """Return a later round as it is stored in its generation."""
        return {
            "users": self.users,
            "posts": self.posts,
            "batches": self.batches,
            "shares": None if self.shares is None else pairs(self.shares),
            "planned": self.planned,
            "at": self.at,
            "given_up": self.given_up,
            "request_id": self.request_id,
            "request_hash": self.request_hash,
            "day": self.day,
        }

    @classmethod
    def from_document(
        cls, document: Mapping[str, Any], number: int, first_character: int, *, planned: bool
    ) -> Round:
        """Read a later round; `planned`: calls of its world may be held from the start."""
        shares = document["shares"]
        return cls(
            number=number,
            users=document["users"],
            posts=document["posts"],
            batches=document["batches"],
            first_character=first_character,
            shares=None if shares is None else dict(shares),
            planned=planned and document["planned"],
            at=document["at"],
            given_up=document["given_up"],
            request_id=document["request_id"],
            request_hash=document["request_hash"],
            day=document.get("day"),
        )


def pairs(shares: Mapping[int, int]) -> list[list[int]]:
    """Return shares as they are stored: MongoDB's documents have no numbers as keys."""
    return [[number, posts] for number, posts in sorted(shares.items())]
