"""What a day still allows a person, as it is sent: told before anything is ordered."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field


class Allowance(BaseModel):
    """What is left today (UTC). Null: there is no limit."""

    worlds_left: int | None = Field(description="Worlds that this person may still order.", examples=[3])
    worlds_most: int | None = Field(examples=[5])
    usd_left: float | None = Field(
        description="Dollars that their worlds may still cost: of their own limit, or of everybody's if less.",
        examples=[0.85],
    )
    usd_most: float | None = Field(examples=[1.0])
    resets_at: datetime

    @property
    def is_bounded(self) -> bool:
        """True when anything is limited."""
        return self.worlds_left is not None or self.usd_left is not None
