"""Accounts: who may log in. Of passwords only argon2 hashes are stored."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from pymongo import ASCENDING, IndexModel
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from generia_worker.errors import ConflictError
from generia_worker.gateway.tokens import LOCAL_USER
from generia_worker.storage.mongo import Document

#: One hash takes 64 MiB and all of a core: more at once would be slower, and could take all memory.
_HASHES_AT_ONCE = 2
#: The local account has no e-mail address: it takes no part in the second index.
_INDEXES = [
    IndexModel([("username_key", ASCENDING)], name="username", unique=True),
    IndexModel(
        [("email_key", ASCENDING)],
        name="email",
        unique=True,
        partialFilterExpression={"email_key": {"$exists": True}},
    ),
]


@dataclass(frozen=True, slots=True)
class Account:
    """A person with an account; `email` is empty for the local one."""

    id: str
    username: str
    email: str
    created_at: datetime


class AccountExistsError(ConflictError):
    """Raised when an account has this name or address already; `field` says which."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


class Accounts:
    """The collection `accounts`."""

    def __init__(
        self,
        collection: Collection[Document],
        now: Callable[[], datetime],
        hasher: PasswordHasher | None = None,
    ) -> None:
        self._accounts = collection
        self._now = now
        self._hasher = hasher or PasswordHasher()
        self._hashing = threading.BoundedSemaphore(_HASHES_AT_ONCE)
        # Compared with where the name is unknown, so that this takes as long as with a known one.
        self._dummy_hash = self._hasher.hash(uuid4().hex)

    def prepare(self) -> None:
        """Make sure that the indexes exist."""
        self._accounts.create_indexes(_INDEXES)

    def register(self, username: str, email: str, password: str) -> Account:
        """Store a new account. Raises AccountExistsError."""
        if username.casefold() == LOCAL_USER:
            raise AccountExistsError("This user name is reserved.", "username")
        document: Document = {
            "_id": uuid4().hex,
            "username": username,
            "username_key": username.casefold(),
            "email": email,
            "email_key": email.casefold(),
            "password_hash": self._hash(password),
            "created_at": self._now(),
        }
        try:
            self._accounts.insert_one(document)
        except DuplicateKeyError as error:
            by_name = "username_key" in str((error.details or {}).get("keyPattern", ""))
            field, what = ("username", "user name") if by_name else ("email", "e-mail address")
            raise AccountExistsError(f"This {what} is taken.", field) from None
        return _account(document)

    def log_in(self, name: str, password: str) -> Account | None:
        """Return the account with this user name or e-mail address, or None when name or password is wrong."""
        key = name.casefold()
        # No user name holds an @, and every address does.
        found = self._accounts.find_one({"email_key" if "@" in key else "username_key": key})
        known = found is not None and "password_hash" in found
        stored = str(found["password_hash"]) if found is not None and known else self._dummy_hash
        matches = self._verify(stored, password)
        if found is None or not known or not matches:
            return None
        if self._hasher.check_needs_rehash(stored):
            # Only over the hash that was verified: a password that was changed meanwhile stays.
            same = {"_id": found["_id"], "password_hash": stored}
            self._accounts.update_one(same, {"$set": {"password_hash": self._hash(password)}})
        return _account(found)

    def get(self, user_id: str) -> Account | None:
        """Return an account, or None when there is none (any more)."""
        found = self._accounts.find_one({"_id": user_id})
        return None if found is None else _account(found)

    def local(self) -> Account:
        """Return the account of the person at the command line; it is made when it is first asked for."""
        fresh = {"username": LOCAL_USER, "username_key": LOCAL_USER, "email": "", "created_at": self._now()}
        self._accounts.update_one({"_id": LOCAL_USER}, {"$setOnInsert": fresh}, upsert=True)
        found = self.get(LOCAL_USER)
        assert found is not None
        return found

    def _hash(self, password: str) -> str:
        with self._hashing:
            return self._hasher.hash(password)

    def _verify(self, stored: str, password: str) -> bool:
        with self._hashing:
            try:
                return self._hasher.verify(stored, password)
            except (Argon2Error, InvalidHashError):
                return False


def _account(document: Document) -> Account:
    return Account(document["_id"], document["username"], document["email"], document["created_at"])
