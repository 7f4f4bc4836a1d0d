"""Slots on a real Redis: never more than the limit, pauses for everybody, and nothing left over after a death."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis

from generia_worker.billing.slots import ProviderSlots
from generia_worker.errors import BusyError, TransientError
from generia_worker.settings import Settings


@pytest.fixture
def redis(servers: Settings) -> Iterator[Redis]:
    with Redis.from_url(servers.redis_url.get_secret_value()) as client:
        yield client


def slots(
    redis: Redis,
    name: str,
    owner: str = "me",
    *,
    limit: int,
    patience_s: float = 0.0,
    lease_s: float = 20,
) -> ProviderSlots:
    return ProviderSlots(redis, name, owner, limit=limit, lease_s=lease_s, patience_s=patience_s)


#: Of the slots that a test lets expire.
LEASE_S = 2


def name() -> str:
    return f"test-{uuid4().hex[:8]}"


def test_never_more_than_the_limit_whatever_the_number_of_workers(redis: Redis) -> None:
    provider = name()
    workers = [slots(redis, provider, limit=5, patience_s=30) for _ in range(4)]
    now = most = done = 0
    lock = threading.Lock()
    full = threading.Barrier(5, timeout=30)

    def call(worker: ProviderSlots) -> None:
        nonlocal now, most, done
        with worker.hold():
            with lock:
                now += 1
                most = max(most, now)
            full.wait()
            with lock:
                now -= 1
                done += 1

    threads = [threading.Thread(target=call, args=(workers[i % 4],)) for i in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, done) == (5, 60)
    assert redis.zcard(f"generia:slots:{provider}") == 0


def test_waiting_is_bounded_and_no_attempt(redis: Redis) -> None:
    provider = name()
    worker = slots(redis, provider, limit=1, patience_s=0.2)
    with worker.hold():
        before = time.monotonic()
        with pytest.raises(BusyError, match="no free slot"), worker.hold():
            pass
        assert 0.1 < time.monotonic() - before < 2
    with worker.hold():
        pass


def test_a_pause_holds_for_everybody_and_is_only_prolonged(redis: Redis) -> None:
    provider = name()
    one, other = slots(redis, provider, limit=9), slots(redis, provider, limit=9)
    one.pause(30)
    other.pause(0.001)
    with pytest.raises(BusyError, match="pause") as caught, other.hold():
        pass
    assert caught.value.retry_after_s is not None
    assert 25 < caught.value.retry_after_s <= 30


def test_a_short_pause_is_waited_out(redis: Redis) -> None:
    provider = name()
    worker = slots(redis, provider, limit=1, patience_s=25)
    worker.pause(1.5)
    assert redis.exists(f"generia:pause:{provider}")
    with worker.hold():
        assert not redis.exists(f"generia:pause:{provider}")


def test_a_slot_that_is_renewed_outlives_its_lease_and_one_of_the_dead_does_not(redis: Redis) -> None:
    provider = name()
    worker = slots(redis, provider, limit=1, lease_s=LEASE_S)
    other = slots(redis, provider, limit=1, lease_s=LEASE_S, patience_s=10)

    def redis_ms() -> int:
        now: Any = redis.time()
        return int(now[0] * 1000 + now[1] // 1000)

    def expires_ms() -> float:
        found: Any = redis.zrange(f"generia:slots:{provider}", 0, -1, withscores=True)
        [(_, at_ms)] = found
        return float(at_ms)

    with worker.hold():
        time.sleep(0.01)  # else a lease that is not renewed would end as late
        now_ms = redis_ms()
        worker.renew()
        assert expires_ms() >= now_ms + LEASE_S * 1000
        # From now on nobody renews it, as after a kill: the next one gets it when the lease has run out.
        with other.hold():
            pass


def test_a_process_that_is_killed_gives_its_slot_back(redis: Redis, servers: Settings) -> None:
    provider = name()
    program = (
        "import sys, time; from redis import Redis; from generia_worker.billing.slots import ProviderSlots;"
        "slots = ProviderSlots(Redis.from_url(sys.argv[1]), sys.argv[2], 'me', limit=1, lease_s=5, patience_s=0);"
        "held = slots.hold(); held.__enter__(); print('held', flush=True); time.sleep(60)"
    )
    url = servers.redis_url.get_secret_value()
    process = subprocess.Popen(
        [sys.executable, "-c", program, url, provider], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    process.kill()
    process.wait()
    with pytest.raises(BusyError), slots(redis, provider, limit=1).hold():
        pass
    with slots(redis, provider, limit=1, patience_s=25).hold():
        pass


def test_slots_of_dead_owners_are_freed_before_they_expire_and_no_others(redis: Redis) -> None:
    provider = name()
    dead, alive = slots(redis, provider, "host:1~2", limit=3), slots(redis, provider, "host:1", limit=3)
    with dead.hold(), dead.hold(), alive.hold():
        assert alive.free("host:1~2".__eq__) == 2
        assert redis.zcard(f"generia:slots:{provider}") == 1
        with alive.hold(), alive.hold(), pytest.raises(BusyError), alive.hold():
            pass
        assert alive.free("host:1~2".__eq__) == 0


def test_without_redis_no_call_is_made() -> None:
    nowhere = Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2)
    with (
        pytest.raises(TransientError, match="no call is made") as caught,
        slots(nowhere, "x", limit=1).hold(),
    ):
        pass
    assert caught.value.outage
