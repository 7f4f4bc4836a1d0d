"""MongoDB: one bounded client, the indexes, and transactions that are retried from their start."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from pymongo import ASCENDING, DESCENDING, IndexModel, MongoClient
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError
from pymongo.monitoring import (
    TopologyClosedEvent,
    TopologyDescriptionChangedEvent,
    TopologyListener,
    TopologyOpenedEvent,
)
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from generia_worker.storage.mongo import IDLE_MS, connect
from generia_worker.storage.mongo_check import START_S, wait_until_usable

Document = dict[str, Any]
T = TypeVar("T")

#: What each collection is asked for, again and again; none of it grows with the number of finished worlds.
INDEXES: Mapping[str, list[IndexModel]] = {
    "generations": [
        IndexModel([("open", ASCENDING)], partialFilterExpression={"open": True}, name="open"),
        IndexModel([("created_at", ASCENDING)], partialFilterExpression={"started": False}, name="unstarted"),
        IndexModel([("created_at", DESCENDING)], name="newest"),
        IndexModel(
            [("drift", ASCENDING)], partialFilterExpression={"drift": {"$type": "object"}}, name="drift"
        ),
        IndexModel(
            [("allowance.settled", ASCENDING)],
            partialFilterExpression={"allowance.settled": False},
            name="allowance",
        ),
    ],
    # Only of those that are to be looked at some time.
    "schedules": [
        IndexModel(
            [("next_at", ASCENDING)], partialFilterExpression={"next_at": {"$type": "date"}}, name="due"
        )
    ],
    "replies": [
        IndexModel([("open", ASCENDING)], partialFilterExpression={"open": True}, name="open"),
        IndexModel(
            [("drift", ASCENDING)], partialFilterExpression={"drift": {"$type": "object"}}, name="drift"
        ),
    ],
    "daily_sums": [IndexModel([("expires_at", ASCENDING)], name="expires_at", expireAfterSeconds=0)],
    "generation_steps": [
        IndexModel(
            [
                (name, ASCENDING)
                for name in (
                    *("world_id", "kind", "state", "finished_at"),
                    *("call.state", "call.provider", "call.cost_usd"),
                )
            ],
            name="sums",
        ),
        IndexModel([("lease_until", ASCENDING)], partialFilterExpression={"state": "running"}, name="leases"),
        IndexModel([("owner", ASCENDING)], partialFilterExpression={"state": "running"}, name="owner"),
        IndexModel(
            [("kind", ASCENDING), ("ready_at", ASCENDING)],
            partialFilterExpression={"state": "pending"},
            name="waiting",
        ),
        IndexModel(
            [("not_before", ASCENDING)],
            partialFilterExpression={"not_before": {"$type": "date"}},
            name="scheduled",
        ),
        IndexModel(
            [("world_id", ASCENDING), ("checkpoints.heard.comment_id", ASCENDING)],
            partialFilterExpression={"checkpoints.heard.comment_id": {"$exists": True}},
            unique=True,
            name="heard",
        ),
        IndexModel(
            [("world_id", ASCENDING)], partialFilterExpression={"call.unsettled": True}, name="late_calls"
        ),
    ],
    "api_requests_history": [
        IndexModel([("call", ASCENDING), ("state", ASCENDING)], name="call"),
        IndexModel(
            [(name, ASCENDING) for name in ("world_id", "state", "provider", "cost_usd")], name="bill"
        ),
        IndexModel([("world_id", ASCENDING)], partialFilterExpression={"unsettled": True}, name="unsettled"),
    ],
    "world_generation_status": [
        IndexModel([("created_at", DESCENDING)], name="newest"),
        # Changes a few times in a world's life.
        IndexModel([("status", ASCENDING)], name="status"),
    ],
}
#: Indexes of versions before, which nothing asks any more.
_OBSOLETE: Mapping[str, frozenset[str]] = {
    "generation_steps": frozenset({"census", "unsettled", "ready", "after", "counts"}),
    "api_requests_history": frozenset({"world"}),
}


#: How the connections of a process that names itself are called.
_OWNED = "generia "
#: MongoDB takes no longer name of a client.
_APPNAME_MAX = 128
#: Between two tries to record what must not be lost.
_INSIST_EVERY_S = 0.5


class Availability(TopologyListener):
    """Notes when MongoDB had no primary, also while this process asked nothing of it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._was_there = False
        self._away = False
        self._back_at: float | None = None

    def opened(self, event: TopologyOpenedEvent) -> None:
        """Nothing is known yet."""

    def description_changed(self, event: TopologyDescriptionChangedEvent) -> None:
        """Note that the primary went or came back; before it was seen for the first time, nothing was away."""
        if event.new_description.has_writable_server():
            if self._away:
                self._back_at = self._clock()
            self._was_there, self._away = True, False
        elif self._was_there:
            self._away = True

    def closed(self, event: TopologyClosedEvent) -> None:
        """Nothing is asked any more."""

    def steady_for_s(self) -> float:
        """Return for how long MongoDB has been there without a gap that this process saw."""
        if self._away:
            return 0.0
        return math.inf if self._back_at is None else self._clock() - self._back_at


class Database:
    """The worker's collections in one MongoDB database."""

    def __init__(
        self, uri: str, name: str, *, max_pool_size: int, timeout_ms: int = 10_000, owner: str = ""
    ) -> None:
        """`owner` names this process: see `end_transactions`. Raises ConfigurationError as `connect`."""
        self.availability = Availability()
        self._uri = uri
        self.client: MongoClient[Document] = connect(
            uri,
            maxPoolSize=max_pool_size,
            maxIdleTimeMS=IDLE_MS,
            serverSelectionTimeoutMS=timeout_ms,
            # Together these bound how late a server that hangs is noticed: well before leases run out.
            connectTimeoutMS=timeout_ms // 2,
            heartbeatFrequencyMS=max(timeout_ms // 2, 500),
            socketTimeoutMS=3 * timeout_ms,
            waitQueueTimeoutMS=timeout_ms,
            retryWrites=True,
            w="majority",
            readConcernLevel="majority",
            tz_aware=True,
            appname=f"{_OWNED}{owner}".strip()[:_APPNAME_MAX],
            event_listeners=[self.availability],
        )
        db = self.client[name]
        self.generations: Collection[Document] = db["generations"]
        self.steps: Collection[Document] = db["generation_steps"]
        self.requests: Collection[Document] = db["api_requests_history"]
        self.status: Collection[Document] = db["world_generation_status"]
        self.parameters: Collection[Document] = db["world_parameters"]
        self.dearest_bills: Collection[Document] = db["dearest_bills"]
        self.watermarks: Collection[Document] = db["queue_canaries"]
        self.schedules: Collection[Document] = db["schedules"]
        self.replies: Collection[Document] = db["replies"]
        self.database = db

    def ensure_indexes(self) -> None:
        """Create the indexes that are missing, and drop those that nothing uses any more; harmless when that is done."""
        for collection, indexes in INDEXES.items():
            self.database[collection].create_indexes(indexes)
        for collection, names in _OBSOLETE.items():
            for name in names & self.database[collection].index_information().keys():
                with contextlib.suppress(OperationFailure):  # another process was quicker
                    self.database[collection].drop_index(name)

    def wait_until_usable(self, patience_s: float = START_S) -> None:
        """Wait for a MongoDB that is being started too, for so long at most.

        Raises MongoUnusable where it is no replica set with a primary that this user may write to, at once if no waiting
        would mend that.
        """
        wait_until_usable(self.client, self._uri, self.database.name, patience_s=patience_s)

    def now(self) -> datetime:
        """Return the database's time: the one clock that all processes share."""
        found: datetime = self.client.admin.command("hello")["localTime"]
        # What a command answers has no time zone, unlike what a collection holds.
        return found.replace(tzinfo=UTC)

    def ping(self) -> None:
        """Raise PyMongoError unless the primary answers."""
        self.client.admin.command("ping")

    def transaction(self, work: Callable[[ClientSession], T]) -> T:
        """Run `work` in a transaction; it is run again from its start when the server asks for that."""
        with self.client.start_session() as session:
            return session.with_transaction(
                work,
                read_concern=ReadConcern("snapshot"),
                write_concern=WriteConcern("majority", wtimeout=10_000),
            )

    def end_transactions(self, is_dead: Callable[[str], bool]) -> int:
        """Abort the transactions of owners that are known to be dead; returns how many there were.

        MongoDB does not end a transaction with its connection: for up to ninety seconds every write to what it had written
        would wait. Raises PyMongoError.
        """
        admin, found = self.client.get_database("admin", read_concern=ReadConcern("local")), 0
        is_ours: Document = {"transaction": {"$exists": True}, "appName": {"$regex": f"^{_OWNED}"}}
        # This user's only: that is allowed to each.
        for one in admin.aggregate([{"$currentOp": {"allUsers": False}}, {"$match": is_ours}]):
            if is_dead(one["appName"].removeprefix(_OWNED)):
                admin.command("killSessions", [{"id": one["lsid"]["id"]}])
                found += 1
        return found

    def close(self) -> None:
        """Close all connections."""
        self.client.close()


def insist(
    work: Callable[[], T],
    *,
    for_s: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Write something that must not be lost, again and again while MongoDB is away, for `for_s` at most.

    Raises:
        PyMongoError: the last one, when the time is over, or one that waiting does not mend.
    """
    deadline = clock() + for_s
    while True:
        try:
            return work()
        except PyMongoError as error:
            if not is_transient(error) or clock() >= deadline:
                raise
        sleep(_INSIST_EVERY_S)


def is_transient(error: PyMongoError) -> bool:
    """True when MongoDB may do the same thing later: no primary, no connection, a conflict."""
    if isinstance(error, ConnectionFailure):
        return True
    labels = ("TransientTransactionError", "RetryableWriteError", "UnknownTransactionCommitResult")
    if any(error.has_error_label(label) for label in labels):
        return True
    return isinstance(error, OperationFailure) and error.code in _RETRYABLE_CODES


#: InterruptedAtShutdown, PrimarySteppedDown, ShutdownInProgress, NotWritablePrimary, …, WriteConflict, OutOfDiskSpace.
_RETRYABLE_CODES = frozenset({6, 7, 89, 91, 112, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436, 14031})
