"""What a world is: its description and the prompts of its pictures, for every later step to read."""

from __future__ import annotations

from typing import Any

from cachetools import LRUCache
from pymongo.client_session import ClientSession

from generia_worker.storage.cache import Kept
from generia_worker.storage.database import Database

#: Worlds whose parameters a process keeps: some ten kilobytes each.
_KEPT = 200


class Parameters:
    """The collection `world_parameters`; `_id` is the world's id."""

    def __init__(self, database: Database) -> None:
        self._rows = database.parameters
        self._kept: Kept[dict[str, Any]] = Kept(LRUCache(_KEPT), lambda found: "image_prompts" in found)

    def store(self, world_id: str, fields: dict[str, Any], session: ClientSession) -> None:
        """Set top-level fields of a world's parameters, inside the transaction of the step that made them."""
        self._rows.update_one({"_id": world_id}, {"$set": fields}, upsert=True, session=session)

    def get(self, world_id: str) -> dict[str, Any]:
        """Return a world's parameters; empty when there are none yet.

        Once the prompts of its pictures are among them they do not change any more, and are kept in memory: every later
        step asks for them.
        """
        return self._kept.get(world_id, self._read)

    def _read(self, world_id: str) -> dict[str, Any]:
        return self._rows.find_one({"_id": world_id}, {"_id": 0}) or {}
