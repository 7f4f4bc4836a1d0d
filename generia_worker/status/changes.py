"""Following worlds as they change: a MongoDB change stream that can be taken up again where it broke."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from pymongo.errors import OperationFailure, PyMongoError

from generia_worker.engine.step import StepState
from generia_worker.storage.database import Database, Document, is_transient


class StatusChanges:
    """Whose status changed, and who got a post, in the order of the commits. Closed on exit; an error is a PyMongoError.

    `kinds` are the kinds of step that publish posts.
    """

    def __init__(
        self,
        database: Database,
        kinds: Sequence[str],
        resume_token: Mapping[str, Any] | None,
        wait_s: float,
    ) -> None:
        status: Document = {
            "ns.coll": database.status.name,
            "operationType": {"$in": ["insert", "update", "replace"]},
        }
        published: Document = {
            "ns.coll": database.steps.name,
            "operationType": "update",
            "documentKey._id": {"$regex": f"/({'|'.join(kinds)})/"},
            "updateDescription.updatedFields.state": StepState.DONE.value,
        }
        # Only the id travels: what is told is read again, once for however many changes came together.
        pipeline: list[Mapping[str, Any]] = [
            {"$match": {"$or": [status, published]}},
            {"$project": {"documentKey": 1}},
        ]
        self._stream = database.database.watch(
            pipeline, resume_after=resume_token, max_await_time_ms=int(wait_s * 1000)
        )

    @property
    def token(self) -> Mapping[str, Any] | None:
        """Where to go on from when this stream breaks."""
        return self._stream.resume_token

    def next(self) -> str | None:
        """Return the world of the next change; None when none came within the wait."""
        change = self._stream.try_next()
        # A status is known by its world's id, a step by that and its name: `{world}/picture/07/03`.
        return None if change is None else str(change["documentKey"]["_id"]).partition("/")[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()


def token_is_lost(error: PyMongoError) -> bool:
    """True when a stream cannot be taken up where it broke: what changed meanwhile has to be read.

    So it is with whatever MongoDB refuses for good. There are many codes for it: the history is lost (286), the stream came
    to an end (280), another version wrote the token.
    """
    return isinstance(error, OperationFailure) and not is_transient(error)
