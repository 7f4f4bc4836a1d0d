"""Empty databases with the product's indexes, used by one test after the other.

To make one takes MongoDB half a second, and to close a client of one takes PyMongo another half.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from generia_worker.settings import Settings
from generia_worker.storage.database import Database


class Databases:
    """Databases on one MongoDB; while one is lent, it is nobody else's."""

    def __init__(self, servers: Settings) -> None:
        self._uri = servers.mongo_uri.get_secret_value()
        self._free: list[Database] = []
        self._made: list[Database] = []
        #: What an unspoilt one has: collection → its indexes.
        self._indexes: dict[str, Any] = {}

    @contextmanager
    def lend(self) -> Iterator[Database]:
        """Lend an empty database. One whose indexes were changed meanwhile is not lent again."""
        database = self._free.pop() if self._free else self._make()
        yield database
        if self._is_emptied(database):
            self._free.append(database)

    def _make(self) -> Database:
        made = Database(self._uri, f"test-{uuid4().hex[:12]}", max_pool_size=40)
        self._made.append(made)
        made.ensure_indexes()
        self._indexes = self._indexes or _indexes_of(made)
        return made

    def _is_emptied(self, database: Database) -> bool:
        found = _indexes_of(database)
        if any(found.get(name) != indexes for name, indexes in self._indexes.items()):
            return False
        for name in found:
            if name in self._indexes:
                database.database[name].delete_many({})
            else:
                database.database.drop_collection(name)
        return True

    def close(self) -> None:
        """Drop and close all of them."""
        for one in self._made:
            one.client.drop_database(one.database.name)
            one.close()


def _indexes_of(database: Database) -> dict[str, Any]:
    db = database.database
    return {name: db[name].index_information() for name in db.list_collection_names()}
