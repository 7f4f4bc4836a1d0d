"""The events of a worker's tasks, which Flower shows: gathered for a moment, and only while somebody hears them.

Celery publishes an event for all that happens to a task, in each turn of its loop, so mostly one at a time. Here they are
gathered for a quarter of a second. Redis says how many heard a message; when nobody did, a worker keeps the events of its
tasks to itself for two seconds before it tries again. What is lost of a task's events is what nobody waited for. A worker's
own events (that it is there, and how it is) go out always.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

from celery import bootsteps
from celery.worker.consumer.events import Events

from generia_worker.text import redact

#: How long events are gathered, in seconds, and how many of them at most: Flower is behind by so much.
EVENTS_EVERY_S, EVENTS_AT_ONCE = 0.25, 200
#: For how long no events of tasks are made after nobody heard some, in seconds.
SILENCE_S = 2.0
#: Fields of an event that quote an exception.
_IN_WORDS = ("exception", "traceback")


class GatheredEvents(bootsteps.StartStopStep):
    """Lets the events of a worker's tasks go out together, and keeps them back while nobody hears them."""

    requires = (Events,)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._timer: Any = None
        self._silent_until = 0.0

    def start(self, consumer: Any) -> None:
        """Begin, and begin again with the new dispatcher after the connection was lost."""
        consumer.event_dispatcher.send = _redacting(consumer.event_dispatcher.send)
        if not consumer.hub:  # gevent and prefork without a loop: Celery does not gather there
            return
        dispatcher, self._silent_until = consumer.event_dispatcher, 0.0
        dispatcher.on_send_buffered = None
        dispatcher.buffer_limit = EVENTS_AT_ONCE
        self._timer = consumer.timer.call_repeatedly(EVENTS_EVERY_S, self._flush, (dispatcher,))

    def stop(self, consumer: Any) -> None:
        """Let out what is left."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            consumer.event_dispatcher.flush()

    def _flush(self, dispatcher: Any) -> None:
        if self._silent_until:
            if monotonic() < self._silent_until:
                return
            self._silent_until = 0.0
            dispatcher.groups.clear()  # of all kinds
        channel = dispatcher.producer.channel
        channel.heard_by = None
        dispatcher.flush()
        if channel.heard_by == 0:
            self._silent_until = monotonic() + SILENCE_S
            dispatcher.groups.add("worker")  # of this kind alone


def _redacting(send: Callable[..., Any]) -> Callable[..., Any]:
    """Return what sends events without the configured secrets that an exception may quote."""

    def redacted(kind: str, *arguments: Any, **fields: Any) -> Any:
        told = {name: redact(value) for name in _IN_WORDS if isinstance(value := fields.get(name), str)}
        return send(kind, *arguments, **(fields | told))

    return redacted
