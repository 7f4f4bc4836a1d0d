"""Whether a MongoDB can be used, asked as the processes will use it; when it cannot, which one thing mends that."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError, ServerSelectionTimeoutError

from generia_worker.errors import ConfigurationError
from generia_worker.storage.mongo import Document, connect

_SETTING = "GENERIA_MONGO_URI"
_LOGIN = "mongodb://user:password@host:27017/?replicaSet=rs0"
#: AuthenticationFailed, and what MongoDB Atlas says in its place.
_REFUSED_LOGIN = frozenset({18, 8000})
_UNAUTHORIZED = 13
_START = f"Start it, or correct {_SETTING}; without that setting `generia up` brings a MongoDB of its own."
#: How long a process waits for a MongoDB that may be starting at the same time, in seconds.
START_S = 30.0
_POLL_S = 0.2
#: Everything before the hosts of an address, the hosts, everything after them.
_HOSTS = re.compile(r"^(?P<before>mongodb://(?:[^@/]*@)?)(?P<hosts>[^/?]+)(?P<after>.*)$")


class MongoUnusable(ConfigurationError):  # noqa: N818
    """Raised when MongoDB cannot be used: what is wrong, and the one line that mends it; neither holds a secret.

    `may_pass` says that it can come right by itself, as a server does that is being started.
    """

    def __init__(self, detail: str, remedy: str, *, may_pass: bool = False) -> None:
        super().__init__(f"MongoDB: {detail}. {remedy}")
        self.detail = detail
        self.remedy = remedy
        self.may_pass = may_pass


def require_usable(client: MongoClient[Document], uri: str, database: str) -> str:
    """Return version and replica set of a MongoDB that this client may read and write. Changes nothing there.

    Raises:
        MongoUnusable: it does not answer, refuses this user, or is no replica set with a primary.
    """
    try:
        hello = client.admin.command("hello")
        if "setName" not in hello and hello.get("msg") != "isdbgrid":
            raise _not_initiated() if hello.get("isreplicaset") else _standalone()
        if not hello.get("isWritablePrimary"):
            detail = "the member that answers is no primary"
            raise MongoUnusable(detail, f"Put every member and replicaSet=… into {_SETTING}.", may_pass=True)
        # `hello` is answered to everybody. This needs the right to write, and matches nothing.
        client[database]["generations"].update_one({"_id": {"$in": []}}, {"$set": {"_": None}})
        version = client.admin.command("buildInfo")["version"]
    except PyMongoError as error:
        raise explain(error, uri, database, client.topology_description.server_descriptions()) from None
    found = hello.get("setName")
    return f"{version}, replica set {found}" if found else f"{version}, a sharded cluster"


def wait_until_usable(
    client: MongoClient[Document],
    uri: str,
    database: str,
    *,
    patience_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Wait for a MongoDB that is being started too, for `patience_s` seconds at most.

    Raises:
        MongoUnusable: it cannot be used by then; at once, when no waiting would mend it.
    """
    deadline = clock() + patience_s
    while True:
        try:
            require_usable(client, uri, database)
            return
        except MongoUnusable as error:
            if not error.may_pass or clock() >= deadline:
                raise
        time.sleep(_POLL_S)


def explain(
    error: PyMongoError, uri: str, database: str, members: Iterable[tuple[str, int | None]] = ()
) -> MongoUnusable:
    """Say what an error of MongoDB means to the person who wrote this address.

    `members` are the servers that the client knew at last: a replica set tells its own names for them, which replace
    those in the address. Asks the servers again, for two seconds each at most.
    """
    if isinstance(error, OperationFailure):
        return _explain_refusal(error, uri, database)
    if isinstance(error, ServerSelectionTimeoutError):
        named = _hosts(uri)
        for host, _ in members:
            if not _resolves(host):
                return _unknown_name(host, in_uri=any(host in (one, one.rpartition(":")[0]) for one in named))
        if "certificate" in str(error).lower():
            detail = "its certificate is not one that this machine trusts, or is for another name"
            return MongoUnusable(detail, f"Name the authority with tlsCAFile=/path/to/ca.pem in {_SETTING}.")
        for host in named:
            if found := _explain_member(uri, host):
                return found
    detail = f"no answer at {_SETTING} ({type(error).__name__})"
    return MongoUnusable(detail, _START, may_pass=True)


def _explain_refusal(error: OperationFailure, uri: str, database: str) -> MongoUnusable:
    if error.code in _REFUSED_LOGIN:
        detail = "it refuses the user name or the password"
        return MongoUnusable(
            detail, f"Look at user and password in {_SETTING}, and at authSource= (where the user was made)."
        )
    if error.code == _UNAUTHORIZED and not _has_login(uri):
        return MongoUnusable(f"it asks for a login, and {_SETTING} has none", f"Write it there: {_LOGIN}.")
    if error.code == _UNAUTHORIZED:
        detail = f"its user may not read and write the database {database}"
        return MongoUnusable(detail, "Give that user the role readWrite on it.")
    name = error.details.get("codeName") if error.details else None
    return MongoUnusable(f"it refuses what every start asks ({name or error.code})", _START, may_pass=True)


def _explain_member(uri: str, host: str) -> MongoUnusable | None:
    """Ask one server alone what it is: a standalone one is never selected by an address with replicaSet=."""
    parts = _HOSTS.match(uri)
    assert parts is not None, "only hosts of such an address are asked"
    hello: dict[str, Any] = {}
    with suppress(PyMongoError):
        alone = f"{parts['before']}{host}{parts['after']}"
        with connect(alone, replicaSet=None, directConnection=True, serverSelectionTimeoutMS=2_000) as client:
            hello = client.admin.command("hello")
    if not hello:
        return None
    if not hello.get("setName"):
        return _not_initiated() if hello.get("isreplicaset") else _standalone()
    detail = f"its replica set is {hello['setName']}, and no member that {_SETTING} reaches is the primary"
    remedy = f"Put its members and ?replicaSet={hello['setName']} into {_SETTING}."
    return MongoUnusable(detail, remedy, may_pass=True)


def _standalone() -> MongoUnusable:
    return MongoUnusable(
        "it is a standalone server, and transactions need a replica set",
        "Start it with mongod --replSet rs0, run rs.initiate() once (one member will do), "
        f"and put ?replicaSet=rs0 into {_SETTING}.",
    )


def _not_initiated() -> MongoUnusable:
    return MongoUnusable(
        "its replica set was never initiated", "Run rs.initiate() on it once.", may_pass=True
    )


def _unknown_name(host: str, *, in_uri: bool) -> MongoUnusable:
    if in_uri:
        detail = f"the name {host} in {_SETTING} cannot be resolved"
        return MongoUnusable(detail, "Correct it, or make it known (DNS, /etc/hosts).", may_pass=True)
    detail = f"its replica set calls a member {host}, and this machine cannot resolve that name"
    remedy = (
        f"Make it known here (DNS, /etc/hosts), or ask one member only: in {_SETTING} write "
        "directConnection=true in place of replicaSet=…."
    )
    return MongoUnusable(detail, remedy)


def _resolves(host: str) -> bool:
    try:
        socket.getaddrinfo(host, None)
    except (socket.gaierror, UnicodeError):  # no such name, and none that could be one
        return False
    return True


def _hosts(uri: str) -> list[str]:
    parts = _HOSTS.match(uri)
    return parts["hosts"].split(",") if parts else []


def _has_login(uri: str) -> bool:
    return "@" in uri or "authMechanism=" in uri
