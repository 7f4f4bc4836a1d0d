"""How popular a world is: how many people are its members, and how often people like its posts."""

from __future__ import annotations

from typing import Any

from pymongo.collection import Collection

from generia_worker.storage.mongo import Document

#: Of a world that has neither: one of a version before has no such field.
_SUM = {"$add": [{"$ifNull": ["$members_count", 0]}, {"$ifNull": ["$likes_count", 0]}]}


def note(worlds: Collection[Document], world_id: str, counts: Document) -> None:
    """Store `members_count` or `likes_count` of a world, as aggregation expressions, and its popularity with them."""
    change: list[dict[str, Any]] = [{"$set": counts}, {"$set": {"popularity": _SUM}}]
    worlds.update_one({"_id": world_id}, change)


def migrate(worlds: Collection[Document]) -> None:
    """Let worlds of a version before have a popularity."""
    worlds.update_many({"popularity": {"$exists": False}}, [{"$set": {"popularity": _SUM}}])
