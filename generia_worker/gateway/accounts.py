"""Accounts: who may log in, and the sessions of those who have. Of passwords only argon2 hashes are stored."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import uuid4

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from pymongo import ASCENDING, IndexModel
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from generia_worker.errors import ConflictError, NotFoundError
from generia_worker.gateway import usernames
from generia_worker.rpc.users import LOCAL_USER
from generia_worker.storage.mongo import Document

#: Sessions that one person may have; with one more, the oldest ends.
_SESSIONS_MAX = 50
_INVITED_FOR = timedelta(days=7)
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


#: A link that was used is remembered until it would have expired.
_LINK_INDEXES = [IndexModel([("expires_at", ASCENDING)], name="expires_at", expireAfterSeconds=60)]


class Role(StrEnum):
    """What a person may do beyond their own worlds: an admin may look after everybody's."""

    ADMIN = "admin"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Account:
    """A person with an account; `email` is empty for the local one, who has no password either."""

    id: str
    username: str
    email: str
    created_at: datetime
    role: Role = Role.USER
    locked: bool = False


class AccountExistsError(ConflictError):
    """Raised when an account has this name or address already; `field` says which."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field
        self.code = f"{field}_taken"


class Accounts:
    """The collections `accounts`, `invitations` and `used_links`.

    An account holds its sessions, `{id, expires_at}`: whether one lasts is known by one read.
    """

    def __init__(
        self,
        collection: Collection[Document],
        now: Callable[[], datetime],
        hasher: PasswordHasher | None = None,
    ) -> None:
        self._accounts = collection
        self._invitations = collection.database["invitations"]
        self._used_links = collection.database["used_links"]
        self._now = now
        self._hasher = hasher or PasswordHasher()
        # Compared with where the name is unknown, so that this takes as long as with a known one.
        self._dummy_hash = self._hasher.hash(uuid4().hex)

    def prepare(self) -> None:
        """Make sure that the indexes exist."""
        self._accounts.create_indexes(_INDEXES)
        self._used_links.create_indexes(_LINK_INDEXES)
        self._invitations.create_indexes(_LINK_INDEXES)

    def register(self, username: str, email: str, password: str) -> Account:
        """Store a new account. Raises AccountExistsError."""
        username_key = usernames.key(username)
        if username_key == LOCAL_USER:
            raise AccountExistsError("This user name is reserved.", "username")
        document: Document = {
            "_id": uuid4().hex,
            "username": username,
            "username_key": username_key,
            "email": email,
            "email_key": email.casefold(),
            "password_hash": self._hasher.hash(password),
            "created_at": self._now(),
            "role": Role.USER.value,
            "locked": False,
            "sessions": [],
        }
        try:
            self._accounts.insert_one(document)
        except DuplicateKeyError as error:
            by_name = "username_key" in str((error.details or {}).get("keyPattern", ""))
            field, what = ("username", "user name") if by_name else ("email", "e-mail address")
            raise AccountExistsError(f"This {what} is taken.", field) from None
        return _account(document)

    # --- invitations ---------------------------------------------------------------------------------------------
    def invite(self) -> str:
        """Return a code with which one person may register, within a week. Of it only a digest is stored."""
        code = secrets.token_urlsafe(24)
        self._invitations.insert_one({"_id": _digest(code), "expires_at": self._now() + _INVITED_FOR})
        return code

    def take_invitation(self, code: str) -> datetime | None:
        """Use an invitation up; returns until when it would have been good, or None when it is not (any more)."""
        good = {"_id": _digest(code), "expires_at": {"$gt": self._now()}}
        found = self._invitations.find_one_and_delete(good)
        return None if found is None else found["expires_at"]

    def give_invitation_back(self, code: str, expires_at: datetime) -> None:
        """Let a code be used after all: who came with it could not be registered."""
        self._invitations.insert_one({"_id": _digest(code), "expires_at": expires_at})

    # --- people whom an operator looks after -------------------------------------------------------------------------
    def all(self) -> list[Account]:
        """Return every account, the oldest first."""
        shown = {"sessions": 0, "password_hash": 0}
        return [_account(found) for found in self._accounts.find({}, shown).sort("created_at", ASCENDING)]

    def named(self, name: str) -> Account:
        """Return the account with this user name or e-mail address. Raises NotFoundError."""
        found = self._accounts.find_one(_by_name(name))
        if found is None:
            raise NotFoundError(f"There is no account {name}: see 'generia users list'.")
        return _account(found)

    def lock(self, user_id: str, *, locked: bool) -> None:
        """Lock an account and end its sessions, or unlock it."""
        change: Document = {"locked": locked} | ({"sessions": []} if locked else {})
        self._accounts.update_one({"_id": user_id}, {"$set": change})

    def set_role(self, user_id: str, role: Role) -> None:
        """Give an account another role."""
        self._accounts.update_one({"_id": user_id}, {"$set": {"role": role.value}})

    def reset_password(self, user_id: str) -> str:
        """Return a new password, and end all sessions."""
        password = secrets.token_urlsafe(15)
        change = {"password_hash": self._hasher.hash(password), "sessions": []}
        self._accounts.update_one({"_id": user_id}, {"$set": change})
        return password

    # --- passwords -----------------------------------------------------------------------------------------------
    def log_in(self, name: str, password: str) -> Account | None:
        """Return the account with this user name or e-mail address; None when name or password is wrong, or it is locked."""
        found = self._accounts.find_one(_by_name(name))
        known = found is not None and "password_hash" in found
        stored = str(found["password_hash"]) if found is not None and known else self._dummy_hash
        matches = self._verify(stored, password)
        if found is None or not known or not matches or found.get("locked"):
            return None
        if self._hasher.check_needs_rehash(stored):
            # Only over the hash that was verified: a password that was changed meanwhile stays.
            same = {"_id": found["_id"], "password_hash": stored}
            self._accounts.update_one(same, {"$set": {"password_hash": self._hasher.hash(password)}})
        return _account(found)

    def change_password(self, user_id: str, old: str, new: str) -> bool:
        """Replace the password and end all sessions; False, and nothing changed, when the old one is wrong.

        Raises ConflictError: the account has no password.
        """
        found = self._accounts.find_one({"_id": user_id})
        if found is None or "password_hash" not in found:
            message = "This account has no password: it logs in by the link of 'generia login'."
            raise ConflictError(message).with_code("no_password")
        stored = str(found["password_hash"])
        if not self._verify(stored, old):
            return False
        # Only over the hash that was verified: of two changes at a time, one counts.
        same = {"_id": user_id, "password_hash": stored}
        change = {"$set": {"password_hash": self._hasher.hash(new), "sessions": []}}
        return self._accounts.update_one(same, change).matched_count == 1

    # --- sessions ------------------------------------------------------------------------------------------------
    def open_session(self, user_id: str, lifetime_s: float) -> str:
        """Return the id of a new session, good for `lifetime_s` seconds."""
        session = {"id": uuid4().hex, "expires_at": self._now() + timedelta(seconds=lifetime_s)}
        push = {"sessions": {"$each": [session], "$slice": -_SESSIONS_MAX}}
        self._accounts.update_one({"_id": user_id}, {"$push": push})
        return str(session["id"])

    def of_session(self, user_id: str, session_id: str) -> Account | None:
        """Return whose session this is; None when it has ended, or its account is locked or gone."""
        lasts = {"$elemMatch": {"id": session_id, "expires_at": {"$gt": self._now()}}}
        found = self._accounts.find_one(
            {"_id": user_id, "sessions": lasts, "locked": {"$ne": True}}, {"sessions": 0, "password_hash": 0}
        )
        return None if found is None else _account(found)

    def end_session(self, user_id: str, session_id: str) -> None:
        """End one session, and with it every token that was issued for it."""
        self._accounts.update_one({"_id": user_id}, {"$pull": {"sessions": {"id": session_id}}})

    def use_link(self, link_id: str, expires_at: datetime) -> bool:
        """Note that a link logged somebody in; False when it did so before."""
        try:
            self._used_links.insert_one({"_id": link_id, "expires_at": expires_at})
        except DuplicateKeyError:
            return False
        return True

    def get(self, user_id: str) -> Account | None:
        """Return an account, or None when there is none (any more)."""
        found = self._accounts.find_one({"_id": user_id})
        return None if found is None else _account(found)

    def local(self) -> Account:
        """Return the account of the person at the command line; it is made when it is first asked for."""
        fresh = {
            "username": LOCAL_USER,
            "username_key": LOCAL_USER,
            "email": "",
            "created_at": self._now(),
            "role": Role.ADMIN.value,
        }
        self._accounts.update_one({"_id": LOCAL_USER}, {"$setOnInsert": fresh}, upsert=True)
        found = self.get(LOCAL_USER)
        assert found is not None
        return found

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (Argon2Error, InvalidHashError):
            return False


def _by_name(name: str) -> Document:
    # No user name holds an @, and every address does.
    if "@" in name:
        return {"email_key": name.casefold()}
    return {"username_key": usernames.key(name.strip())}


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def _account(document: Document) -> Account:
    # Accounts of before have neither role nor lock.
    own = Role.ADMIN if document["_id"] == LOCAL_USER else Role.USER
    return Account(
        id=document["_id"],
        username=document["username"],
        email=document["email"],
        created_at=document["created_at"],
        role=Role(document.get("role", own)),
        locked=document.get("locked", False),
    )
