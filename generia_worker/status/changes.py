"""Following status documents as they change: a MongoDB change stream that can be taken up again where it broke."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from pymongo.collection import Collection
from pymongo.errors import OperationFailure, PyMongoError

from generia_worker.storage.database import Document

#: ChangeStreamFatalError, ChangeStreamHistoryLost and what an unreadable token gives: the token is of no use any more.
_TOKEN_LOST = frozenset({280, 286, 260, 9})


class StatusChanges:
    """Whose status changed, in the order of the commits. Closed on exit; an error is a PyMongoError."""

    def __init__(
        self, rows: Collection[Document], resume_token: Mapping[str, Any] | None, wait_s: float
    ) -> None:
        # Only the id travels: the document is read again, once for however many changes came together.
        pipeline: list[Mapping[str, Any]] = [
            {"$match": {"operationType": {"$in": ["insert", "update", "replace"]}}},
            {"$project": {"documentKey": 1}},
        ]
        self._stream = rows.watch(pipeline, resume_after=resume_token, max_await_time_ms=int(wait_s * 1000))

    @property
    def token(self) -> Mapping[str, Any] | None:
        """Where to go on from when this stream breaks."""
        return self._stream.resume_token

    def next(self) -> str | None:
        """Return the world of the next change; None when none came within the wait."""
        change = self._stream.try_next()
        return None if change is None else str(change["documentKey"]["_id"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()


def token_is_lost(error: PyMongoError) -> bool:
    """True when a stream cannot be taken up where it broke: what changed meanwhile has to be read."""
    return isinstance(error, OperationFailure) and error.code in _TOKEN_LOST
