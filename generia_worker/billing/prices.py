"""What calls cost where their provider does not say so. Dollars are floats, as the providers bill them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from generia_worker.providers.usage import Usage

#: The size in pixels that the price of an image is for.
_REFERENCE_PIXELS = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Dearest:
    """The most that calls of a model were billed: dollars of a call, of an image also of a pixel; of a text, how many times
    what the price table says of its tokens."""

    usd: float = 0.0
    usd_per_pixel: float = 0.0
    factor: float = 1.0

    def or_dearer(self, other: Dearest) -> Dearest:
        """Return the dearer of both, in each respect."""
        return Dearest(
            max(self.usd, other.usd),
            max(self.usd_per_pixel, other.usd_per_pixel),
            max(self.factor, other.factor),
        )


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices of the text model in dollars per million tokens, and of one image in dollars. None: unknown."""

    input_usd_per_mtok: float | None
    output_usd_per_mtok: float | None
    image_usd: float | None

    def text_usd(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """Return the price of a text call, or None when the model's price is unknown."""
        if self.input_usd_per_mtok is None or self.output_usd_per_mtok is None:
            return None
        return (prompt_tokens * self.input_usd_per_mtok + completion_tokens * self.output_usd_per_mtok) / 1e6

    def worst_text_usd(
        self, prompt_bytes: int, max_tokens: int, dearest: Dearest | None = None
    ) -> float | None:
        """Return the most that a text call can cost, None when that is unknown: no token is shorter than one byte of UTF-8.

        Where calls were billed at more than this table says, this one may be too.
        """
        usd = self.text_usd(prompt_bytes, max_tokens)
        dearest = dearest or Dearest()
        return None if usd is None else max(usd * dearest.factor, dearest.usd)

    def worst_image_usd(self, width: int, height: int, dearest: Dearest | None = None) -> float | None:
        """Return the most that an image of this size, in pixels, can cost: what is configured, or what one was billed
        before. None when neither is known."""
        pixels = width * height
        known = [] if self.image_usd is None else [self.image_usd * max(1.0, pixels / _REFERENCE_PIXELS)]
        if dearest is not None:
            # Some providers ask the same for every size, others by the pixel.
            known += [dearest.usd, dearest.usd_per_pixel * pixels]
        return max(known, default=None)

    def text_bill(self, usage: Usage) -> Dearest:
        """Return what the bill of a text tells about the calls to come."""
        usd = self.text_usd(usage.prompt_tokens, usage.completion_tokens)
        cost = usage.cost_usd or 0.0
        return Dearest(usd=cost, factor=cost / usd if usd else 1.0)

    def priced(self, usage: Usage) -> Usage:
        """Return the usage of a text call with its cost: the provider's where it names one, else by this table.

        It stays None where neither knows: an unknown cost is never 0 in silence.
        """
        if usage.cost_usd is not None or not (usage.prompt_tokens or usage.completion_tokens):
            return usage
        return replace(usage, cost_usd=self.text_usd(usage.prompt_tokens, usage.completion_tokens))
