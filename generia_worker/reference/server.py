"""Serves reference services over gRPC: those it is given, in one process, each at its own address.

It imports none of them, so that the process of one service needs no other (`generia_worker/reference/services.py` has all).
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

import grpc
from minio.error import MinioException
from pymongo.errors import PyMongoError
from urllib3.exceptions import HTTPError

from generia_worker.errors import ConfigurationError
from generia_worker.reference.calls import Guard
from generia_worker.reference.resources import Resources, open_resources
from generia_worker.reference.world.orders import Orders
from generia_worker.rpc import wire
from generia_worker.settings import Settings

log = logging.getLogger(__name__)

#: Lets a server answer the calls of one service; world services order generations, where there are `Orders`.
Register = Callable[[grpc.Server, Resources, Orders | None], None]
#: Threads of one process, and calls that may wait for one; more are refused with RESOURCE_EXHAUSTED.
THREADS = 32
_CALLS_MAX = 512
#: Requests are small: texts, never pictures.
_REQUEST_MAX_BYTES = 4 * 1024 * 1024
_OPTIONS = (
    ("grpc.max_receive_message_length", _REQUEST_MAX_BYTES),
    ("grpc.max_send_message_length", wire.MAX_MESSAGE_BYTES),
    # Two servers on one port would each get some of the calls.
    ("grpc.so_reuseport", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
)
#: How long the database and the bucket may take to appear at start.
START_S = 30.0
DRAIN_S = 10.0


class Platform:
    """Running services. A context manager: stopped on exit."""

    def __init__(self, resources: Resources, orders: Orders | None) -> None:
        self._resources = resources
        self._orders = orders
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="rpc")
        self._servers: dict[str, grpc.Server] = {}
        self._bound: dict[str, str] = {}
        #: host:port of each service as it was bound (a port 0 is replaced by the one that was free).
        self.addresses: dict[str, str] = {}

    def serve(self, name: str, address: str, register: Register) -> None:
        """Add a service at an address; several may share one. Raises ConfigurationError when it is taken."""
        if address not in self._servers:
            server = grpc.server(
                self._threads,
                interceptors=[Guard()],
                options=_OPTIONS,
                maximum_concurrent_rpcs=_CALLS_MAX,
            )
            self._servers[address] = server
            self._bound[address] = _bind(server, name, address)
        self.addresses[name] = self._bound[address]
        register(self._servers[address], self._resources, self._orders)

    def start(self) -> None:
        """Begin to answer calls."""
        for server in self._servers.values():
            server.start()
        if self._orders:
            self._orders.start()

    def stop(self, drain_s: float = DRAIN_S) -> None:
        """Take no new calls, give the running ones `drain_s`, and close everything. May be repeated."""
        stopped = [server.stop(drain_s) for server in self._servers.values()]
        if self._orders:
            self._orders.stop()
        for event in stopped:
            event.wait(drain_s + 5)
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _bind(server: grpc.Server, name: str, address: str) -> str:
    setting = f"GENERIA_{name.upper()}_SERVICE"
    try:
        port = server.add_insecure_port(address)
    except RuntimeError:
        port = 0
    if not port:
        raise ConfigurationError(
            f"{setting}: cannot listen on {address}; is something running there already?"
        )
    return f"{address.rpartition(':')[0]}:{port}"


def start(
    services: Mapping[str, Register], settings: Settings, *, enqueue: bool = True, patience_s: float = START_S
) -> Platform:
    """Start services, by name, in this process and return them running.

    With `enqueue` the world service orders the generation of new worlds from `settings.api_url`.

    Raises:
        ConfigurationError: an address is taken, or the database or the bucket did not become reachable within
            `patience_s` seconds.
    """
    resources = open_resources(settings, threads=THREADS)
    orders = Orders(resources) if enqueue and "world" in services else None
    platform = Platform(resources, orders)
    try:
        _prepare(resources, patience_s)
        for name, register in services.items():
            platform.serve(name, getattr(settings, f"{name}_service"), register)
        platform.start()
    except BaseException:
        platform.stop(0)
        raise
    return platform


def _prepare(resources: Resources, patience_s: float, clock: Callable[[], float] = time.monotonic) -> None:
    """Make indexes and bucket, waiting for servers that start at the same time. Raises ConfigurationError."""
    deadline = clock() + patience_s
    while True:
        try:
            resources.prepare()
            return
        except (PyMongoError, MinioException, HTTPError, OSError) as error:
            if clock() >= deadline:
                part = "MongoDB" if isinstance(error, PyMongoError) else "The S3 server"
                setting = "GENERIA_MONGO_URI" if isinstance(error, PyMongoError) else "GENERIA_S3_ENDPOINT"
                message = f"{part} cannot be used ({type(error).__name__}): is it running? See {setting}."
                raise ConfigurationError(message) from error
        time.sleep(0.2)


def run(services: Mapping[str, Register], settings: Settings) -> None:
    """Serve services until SIGTERM or SIGINT, then drain. Raises what `start` raises."""
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    with start(services, settings) as platform:
        for name, address in platform.addresses.items():
            log.info("%s service listens on %s", name, address)
        asked.wait()
        log.info("stopping")
