"""What a world will take, before a cent is spent: calls, dollars and seconds, as ranges. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from generia_worker.billing.prices import PriceTable
from generia_worker.client.estimate import Estimate, Range

#: A text call of this pipeline, in tokens, where no finished world tells better: prompts carry world and character.
_PROMPT_TOKENS, _ANSWER_TOKENS = 2500, 450
#: Seconds of one text and one image call where no finished world tells better.
_TEXT_S, _IMAGE_S = 6.0, 4.0
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


@dataclass(frozen=True, slots=True)
class Shape:
    """How the pipeline makes calls: how many characters a batch of the cast has, and how many calls may be in flight."""

    cast_batch: int
    text_slots: int
    image_slots: int


def estimate(
    users: int, calls: tuple[int, int], shape: Shape, prices: PriceTable, known: Sequence[Finished]
) -> Estimate:
    """Estimate a world of `users` characters that takes `calls` (text, images).

    From the prices, or from `known` worlds once there are some.
    """
    text, images = calls
    text_usd, image_usd = _unit_costs(prices, known)
    usd = None if text_usd is None or image_usd is None else text * text_usd + images * image_usd
    seconds = _critical_path_s(users, text, images, shape)
    if known:
        # How much slower or faster than the model of the critical path the known worlds were.
        pace = [one.seconds / max(_rough_s(one, shape), 0.1) for one in known]
        seconds *= sorted(pace)[len(pace) // 2]
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


def _critical_path_s(users: int, text: int, images: int, shape: Shape) -> float:
    """Return the longest chain of calls, or what the slots allow when that is more."""
    opening = 2 + ceil(users / shape.cast_batch)
    one_after_another = (opening + 3) * _TEXT_S + 3 * _IMAGE_S
    return max(one_after_another, text * _TEXT_S / shape.text_slots, images * _IMAGE_S / shape.image_slots)


def _rough_s(one: Finished, shape: Shape) -> float:
    return _critical_path_s(one.users, one.text_calls, one.image_calls, shape)
