"""What never changes of things once they are there: which world a character is of, what a confirmed picture is for.

Nearly every call refers to something that an earlier one made. A process asks the database for that once.
"""

from __future__ import annotations

from collections.abc import Mapping

from cachetools import LRUCache
from pymongo.database import Database

from generia_worker.storage.cache import ReadThroughCache
from generia_worker.storage.mongo import Document

#: The fields of each collection that stay as they are, beside `_id`. Documents of these are never deleted, except a world
#: whose order is refused before its id was given out.
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "worlds": (),
    "characters": ("world_id", "real_user_id"),
    "posts": ("world_id",),
    "media": ("world_id", "character_id", "media_type", "key", "state"),
}
#: Documents that are remembered, less than a kilobyte each.
_MAX = 5_000


class Facts:
    """The facts of the documents of some collections, for all threads of a process."""

    def __init__(self, database: Database[Document]) -> None:
        self._database = database
        self._known: ReadThroughCache[Document | None] = ReadThroughCache(LRUCache(_MAX), lasting=_is_final)

    def of(self, collection: str, item_id: str) -> Document | None:
        """Return what never changes of a document, or None when there is none."""
        return self._known.get(f"{collection}/{item_id}", lambda _: self._read(collection, item_id))

    def note(self, collection: str, document: Document) -> None:
        """Remember the facts of a document that was just stored."""
        facts = {name: document[name] for name in ("_id", *_FIELDS[collection])}
        self._known.put(f"{collection}/{document['_id']}", facts)

    def _read(self, collection: str, item_id: str) -> Document | None:
        fields = dict.fromkeys(("_id", *_FIELDS[collection]), 1)
        return self._database[collection].find_one({"_id": item_id}, fields)


def _is_final(facts: Document | None) -> bool:
    """True unless it may still be created, or is a picture that may still be confirmed."""
    return facts is not None and facts.get("state", "confirmed") == "confirmed"
