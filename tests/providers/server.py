"""A real HTTP server whose every byte is up to the test: for answers that no well-behaved one gives."""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Seen:
    """A request as it arrived. Names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


class Connection:
    """What a handler answers with."""

    def __init__(self, sock: socket.socket, leaving: threading.Event) -> None:
        self._sock = sock
        #: Set when the test is over: what a handler that never answers waits for.
        self.leaving = leaving
        self.closed = False

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._sock.sendall(data)

    def reply(self, body: Any = b"", status: int = 200, **headers: str) -> None:
        """Send a whole answer; anything but bytes is sent as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(data)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.write("\r\n".join(lines).encode() + b"\r\n\r\n" + data)

    def serve_tls(self, context: ssl.SSLContext, answer: bytes) -> None:
        """Go on in TLS with this certificate: read once, answer, and wait until the other side goes. Raises OSError."""
        with context.wrap_socket(self._sock, server_side=True) as inside:
            inside.recv(65536)
            inside.sendall(answer)
            while inside.recv(65536):
                pass

    def drop(self) -> None:
        """Close without another word."""
        self.closed = True

    def reset(self) -> None:
        """Close with a TCP reset."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.closed = True

    def trickle(self, data: bytes, every_s: float) -> None:
        """Send byte after byte until the other side goes or the test is over."""
        for position in range(len(data)):
            if self.leaving.wait(every_s):
                return
            try:
                self.write(data[position : position + 1])
            except OSError:
                return


Handler = Callable[[Connection, Seen], None]


@dataclass
class Scripted:
    """The server: `handler` answers every request, `seen` holds what came."""

    address: str
    handler: Handler
    leaving: threading.Event
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128
    scripted: Scripted


class _Session(socketserver.StreamRequestHandler):
    server: _Tcp

    def handle(self) -> None:
        scripted = self.server.scripted
        scripted.connections += 1
        number = scripted.connections
        connection = Connection(self.request, scripted.leaving)
        try:
            while not connection.closed and (seen := self._read(number)) is not None:
                scripted.seen.append(seen)
                scripted.handler(connection, seen)
        except OSError:
            return

    def _read(self, number: int) -> Seen | None:
        line = self.rfile.readline().decode("latin-1").split()
        if len(line) < 2:
            return None
        headers = {}
        while (raw := self.rfile.readline().decode("latin-1").strip()) != "":
            name, _, value = raw.partition(":")
            headers[name.lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", "0")))
        return Seen(line[0], line[1], headers, body, number)


def start(handler: Handler) -> tuple[Scripted, Callable[[], None]]:
    """Start a server on a free port; returns it and what stops it."""
    tcp = _Tcp(("127.0.0.1", 0), _Session)
    scripted = Scripted(f"http://127.0.0.1:{tcp.server_address[1]}", handler, threading.Event())
    tcp.scripted = scripted
    threading.Thread(target=tcp.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop() -> None:
        scripted.leaving.set()
        tcp.shutdown()
        tcp.server_close()

    return scripted, stop
