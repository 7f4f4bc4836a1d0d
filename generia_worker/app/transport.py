"""Two habits of Celery's plumbing that each message pays for, done less often: half of a worker's main thread went there.

Kombu makes a Redis client, a dictionary of some two hundred parsers, for every command that it sends: here a channel keeps
one for as long as its pool. Celery publishes the events of its tasks (what Flower shows) in each turn of its loop, so
mostly one at a time: here they are gathered for a moment.
"""

from __future__ import annotations

from typing import Any

from celery import bootsteps
from celery.worker.consumer.events import Events
from kombu.transport import TRANSPORT_ALIASES, redis

#: How long events are gathered, in seconds, and how many of them at most: Flower is behind by so much.
EVENTS_EVERY_S, EVENTS_AT_ONCE = 0.25, 200


class Channel(redis.Channel):  # its type stubs lack what is overridden
    """A channel that keeps its client: it holds nothing but the pool and may be shared by threads."""

    _kept: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        """Return the client of the present pool (after a fork or a lost connection there is a new one)."""
        if asynchronous:
            return super()._create_client(asynchronous=True)  # type: ignore[misc]
        kept = self._kept
        if kept is None or kept.connection_pool is not self.pool:
            kept = self._kept = super()._create_client()  # type: ignore[misc]
        return kept


class Transport(redis.Transport):
    """Kombu's Redis transport with such channels."""

    Channel = Channel


class GatheredEvents(bootsteps.StartStopStep):
    """Lets a worker's events go out together, every quarter of a second."""

    requires = (Events,)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._timer: Any = None

    def start(self, consumer: Any) -> None:
        """Begin, and begin again with the new dispatcher after the connection was lost."""
        if not consumer.hub:  # gevent and prefork without a loop: Celery does not gather there
            return
        consumer.event_dispatcher.on_send_buffered = None
        consumer.event_dispatcher.buffer_limit = EVENTS_AT_ONCE
        self._timer = consumer.timer.call_repeatedly(EVENTS_EVERY_S, consumer.event_dispatcher.flush)

    def stop(self, consumer: Any) -> None:
        """Let out what is left."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            consumer.event_dispatcher.flush()


def install(app: Any) -> None:
    """Use both in every connection to Redis of this process, and in the workers of `app`."""
    TRANSPORT_ALIASES["redis"] = f"{__name__}:Transport"
    TRANSPORT_ALIASES["rediss"] = f"{__name__}:Transport"
    app.steps["consumer"].add(GatheredEvents)
