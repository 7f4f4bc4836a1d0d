"""What calls cost where their provider does not say so. Dollars are floats, as the providers bill them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from generia_worker.providers.usage import Usage

#: The size in pixels that the price of an image is for.
_REFERENCE_PIXELS = 1024 * 1024


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

    def worst_image_usd(self, width: int, height: int) -> float:
        """Return the most that an image of this size, in pixels, can cost."""
        return self.image_usd * max(1.0, width * height / _REFERENCE_PIXELS)

    def priced(self, usage: Usage) -> Usage:
        """Return the usage of a text call with its cost: the provider's where it names one, else by this table.

        It stays None where neither knows: an unknown cost is never 0 in silence.
        """
        if usage.cost_usd is not None or not (usage.prompt_tokens or usage.completion_tokens):
            return usage
        return replace(usage, cost_usd=self.text_usd(usage.prompt_tokens, usage.completion_tokens))
