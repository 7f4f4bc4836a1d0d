"""What a world is: its description and the prompts of its pictures, for every later step to read."""

from __future__ import annotations

from typing import Any

from pymongo.client_session import ClientSession

from generia_worker.repositories.database import Database


class Parameters:
    """The collection `world_parameters`; `_id` is the world's id."""

    def __init__(self, database: Database) -> None:
        self._rows = database.parameters

    def store(self, world_id: str, fields: dict[str, Any], session: ClientSession) -> None:
        """Set top-level fields of a world's parameters, inside the transaction of the step that made them."""
        self._rows.update_one({"_id": world_id}, {"$set": fields}, upsert=True, session=session)

    def get(self, world_id: str) -> dict[str, Any]:
        """Return a world's parameters; empty when there are none yet."""
        return self._rows.find_one({"_id": world_id}, {"_id": 0}) or {}
