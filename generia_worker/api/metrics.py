"""`GET /metrics` for Prometheus: what this process served, and what the exporter tells of the system.

Nothing is labelled by world: the number of series does not grow with what is made.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from generia_worker.app import exporter
from generia_worker.app.container import Container

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class ApiMetrics:
    """The metrics of one process."""

    def __init__(self, container: Container, clients: Callable[[], int]) -> None:
        #: What these metrics are found in by whoever wants to read them in this process.
        self.registry = registry = CollectorRegistry()
        self._requests = Counter(
            "generia_api_requests",
            "Requests by route and status.",
            ["route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "generia_api_request_seconds",
            "Time until an answer begins.",
            ["route"],
            registry=registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        )
        gauge = Gauge("generia_api_event_clients", "Clients that follow a world.", registry=registry)
        gauge.set_function(clients)
        exporter.register(registry, container)

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)

    def observe(self, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)


class Measured:
    """ASGI middleware that counts requests by the route that served them, never by their path."""

    def __init__(self, app: ASGIApp, metrics: ApiMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note when its answer began."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route: Any = scope.get("route")
                path = f"{scope['method']} {route.path_format}" if route is not None else "none"
                self._metrics.observe(path, int(message["status"]), time.perf_counter() - begun)
            await send(message)

        await self._app(scope, receive, noted)
