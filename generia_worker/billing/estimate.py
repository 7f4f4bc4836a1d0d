"""What a world will take, before a cent is spent: calls, dollars and seconds, as ranges. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from generia_worker.billing.prices import PriceTable
from generia_worker.client.estimate import Estimate, Range

#: A text call of this pipeline, in tokens, where no finished world tells better: prompts carry world and character.
_PROMPT_TOKENS, _ANSWER_TOKENS = 2500, 450
#: How far reality may be from what is known: (low, high) factors, without and with finished worlds to go by.
_ROUGH, _KNOWN = (0.5, 2.0), (0.8, 1.3)


@dataclass(frozen=True, slots=True)
class Finished:
    """A world that was completed: what it took."""

    text_calls: int
    image_calls: int
    text_usd: float
    image_usd: float
    seconds: float
    users: int
    posts: int
    options: tuple[str, ...] = ()


def estimate(
    calls: tuple[int, int], seconds: float, prices: PriceTable, known: Sequence[Finished]
) -> Estimate:
    """Estimate a world that takes `calls` (text, images) and about so many seconds.

    From the prices, or from `known` worlds once there are some.
    """
    text, images = calls
    text_usd, image_usd = _unit_costs(prices, known)
    usd = None if text_usd is None or image_usd is None else text * text_usd + images * image_usd
    low, high = _KNOWN if known else _ROUGH
    return Estimate(
        text_calls=text,
        image_calls=images,
        usd=None if usd is None else Range(low=usd * low, high=usd * high),
        seconds=Range(low=seconds * low, high=seconds * high),
        finished_worlds=len(known),
    )


def _unit_costs(prices: PriceTable, known: Sequence[Finished]) -> tuple[float | None, float | None]:
    """Return the dollars of one text call and of one image. None: unknown."""
    text_calls, image_calls = sum(one.text_calls for one in known), sum(one.image_calls for one in known)
    text = prices.text_usd(_PROMPT_TOKENS, _ANSWER_TOKENS)
    if text_calls:
        text = sum(one.text_usd for one in known) / text_calls
    image = sum(one.image_usd for one in known) / image_calls if image_calls else prices.image_usd
    return text, image
