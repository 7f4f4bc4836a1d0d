"""What a reference service is to the server that runs it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import grpc
from pymongo import DESCENDING, IndexModel

from generia_worker.reference.shared.resources import Resources

#: The order of lists that show the newest first; the id settles equal times.
NEWEST = [("created_at", DESCENDING), ("_id", DESCENDING)]


class Service(ABC):
    """One service of a process: made, prepared, added to a server, started, stopped, closed, in this order."""

    #: `settings.<name>_service` says where it listens.
    name: ClassVar[str]
    #: The collections that it writes, and their indexes.
    indexes: ClassVar[Mapping[str, list[IndexModel]]]

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def prepare(self) -> None:
        """Make sure that what it stores things in exists; may run twice, also at the same time.

        Raises:
            PyMongoError, MinioException, HTTPError, OSError: a server is away or refuses.
        """
        for name, indexes in self.indexes.items():
            self._resources.collection(name).create_indexes(indexes)

    @abstractmethod
    def add_to(self, server: grpc.Server) -> None:
        """Let a server answer the calls of this service."""

    def start(self) -> None:  # noqa: B027 - most services only answer calls
        """Begin what goes on beside the calls."""

    def stop(self) -> None:  # noqa: B027
        """End what goes on beside the calls, which may still be running."""

    def close(self) -> None:  # noqa: B027
        """Close the connections of its own; no call is running any more."""
