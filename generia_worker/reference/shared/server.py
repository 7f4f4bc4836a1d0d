"""Serves reference services over gRPC: those it is given, in one process, each at its own address.

It imports none of them, so that the process of one service needs no other (`registry.py` has all).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

import grpc
from minio.error import MinioException
from urllib3.exceptions import HTTPError

from generia_worker.errors import ConfigurationError
from generia_worker.http.stop_signals import stop_signals, wait_for
from generia_worker.reference.shared.base_service import Service
from generia_worker.reference.shared.interceptor import ErrorInterceptor, TokenInterceptor
from generia_worker.reference.shared.resources import THREADS, Resources, open_resources
from generia_worker.rpc import wire
from generia_worker.settings import Settings
from generia_worker.storage.mongo_check import wait_until_usable

log = logging.getLogger(__name__)

#: Makes a service of a process: mostly the class of the service itself.
ServiceFactory = Callable[[Resources], Service]
#: Calls that may wait for a thread; more are refused with RESOURCE_EXHAUSTED.
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


class RunningServices:
    """The services of a process. A context manager: stopped on exit."""

    def __init__(self, services: Sequence[Service], resources: Resources) -> None:
        self._services = services
        self._resources = resources
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="rpc")
        self._servers: dict[str, grpc.Server] = {}
        self._bound: dict[str, str] = {}
        #: host:port of each service as it was bound (a port 0 is replaced by the one that was free).
        self.addresses: dict[str, str] = {}

    def start(self) -> None:
        """Bind the address of each service (several may share one) and begin to answer calls.

        Raises:
            ConfigurationError: an address is taken.
        """
        for service in self._services:
            self._add(service, getattr(self._resources.settings, f"{service.name}_service"))
        for server in self._servers.values():
            server.start()
        for service in self._services:
            service.start()

    def _interceptors(self) -> list[grpc.ServerInterceptor]:
        token = self._resources.settings.rpc_token.get_secret_value()
        return [*([TokenInterceptor(token)] if token else []), ErrorInterceptor()]

    def _add(self, service: Service, address: str) -> None:
        if address not in self._servers:
            server = grpc.server(
                self._threads,
                interceptors=self._interceptors(),
                options=_OPTIONS,
                maximum_concurrent_rpcs=_CALLS_MAX,
            )
            self._servers[address] = server
            self._bound[address] = _bind(server, service.name, address)
        self.addresses[service.name] = self._bound[address]
        service.add_to(self._servers[address])

    def stop(self, drain_s: float = DRAIN_S) -> None:
        """Take no new calls, give the running ones `drain_s`, and close everything. May be repeated."""
        stopped = [server.stop(drain_s) for server in self._servers.values()]
        for service in self._services:
            service.stop()
        for event in stopped:
            event.wait(drain_s + 5)
        self._threads.shutdown(wait=True, cancel_futures=True)
        for service in self._services:
            service.close()
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
    factories: Iterable[ServiceFactory], settings: Settings, *, patience_s: float = START_S
) -> RunningServices:
    """Start services in this process and return them running.

    Raises:
        ConfigurationError: an address is taken, or the database or the bucket did not become reachable within
            `patience_s` seconds.
    """
    resources = open_resources(settings)
    services = [factory(resources) for factory in factories]
    running = RunningServices(services, resources)
    try:
        wait_until_usable(
            resources.client,
            settings.mongo_uri.get_secret_value(),
            settings.mongo_database,
            patience_s=patience_s,
        )
        _prepare(services, patience_s)
        running.start()
    except BaseException:
        running.stop(0)
        raise
    return running


def _prepare(
    services: Iterable[Service], patience_s: float, clock: Callable[[], float] = time.monotonic
) -> None:
    """Prepare the services, waiting for an S3 server that starts at the same time. Raises ConfigurationError."""
    deadline = clock() + patience_s
    while True:
        try:
            for service in services:
                service.prepare()
            return
        except (MinioException, HTTPError, OSError) as error:
            if clock() >= deadline:
                message = f"The S3 server cannot be used ({type(error).__name__}): is it running? See GENERIA_S3_ENDPOINT."
                raise ConfigurationError(message) from error
        time.sleep(0.2)


def run(factories: Iterable[ServiceFactory], settings: Settings) -> None:
    """Serve services until SIGTERM or SIGINT, then drain. Raises what `start` raises."""
    asked = stop_signals()
    with start(factories, settings) as running:
        for name, address in running.addresses.items():
            log.info("%s service listens on %s", name, address)
        wait_for(asked)
        log.info("stopping")
