"""One HTTP policy for every provider: bounded connections, overall deadlines, bounded answers, no retries.

Whether bytes of a call left this machine is noted by the connection itself, so that "nothing was sent" and
"the outcome is unknown" are never confused.
"""

from __future__ import annotations

import email.utils
import http.client
import io
import ipaddress
import json as json_module
import math
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout

from generia_worker.errors import GeneriaError, PermanentError, TransientError

#: The longest `Retry-After` that is honoured, in seconds.
RETRY_AFTER_MAX_S = 600.0
#: IPv4 addresses behind a translator.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
#: Hosts whose connections are kept.
_HOSTS = 16
#: For how long an idle connection is kept, in seconds. A server closes those that were idle for its own time, which is 5 s
#: in uvicorn and Node.js; a request that is sent at that moment looks like one that was broken off, so that a text that
#: nobody was asked for would count as one that may have been billed.
IDLE_MOST_S = 4.0
_CHUNK_BYTES = 64 * 1024
_HEADERS = dict(requests.utils.default_headers())


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A complete answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Read `Retry-After` (seconds, or a date) as seconds from `now`, bounded; None when it cannot be read."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = email.utils.parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
    return None if math.isnan(seconds) else min(max(seconds, 0.0), RETRY_AFTER_MAX_S)


class _OutOfBoundsError(Exception):
    """Raised when a server names an address that it has no business with."""


class _Call(threading.local):
    """What the connections of this thread must know of the call that is being made."""

    deadline: float = math.inf
    sent: bool = False
    #: True for an address that somebody else named: see `exchange`.
    guarded: bool = False
    trusted: str = ""

    def remaining_s(self) -> float:
        """Return the seconds left. Raises TimeoutError when there are none."""
        left = self.deadline - monotonic()
        if left <= 0:
            message = "the deadline has passed"
            raise TimeoutError(message)
        return left


_call = _Call()


class _DeadlineReader(io.RawIOBase):
    """Reads a socket with what remains of the call as its timeout: a trickle does not extend the call."""

    def __init__(self, sock: socket.socket, raw: Any) -> None:
        self._sock = sock
        self._raw = raw

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> Any:
        """Read what there is. Raises TimeoutError at the deadline."""
        self._sock.settimeout(_call.remaining_s())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Close the reading side."""
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """Reads status line, headers and body under the deadline."""

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp = io.BufferedReader(_DeadlineReader(sock, self.fp.detach()))


class _Sending(HTTPConnection):
    response_class = _Response
    #: When its pool got it back.
    idle_since = math.inf

    @property
    def is_connected(self) -> bool:
        """False when it is not to be used again: it was closed, or its server may close it at any moment."""
        return monotonic() - self.idle_since < IDLE_MOST_S and super().is_connected

    def _new_conn(self) -> socket.socket:
        """Connect; of a guarded call to addresses that it may reach, which are looked up once and here."""
        if not _call.guarded:
            return super()._new_conn()
        name = self._dns_host
        try:
            self._dns_host = _reachable(name.strip("[]"), _call.trusted)
            return super()._new_conn()
        finally:
            self._dns_host = name

    def send(self, data: Any) -> None:
        """Send under the deadline, and note that something left."""
        if self.sock is None:
            self.connect()
        if _call.guarded:
            # A connection that is kept may have been made for a call that was not guarded.
            _reachable(str(self.sock.getpeername()[0]), _call.trusted)
        _call.sent = True
        # Until here the timeout was that of connecting, which is too short for an upload.
        self.sock.settimeout(_call.remaining_s())
        super().send(data)

    def _tunnel(self) -> None:
        """Ask a proxy for the way: what it is asked is not yet what the server is asked."""
        try:
            super()._tunnel()
        finally:
            _call.sent = False


class _EncryptedSending(_Sending, HTTPSConnection):
    """The same over TLS."""


class _NotesIdle(HTTPConnectionPool):
    """A pool that notes since when its connections are idle."""

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.idle_since = monotonic()
        super()._put_conn(conn)


class _PlainPool(_NotesIdle):
    ConnectionCls = _Sending


class _EncryptedPool(_NotesIdle, HTTPSConnectionPool):
    ConnectionCls = _EncryptedSending


_POOLS = {"http": _PlainPool, "https": _EncryptedPool}


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Make pools of our connections."""
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:
        """Make pools of our connections to a proxy, too."""
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager


class HttpPool:
    """The HTTP connections of one process: at most `max_connections` calls at a time over all hosts.

    Requests are sent through requests' adapter without one of its sessions: so the environment's proxies and .netrc play
    no part, cookies are not kept, and redirects are not followed (they would carry credentials elsewhere) – and a call
    costs a third less.

    With `proxy`, http://user:password@host:port, servers elsewhere are reached through it; those at an address of this
    machine or of a private network never are.
    """

    def __init__(self, max_connections: int, connect_timeout_s: float, proxy: str = "") -> None:
        self._adapter = _Adapter(
            pool_connections=_HOSTS, pool_maxsize=max_connections, max_retries=0, pool_block=True
        )
        # The adapter would wait for a free connection without a bound.
        self._slots = threading.BoundedSemaphore(max_connections)
        self._connect_timeout_s = connect_timeout_s
        self._proxies = {"http": proxy, "https": proxy} if proxy else None

    def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: bytes | None = None,
        deadline_s: float,
        max_bytes: int,
        named_by: str | None = None,
    ) -> HttpReply:
        """Send one request and read its complete answer, whatever its status, within `deadline_s` altogether.

        `named_by` is the address of the server that named `url`: then `url` leads to this machine, its own network or a
        private one only where that address does too.

        Raises:
            TransientError: no connection (`outage`: nothing was sent), or the answer did not arrive in time,
                complete and within `max_bytes` (`outcome_unknown`: the server may have done what was asked).
            PermanentError: the address or a header cannot be sent at all, or the address may not be reached.
        """
        asked = {**_HEADERS, **(headers or {})}
        if json is not None:
            data = json_module.dumps(json, allow_nan=False).encode()
            asked.setdefault("Content-Type", "application/json")
        site = _site(url)
        _call.deadline, _call.sent = monotonic() + deadline_s, False
        _call.guarded, _call.trusted = False, urlsplit(named_by or "").hostname or ""
        if not self._slots.acquire(timeout=deadline_s):
            message = f"No connection to {site} became free within {deadline_s:g} s."
            raise TransientError(message)
        try:
            # What lies behind a proxy is the proxy's to allow: it looks names up.
            _call.guarded = named_by is not None and (self._proxies is None or _is_near(url))
            return self._send(method, url, asked, data, max_bytes, site)
        except _OutOfBoundsError:
            message = f"{site} is an address inside, which a provider elsewhere must not name."
            raise PermanentError(message) from None
        except (
            requests.RequestException,
            HTTPError,
            http.client.HTTPException,
            OSError,
            ValueError,
        ) as error:
            # Not chained: the cause may show a signed address or a key.
            raise _explain(error, site) from None
        finally:
            self._slots.release()

    def _send(
        self, method: str, url: str, headers: dict[str, str], data: bytes | None, max_bytes: int, site: str
    ) -> HttpReply:
        left = _call.remaining_s()
        # requests hands urllib3's own Timeout through, which its type stubs do not know.
        timeout: Any = Timeout(connect=min(self._connect_timeout_s, left), total=left)
        request = requests.Request(method, url, headers=headers, data=data).prepare()
        proxies = None if _is_near(url) else self._proxies
        with self._adapter.send(request, timeout=timeout, stream=True, proxies=proxies) as response:
            body = bytearray()
            # read1 returns what has arrived; read would wait for a full chunk.
            while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
                body += chunk
                if len(body) > max_bytes:
                    message = f"{site} answered with more than {max_bytes} bytes."
                    raise TransientError(message, outcome_unknown=True)
            found = {name.lower(): value for name, value in response.headers.items()}
            return HttpReply(response.status_code, found, bytes(body))

    def close(self) -> None:
        """Close all idle connections; calls that are under way end at their own deadlines."""
        self._adapter.close()


class _Place(IntEnum):
    """How far away an address is."""

    OUTSIDE = 0
    #: This machine, or a private network.
    INSIDE = 1
    #: The network of this machine alone, where clouds keep what only it may know.
    LINK = 2


def _reachable(host: str, trusted: str) -> str:
    """Return an address of a host that a server at the host `trusted` may name.

    Raises:
        _OutOfBoundsError: it has none.
        OSError: the host is not known.
    """
    found = _addresses(host)
    outside = [address for address in found if _place_of(address) is _Place.OUTSIDE]
    if outside:
        return outside[0]
    try:
        near = {_place_of(address) for address in _addresses(trusted)}
    except OSError:
        near = set()
    for address in found:
        if _place_of(address) in near:
            return address
    raise _OutOfBoundsError(host)


def _addresses(host: str) -> list[str]:
    return [str(one[4][0]) for one in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def _place_of(address: str) -> _Place:
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        behind = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None
        ip = behind or ip.ipv4_mapped or ip.sixtofour or ip
    if ip.is_link_local:
        return _Place.LINK
    return _Place.OUTSIDE if ip.is_global and not ip.is_multicast else _Place.INSIDE


def _is_near(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host == "localhost"


def _explain(error: Exception, site: str) -> GeneriaError:
    """Return what happened in our words: a library's own text may hold the full address or a header."""
    if _call.sent:
        late = monotonic() >= _call.deadline
        what = (
            "did not complete its answer in time"
            if late
            else "broke the connection off before its answer was whole"
        )
        return TransientError(f"{site} {what}.", outcome_unknown=True)
    if isinstance(error, requests.exceptions.InvalidHeader | UnicodeError):
        return PermanentError(f"A header for {site} holds what HTTP does not allow: check the API key.")
    if isinstance(error, requests.exceptions.SSLError):
        return TransientError(f"No encrypted connection to {site} can be made.", outage=True)
    if isinstance(error, requests.exceptions.ProxyError):
        return TransientError(
            f"No connection to {site} through the proxy of GENERIA_PROVIDER_PROXY.", outage=True
        )
    if isinstance(error, ValueError):
        return PermanentError(f"{site} is no address that can be called.")
    return TransientError(f"No connection to {site}.", outage=True)


def _site(url: str) -> str:
    """Return scheme, host and port of an address: what may stand in a message."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "the given address"
    return f"{parts.scheme}://{parts.hostname or ''}{port}"[:200]
