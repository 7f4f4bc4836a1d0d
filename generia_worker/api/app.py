"""The enqueue endpoint: takes orders, tells their status. Accepted means durable."""

from __future__ import annotations

import hmac
import logging
from typing import Annotated, Any

from celery import Celery
from fastapi import Depends, FastAPI, Path, Response
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from kombu.exceptions import OperationalError
from pydantic import BaseModel, ConfigDict, Field
from pymongo.errors import PyMongoError
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException

from generia_worker import __version__
from generia_worker.domain.cost import PriceTable
from generia_worker.domain.estimate import Estimate, Shape, estimate
from generia_worker.domain.order import WORLD_ID_PATTERN, Order, WorldSize, expected_calls
from generia_worker.domain.status import FailedStep, GenerationStatus
from generia_worker.errors import InvalidInputError
from generia_worker.http.bodies import limit_bodies
from generia_worker.http.problems import documented, install
from generia_worker.runtime import Runtime

log = logging.getLogger(__name__)

START_TASK = "tasks.world.start_world"
PROGRESS_TASK = "tasks.progress.record_progress"
#: A body is refused before it is read when it is larger: ten times the longest prompt.
BODY_MAX_BYTES = 128 * 1024
#: What a world gets beyond what it needs when the order names no limits.
_SLACK_FACTOR, _SLACK_CALLS = 1.5, 20
#: Estimates go by so many of the latest completed worlds.
_KNOWN_WORLDS = 20

WorldId = Annotated[str, Path(pattern=WORLD_ID_PATTERN, description="The id of the world.")]
_bearer = HTTPBearer(auto_error=False, description="The token that GENERIA_API_TOKEN names.")


def create_app(runtime: Runtime, celery: Celery) -> FastAPI:
    """Return the ASGI application over one process's resources."""
    app = FastAPI(title="Generia worker", version=__version__, description=__doc__)
    install(app)
    limit_bodies(app, BODY_MAX_BYTES)
    token = runtime.settings.api_token.get_secret_value()

    def authorised(given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
        if not token:
            return
        if given is None or not hmac.compare_digest(given.credentials.encode(), token.encode()):
            headers = {"WWW-Authenticate": "Bearer"}
            raise HTTPException(401, "Send the token: Authorization: Bearer …", headers=headers)

    @app.post(
        "/v1/generations",
        status_code=202,
        response_model=GenerationStatus,
        responses=documented(401, 409, 413, 422, 503),
        dependencies=[Depends(authorised)],
    )
    def order_generation(order: Order, response: Response) -> GenerationStatus:
        """Order a world. The same order again is the same generation; another body under its id is a conflict."""
        generation, is_new = runtime.generations.accept(
            order, limits=_limits(order, runtime), batches=_batches(order, runtime)
        )
        status = GenerationStatus.model_validate(runtime.status.get(generation.world_id))
        if is_new:
            _enqueue(celery, generation.world_id)
        response.headers["Location"] = f"/v1/generations/{generation.world_id}"
        return status

    @app.get(
        "/v1/generations/{world_id}",
        response_model=GenerationStatus,
        responses=documented(401, 404, 422, 503),
        dependencies=[Depends(authorised)],
    )
    def get_generation(world_id: WorldId) -> GenerationStatus:
        """Tell how far a world is."""
        return GenerationStatus.model_validate(runtime.status.get(world_id))

    @app.post(
        "/v1/generations:estimate",
        response_model=Estimate,
        responses=documented(401, 413, 422, 503),
        dependencies=[Depends(authorised)],
    )
    def estimate_generation(size: WorldSize) -> Estimate:
        """Tell what a world of this size will take, before anything is spent."""
        s = runtime.settings
        prices = PriceTable(
            s.llm_price_input_usd_per_mtok, s.llm_price_output_usd_per_mtok, s.image_price_usd
        )
        shape = Shape(s.cast_batch_size, s.plan_batch_size, s.llm_concurrency, s.image_concurrency)
        known = runtime.status.finished(_KNOWN_WORLDS)
        return estimate(size.users_count, size.posts_count, shape, prices, known)

    _add_controls(app, runtime, celery, Depends(authorised))

    @app.get("/livez", include_in_schema=True)
    def livez() -> dict[str, str]:
        """Tell that the process runs."""
        return {"status": "ok"}

    @app.get("/readyz", responses=documented(503))
    def readyz() -> JSONResponse:
        """Tell whether Redis and MongoDB can be reached."""
        states = {"mongodb": _state(runtime.database.ping), "redis": _state(runtime.redis.ping)}
        ready = all(state == "ok" for state in states.values())
        return JSONResponse({"status": "ok" if ready else "unavailable", **states}, 200 if ready else 503)

    return app


class RedoBody(BaseModel):
    """Which thing to make anew."""

    model_config = ConfigDict(extra="forbid")

    step: str = Field(min_length=1, max_length=40, examples=["character/7", "post/7/3"])


def _add_controls(app: FastAPI, runtime: Runtime, celery: Celery, authorised: Any) -> None:
    """Add what may be done to a world that was ordered; each answers 202 and the status as it is by now."""
    answers: dict[str, Any] = {
        "status_code": 202,
        "response_model": GenerationStatus,
        "responses": documented(401, 404, 409, 422, 503),
        "dependencies": [authorised],
    }

    def go_on(world_id: str, task: str) -> GenerationStatus:
        _enqueue(celery, world_id, task)
        return GenerationStatus.model_validate(runtime.status.get(world_id))

    @app.post("/v1/generations/{world_id}:cancel", **answers)
    def cancel(world_id: WorldId) -> GenerationStatus:
        """Stop a world within one call's time; what exists stays."""
        runtime.control.cancel(world_id)
        return go_on(world_id, PROGRESS_TASK)

    @app.post("/v1/generations/{world_id}:resume", **answers)
    def resume(world_id: WorldId) -> GenerationStatus:
        """Go on with a world that was cancelled or has failed."""
        runtime.control.resume(world_id)
        return go_on(world_id, START_TASK)

    @app.post("/v1/generations/{world_id}:retry", **answers)
    def retry(world_id: WorldId) -> GenerationStatus:
        """Try what failed again, and what was skipped because of it."""
        runtime.control.retry(world_id)
        return go_on(world_id, START_TASK)

    @app.post("/v1/generations/{world_id}:redo", **answers)
    def redo(world_id: WorldId, body: RedoBody) -> GenerationStatus:
        """Make one character or one post anew, in place."""
        runtime.control.redo(world_id, body.step)
        return go_on(world_id, START_TASK)

    @app.get(
        "/v1/generations/{world_id}/failures",
        response_model=list[FailedStep],
        responses=documented(401, 404, 422, 503),
        dependencies=[authorised],
    )
    def failures(world_id: WorldId) -> list[FailedStep]:
        """List the steps that failed, and those that were skipped because of them, each with its reason."""
        runtime.generations.get(world_id)
        return [FailedStep.model_validate(row) for row in runtime.ledger.failures(world_id)]


def _batches(order: Order, runtime: Runtime) -> int:
    return -(-order.users_count // runtime.settings.cast_batch_size)


def _limits(order: Order, runtime: Runtime) -> dict[str, int]:
    """Return the limits of an order: its own, else what it needs plus slack. Raises InvalidInputError."""
    s = runtime.settings
    if order.budget is not None and (
        s.llm_price_input_usd_per_mtok is None or s.llm_price_output_usd_per_mtok is None
    ):
        message = (
            f"A budget needs the price of {s.llm_model}: set GENERIA_LLM_PRICE_INPUT_USD_PER_MTOK and "
            "GENERIA_LLM_PRICE_OUTPUT_USD_PER_MTOK, or order without a budget."
        )
        raise InvalidInputError(message, field="budget")
    text, images = expected_calls(order.users_count, order.posts_count, s.cast_batch_size, s.plan_batch_size)
    defaults = [int(calls * _SLACK_FACTOR) + _SLACK_CALLS for calls in (text, images)]
    return {
        "llm": defaults[0] if order.api_call_limits_LLM is None else order.api_call_limits_LLM,
        "images": defaults[1] if order.api_call_limits_images is None else order.api_call_limits_images,
    }


def _enqueue(celery: Celery, world_id: str, task: str = START_TASK) -> None:
    """Send the first message. The order is stored already: without Redis it is started later, never lost."""
    try:
        celery.send_task(task, args=[world_id], retry=False)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("World %s was accepted but not yet enqueued: %s", world_id, type(error).__name__)


def _state(check: Any) -> str:
    try:
        check()
    except (PyMongoError, RedisError, OSError) as error:
        return f"unavailable ({type(error).__name__})"
    return "ok"
