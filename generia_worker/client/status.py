"""The status document as it travels: what a person watches while a world is being made."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

#: The stages that a person sees, in their order; the names are part of the platform's contract.
STAGE_NAMES = ("initializing", "world_description", "world_image", "characters", "posts", "finishing")


class WorldStatus(StrEnum):
    """The state of a generation."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """True when nothing more will happen to the world unless a person asks for it."""
        return self in (WorldStatus.COMPLETED, WorldStatus.FAILED, WorldStatus.CANCELLED)


class StageInfo(BaseModel):
    """One stage and how far it is."""

    name: str
    status: WorldStatus


class OrderedParameters(BaseModel):
    """What was ordered."""

    users_count: int
    posts_count: int
    user_prompt: str
    reactions: str = "none"


class Failure(BaseModel):
    """Why a world failed, in words for a person."""

    step: str | None = None
    reason: str


class FailedStep(BaseModel):
    """A step that failed, or was skipped because another one did: why, at which attempt, when."""

    model_config = ConfigDict(extra="ignore")

    step: str
    state: str
    reason: str = ""
    kind: str = ""
    attempt: int = 0
    at: datetime | None = None


class GenerationStatus(BaseModel):
    """The status of one generation. Counts are exact for the ledger as it was read; costs are dollars as billed.

    What is predicted, and `parameters`, are the order and what extended the world (`extensions` times) together.

    `ambiguous_calls_*` counts calls that may have been billed; `unknown_cost_calls` those whose
    provider named no price. `likes_predicted` and `comments_predicted` are how many of them there will be
    at most. `revision` grows with every change. `seconds_left` is a forecast, from `updated_at` on.
    """

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    world_id: str = Field(alias="_id")
    status: WorldStatus
    current_stage: str
    stages: list[StageInfo]
    tasks_total: int = 0
    tasks_completed: int = 0
    tasks_failed: int = 0
    tasks_skipped: int = 0
    tasks_cancelled: int = 0
    task_predicted: int = 0
    users_created: int = 0
    posts_created: int = 0
    users_predicted: int = 0
    posts_predicted: int = 0
    extensions: int = 0
    likes_created: int = 0
    comments_created: int = 0
    replies_created: int = 0
    likes_predicted: int = 0
    comments_predicted: int = 0
    api_call_limits_LLM: int = 0  # noqa: N815 - the platform's name
    api_call_limits_images: int = 0
    api_calls_made_LLM: int = 0  # noqa: N815
    api_calls_made_images: int = 0
    ambiguous_calls_LLM: int = 0  # noqa: N815
    ambiguous_calls_images: int = 0
    unknown_cost_calls: int = 0
    llm_cost_total: float = 0.0
    image_cost_total: float = 0.0
    budget_usd: float | None = None
    parameters: OrderedParameters
    error: Failure | None = None
    revision: int = 0
    seconds_left: float | None = None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None = None

    @property
    def cost_usd(self) -> float:
        """Everything that is known to have been billed."""
        return self.llm_cost_total + self.image_cost_total

    @property
    def is_incomplete(self) -> bool:
        """True for a world that is completed, and in which something failed; `error` says what it lacks."""
        return self.status is WorldStatus.COMPLETED and self.tasks_failed > 0

    def as_json(self) -> dict[str, Any]:
        """Return the document as it is sent: the platform's names, `_id` among them."""
        return self.model_dump(mode="json", by_alias=True)
