"""A MongoDB client for programs that answer people: bounded, and quick to say that MongoDB is away."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pymongo import MongoClient
from pymongo.errors import ConfigurationError as UnreadableAddress

from generia_worker.errors import ConfigurationError

Document = dict[str, Any]

#: After how long an idle connection is closed: each holds about half a megabyte in MongoDB.
IDLE_MS = 30_000


def open_client(uri: str, *, appname: str, max_pool_size: int) -> MongoClient[Document]:
    """Return a client that connects with its first use and gives a call up after 4 seconds without a server.

    `appname` is how MongoDB's own log and list of connections name this program. Raises ConfigurationError as `connect`.
    """
    return connect(
        uri,
        appname=appname,
        connect=False,
        tz_aware=True,
        maxPoolSize=max_pool_size,
        maxIdleTimeMS=IDLE_MS,
        connectTimeoutMS=3_000,
        serverSelectionTimeoutMS=4_000,
        waitQueueTimeoutMS=4_000,
    )


def connect(uri: str, **options: Any) -> MongoClient[Document]:
    """Return a client of this address.

    Raises:
        ConfigurationError: the address names options or files that cannot be used, or (mongodb+srv://) no servers.
    """
    try:
        return MongoClient(uri, **options)
    except (UnreadableAddress, ValueError, TypeError, OSError) as error:
        # The settings have checked user and password: what is said here is about options, files and names.
        raise ConfigurationError(f"GENERIA_MONGO_URI cannot be used: {error}") from None


def utc_now() -> datetime:
    """Return the time in UTC, rounded to milliseconds as MongoDB keeps it."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
