"""How much longer a world takes than its providers do: on idle workers, with slots for everything and the default ones."""

from __future__ import annotations

from typing import Any

from tests.benchmarks.ideal import Providers, seconds
from tests.benchmarks.rig import behaviour, make_worlds, rig

LLM_S, IMAGE_S = 2.0, 1.0
_SIZES = ((5, 15), (20, 100))
_DEFAULT: dict[str, Any] = {"llm_concurrency": 50, "image_concurrency": 30}
_UNLIMITED: dict[str, Any] = {"llm_concurrency": 128, "image_concurrency": 128}


def measure(repeat: int = 3) -> dict[str, Any]:
    """Make each size of world alone, `repeat` times; seconds (the median) beside those of the providers alone."""
    found: dict[str, Any] = {}
    for name, slots in (("slots for everything", _UNLIMITED), ("50 and 30 slots", _DEFAULT)):
        providers = Providers(LLM_S, IMAGE_S, slots["llm_concurrency"], slots["image_concurrency"])
        with rig(**slots) as platform:
            platform.behave(**behaviour(0, 0))
            make_worlds(platform, [(2, 4)])  # connections, templates and pictures are there
            platform.behave(**behaviour(LLM_S, IMAGE_S))
            for size in _SIZES:
                took = sorted(make_worlds(platform, [size])[0].seconds for _ in range(repeat))
                ideal = seconds([size], providers)[0]
                median = took[len(took) // 2]
                found[f"{size[0]}/{size[1]}, {name}"] = {
                    "seconds": round(median, 2),
                    "of": [round(one, 2) for one in took],
                    "providers_s": round(ideal, 2),
                    "ratio": round(median / ideal, 3),
                }
    return found
