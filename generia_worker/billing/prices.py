"""What calls cost. Dollars are floats, as the providers bill them. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices of the text model in dollars per million tokens (None: unknown) and of one image in dollars."""

    input_usd_per_mtok: float | None
    output_usd_per_mtok: float | None
    image_usd: float

    def text_usd(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """Return the price of a text call, or None when the model's price is unknown."""
        if self.input_usd_per_mtok is None or self.output_usd_per_mtok is None:
            return None
        return (prompt_tokens * self.input_usd_per_mtok + completion_tokens * self.output_usd_per_mtok) / 1e6

    def worst_text_usd(self, prompt_bytes: int, max_tokens: int) -> float | None:
        """Return the most that a text call can cost: no token is shorter than one byte of UTF-8."""
        return self.text_usd(prompt_bytes, max_tokens)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a provider billed for one call; `cost_usd` is None when it is not known."""

    cost_usd: float | None
    prompt_tokens: int = 0
    completion_tokens: int = 0
