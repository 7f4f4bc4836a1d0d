"""How true the time is that is said to be left: guesses against what it took, over worlds of five sizes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Any

from tests.benchmarks.rig import rig
from tests.integration.conftest import PROMPT, Platform

SIZES = ((1, 1), (3, 9), (5, 15), (20, 100), (40, 250))
_LOOK_S = 0.1


def measure(
    sizes: Sequence[tuple[int, int]] = SIZES, *, rounds: int = 2, llm_s: float = 2.0, image_s: float = 1.0
) -> dict[str, Any]:
    """Make a world of each size, `rounds` times: the first ones know no finished world.

    For each, of all guesses after the first tenth of its time: the quartiles of guess : truth, and what part lies within
    25 %. Answers take `llm_s` and `image_s` seconds, and a third of it more or less.
    """
    found: dict[str, Any] = {}
    with rig() as platform:
        latency = {
            "llm": {"mean_s": llm_s, "sigma_s": llm_s / 3},
            "images": {"mean_s": image_s, "sigma_s": image_s / 3},
        }
        platform.behave(latency=latency, prerendered=True)
        for number in range(rounds):
            for users, posts in sizes:
                name = f"{users}/{posts}" + (", others known" if number else "")
                found[name] = _judge(*_watch(platform, users, posts))
    ratios = [one["quartiles"] for one in found.values()]
    found["the middle half within 25 %"] = all(low >= 0.75 and high <= 1.25 for low, _, high in ratios)
    return found


def _watch(platform: Platform, users: int, posts: int) -> tuple[list[tuple[float, float]], float]:
    """Make a world; return (seconds since its order, seconds said to be left) as often as a person could see it, and how
    many it took."""
    began = time.monotonic()
    world = platform.order(PROMPT, users, posts)
    guesses: list[tuple[float, float]] = []
    told, said_at = -1, began
    while True:
        status = platform.client.status(world)
        now = time.monotonic()
        if status.status.is_final:
            return guesses, now - began
        if status.revision != told:
            told, said_at = status.revision, now
        if status.seconds_left is not None:
            guesses.append((now - began, max(status.seconds_left - (now - said_at), 0.0)))
        time.sleep(_LOOK_S)


def _judge(guesses: list[tuple[float, float]], took: float) -> dict[str, Any]:
    ratios = [left / (took - at) for at, left in guesses if at > took / 10 and took - at > 1]
    if len(ratios) < 2:
        return {"seconds": round(took, 1), "guesses": len(ratios), "quartiles": (1.0, 1.0, 1.0)}
    low, middle, high = statistics.quantiles(ratios, n=4)
    close = sum(0.75 <= one <= 1.25 for one in ratios) / len(ratios)
    return {
        "seconds": round(took, 1),
        "guesses": len(ratios),
        "quartiles": (round(low, 2), round(middle, 2), round(high, 2)),
        "within_25_percent": round(close, 2),
    }
