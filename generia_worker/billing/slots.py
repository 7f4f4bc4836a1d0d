"""Limits that hold across all workers: how many calls a provider gets at once, and pauses that it asked for.

Each call in flight holds a slot: a member of a sorted set in Redis that expires unless its process renews it, so that a
process that dies gives its slots back. Redis's clock decides. Waiting for a slot is no attempt. The name of a member
begins with its owner's, so that slots of an owner that is known to be dead can be freed before they expire.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from generia_worker.errors import BusyError, TransientError
from generia_worker.observability import metrics

#: KEYS: slots, pause. ARGV: limit, lease in ms, token. Returns 0 when taken, else the ms to wait at least (-1: no slot).
_ACQUIRE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local pause = redis.call('PTTL', KEYS[2])
if pause >= 0 then return math.max(pause, 1) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return -1 end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2] * 4)
return 0
"""
#: KEYS: slots. ARGV: lease in ms, tokens. Renews those that are still held.
_RENEW = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], 'XX', now + ARGV[1], ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1] * 4)
return 0
"""
#: KEYS: pause. ARGV: ms. A pause is only ever prolonged.
_PAUSE = """
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], 1, 'PX', ARGV[1]) end
return 0
"""
_POLL_S = 0.05
#: Between an owner and what tells its slots apart.
_APART = "~"


class ProviderSlots:
    """The slots of one provider. `limit` calls in flight at most, over all workers."""

    def __init__(
        self,
        redis: Redis,
        provider: str,
        owner: str,
        *,
        limit: int,
        lease_s: float,
        patience_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.provider = provider
        self._redis = redis
        self._owner = owner
        self._limit = limit
        self._lease_ms = int(lease_s * 1000)
        self._patience_s = patience_s
        self._clock = clock
        self._slots = f"generia:slots:{provider}"
        self._paused = f"generia:pause:{provider}"
        self._acquire = redis.register_script(_ACQUIRE)
        self._renew = redis.register_script(_RENEW)
        self._pause = redis.register_script(_PAUSE)
        self._held: set[str] = set()
        self._lock = threading.Lock()

    @contextmanager
    def hold(self, stopping: threading.Event | None = None) -> Iterator[None]:
        """Hold a slot for the time of the block; wait for it for `patience_s` at most.

        Raises:
            BusyError: there is none; `retry_after_s` says when to ask again.
            TransientError: Redis does not answer.
        """
        token = f"{self._owner}{_APART}{uuid.uuid4().hex}"
        self._take(token, stopping)
        with self._lock:
            self._held.add(token)
        try:
            yield
        finally:
            with self._lock:
                self._held.discard(token)
            self._give_back(token)

    def _take(self, token: str, stopping: threading.Event | None) -> None:
        deadline = self._clock() + self._patience_s
        while True:
            try:
                wait_ms = int(
                    self._acquire(keys=[self._slots, self._paused], args=[self._limit, self._lease_ms, token])
                )
            except RedisError as error:
                message = f"Redis does not answer ({type(error).__name__}): no call is made without a slot."
                raise TransientError(message, outage=True) from None
            if wait_ms == 0:
                return
            wait_s = _POLL_S if wait_ms < 0 else wait_ms / 1000
            if self._clock() + wait_s > deadline or (stopping is not None and stopping.is_set()):
                why = "no free slot" if wait_ms < 0 else "a pause that it asked for"
                message = f"The {self.provider} provider has {why}."
                raise BusyError(message, retry_after_s=max(wait_s, self._patience_s / 2))
            with metrics.waiting(self.provider):
                time.sleep(wait_s)

    def _give_back(self, token: str) -> None:
        try:
            self._redis.zrem(self._slots, token)
        except RedisError:
            return  # it expires by itself

    def pause(self, seconds: float) -> None:
        """Keep every worker from calling this provider for `seconds`. Without Redis each finds out by itself."""
        try:
            self._pause(keys=[self._paused], args=[max(int(seconds * 1000), 1)])
        except RedisError:
            return

    def renew(self) -> None:
        """Renew this process's slots; a slot that cannot be renewed expires. Raises RedisError."""
        with self._lock:
            held = list(self._held)
        if held:
            self._renew(keys=[self._slots], args=[self._lease_ms, *held])

    def free(self, is_dead: Callable[[str], bool]) -> int:
        """Take the slots of dead owners out; returns how many there were. Raises RedisError."""
        members: Any = self._redis.zrange(self._slots, 0, -1)
        dead = [one for one in members if is_dead(one.decode().rpartition(_APART)[0])]
        return int(self._redis.zrem(self._slots, *dead)) if dead else 0
