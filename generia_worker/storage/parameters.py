"""The parameters of worlds: what the platform's pages and every later step read of a world."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from cachetools import LRUCache
from pydantic import BaseModel
from pymongo.client_session import ClientSession

from generia_worker.storage.cache import ReadThroughCache
from generia_worker.storage.database import Database

M = TypeVar("M", bound=BaseModel)

#: Worlds whose parameters a process keeps: some ten kilobytes each.
_MAX = 200


class Parameters(Generic[M]):
    """The collection `world_parameters`; `_id` is the world's id, the rest of a row is a `model`.

    `is_complete` tells when a row does not change any more: from then on a process keeps it.
    """

    def __init__(self, database: Database, model: type[M], is_complete: Callable[[M], bool]) -> None:
        self._rows = database.parameters
        self._model = model
        self._cache: ReadThroughCache[M | None] = ReadThroughCache(
            LRUCache(_MAX), lasting=lambda found: found is not None and is_complete(found)
        )

    def store(self, world_id: str, fields: dict[str, Any], session: ClientSession) -> None:
        """Set top-level fields of a world's parameters, inside the transaction of the step that made them."""
        self._rows.update_one({"_id": world_id}, {"$set": fields}, upsert=True, session=session)

    def get(self, world_id: str) -> M | None:
        """Return a world's parameters; None when there are none yet."""
        return self._cache.get(world_id, self._read)

    def _read(self, world_id: str) -> M | None:
        row = self._rows.find_one({"_id": world_id}, {"_id": 0})
        return None if row is None else self._model.model_validate(row)
