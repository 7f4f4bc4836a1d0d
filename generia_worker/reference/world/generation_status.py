"""The status document of a generation as it travels. The world service only reads it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from generia_worker.client.status import STAGE_NAMES, WorldStatus
from generia_worker.reference.shared import validation
from generia_worker.rpc import wire
from generia_worker.storage.mongo import Document

_INT32_MAX = 2**31 - 1
#: Field of the message → field of the document.
_COUNTERS = {
    "tasks_total": "tasks_total",
    "tasks_completed": "tasks_completed",
    "tasks_failed": "tasks_failed",
    "task_predicted": "task_predicted",
    "users_created": "users_created",
    "posts_created": "posts_created",
    "users_predicted": "users_predicted",
    "posts_predicted": "posts_predicted",
    "api_call_limits_llm": "api_call_limits_LLM",
    "api_call_limits_images": "api_call_limits_images",
    "api_calls_made_llm": "api_calls_made_LLM",
    "api_calls_made_images": "api_calls_made_images",
}


def status_message(world: Document, document: Document | None) -> wire.world.GetGenerationStatusResponse:
    """Return how far a world is, from its status document or (None: not started) from its order."""
    if document is None:
        return _not_started(world)
    counters: dict[str, Any] = {name: _count(document.get(field)) for name, field in _COUNTERS.items()}
    return wire.world.GetGenerationStatusResponse(
        status=str(document["status"]),
        current_stage=str(document.get("current_stage") or ""),
        stages=[
            wire.world.StageInfo(name=str(stage["name"]), status=str(stage["status"]))
            for stage in document.get("stages") or []
        ],
        llm_cost_total=float(document.get("llm_cost_total") or 0),
        image_cost_total=float(document.get("image_cost_total") or 0),
        created_at=_moment(document.get("created_at")),
        updated_at=_moment(document.get("updated_at")),
        **counters,
    )


def _not_started(world: Document) -> wire.world.GetGenerationStatusResponse:
    order = world["order"]
    status = WorldStatus.FAILED if order["state"] == "refused" else WorldStatus.PENDING
    return wire.world.GetGenerationStatusResponse(
        status=status.value,
        current_stage=STAGE_NAMES[0],
        stages=[wire.world.StageInfo(name=name, status=WorldStatus.PENDING.value) for name in STAGE_NAMES],
        users_predicted=order["users_count"],
        posts_predicted=order["posts_count"],
        created_at=validation.iso(world["created_at"]),
        updated_at=validation.iso(world["updated_at"]),
    )


def _count(value: Any) -> int:
    return min(max(int(value or 0), 0), _INT32_MAX)


def _moment(value: Any) -> str:
    return validation.iso(value) if isinstance(value, datetime) else str(value or "")
