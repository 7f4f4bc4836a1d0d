"""What the services of one process share: one MongoClient and one S3 client."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel, MongoClient
from pymongo.collection import Collection
from pymongo.database import Database

from generia_worker.reference.files import Files
from generia_worker.settings import Settings

Document = dict[str, Any]

_NEWEST = [("created_at", DESCENDING), ("_id", DESCENDING)]
#: Only documents that were made with an idempotency key take part.
_ONCE = IndexModel(
    [("once.key", ASCENDING)],
    name="once",
    unique=True,
    partialFilterExpression={"once.key": {"$exists": True}},
)
_INDEXES: dict[str, list[IndexModel]] = {
    "worlds": [IndexModel(_NEWEST), IndexModel([("status", ASCENDING), *_NEWEST]), _ONCE],
    "characters": [
        IndexModel([("world_id", ASCENDING), ("created_at", ASCENDING), ("_id", ASCENDING)]),
        IndexModel([("real_user_id", ASCENDING), ("world_id", ASCENDING)]),
        _ONCE,
    ],
    "posts": [
        IndexModel([("world_id", ASCENDING), *_NEWEST]),
        IndexModel([("character_id", ASCENDING), *_NEWEST]),
        IndexModel([("user_id", ASCENDING), *_NEWEST]),
        _ONCE,
    ],
    "media": [IndexModel([("world_id", ASCENDING)]), _ONCE],
    "world_members": [IndexModel([("user_id", ASCENDING)])],
}


def utc_now() -> datetime:
    """Return the time in UTC, in whole milliseconds as MongoDB keeps it."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


@dataclass(frozen=True, slots=True)
class Resources:
    """Handles on the database and the bucket, made once a process."""

    settings: Settings
    client: MongoClient[Document]
    files: Files
    now: Callable[[], datetime]

    @property
    def database(self) -> Database[Document]:
        """The database of all collections."""
        return self.client[self.settings.mongo_database]

    def collection(self, name: str) -> Collection[Document]:
        """Return a collection by name."""
        return self.database[name]

    def prepare(self) -> None:
        """Make sure that the indexes and the bucket exist; may run twice, also at the same time."""
        for name, indexes in _INDEXES.items():
            self.collection(name).create_indexes(indexes)
        self.files.ensure_bucket()

    def close(self) -> None:
        """Close all connections."""
        self.client.close()
        self.files.close()


def open_resources(settings: Settings, *, threads: int, now: Callable[[], datetime] = utc_now) -> Resources:
    """Make the handles of a process with so many threads. Connects with the first use."""
    client: MongoClient[Document] = MongoClient(
        settings.mongo_uri.get_secret_value(),
        appname="generia-platform",
        connect=False,
        tz_aware=True,
        maxPoolSize=min(settings.mongo_max_pool_size, threads + 4),
        connectTimeoutMS=3_000,
        serverSelectionTimeoutMS=4_000,
        waitQueueTimeoutMS=4_000,
    )
    return Resources(settings, client, Files(settings, now, connections=threads + 4), now)
