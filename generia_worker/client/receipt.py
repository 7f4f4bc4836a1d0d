"""What each part of a world cost. Pure."""

from __future__ import annotations

from pydantic import BaseModel, Field


class ReceiptLine(BaseModel):
    """The calls that one kind of step made to one provider. Dollars are what was billed, as far as it is known."""

    part: str = Field(description="The kind of step: describe, cast, character, post …", examples=["post"])
    provider: str = Field(description="llm or images", examples=["llm"])
    calls: int = Field(description="Calls that were billed, or may have been.")
    ambiguous_calls: int = Field(description="Calls that may have been billed: their outcome is unknown.")
    unknown_cost_calls: int = Field(description="Billed calls whose provider named no price.")
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float


class Receipt(BaseModel):
    """What a world cost, part by part; the sums are those of its status document once that is projected."""

    world_id: str
    lines: list[ReceiptLine]
    calls: int
    ambiguous_calls: int
    unknown_cost_calls: int
    llm_usd: float
    images_usd: float
    total_usd: float

    @classmethod
    def of(cls, world_id: str, lines: list[ReceiptLine]) -> Receipt:
        """Sum the lines up."""
        usd = {
            name: sum(line.cost_usd for line in lines if line.provider == name) for name in ("llm", "images")
        }
        return cls(
            world_id=world_id,
            lines=lines,
            calls=sum(line.calls for line in lines),
            ambiguous_calls=sum(line.ambiguous_calls for line in lines),
            unknown_cost_calls=sum(line.unknown_cost_calls for line in lines),
            llm_usd=usd["llm"],
            images_usd=usd["images"],
            total_usd=usd["llm"] + usd["images"],
        )
