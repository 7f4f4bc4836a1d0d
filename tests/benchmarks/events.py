"""How soon a change reaches those who watch, by push and by polling, and what a client costs the endpoint."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from typing import Any

import psutil

from tests.benchmarks.followers import Endpoint, Seen, follow, poll
from tests.integration.conftest import PROMPT, Platform

POLL_S = 0.5
#: Slow enough for a world to last some seconds.
LATENCY = {"llm": {"mean_s": 1.0, "sigma_s": 0.3}, "images": {"mean_s": 0.6, "sigma_s": 0.2}}


def measure(platform: Platform, *, clients: int, worlds: int, users: int, posts: int) -> dict[str, Any]:
    """Let clients follow worlds that are being made; return figures by way of following.

    Times are in milliseconds, memory in kilobytes.
    """
    platform.behave(latency=LATENCY, prerendered=True)
    pushed, memory_kb, seconds = _pushed(platform, clients, worlds, users, posts)
    polled = _polled(platform, min(clients, 10 * worlds), worlds, users, posts)
    return {
        "clients": clients,
        "worlds": worlds,
        "size": f"{users}/{posts}",
        "push": _figures(pushed)
        | {"memory_kb_per_client": round(memory_kb, 1), "seconds": round(seconds, 1)},
        "polling": _figures(polled) | {"clients": len(polled), "every_ms": POLL_S * 1000},
    }


def follow_all(
    platform: Platform, clients: int, worlds: int, users: int, posts: int
) -> tuple[list[Seen], float]:
    """Order worlds, let `clients` follow them to the end; return what they saw, and the kilobytes that one costs."""
    endpoint = _endpoint(platform)
    process = psutil.Process(platform.stack.processes["api"].pid)

    async def run() -> tuple[list[Seen], float]:
        names = [await asyncio.to_thread(platform.new_world, PROMPT, users, posts) for _ in range(worlds)]
        before = process.memory_info().rss
        seen = [Seen(names[number % worlds]) for number in range(clients)]
        connected = asyncio.Semaphore(0)
        tasks = [asyncio.create_task(follow(endpoint, one, connected)) for one in seen]
        for _ in seen:
            await connected.acquire()
        cost_kb = (process.memory_info().rss - before) / 1024 / clients
        await asyncio.gather(*tasks)
        return seen, cost_kb

    return asyncio.run(run())


def _pushed(
    platform: Platform, clients: int, worlds: int, users: int, posts: int
) -> tuple[list[Seen], float, float]:
    begun = time.monotonic()
    seen, cost_kb = follow_all(platform, clients, worlds, users, posts)
    return seen, cost_kb, time.monotonic() - begun


def _polled(platform: Platform, clients: int, worlds: int, users: int, posts: int) -> list[Seen]:
    endpoint = _endpoint(platform)

    async def run() -> list[Seen]:
        names = [await asyncio.to_thread(platform.new_world, PROMPT, users, posts) for _ in range(worlds)]
        seen = [Seen(names[number % worlds]) for number in range(clients)]
        await asyncio.gather(*(poll(endpoint, one, POLL_S) for one in seen))
        return seen

    return asyncio.run(run())


def _endpoint(platform: Platform) -> Endpoint:
    return Endpoint(platform.settings.api_url, platform.settings.api_token.get_secret_value())


def _figures(seen: Sequence[Seen]) -> dict[str, Any]:
    delays = sorted(delay for one in seen for delay in one.delays_s)
    cuts = statistics.quantiles(delays, n=100)
    return {
        "ended": sum(one.done for one in seen),
        "states_per_client": round(sum(len(one.revisions) for one in seen) / len(seen), 1),
        "p50_ms": round(cuts[49] * 1000, 1),
        "p99_ms": round(cuts[98] * 1000, 1),
    }
