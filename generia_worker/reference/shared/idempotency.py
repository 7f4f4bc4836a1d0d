"""Creating things once: the idempotency key of a call, stored in the created document under a unique index."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import grpc
from google.protobuf.message import Message
from pymongo import ASCENDING, IndexModel
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from generia_worker.errors import ConflictError, GeneriaError
from generia_worker.reference.shared import validation
from generia_worker.rpc import wire
from generia_worker.storage.mongo import Document

_KEY_MAX = 200
#: Of every collection that things are created in; only documents with a key take part.
KEY_INDEX = IndexModel(
    [("once.key", ASCENDING)],
    name="once",
    unique=True,
    partialFilterExpression={"once.key": {"$exists": True}},
)


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The key of one call that creates something, and a digest of its body; an empty key: every call creates."""

    key: str
    digest: str

    @classmethod
    def of(cls, context: grpc.ServicerContext, request: Message) -> IdempotencyKey:
        """Read the key from the call's metadata. Raises InvalidInputError."""
        values = [value for name, value in context.invocation_metadata() if name == wire.IDEMPOTENCY_KEY]
        key = values[0] if values else ""
        if len(values) > 1 or not isinstance(key, str) or len(key) > _KEY_MAX or not key.isprintable():
            validation.refuse(
                wire.IDEMPOTENCY_KEY, f"must be one text of at most {_KEY_MAX} printable characters"
            )
        return cls(key, hashlib.sha256(request.SerializeToString(deterministic=True)).hexdigest())

    def create(self, collection: Collection[Document], prepare: Callable[[], Document]) -> Document:
        """Store the document that `prepare` returns, unless an equal call did so before; returns what is stored.

            character = key.create(characters, lambda: self._new_character(request))

        An equal call is answered as the first one was, also when `prepare` would refuse it by now.

        Raises:
            ConflictError: the key was used with another body.
            GeneriaError: of `prepare`.
        """
        try:
            document = prepare()
        except GeneriaError:
            found = self.find(collection)
            if found is None:
                raise
            return found
        return self.insert(collection, document)

    def find(self, collection: Collection[Document]) -> Document | None:
        """Return what an equal call created before, or None.

        Raises:
            ConflictError: the key was used with another body.
        """
        if not self.key:
            return None
        found = collection.find_one({"once.key": self.key})
        if found is not None and found["once"]["digest"] != self.digest:
            raise ConflictError(f"{wire.IDEMPOTENCY_KEY} was already used with another body")
        return found

    def insert(self, collection: Collection[Document], document: Document) -> Document:
        """Store a document; returns it, or that of an equal call that was faster. Raises ConflictError."""
        if self.key:
            document = {**document, "once": {"key": self.key, "digest": self.digest}}
        try:
            collection.insert_one(document)
        except DuplicateKeyError:
            found = self.find(collection)
            if found is None:
                raise
            return found
        return document
