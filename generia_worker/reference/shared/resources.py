"""What the services of one process share: one MongoClient, and the signing of URLs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pymongo import MongoClient
from pymongo.collection import Collection

from generia_worker.reference.shared.facts import Facts
from generia_worker.reference.shared.signed_urls import SignedUrls
from generia_worker.settings import Settings
from generia_worker.storage.mongo import Document, open_client, utc_now

#: Threads of one process that answer calls.
THREADS = 32
#: Connections to a server: one a thread, and some for what goes on beside the calls.
CONNECTIONS = THREADS + 4


@dataclass(frozen=True, slots=True)
class Resources:
    """Handles that are made once a process."""

    settings: Settings
    client: MongoClient[Document]
    urls: SignedUrls
    facts: Facts
    now: Callable[[], datetime]

    def collection(self, name: str) -> Collection[Document]:
        """Return a collection by name."""
        return self.client[self.settings.mongo_database][name]

    def close(self) -> None:
        """Close all connections."""
        self.client.close()


def open_resources(settings: Settings, *, now: Callable[[], datetime] = utc_now) -> Resources:
    """Make the handles of a process. Connects with the first use."""
    client = open_client(
        settings.mongo_uri.get_secret_value(),
        appname="generia-platform",
        max_pool_size=min(settings.mongo_max_pool_size, CONNECTIONS),
    )
    facts = Facts(client[settings.mongo_database])
    return Resources(settings, client, SignedUrls(settings, now), facts, now)
