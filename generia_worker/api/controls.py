"""What may be done to a world that was ordered, and what can be asked of it afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from generia_worker.api.paths import WorldId
from generia_worker.app.container import Container
from generia_worker.app.days import Days
from generia_worker.app.enqueue import RECORD_PROGRESS, START_WORLD, Enqueuer
from generia_worker.app.ordering import Ordering
from generia_worker.app.replies import Replies
from generia_worker.client.estimate import Estimate
from generia_worker.client.order import Extension, MoreSize
from generia_worker.client.receipt import Receipt
from generia_worker.client.replies import CommentNotice, RepliesBegun, RepliesStatus, ReplyTerms
from generia_worker.client.schedule import ChronicleDay, Schedule, ScheduleStatus
from generia_worker.client.status import FailedStep, GenerationStatus
from generia_worker.http.problems import documented


class RedoBody(BaseModel):
    """Which item to redo."""

    model_config = ConfigDict(extra="forbid")

    step: str = Field(
        min_length=1,
        max_length=40,
        examples=["character/7", "post/7/3"],
        # Documented only: what does not fit is refused in words.
        json_schema_extra={"pattern": r"^(character/\d{1,3}|post/\d{1,3}/\d{1,3}(@\d{1,4})?)$"},
    )


def add_controls(
    app: FastAPI, container: Container, ordering: Ordering, enqueuer: Enqueuer, authorised: Any
) -> None:
    """Add what changes the course of a world; each answers 202 and the status as it is by now."""
    answers: dict[str, Any] = {
        "status_code": 202,
        "response_model": GenerationStatus,
        "responses": documented(400, 401, 403, 404, 409, 411, 413, 422, 503),
        "dependencies": [authorised],
    }

    def go_on(world_id: str, task: str) -> GenerationStatus:
        enqueuer.send(world_id, task)
        return GenerationStatus.model_validate(container.status.get(world_id))

    @app.post("/v1/generations/{world_id:id}:cancel", **answers)
    def cancel(world_id: WorldId) -> GenerationStatus:
        """Stop a world within one call's time; what exists stays."""
        container.control.cancel(world_id)
        return go_on(world_id, RECORD_PROGRESS)

    @app.post("/v1/generations/{world_id:id}:resume", **answers)
    def resume(world_id: WorldId) -> GenerationStatus:
        """Go on with a world that was cancelled or has failed."""
        with ordering.going_on(world_id):
            container.control.resume(world_id)
        return go_on(world_id, START_WORLD)

    @app.post("/v1/generations/{world_id:id}:retry", **answers)
    def retry(world_id: WorldId) -> GenerationStatus:
        """Try what failed again, and what was skipped because of it."""
        with ordering.going_on(world_id):
            container.control.retry(world_id)
        return go_on(world_id, START_WORLD)

    @app.post("/v1/generations/{world_id:id}:extend", **answers)
    def extend(world_id: WorldId, body: Extension) -> GenerationStatus:
        """Make more of a world that is completed: new characters, new posts. The same `request_id` again changes nothing."""
        ordering.extend(world_id, body)
        return go_on(world_id, START_WORLD)

    @app.post(
        "/v1/generations/{world_id:id}:estimate",
        response_model=Estimate,
        responses=documented(400, 401, 404, 409, 411, 413, 422, 503),
        dependencies=[authorised],
    )
    def estimate_more(world_id: WorldId, size: MoreSize) -> Estimate:
        """Tell what so much more of a completed world will take at most, before anything is spent."""
        return ordering.estimate_more(world_id, size)

    able = answers | {"responses": answers["responses"] | documented(501)}

    @app.post("/v1/generations/{world_id:id}:redo", **able)
    def redo(world_id: WorldId, body: RedoBody) -> GenerationStatus:
        """Redo one character or one post, in place."""
        if body.step.startswith("post/"):
            container.posts.check_update()  # before anything is paid
        with ordering.going_on(world_id):
            container.control.redo(world_id, body.step)
        return go_on(world_id, START_WORLD)


def add_days(app: FastAPI, days: Days, now: Callable[[], datetime], authorised: Any) -> None:
    """Add how a world lives on, day by day; beat begins the days."""
    answers: dict[str, Any] = {
        "response_model": ScheduleStatus,
        "responses": documented(401, 404, 422, 503),
        "dependencies": [authorised],
    }
    changing = answers | {"responses": documented(400, 401, 404, 409, 411, 413, 422, 503)}

    @app.put("/v1/generations/{world_id:id}/schedule", **changing)
    def put_schedule(world_id: WorldId, body: Schedule) -> ScheduleStatus:
        """Let a world live on like this, or change how it does; its first day begins at once."""
        return days.schedule(world_id, body, now())

    @app.get("/v1/generations/{world_id:id}/schedule", **answers)
    def get_schedule(world_id: WorldId) -> ScheduleStatus:
        """Tell how a world lives on."""
        return days.status(world_id)

    @app.delete("/v1/generations/{world_id:id}/schedule", **changing)
    def end_schedule(world_id: WorldId) -> ScheduleStatus:
        """Let no day of a world begin any more."""
        return days.end(world_id)

    @app.get("/v1/generations/{world_id:id}/chronicle", **answers | {"response_model": list[ChronicleDay]})
    def chronicle(world_id: WorldId) -> list[ChronicleDay]:
        """Tell what happened in a world, day by day."""
        return days.chronicle(world_id)


def add_replies(
    app: FastAPI, replies: Replies, enqueuer: Enqueuer, now: Callable[[], datetime], authorised: Any
) -> None:
    """Add whether the characters of a world reply to people, and what tells that somebody commented."""
    answers: dict[str, Any] = {
        "response_model": RepliesStatus,
        "responses": documented(401, 404, 422, 503),
        "dependencies": [authorised],
    }
    changing = answers | {"responses": documented(400, 401, 403, 404, 409, 411, 413, 422, 503)}

    @app.put("/v1/generations/{world_id:id}/replies", **changing)
    def put_replies(world_id: WorldId, body: ReplyTerms) -> RepliesStatus:
        """Let the characters of a world reply to people, for so much at most."""
        return replies.switch_on(world_id, body, now())

    @app.get("/v1/generations/{world_id:id}/replies", **answers)
    def get_replies(world_id: WorldId) -> RepliesStatus:
        """Tell whether they do, and what it cost."""
        return replies.status(world_id, now())

    @app.delete("/v1/generations/{world_id:id}/replies", **changing)
    def end_replies(world_id: WorldId) -> RepliesStatus:
        """Let them reply to nobody any more."""
        return replies.switch_off(world_id, now())

    @app.post(
        "/v1/generations/{world_id:id}/replies",
        **changing | {"status_code": 202, "response_model": RepliesBegun},
    )
    def hear(world_id: WorldId, body: CommentNotice) -> RepliesBegun:
        """Take up what people said last under a post, where that is on: each comment once, however often this is called."""
        steps = replies.heard(world_id, body.post_id, now())
        for step in steps:
            enqueuer.send_step(world_id, step)
        return RepliesBegun(begun=len(steps))


def add_reports(app: FastAPI, container: Container, authorised: Any) -> None:
    """Add what tells of a world in detail: what failed, and what each part cost."""
    answers: dict[str, Any] = {"responses": documented(401, 404, 422, 503), "dependencies": [authorised]}

    @app.get("/v1/generations/{world_id:id}/failures", response_model=list[FailedStep], **answers)
    def failures(world_id: WorldId) -> list[FailedStep]:
        """List the steps that failed, and those that were skipped because of them, each with its reason."""
        container.generations.get(world_id)
        return [FailedStep.model_validate(row) for row in container.rows.failures(world_id)]

    @app.get("/v1/generations/{world_id:id}/receipt", response_model=Receipt, **answers)
    def receipt(world_id: WorldId) -> Receipt:
        """Tell what each part of a world cost."""
        container.generations.get(world_id)
        return Receipt.of(world_id, container.requests.receipt(world_id))
