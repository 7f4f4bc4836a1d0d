"""What a provider says that a call used. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

#: The two kinds of paid provider: of texts and of images.
Provider = Literal["llm", "images"]
PROVIDERS: tuple[Provider, ...] = get_args(Provider)


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used in one call; `cost_usd` (dollars) is None where the provider names no cost."""

    cost_usd: float | None
    prompt_tokens: int = 0
    completion_tokens: int = 0


def dollars(value: Any) -> float | None:
    """Read a price as a provider names it; what is missing or no sum of money is None, never 0 in silence."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e6:
        return None
    return float(value)
