"""Whether a small world gets by many large ones, and whether equal worlds end together; with the default slots."""

from __future__ import annotations

import time
from typing import Any

from tests.benchmarks.rig import behaviour, make_worlds, rig
from tests.integration.conftest import PROMPT, Platform

LLM_S, IMAGE_S = 2.0, 1.0
_LARGE = (40, 250)


def measure(*, large: int = 50, later_s: float = 60.0, equal: int = 10) -> dict[str, Any]:
    """Order `large` worlds of 40/250 and a 1/1 world behind them, another one `later_s` seconds later; and equal worlds.

    Seconds; the large worlds are cancelled once both small ones have ended.
    """
    with rig() as platform:
        platform.behave(**behaviour(0, 0))
        make_worlds(platform, [(2, 4)])
        platform.behave(**behaviour(LLM_S, IMAGE_S))
        solo = make_worlds(platform, [(1, 1)])[0].seconds
        together = [one.seconds for one in make_worlds(platform, [(10, 30)] * equal)]
        crowd = [platform.order(PROMPT, *_LARGE) for _ in range(large)]
        behind = make_worlds(platform, [(1, 1)])[0].seconds
        time.sleep(later_s)
        later = make_worlds(platform, [(1, 1)])[0].seconds
        posts = _cancel(platform, crowd)
    return {
        "1/1 alone": {"seconds": round(solo, 1)},
        f"1/1 behind {large} of 40/250": {"seconds": round(behind, 1), "ratio": round(behind / solo, 2)},
        f"1/1 ordered {later_s:g} s later": {"seconds": round(later, 1), "ratio": round(later / solo, 2)},
        f"{equal} of 10/30": {
            "first_s": round(min(together), 1),
            "last_s": round(max(together), 1),
            "ratio": round(max(together) / min(together), 2),
        },
        "posts of the large worlds by then": {"fewest": min(posts), "most": max(posts)},
    }


def _cancel(platform: Platform, worlds: list[str]) -> list[int]:
    """Cancel worlds; return how many posts each had."""
    posts = []
    for world in worlds:
        posts.append(platform.client.status(world).posts_created)
        platform.client.cancel(world)
    return posts
