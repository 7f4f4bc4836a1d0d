"""The estimate of a world as it is sent, before a cent is spent. It is computed in `billing/estimate.py`."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Range(BaseModel):
    """From `low` to `high`."""

    low: float
    high: float


class Estimate(BaseModel):
    """What a world will take. `usd` is None when the text model's price is unknown and no finished world tells it."""

    text_calls: int = Field(description="Text calls when nothing has to be asked twice.")
    image_calls: int
    usd: Range | None
    seconds: Range
    finished_worlds: int = Field(
        description="How many finished worlds the figures are based on; 0: on prices alone."
    )
