"""Watermarks of the queues: messages sent through every queue, to know until when everything published has been taken.

A queue is first in, first out: when a watermark message comes out, every message that went in before it has come out too. So
a step whose message should be in a queue since before the oldest watermark, and that is not running, is lost – and one that
merely waits in a long queue is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from generia_worker.storage.database import Database

_DEATH = "death of a worker"


class Watermarks:
    """The collection `queue_canaries`; `_id` is the queue. One more row tells when a worker was found dead."""

    def __init__(self, database: Database) -> None:
        self._rows = database.watermarks

    def advance(self, queue: str, sent_at: datetime) -> None:
        """Note that the message that was sent into `queue` at this moment (of the database's clock) came out."""
        self._rows.update_one({"_id": queue}, {"$max": {"sent_at": sent_at}}, upsert=True)

    def note_death(self) -> None:
        """Note that a worker was found dead now: what it did not publish until now it never will."""
        self._rows.update_one({"_id": _DEATH}, {"$currentDate": {"sent_at": True}}, upsert=True)

    def last_death(self) -> datetime | None:
        """Return when a worker was found dead last; None when none ever was."""
        row = self._rows.find_one({"_id": _DEATH})
        return row["sent_at"] if row else None

    def of(self, queues: Sequence[str]) -> datetime | None:
        """Return the moment until which everything in all of `queues` was taken; None when that is not known yet."""
        found = [row["sent_at"] for row in self._rows.find({"_id": {"$in": list(queues)}})]
        return min(found) if len(found) == len(queues) else None
