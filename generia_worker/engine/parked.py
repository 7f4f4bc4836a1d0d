"""Steps that wait without holding a thread or a message: stored here, published again when they are due."""

from __future__ import annotations

from generia_worker.storage.database import Database, Document


class ParkedSteps:
    """The collection `parked_steps`; `_id` is the step's key, so that a step waits at most once."""

    def __init__(self, database: Database) -> None:
        self._rows = database.parked

    def park(self, key: str, world_id: str, signature: str, *, wait_s: float, reason: str) -> None:
        """Keep a task's signature (JSON) until it is due. A step that waits already is due at the earlier time."""
        due = {"$min": ["$wake_at", {"$add": ["$$NOW", int(wait_s * 1000)]}]}
        row = {
            "world_id": {"$literal": world_id},
            "signature": {"$literal": signature},
            "reason": {"$literal": reason},
            "wake_at": due,
        }
        self._rows.update_one({"_id": key}, [{"$set": row}], upsert=True)

    def take_due(self, limit: int) -> list[Document]:
        """Return up to `limit` parked steps that are due, the longest waiting first; they stay until removed."""
        due = {"$expr": {"$lte": ["$wake_at", "$$NOW"]}}
        return list(self._rows.find(due).sort("wake_at", 1).limit(limit))

    def remove(self, row: Document) -> None:
        """Forget a parked step that was published, unless it was parked anew meanwhile."""
        self._rows.delete_one({"_id": row["_id"], "wake_at": row["wake_at"]})

    def keys(self) -> set[str]:
        """Return the keys of all steps that wait."""
        return {row["_id"] for row in self._rows.find({}, {"_id": 1})}

    def count(self, world_id: str) -> int:
        """Return how many steps of a world wait."""
        return self._rows.count_documents({"world_id": world_id})
