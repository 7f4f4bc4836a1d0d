"""Replies of characters to people, as they are asked for and as they are told."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from generia_worker.client.order import WORLD_ID_PATTERN, Dollars


class ReplyTerms(BaseModel):
    """The body of `PUT /v1/generations/{world_id}/replies`: what all replies of a world may cost together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    budget: Dollars = Field(
        description="Dollars of all replies at most, those that there are among them.", examples=[0.5]
    )


class RepliesStatus(BaseModel):
    """Whether the characters of a world reply to people, and what that cost."""

    model_config = ConfigDict(extra="ignore")

    world_id: str
    on: bool
    budget: float | None = Field(description="Dollars of all replies at most; null where it was never on.")
    spent_usd: float = Field(description="What they cost, or may have.")
    replies: int = Field(description="Replies that were made.")
    used_up: bool = Field(description="Whether too little is left of the budget for one more.")
    today: int = Field(description="Comments that were taken up today (UTC).")
    a_day: int = Field(description="Comments that are taken up a day at most.")
    a_day_person: int = Field(description="Comments of one person that are taken up a day at most.")


class CommentNotice(BaseModel):
    """The body of `POST /v1/generations/{world_id}/replies`: somebody commented on this post."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    post_id: str = Field(pattern=WORLD_ID_PATTERN, examples=["5e9f2c1a-0b7d-4f7e-9a51-3c1d2e4f5a6b"])


class RepliesBegun(BaseModel):
    """How many comments were taken up."""

    begun: int
