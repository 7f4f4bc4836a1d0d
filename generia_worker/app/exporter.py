"""Metrics of the whole system: what the workers of this machine counted, and what waits in Redis and MongoDB.

`generia exporter` serves it, one a machine with workers; the enqueue endpoint's `/metrics` has it too.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from generia_worker.app.container import Container, get_container
from generia_worker.engine.queues import QUEUES
from generia_worker.http.addresses import cannot_listen, split
from generia_worker.http.stop_signals import stop_signals, wait_for
from generia_worker.observability import metric_files
from generia_worker.providers.usage import PROVIDERS
from generia_worker.settings import Settings

log = logging.getLogger(__name__)


def register(registry: CollectorRegistry, container: Container) -> None:
    """Add everything of this module to a registry."""
    registry.register(Counted(container.settings.metrics_folder))
    registry.register(Waiting(container))


class Counted(Collector):
    """What the processes that share a folder have counted (`observability/metrics.py`), also those that have ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """Yield the sums over all processes."""
        if not self._folder.is_dir():
            return
        try:
            with metric_files.tidied(self._folder) as files:
                found = list(MultiProcessCollector.merge(files))
        except OSError as error:
            log.warning("What workers counted cannot be read in %s (%s).", self._folder, error.strerror)
            return
        yield from found

    def describe(self) -> Iterable[Metric]:
        """Nothing is known before the first scrape."""
        return []


class Waiting(Collector):
    """What waits and what is under way, read at each scrape; a server that is away leaves its figures out."""

    def __init__(self, container: Container) -> None:
        self._container = container

    def collect(self) -> Iterable[Metric]:
        """Yield the figures of Redis and MongoDB."""
        messages = GaugeMetricFamily("generia_queue_messages", "Messages that wait.", labels=["queue"])
        oldest = GaugeMetricFamily(
            "generia_queue_oldest_seconds", "How long the oldest message has waited.", labels=["queue"]
        )
        flying = GaugeMetricFamily("generia_calls_in_flight", "Paid calls under way.", labels=["provider"])
        paused = GaugeMetricFamily(
            "generia_provider_pause_seconds", "How long a provider is still paused.", labels=["provider"]
        )
        try:
            self._ask_redis(messages, oldest, flying, paused)
        except (RedisError, OSError) as error:
            log.warning("Redis does not answer: %s", type(error).__name__)
        yield from (messages, oldest, flying, paused)
        for name, (text, count) in self._figures().items():
            try:
                yield GaugeMetricFamily(name, text, value=count())
            except PyMongoError:
                continue
        limit = GaugeMetricFamily(
            "generia_day_limit_dollars",
            "What all worlds of a day may cost, where that is limited.",
            labels=[],
        )
        if self._container.settings.daily_usd_all is not None:
            limit.add_metric([], self._container.settings.daily_usd_all)
        yield limit

    def describe(self) -> Iterable[Metric]:
        """Nothing is known before the first scrape: registering must not need the servers."""
        return []

    def _ask_redis(
        self,
        messages: GaugeMetricFamily,
        oldest: GaugeMetricFamily,
        flying: GaugeMetricFamily,
        paused: GaugeMetricFamily,
    ) -> None:
        seconds, micros = self._container.redis.time()
        now_ms = seconds * 1000 + micros // 1000
        pipe = self._container.redis.pipeline(transaction=False)
        for queue in QUEUES:
            pipe.llen(queue)
            pipe.lindex(queue, -1)
        for provider in PROVIDERS:
            pipe.zcount(f"generia:slots:{provider}", now_ms, "+inf")
            pipe.pttl(f"generia:pause:{provider}")
        found: list[Any] = pipe.execute()
        for number, queue in enumerate(QUEUES):
            messages.add_metric([queue], float(found[2 * number]))
            oldest.add_metric([queue], age_s(found[2 * number + 1]))
        rest = found[2 * len(QUEUES) :]
        for number, provider in enumerate(PROVIDERS):
            flying.add_metric([provider], float(rest[2 * number]))
            paused.add_metric([provider], max(rest[2 * number + 1], 0) / 1000)

    def _figures(self) -> dict[str, tuple[str, Callable[[], float]]]:
        database = self._container.database
        # With the lease the index is used that holds running steps only.
        running = {"state": "running", "lease_until": {"$gt": datetime.fromtimestamp(0, UTC)}}
        return {
            "generia_worlds_open": (
                "Worlds that were ordered and have not ended.",
                lambda: database.generations.count_documents({"open": True}),
            ),
            "generia_steps_running": (
                "Steps that a worker holds.",
                lambda: database.steps.count_documents(running),
            ),
            "generia_steps_taken_over": (
                "Steps that run and were taken over from an owner that vanished.",
                lambda: database.steps.count_documents(running | {"takeovers": {"$gt": 0}}),
            ),
            "generia_steps_parked": (
                "Steps that wait for a time.",
                lambda: database.steps.count_documents({"not_before": {"$type": "date"}}),
            ),
            "generia_day_dollars": (
                "What worlds of today have spent or may still spend, where days have limits.",
                self._container.allowances.spent_today,
            ),
        }


def age_s(message: bytes | str | None) -> float:
    """Return how long a message of Celery's has waited, in seconds; 0 for none, or for one without a time."""
    if message is None:
        return 0.0
    try:
        return max(time.time() - float(json.loads(message)["headers"]["sent_at"]), 0.0)
    except (ValueError, KeyError, TypeError):
        return 0.0


def run(settings: Settings) -> None:
    """Serve `/metrics` on `metrics_bind` until SIGTERM or SIGINT."""
    asked = stop_signals()
    registry = CollectorRegistry()
    register(registry, get_container())
    host, port = split(settings.metrics_bind)
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise cannot_listen("GENERIA_METRICS_BIND", settings.metrics_bind, error) from None
    log.info("Metrics are at %s:%d", host, port)
    wait_for(asked)
    server.shutdown()
    thread.join()
