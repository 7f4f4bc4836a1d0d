"""The enqueue endpoint: takes orders, tells their status. Accepted means durable."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field
from pymongo.errors import PyMongoError
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException

from generia_worker import __version__
from generia_worker.api.controls import add_controls, add_days, add_replies, add_reports
from generia_worker.api.docs import add_docs
from generia_worker.api.events import add_events
from generia_worker.api.live import LiveStatus
from generia_worker.api.metrics import CONTENT_TYPE, ApiMetrics, Measured
from generia_worker.api.paths import UserId, WorldId
from generia_worker.app.container import Container
from generia_worker.app.days import Days
from generia_worker.app.enqueue import Enqueuer
from generia_worker.app.ordering import Ordering
from generia_worker.app.replies import Replies
from generia_worker.client.allowance import Allowance
from generia_worker.client.estimate import Estimate
from generia_worker.client.order import Order, WorldSize
from generia_worker.client.status import GenerationStatus
from generia_worker.http.bodies import admitted_by, limit_bodies
from generia_worker.http.problems import documented, install
from generia_worker.observability import tracing

#: A body is refused before it is read when it is larger: ten times the longest prompt.
BODY_MAX_BYTES = 128 * 1024
_bearer = HTTPBearer(auto_error=False, description="The token that GENERIA_API_TOKEN names.")


def create_app(container: Container, enqueuer: Enqueuer) -> FastAPI:
    """Return the ASGI application over one process's resources."""
    ordering = Ordering(container)
    live = LiveStatus(container.status, lambda: container.posts)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(live.stop)

    app = FastAPI(
        title="Generia worker",
        version=__version__,
        description=__doc__,
        # Their pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.live = live
    tracing.trace_app(app)
    install(app)
    limit_bodies(app, BODY_MAX_BYTES)
    token = container.settings.api_token.get_secret_value()

    def authorised(_given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
        """Say in the document that a token is needed; `admit` has looked at it, before the body was read."""

    def admit(request: Request) -> None:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        fits = scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())
        if token and not fits:
            headers = {"WWW-Authenticate": "Bearer"}
            raise HTTPException(401, "Send the token: Authorization: Bearer …", headers=headers)

    app.router.route_class = admitted_by(authorised, admit)

    @app.post(
        "/v1/generations",
        status_code=202,
        response_model=GenerationStatus,
        responses=documented(400, 401, 403, 409, 411, 413, 422, 503),
        dependencies=[Depends(authorised)],
    )
    def order_generation(order: Order, response: Response) -> GenerationStatus:
        """Order a world. The same order again is the same generation; another body under its id is a conflict."""
        generation, is_new = ordering.accept(order)
        status = GenerationStatus.model_validate(container.status.get(generation.world_id))
        if is_new:
            enqueuer.send(generation.world_id)
        response.headers["Location"] = f"/v1/generations/{generation.world_id}"
        return status

    @app.get(
        "/v1/generations/{world_id:id}",
        response_model=GenerationStatus,
        responses=documented(401, 404, 422, 503),
        dependencies=[Depends(authorised)],
    )
    def get_generation(world_id: WorldId) -> GenerationStatus:
        """Tell how far a world is."""
        return GenerationStatus.model_validate(container.status.get(world_id))

    @app.post(
        "/v1/generations:estimate",
        response_model=Estimate,
        responses=documented(400, 401, 411, 413, 422, 503),
        dependencies=[Depends(authorised)],
    )
    def estimate_generation(size: WorldSize) -> Estimate:
        """Tell what a world of this size will take, before anything is spent."""
        return ordering.estimate(size)

    @app.get(
        "/v1/allowances/{user_id:id}",
        response_model=Allowance,
        responses=documented(401, 404, 422, 503),
        dependencies=[Depends(authorised)],
    )
    def get_allowance(user_id: UserId) -> Allowance:
        """Tell what today still allows a person, before anything is ordered."""
        return container.allowances.left(user_id)

    metrics = ApiMetrics(container, lambda: live.clients)
    app.add_middleware(Measured, metrics=metrics)
    add_controls(app, container, ordering, enqueuer, Depends(authorised))
    add_days(app, Days(container), container.database.now, Depends(authorised))
    add_replies(app, Replies(container), enqueuer, container.database.now, Depends(authorised))
    add_reports(app, container, Depends(authorised))
    add_events(app, container, live, Depends(authorised))
    _add_health(app, container, metrics, Depends(authorised))
    if container.settings.api_docs:
        add_docs(app)
    return app


class Readiness(BaseModel):
    """Whether the endpoint can do its work, and what each server that it needs says: `ok`, or why not."""

    status: str = Field(examples=["ok"])
    mongodb: str = Field(examples=["ok"])
    redis: str = Field(examples=["unavailable (ConnectionError)"])


def _add_health(app: FastAPI, container: Container, metrics: ApiMetrics, authorised: Any) -> None:
    """Add what those ask who look after the process."""

    @app.get("/livez")
    def livez() -> dict[str, str]:
        """Tell that the process runs, and which version of it."""
        return {"status": "ok", "version": __version__}

    @app.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}})
    def readyz() -> JSONResponse:
        """Tell whether Redis and MongoDB can be reached."""
        states = {"mongodb": _state(container.database.ping), "redis": _state(container.redis.ping)}
        ready = all(state == "ok" for state in states.values())
        found = Readiness(status="ok" if ready else "unavailable", **states)
        return JSONResponse(found.model_dump(), 200 if ready else 503)

    @app.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **documented(401)},
        dependencies=[authorised],
    )
    def prometheus() -> Response:
        """Tell Prometheus what this process served and what waits."""
        return Response(metrics.text(), headers={"Content-Type": CONTENT_TYPE})


def _state(check: Any) -> str:
    try:
        check()
    except (PyMongoError, RedisError, OSError) as error:
        return f"unavailable ({type(error).__name__})"
    return "ok"
