"""Kombu's Redis transport with one round trip a message in place of three, and no message lost in between.

Kombu pops a message (`BRPOP`), then records it as unacknowledged (`MULTI` … `EXEC`) and later acknowledges it (another
`MULTI` … `EXEC`); a worker's main loop waits for the last two, and a worker that dies after the pop takes the message
along. Here the loop sends a *poll*, and waits for nothing. A poll

- acknowledges what was finished since the last one;
- pops as many messages as there is room for, ten at most, the queues taking turns (with priorities one, in the order that
  `BRPOP` would be given), and records them, in the same script: each is always in a queue or in `unacked`;
- counts the queues that have more. When there are none, nothing is sent until Redis says that one of them was written:
  it tells a connection once about each key that it has read (`CLIENT TRACKING`), whoever writes it. As with `BRPOP`, there
  is a poll a second all the same.

Keys and values are kombu's: workers of both kinds can share a Redis, and each finds the other's messages.

An acknowledgement that is lost, with its worker or its connection, means that the message is delivered once more after
the visibility timeout. So does a worker that dies a moment before it acknowledges; the ledger knows the step as done.

Outside a worker's event loop (in clients and in the gevent pool), for consumers without acknowledgements, and where Redis
may not tell of writes (its ACL forbids `CLIENT TRACKING`), all is as in kombu. Needs Redis 6 and its protocol 3, which is
the default of redis-py.

A smaller saving: kombu makes a Redis client, a dictionary of some two hundred parsers, for every command that it sends;
here a channel keeps one for as long as its pool. `tests/benchmarks/transport.py` measures each part.
"""

from __future__ import annotations

import hashlib
import logging
from contextlib import suppress
from queue import Empty
from time import monotonic, time
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, virtual
from kombu.transport import redis as _redis
from kombu.utils.encoding import bytes_to_str
from kombu.utils.json import dumps, loads
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import (
    MasterDownError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)
from redis.exceptions import TimeoutError as RedisTimeoutError

from generia_worker.app.task_events import GatheredEvents

log = logging.getLogger(__name__)
#: As it is: its type stubs lack most of what is overridden here.
kombu: Any = _redis
#: How many acknowledgements go with one poll: a call in Lua takes some thousand arguments.
ACKS_AT_ONCE = 1000
#: How many messages come with one poll: more of them would keep the loop, and other workers, waiting.
POPS_AT_ONCE = 10

#: KEYS: `unacked`, `unacked_index`, the queues in their order. ARGV: the time, for how many messages there is room, then the
#: tags to acknowledge. Returns for each message the number of its queue (from 1), its text, and 1 if it was recorded: Lua's
#: parser refuses some texts that Python's takes, such as half a surrogate pair. Such a one comes alone, so that nothing that
#: happens to others before it can lose it. The pop comes first: once it has written, a script goes on in a full Redis.
_POLL = """
local popped, room, served = {}, tonumber(ARGV[2]), true
while served and room > 0 do
    served = false
    for number = 1, #KEYS - 2 do
        local message = room > 0 and redis.call('RPOP', KEYS[number + 2])
        if message then
            local parsed, tag, entry = pcall(function()
                local properties = cjson.decode(message).properties
                local to = properties.delivery_info
                local fields = {message, cjson.encode(to.exchange), cjson.encode(to.routing_key)}
                return properties.delivery_tag, '[' .. table.concat(fields, ', ') .. ']'
            end)
            served, room = true, room - 1
            if parsed then
                redis.call('ZADD', KEYS[2], ARGV[1], tag)
                redis.call('HSET', KEYS[1], tag, entry)
                popped[#popped + 1] = {number, message, 1}
            else
                room = 0
                if #popped == 0 then
                    popped[1] = {number, message, 0}
                else
                    redis.call('RPUSH', KEYS[number + 2], message)
                end
            end
        end
    end
end
if #ARGV > 2 then
    redis.call('ZREM', KEYS[2], unpack(ARGV, 3))
    redis.call('HDEL', KEYS[1], unpack(ARGV, 3))
end
return popped
"""
_LOAD = ("EVAL", _POLL)
_RUN = ("EVALSHA", hashlib.sha1(_POLL.encode(), usedforsecurity=False).hexdigest())


class QoS(kombu.QoS):  # type: ignore[misc]
    """Unacknowledged messages whose acknowledgements go with the next poll."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: The tags to acknowledge.
        self.pending: list[str] = []
        #: True while a message is delivered that a poll has recorded.
        self.recorded = False

    def append(self, message: Any, delivery_tag: str) -> None:
        """Take a message on; record it in Redis unless a poll has done so."""
        if self.recorded:
            virtual.QoS.append(self, message, delivery_tag)
        else:
            super().append(message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge a message: with the next poll, or at once where there is none."""
        if self.channel.polls:
            self.pending.append(delivery_tag)
            virtual.QoS.ack(self, delivery_tag)
        else:
            super().ack(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Put a message back at once; or drop it, which is to acknowledge it."""
        if requeue:
            super().reject(delivery_tag, requeue=True)
        else:
            self.ack(delivery_tag)

    def restore_unacked(self, client: Any = None) -> None:
        """Put back what is not acknowledged: not what waits for a poll."""
        self.flush()
        super().restore_unacked(client)

    def take_pending(self) -> list[str]:
        """Remove and return tags to acknowledge."""
        taken = self.pending[:ACKS_AT_ONCE]
        del self.pending[: len(taken)]
        return taken

    def flush(self) -> None:
        """Acknowledge now what waits for a poll. Raises what redis-py raises; then these messages are delivered again."""
        while tags := self.take_pending():
            with self.channel.conn_or_acquire() as client, client.pipeline(transaction=False) as pipe:
                pipe.zrem(self.unacked_index_key, *tags).hdel(self.unacked_key, *tags).execute()


class Channel(kombu.Channel):  # type: ignore[misc]
    """A channel that polls, and keeps its client: that holds nothing but the pool and may be shared by threads."""

    QoS = QoS
    #: The present pool, and its client.
    _kept: tuple[Any, Any] | None = None
    _acknowledges = True
    #: How many heard the last message that was for everybody; None when that is not known.
    heard_by: int | None = None
    #: False once Redis refused to tell of writes.
    _can_track = True
    #: The socket on which Redis tells of writes, and the command of the next poll there.
    _tracked: Any = None
    _script = _LOAD
    #: The poll that has no answer yet: its queues, its acknowledgements, and whether it counts the queues that have more.
    _polled: tuple[list[str], list[str], bool] | None = None
    #: True if the last poll found nothing.
    _found_none = True
    #: Until this moment all queues are empty unless Redis tells otherwise.
    _empty_until = 0.0

    @property
    def polls(self) -> bool:
        """True if this channel consumes by polls: in a worker's event loop."""
        in_loop = self.connection is not None and self.connection.cycle.in_loop
        return in_loop and self._acknowledges and self._can_track

    def basic_consume(self, queue: str, no_ack: bool = False, *args: Any, **kwargs: Any) -> Any:
        """Consume from a queue. A consumer that never acknowledges wants nothing recorded: no polls then."""
        if no_ack and queue not in self._fanout_queues:
            self._acknowledges = False
        return super().basic_consume(queue, no_ack, *args, **kwargs)

    def _brpop_start(self, timeout: float | None = None) -> None:
        """Send a poll if there is a reason to."""
        self._take_back()
        if not self.polls:
            super()._brpop_start(timeout)
            return
        now, connection = monotonic(), self.client.connection
        if self._tracked is not connection._sock:
            if not self._track(connection):
                super()._brpop_start(timeout)
                return
        elif now < self._empty_until and not self.qos.pending:
            return
        names = self._queue_cycle.consume(len(self.active_queues))
        queues = [(name, self._q_for_pri(name, step)) for step in self.priority_steps for name in names]
        keys = [self.global_keyprefix + key for _, key in queues]
        own = [self.global_keyprefix + key for key in (self.unacked_key, self.unacked_index_key)]
        acks = self.qos.take_pending()
        estimate = self.qos.can_consume_max_estimate()
        # With room for one message it is of no use to hear of more, unless there was not even one.
        counts = self._found_none or estimate != 1
        most = 1 if len(self.priority_steps) > 1 else POPS_AT_ONCE
        room = most if estimate is None else min(max(estimate, 1), most)
        commands: list[tuple[Any, ...]] = [(*self._script, len(own + keys), *own, *keys, time(), room, *acks)]
        if counts:
            commands.append(("EXISTS", *keys))
        self._polled = [name for name, _ in queues], acks, counts
        self._in_poll, self._brpop_sent_at = connection, now
        connection.send_packed_command(connection.pack_commands(commands))

    def _track(self, connection: Any) -> bool:
        """Ask Redis to tell of writes on this connection; False if it cannot."""
        try:
            connection.send_command("CLIENT", "TRACKING", "ON", "NOLOOP")
            connection.read_response()
        except ResponseError as error:
            log.warning("Redis refuses to tell of writes, so that each message costs more: %s", error)
            self._can_track = False
            return False
        self._tracked, self._script = connection._sock, _LOAD
        return True

    def _brpop_read(self, **options: Any) -> bool:
        """Read the answer to a poll and deliver its messages. Raises Empty if there is none."""
        if self._polled is None:
            return bool(super()._brpop_read(**options))
        queues, _, counts = self._polled
        popped, more = self._answer(counts)
        self._found_none, self._empty_until = not popped, 0.0
        for number, text, recorded in popped:
            self._queue_cycle.rotate(queues[number - 1])
            self.qos.recorded = bool(recorded)
            try:
                self.connection._deliver(loads(bytes_to_str(text)), queues[number - 1])
            finally:
                self.qos.recorded = False
        # What Redis tells may have been read together with the answer: the loop would not notice.
        if more == 0 and not self.client.connection.can_read(timeout=0):
            self._empty_until = monotonic() + self.brpop_timeout
        if not popped:
            raise Empty
        return True

    def _answer(self, counts: bool) -> tuple[list[Any], int | None]:
        """Return the messages of a poll and how many queues have more (None: not counted)."""
        connection = self.client.connection
        answers: list[Any] = []
        try:
            for _ in range(1 + counts):
                try:
                    answers.append(connection.read_response())
                except ResponseError as error:  # the answer after it must be read all the same
                    answers.append(error)
        except self.connection_errors:
            connection.disconnect()
            raise
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()
        if isinstance(answers[0], ResponseError):
            self._take_back()
            self._script = _LOAD
            if not isinstance(answers[0], NoScriptError):
                raise answers[0]
            return [], None
        self._script, self._polled = _RUN, None
        return answers[0], answers[1] if counts else None

    def _take_back(self) -> None:
        """Acknowledge once more with the next poll what went with one that failed."""
        if self._polled is not None:
            self.qos.pending[:0] = self._polled[1]
            self._polled = None

    def read_news(self) -> None:
        """Read what came without a poll: a queue was written, or the connection is closed."""
        self._empty_until = 0.0
        connection = self.client.connection
        try:
            connection.read_response(push_request=True, timeout=0, disconnect_on_error=False)
        except RedisTimeoutError:  # it was not for us, as in TLS
            pass
        except self.connection_errors:
            connection.disconnect()  # the poller connects again

    def flush_last(self) -> None:
        """Acknowledge what waits for a poll that will not come; what cannot be acknowledged is delivered again."""
        if not self._in_poll:
            self._take_back()
        with suppress(*self.connection_errors, ResponseError):
            self.qos.flush()

    def close(self) -> None:
        """Acknowledge what waits for a poll, and close."""
        if not self.closed:
            self.flush_last()
        super().close()

    def _after_fork(self) -> None:
        """Leave to the parent what it has to acknowledge."""
        self.qos.pending.clear()
        super()._after_fork()

    def basic_publish(self, *args: Any, **kwargs: Any) -> Any:
        """Publish a message.

        Raises:
            redis.ConnectionError: the channel is closed, which its user may not know: when a connection breaks while a
                producer declares a queue, kombu closes the channel and gives a new one to the queue alone. After one of the
                `connection_errors` the producer gets one too; it did not after the AttributeError that kombu raises here.
        """
        if self.connection is None:
            raise RedisConnectionError("This channel is closed.")
        return super().basic_publish(*args, **kwargs)

    def _put_fanout(self, exchange: str, message: Any, routing_key: str, **kwargs: Any) -> None:
        """Publish a message for everybody, and note how many heard it."""
        if "_publish_batch" in kwargs:  # it goes later, with others: who hears it is not known
            super()._put_fanout(exchange, message, routing_key, **kwargs)
            return
        with self.conn_or_acquire() as client:
            text = dumps(message)
            topics = self._get_publish_topics(exchange, routing_key)
            self.heard_by = sum(client.publish(topic, text) for topic in topics)

    def _create_client(self, asynchronous: bool = False) -> Any:
        """Return the client of the present pool (after a fork or a lost connection there is a new one)."""
        if asynchronous:
            return super()._create_client(asynchronous=True)
        pool = self.pool
        if self._kept is None or self._kept[0] is not pool:
            self._kept = pool, super()._create_client()
        return self._kept[1]


class Poller(kombu.MultiChannelPoller):  # type: ignore[misc]
    """The channels of a connection, which poll while an event loop runs."""

    in_loop = False

    def on_poll_start(self) -> None:
        """Let channels poll; acknowledge at once for those that may not, having no queue or no room any more."""
        super().on_poll_start()
        for channel in self._channels:
            if channel.qos.pending and not channel._in_poll:
                channel.qos.flush()

    def on_readable(self, fileno: int) -> None:
        """Let a channel read an answer, or what Redis tells it."""
        channel, kind = self._fd_to_chan.get(fileno, (None, None))
        if kind == "BRPOP" and channel.polls and not channel._in_poll:
            channel.read_news()
        else:
            super().on_readable(fileno)

    def leave_loop(self, hub: Any) -> None:
        """Acknowledge what waits for a poll: the loop ends. Later acknowledgements are sent one by one."""
        self.in_loop = False
        hub.on_close.discard(self.leave_loop)
        for channel in self._channels:
            channel.flush_last()


class Transport(kombu.Transport):  # type: ignore[misc]
    """Kombu's Redis transport with such channels."""

    Channel = Channel
    #: After these a worker connects again, where kombu lets it end: a Redis refuses writes that is not the primary any more,
    #: or not yet, and one that is full.
    connection_errors = (*kombu.Transport.connection_errors, ReadOnlyError, MasterDownError, OutOfMemoryError)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cycle = Poller()

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """Consume by polls from now on."""
        super().register_with_event_loop(connection, loop)
        self.cycle.in_loop = True
        loop.on_close.add(self.cycle.leave_loop)


def install(app: Any) -> None:
    """Use all of it in every connection to Redis of this process, and in the workers of `app`."""
    TRANSPORT_ALIASES["redis"] = f"{__name__}:Transport"
    TRANSPORT_ALIASES["rediss"] = f"{__name__}:Transport"
    app.steps["consumer"].add(GatheredEvents)
