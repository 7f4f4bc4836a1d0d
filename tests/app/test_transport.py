"""What each message costs in Celery's plumbing, on a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from celery.events import EventDispatcher
from kombu import Connection
from kombu.asynchronous.timer import Timer
from kombu.transport import resolve_transport
from redis import Redis

from generia_worker.app.celery_app import app
from generia_worker.app.transport import EVENTS_AT_ONCE, GatheredEvents, Transport
from generia_worker.settings import Settings


@pytest.fixture
def url(servers: Settings) -> str:
    """A database of its own in Redis."""
    return f"{servers.redis_url.get_secret_value().rsplit('/', 1)[0]}/7"


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    """A connection as the application's own ones are."""
    with Connection(url, transport=Transport) as connection:
        yield connection


def test_the_application_uses_these_connections() -> None:
    for scheme in ("redis", "rediss"):
        transport: object = resolve_transport(scheme)
        assert transport is Transport
    assert GatheredEvents in app.steps["consumer"]


def test_a_channel_keeps_its_client_for_as_long_as_its_pool(connection: Connection) -> None:
    channel: Any = connection.default_channel
    with channel.conn_or_acquire() as first, channel.conn_or_acquire() as second:
        assert first is second
        assert first.ping()
    channel._after_fork()  # a child must not talk on its parent's sockets
    with channel.conn_or_acquire() as third:
        assert third is not first
        assert third.connection_pool is channel.pool
        assert third.ping()


def test_messages_arrive_and_are_acknowledged(connection: Connection) -> None:
    with connection.SimpleQueue("test-broker") as queue:
        channel: Any = queue.channel
        redis: Redis = channel.client
        for number in range(3):
            queue.put({"n": number})
        for number in range(3):
            message = queue.get(timeout=10)
            assert message.payload == {"n": number}
            assert redis.hlen("unacked") == 1
            message.ack()
            assert redis.hlen("unacked") == 0
        assert not redis.exists("test-broker")


@pytest.fixture
def heard(url: str) -> Iterator[Any]:
    """Counts the messages with events that go over Redis."""
    with Redis.from_url(url) as redis, redis.pubsub() as pubsub:
        pubsub.psubscribe("/7.celeryev*")
        assert pubsub.get_message(timeout=10)["type"] == "psubscribe"

        def count() -> int:
            redis.publish("/7.celeryev/end", "end")
            return next(n for n, message in enumerate(iter(pubsub.get_message, "")) if _ends(message))

        def _ends(message: Any) -> bool:
            return message is not None and message["data"] == b"end"

        yield count


def test_events_go_out_together(url: str, connection: Connection, heard: Any) -> None:
    sent_at_once: list[int] = []
    client = Celery("test", broker=url)
    dispatcher = EventDispatcher(
        connection, app=client, buffer_group=["task"], on_send_buffered=lambda: sent_at_once.append(1)
    )
    timer = Timer()
    consumer = SimpleNamespace(hub=object(), timer=timer, event_dispatcher=dispatcher)
    step = GatheredEvents(consumer)
    step.start(consumer)
    for number in range(10):
        dispatcher.send("task-started", uuid=str(number))
    assert heard() == 0
    assert not sent_at_once
    entry = timer.queue[0].entry
    entry()
    assert heard() == 1
    for number in range(EVENTS_AT_ONCE):
        dispatcher.send("task-started", uuid=str(number))
    assert heard() == 1, "a full buffer does not wait"
    dispatcher.send("task-succeeded", uuid="last")
    step.stop(consumer)
    assert entry.canceled
    assert heard() == 1, "nothing stays behind when the worker stops"


def test_without_a_loop_events_are_left_alone() -> None:
    consumer = SimpleNamespace(hub=None, event_dispatcher=None)
    step = GatheredEvents(consumer)
    step.start(consumer)
    step.stop(consumer)
