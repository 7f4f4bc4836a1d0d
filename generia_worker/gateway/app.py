"""The gateway as an ASGI application: all routes, and what surrounds them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import pymongo
from anyio import to_thread
from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pymongo.errors import PyMongoError
from starlette.middleware.cors import CORSMiddleware

from generia_worker import __version__
from generia_worker.gateway import (
    account_routes,
    content_routes,
    error_handlers,
    reaction_routes,
    stream_routes,
    world_routes,
)
from generia_worker.gateway.dependencies import THREADS, Dependencies, Deps
from generia_worker.gateway.security_headers import SecurityHeaders
from generia_worker.gateway.static_files import StaticFiles
from generia_worker.http import problems
from generia_worker.http.bodies import limit_bodies
from generia_worker.observability import tracing

#: A body is refused before it is read when it is larger: a description of the longest kind, in any alphabet.
BODY_MAX_BYTES = 256 * 1024
#: Where bodies of people are read whom nobody knows yet, they are smaller.
_OF_STRANGERS = {"/api/v1/auth/": 16 * 1024}
#: The state of a part must be known within this.
_HEALTH_S = 2.0

health = APIRouter(tags=["health"])
ROUTERS = (
    account_routes.router,
    world_routes.router,
    stream_routes.router,
    content_routes.router,
    reaction_routes.router,
    health,
)


def routes() -> list[APIRoute]:
    """Return every route there is; all else are files of the page."""
    return [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def create_app(deps: Dependencies) -> FastAPI:
    """Return the application over what one process shares, which it closes when it ends."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        yield
        await deps.close()

    app = FastAPI(
        title="Generia gateway",
        version=__version__,
        description="What a browser calls: accounts, worlds, and how far they are.",
        # Their pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.dependencies = deps
    tracing.trace_app(app)
    problems.install(app, routes())
    error_handlers.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.router.default = StaticFiles()
    limit_bodies(app, BODY_MAX_BYTES, _OF_STRANGERS)
    origins = [origin.strip() for origin in deps.settings.gateway_cors_origins.split(",") if origin.strip()]
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Last-Event-ID"],
            expose_headers=["Location", "Retry-After"],
        )
    app.add_middleware(SecurityHeaders, settings=deps.settings)
    return app


@health.get("/livez")
def livez() -> dict[str, str]:
    """Tell that the process runs, and which version of it."""
    return {"status": "ok", "version": __version__}


@health.get(
    "/readyz",
    response_model=dict[str, str],
    responses={503: {"model": dict[str, str], "description": "Something is away."}},
)
async def readyz(deps: Deps) -> JSONResponse:
    """Tell the state of everything behind the gateway; without the enqueue endpoint it still works, with less."""
    services = deps.services.with_timeout(_HEALTH_S)
    checks: dict[str, Callable[[], str]] = {
        "world": lambda: _said(services.worlds.healthy()),
        "character": lambda: _said(services.characters.healthy()),
        "post": lambda: _said(services.posts.healthy()),
        "media": lambda: _said(services.media.healthy()),
        "mongodb": lambda: _mongo(deps),
        "enqueue": deps.endpoint.state,
    }
    states: dict[str, str] = {}

    async def look(name: str, check: Callable[[], str]) -> None:
        states[name] = await to_thread.run_sync(check)

    async with anyio.create_task_group() as group:
        for name, check in checks.items():
            group.start_soon(look, name, check)
    ready = all(state == "ok" for name, state in states.items() if name != "enqueue")
    body = {"status": "ok" if ready else "unavailable", **{name: states[name] for name in checks}}
    return JSONResponse(body, 200 if ready else 503)


def _said(healthy: bool) -> str:
    return "ok" if healthy else "unavailable"


def _mongo(deps: Dependencies) -> str:
    try:
        with pymongo.timeout(_HEALTH_S):
            deps.mongo.admin.command("ping")
    except PyMongoError as error:
        return f"unavailable ({type(error).__name__})"
    return "ok"
