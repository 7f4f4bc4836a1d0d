"""What each message costs in Celery's plumbing, on a real Redis."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from celery.events import EventDispatcher
from kombu import Connection, Consumer, Exchange, Producer, Queue
from kombu.asynchronous.hub import Hub
from kombu.asynchronous.timer import Timer
from kombu.transport import redis as kombu_redis
from kombu.transport import resolve_transport
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from generia_worker.app import task_events
from generia_worker.app.celery_app import app
from generia_worker.app.task_events import EVENTS_AT_ONCE, SILENCE_S, GatheredEvents
from generia_worker.app.transport import POPS_AT_ONCE, Transport
from generia_worker.settings import Settings

#: How long anything may take on a machine that is busy with other things.
_PATIENCE_S = 30


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


@pytest.mark.parametrize("exchange", ["test-declared", ""], ids=["exchange", "queue"])
def test_a_producer_goes_on_when_the_connection_breaks_while_it_declares_its_queue(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, exchange: str
) -> None:
    """Kombu connects again for the queue, and publishes on the channel that it closed for that."""
    declare, broken = Transport.Channel._queue_bind, list[Any]()

    def breaks_once(channel: Any, *args: Any) -> None:
        if not broken:
            broken.append(channel)
            raise RedisConnectionError("Connection closed by server.")
        declare(channel, *args)

    monkeypatch.setattr(Transport.Channel, "_queue_bind", breaks_once)
    queue = Queue("test-declared", Exchange("test-declared"), routing_key="test-declared")
    Producer(connection).publish(
        "told",
        exchange=exchange,
        routing_key=queue.routing_key,
        declare=[queue],
        retry=True,
        retry_policy={"max_retries": 3, "interval_start": 0, "interval_step": 0.1},
    )
    assert broken
    with connection.SimpleQueue(queue.name) as messages:
        assert messages.get(timeout=10).payload == "told"
        messages.clear()


class Loop:
    """A consumer in an event loop, as a worker has it."""

    def __init__(
        self, url: str, *queues: str, prefetch: int = 10, kind: Any = Transport, **options: Any
    ) -> None:
        self.hub = Hub()
        self.got: list[Any] = []
        self.redis = Redis.from_url(url)
        self.connection: Any = Connection(
            url, transport=kind, transport_options={"priority_steps": [0]} | options
        )
        self.connection.register_with_event_loop(self.hub)
        self.consumer = Consumer(
            self.connection,
            [Queue(name) for name in queues],
            prefetch_count=prefetch,
            on_message=self.got.append,
        )
        self.consumer.consume()
        self.channel: Any = self.consumer.channel
        # Turns of the loop take no longer than this.
        self.hub.call_repeatedly(0.05, lambda: None)

    def publish(self, *queues: str, **headers: Any) -> None:
        """Publish a message to each of these queues; its body is the name of the queue."""
        with self.connection.clone() as client:
            producer = Producer(client)
            for queue in queues:
                producer.publish(queue, routing_key=queue, headers=headers)

    def poll(self) -> None:
        """Send a poll, and read no answer."""
        self.connection.transport.cycle.on_poll_start()

    def turn_until(self, condition: Callable[[], Any]) -> None:
        """Let the loop turn until something holds."""
        deadline = time.monotonic() + _PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline
            self.hub.run_once()

    def await_messages(self, count: int) -> list[str]:
        """Let the loop turn until there are so many messages; returns their bodies."""
        self.turn_until(lambda: len(self.got) >= count)
        return [message.body.decode() for message in self.got]

    def await_rest(self) -> None:
        """Let the loop turn until everything is acknowledged and it waits for Redis."""
        self.turn_until(lambda: not self.redis.exists("unacked") and self.resting)

    @property
    def resting(self) -> bool:
        return not self.channel._in_poll and self.channel._empty_until > time.monotonic()

    def polls(self) -> int:
        """Return how many polls Redis has had so far."""
        return self.calls("eval", "evalsha")

    def calls(self, *commands: str) -> int:
        """Return how often Redis has run these commands so far."""
        stats = self.redis.info("commandstats")
        return sum(stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in commands)


@pytest.fixture
def start(url: str) -> Iterator[Callable[..., Loop]]:
    """Starts consumers in loops."""
    started: list[Loop] = []

    def one(*queues: str, url: str = url, **options: Any) -> Loop:
        started.append(Loop(url, *queues, **options))
        return started[-1]

    with Redis.from_url(url) as redis:
        redis.flushdb()
        yield one
        for loop in started:
            loop.connection.release()
            loop.hub.close()
        redis.flushdb()


KINDS = pytest.mark.parametrize("kind", [Transport, kombu_redis.Transport], ids=["ours", "kombu"])


def _await(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_message_is_recorded_when_it_is_popped(start: Any) -> None:
    loop = start("a")
    loop.publish("a")
    loop.poll()
    _await(lambda: loop.redis.hlen("unacked") == 1)
    assert not loop.got, "the worker has not seen it yet"
    assert not loop.redis.exists("a")
    transactions = loop.calls("exec")
    loop.await_messages(1)
    assert loop.calls("exec") == transactions, "there is nothing to record any more"
    (message,) = loop.got
    entry = json.loads(loop.redis.hget("unacked", message.delivery_tag))
    assert entry == [message._raw, "", "a"], "as kombu records it"
    assert time.time() - 60 < loop.redis.zscore("unacked_index", message.delivery_tag) < time.time()


@KINDS
def test_what_a_dead_worker_has_popped_goes_to_another_one(start: Any, kind: Any) -> None:
    dead = start("a")
    dead.publish("a")
    dead.poll()
    _await(lambda: dead.redis.hlen("unacked") == 1)
    other = start("a", kind=kind, visibility_timeout=0)
    assert other.await_messages(1) == ["a"]
    assert other.got[0].headers["redelivered"]


def test_what_a_worker_of_kombu_left_behind_is_delivered(start: Any) -> None:
    old = start("a", kind=kombu_redis.Transport)
    old.publish("a", "a")
    old.turn_until(lambda: old.got)
    new = start("a", visibility_timeout=0)
    new.turn_until(lambda: len(new.got) == 2)
    for message in new.got:
        message.ack()
    new.await_rest()


@KINDS
def test_queues_take_turns(start: Any, kind: Any) -> None:
    loop = start("a", "b", "c", kind=kind)
    loop.publish("a", "a", "a", "b", "b", "c")
    assert loop.await_messages(6) == ["a", "b", "c", "a", "b", "a"]


def test_messages_that_wait_come_together(start: Any) -> None:
    loop = start("a", prefetch=100)
    loop.await_rest()
    loop.publish(*"a" * (2 * POPS_AT_ONCE + 1))
    before = loop.polls()
    loop.await_messages(2 * POPS_AT_ONCE + 1)
    assert loop.polls() == before + 3
    assert loop.redis.hlen("unacked") == len(loop.got)


def test_no_more_messages_come_than_there_is_room_for(start: Any) -> None:
    loop = start("a", prefetch=3)
    loop.await_rest()
    loop.publish(*"aaaaa")
    loop.await_messages(3)
    for _ in range(10):
        loop.hub.run_once()
    assert (len(loop.got), loop.redis.hlen("unacked"), loop.redis.llen("a")) == (3, 3, 2)


def test_what_is_more_urgent_comes_first(start: Any) -> None:
    loop = start("a", priority_steps=[0, 3, 6, 9])
    for priority in (6, 0, 6, 0):
        with loop.connection.clone() as client:
            Producer(client).publish(str(priority), routing_key="a", priority=priority)
    assert loop.await_messages(4) == ["0", "0", "6", "6"]


def test_acknowledgements_go_together_with_the_next_poll(start: Any) -> None:
    loop = start("a")
    loop.publish(*"aaa")
    loop.await_messages(3)
    loop.turn_until(lambda: loop.resting)
    before = loop.polls()
    for message in loop.got:
        message.ack()
    assert loop.redis.hlen("unacked") == 3
    loop.poll()
    _await(lambda: not loop.redis.exists("unacked", "unacked_index"))
    assert loop.polls() == before + 1


def test_an_idle_worker_sends_nothing_until_there_is_a_message(start: Any) -> None:
    loop = start("a", "b")
    loop.channel.brpop_timeout = 3600
    loop.await_rest()
    before = loop.redis.info("stats")["total_commands_processed"]
    for _ in range(10):
        loop.hub.run_once()
    assert loop.redis.info("stats")["total_commands_processed"] == before + 1
    loop.publish("b")
    assert loop.await_messages(1) == ["b"]
    loop.publish("a")
    assert loop.await_messages(2) == ["b", "a"]


def test_a_message_that_comes_between_a_poll_and_its_answer_is_seen(start: Any) -> None:
    loop = start("a")
    loop.channel.brpop_timeout = 3600
    loop.await_rest()
    loop.channel._empty_until = 0.0
    before = loop.polls()
    loop.poll()
    _await(lambda: loop.polls() > before)
    loop.publish("a")
    assert loop.await_messages(1) == ["a"]


def test_an_idle_worker_looks_now_and_then_all_the_same(start: Any) -> None:
    loop = start("a")
    loop.channel.brpop_timeout = 0.01
    loop.await_rest()
    before = loop.polls()
    loop.turn_until(lambda: loop.polls() > before + 2)


def test_a_worker_without_room_keeps_its_connection_and_takes_no_more(start: Any) -> None:
    loop = start("a", "b", prefetch=1)
    loop.await_rest()
    socket = loop.channel.client.connection._sock
    loop.publish("a")
    loop.await_messages(1)
    loop.publish("b", "b")
    for _ in range(10):
        loop.hub.run_once()
    assert len(loop.got) == 1
    loop.got[0].ack()
    assert loop.await_messages(2) == ["a", "b"]
    assert loop.channel.client.connection._sock is socket


def test_acknowledgements_wait_for_no_poll_that_does_not_come(start: Any) -> None:
    loop = start("a")
    loop.publish(*"aaa")
    loop.await_messages(3)
    loop.turn_until(lambda: loop.resting)
    loop.channel.basic_qos(prefetch_count=1)  # two too many, so there is no room for another
    loop.got[0].ack()
    loop.poll()
    assert loop.redis.hlen("unacked") == 2


def test_a_redis_that_forgot_the_script_gets_it_again(start: Any) -> None:
    loop = start("a")
    loop.publish("a")
    loop.await_messages(1)
    loop.turn_until(lambda: loop.resting)
    loop.redis.script_flush()
    loop.got[0].ack()
    loop.publish("a")
    loop.await_messages(2)
    assert loop.redis.hkeys("unacked") == [loop.got[1].delivery_tag.encode()]


def test_where_redis_may_not_tell_of_writes_all_is_as_in_kombu(url: str, start: Any) -> None:
    rights = {"keys": ["*"], "channels": ["*"], "commands": ["+@all", "-client"]}
    with Redis.from_url(url) as redis:
        redis.acl_setuser("narrow", enabled=True, passwords=["+a-password"], **rights)
    loop = start("a", url=f"redis://narrow:a-password@{url.rpartition('@')[2]}")
    polls = loop.polls()
    loop.publish("a", "a")
    assert loop.await_messages(2) == ["a", "a"]
    for message in loop.got:
        message.ack()
    assert not loop.redis.exists("unacked")
    assert loop.polls() == polls


def _cut(loop: Loop) -> None:
    """Let Redis close the connection that polls."""
    address = "{}:{}".format(*loop.channel.client.connection._sock.getsockname())
    assert loop.redis.client_kill_filter(addr=address) == 1


@pytest.mark.parametrize("by", ["Redis", "the client"])
def test_an_idle_worker_connects_again(start: Any, by: str) -> None:
    loop = start("a")
    loop.channel.brpop_timeout = 3600
    loop.publish("a")
    loop.await_messages(1)
    loop.turn_until(lambda: loop.resting)
    before = loop.channel.client.connection._sock
    if by == "Redis":
        _cut(loop)
    else:
        loop.channel.client.connection.disconnect()
    loop.turn_until(lambda: loop.channel.client.connection._sock not in (before, None))
    loop.publish("a")
    loop.await_messages(2)
    for message in loop.got:
        message.ack()
    loop.await_rest()


def test_what_went_with_a_poll_that_failed_is_acknowledged_at_the_end(start: Any) -> None:
    loop = start("a")
    loop.publish("a")
    loop.await_messages(1)
    loop.turn_until(lambda: loop.resting)
    _cut(loop)
    loop.got[0].ack()
    with pytest.raises(RedisConnectionError):
        loop.turn_until(lambda: False)
    assert loop.redis.hlen("unacked") == 1
    loop.connection.release()
    assert not loop.redis.exists("unacked", "unacked_index", "a")


def test_what_went_with_a_poll_without_an_answer_goes_with_the_next(start: Any) -> None:
    loop = start("a")
    loop.publish("a")
    loop.await_messages(1)
    loop.turn_until(lambda: loop.resting)
    loop.redis.client_pause(60_000, all=False)
    loop.got[0].ack()
    loop.poll()
    loop.channel.client.connection.disconnect()  # as kombu's health check does
    loop.redis.client_unpause()
    loop.await_rest()


def test_a_message_that_lua_cannot_read_is_recorded_by_the_worker(start: Any) -> None:
    loop = start("a")
    loop.publish("a", half="\ud800")
    assert loop.await_messages(1) == ["a"]
    assert loop.redis.hkeys("unacked") == [loop.got[0].delivery_tag.encode()]
    loop.got[0].ack()
    loop.await_rest()


def test_a_message_that_lua_cannot_read_comes_alone(start: Any) -> None:
    loop = start("a")
    loop.publish("a", "a")
    loop.publish("a", half="\ud800")
    loop.publish("a")
    loop.poll()
    _await(lambda: loop.redis.hlen("unacked") == 2)
    assert loop.redis.llen("a") == 2, "were the worker to die now, it would not be lost"
    loop.await_messages(4)
    assert [bool(message.headers) for message in loop.got] == [False, False, True, False]
    assert loop.redis.hlen("unacked") == 4


def test_nothing_is_recorded_for_consumers_that_acknowledge_nothing(start: Any) -> None:
    loop = start("a")
    loop.consumer.cancel()
    loop.consumer.consume(no_ack=True)
    loop.publish("a")
    loop.await_messages(1)
    assert not loop.redis.exists("unacked")


def test_what_is_acknowledged_is_not_put_back(start: Any) -> None:
    loop = start("a")
    loop.publish("a", "a")
    loop.await_messages(2)
    loop.turn_until(lambda: loop.resting)
    first, second = loop.got
    first.ack()
    loop.consumer.recover(requeue=True)
    (back,) = loop.redis.lrange("a", 0, -1)
    assert json.loads(back)["properties"]["delivery_tag"] == second.delivery_tag
    assert not loop.redis.exists("unacked")


def test_a_rejected_message_goes_or_comes_back(start: Any) -> None:
    loop = start("a", prefetch=3)
    loop.publish(*"aaa")
    loop.await_messages(3)
    loop.got[0].ack()
    loop.got[1].reject()
    loop.got[2].requeue()
    assert loop.redis.llen("a") == 1
    loop.await_messages(4)
    assert loop.got[3].delivery_tag == loop.got[2].delivery_tag
    assert loop.redis.hkeys("unacked") == [loop.got[2].delivery_tag.encode()]


@pytest.mark.parametrize("end", ["connection", "loop"])
def test_nothing_stays_unacknowledged_at_the_end(start: Any, end: str) -> None:
    loop = start("a")
    loop.publish("a", "a")
    loop.await_messages(2)
    loop.turn_until(lambda: loop.resting)
    loop.got[0].ack()
    assert loop.redis.hlen("unacked") == 2
    if end == "connection":
        loop.connection.release()
        assert loop.redis.llen("a") == 1, "the other one is put back"
    else:
        loop.hub.close()
        assert loop.redis.hlen("unacked") == 1
        loop.got[1].ack()
    assert not loop.redis.exists("unacked", "unacked_index")


def test_a_child_acknowledges_nothing_of_its_parent(start: Any) -> None:
    loop = start("a")
    loop.publish("a")
    loop.await_messages(1)
    loop.got[0].ack()
    loop.channel._after_fork()
    loop.channel.qos.flush()
    assert loop.redis.hlen("unacked") == 1


@pytest.fixture
def heard(url: str) -> Iterator[Any]:
    """Counts the messages with events that go over Redis."""
    with Redis.from_url(url) as redis, redis.pubsub() as pubsub:
        pubsub.psubscribe("/7.celeryev*")
        assert pubsub.get_message(timeout=10)["type"] == "psubscribe"

        def count() -> int:
            redis.publish("/7.celeryev/end", "end")
            messages = iter(lambda: pubsub.get_message(timeout=10), None)
            return next(n for n, message in enumerate(messages) if message["data"] == b"end")

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


def test_events_that_nobody_hears_are_not_made_for_a_while(
    url: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(task_events, "monotonic", lambda: now)
    client = Celery("test", broker=url)
    dispatcher: Any = EventDispatcher(connection, app=client, buffer_group=["task"])
    consumer = SimpleNamespace(hub=object(), timer=Timer(), event_dispatcher=dispatcher)
    step = GatheredEvents(consumer)
    step.start(consumer)
    # (A timer calls no more often than it was told to.)
    flush = functools.partial(step._flush, dispatcher)
    buffer = dispatcher._group_buffer["task"]

    def send() -> int:
        """Send an event; returns how many are gathered."""
        dispatcher.send("task-started", uuid="1")
        return len(buffer)

    assert send() == 1
    flush()
    assert send() == 0, "nobody heard the last ones"
    with Redis.from_url(url) as redis, redis.pubsub() as pubsub:
        pubsub.psubscribe("/7.celeryev*")
        assert pubsub.get_message(timeout=10)["type"] == "psubscribe"
        dispatcher.send("worker-heartbeat")
        assert "worker.heartbeat" in pubsub.get_message(timeout=10)["channel"].decode(), "always sent"
        flush()
        assert send() == 0, "it is too early to look again"
        now += SILENCE_S
        flush()
        for _ in range(3):
            assert send() == 1
            flush()
            assert pubsub.get_message(timeout=10)["channel"].endswith(b"task.multi")
        # Flower asks for events, whatever a worker thinks.
        dispatcher.groups.add("worker")
        dispatcher.groups.add("task")
        assert send() == 1


def test_without_a_loop_events_are_not_gathered() -> None:
    dispatcher = SimpleNamespace(send=lambda *_, **__: None)
    consumer = SimpleNamespace(hub=None, event_dispatcher=dispatcher)
    step = GatheredEvents(consumer)
    step.start(consumer)
    step.stop(consumer)
    assert set(vars(dispatcher)) == {"send"}
