"""How many of the providers' slots are in use while there is more to do than they can take."""

from __future__ import annotations

import threading
import time
from typing import Any

from redis import Redis

from tests.benchmarks.rig import Meter, behaviour, make_worlds, rig
from tests.integration.conftest import PROMPT, Platform

#: Slow enough for two cores to keep all slots busy: 250 / 8 + 150 / 6.5 = 54 calls a second, in the mix that worlds need.
LLM_S, IMAGE_S = 8.0, 6.5
SLOTS = {"llm": 250, "images": 150}
_SAMPLE_S = 0.25


def measure(
    *, worlds: int = 60, users: int = 20, posts: int = 100, ramp_s: float = 75, for_s: float = 120
) -> dict[str, Any]:
    """Order worlds, let them get going for `ramp_s`, and look at the slots for `for_s`; then cancel what is left."""
    settings: dict[str, Any] = {"llm_concurrency": SLOTS["llm"], "image_concurrency": SLOTS["images"]}
    with rig(**settings) as platform:
        platform.behave(**behaviour(0, 0))
        make_worlds(platform, [(2, 4)])
        platform.behave(**behaviour(LLM_S, IMAGE_S))
        names = [platform.order(PROMPT, users, posts) for _ in range(worlds)]
        time.sleep(ramp_s)
        meter = Meter(platform).start()
        samples = _watch(platform, for_s)
        used = meter.cpu()
        took = meter.seconds()
        processes = [name for name in platform.stack.processes if name.startswith("worker-")]
        for name in names:
            platform.client.cancel(name)
    found: dict[str, Any] = {
        provider: {
            "slots": SLOTS[provider],
            "in_use": round(sum(taken) / len(taken) / SLOTS[provider], 3),
            "least": round(min(taken) / SLOTS[provider], 3),
        }
        for provider, taken in samples.items()
    }
    total = sum(SLOTS.values())
    both = [a + b for a, b in zip(samples["llm"], samples["images"], strict=True)]
    found["together"] = {"slots": total, "in_use": round(sum(both) / len(both) / total, 3)}
    found["machine"] = {"cores_in_use": round(sum(used.values()) / took, 2), "workers": len(processes)}
    return found


def _watch(platform: Platform, for_s: float) -> dict[str, list[int]]:
    """Return how many slots of each provider were held, at each look."""
    redis = Redis.from_url(platform.settings.redis_url.get_secret_value())
    taken: dict[str, list[int]] = {provider: [] for provider in SLOTS}
    over = threading.Event()
    until = time.monotonic() + for_s
    while time.monotonic() < until:
        for provider, found in taken.items():
            found.append(int(redis.zcard(f"generia:slots:{provider}")))
        over.wait(_SAMPLE_S)
    return taken
