"""Runs the enqueue endpoint with uvicorn."""

from __future__ import annotations

from types import FrameType

import uvicorn
from fastapi import FastAPI

from generia_worker.api.app import create_app
from generia_worker.api.live import LiveStatus
from generia_worker.app.celery_app import app as celery
from generia_worker.app.container import get_container
from generia_worker.app.enqueue import Enqueuer
from generia_worker.errors import ConfigurationError
from generia_worker.http.addresses import is_loopback, listening, split
from generia_worker.http.connections import guarded
from generia_worker.settings import Settings

#: How long calls may take that run when the process is asked to stop, in seconds.
_DRAIN_S = 10


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        ConfigurationError: no token is configured and the address is not loopback, or MongoDB cannot be used.
    """
    host, _ = split(settings.api_bind)
    if not settings.api_token.get_secret_value() and not is_loopback(host):
        message = (
            f"Without GENERIA_API_TOKEN the endpoint listens on loopback only, not on {host}: set a token."
        )
        raise ConfigurationError(message)
    container = get_container()
    container.database.wait_until_usable()
    container.database.ensure_indexes()
    app = create_app(container, Enqueuer(celery, lambda: container.redis))
    sockets = listening("GENERIA_API_BIND", settings.api_bind)
    _Server(config(app, settings), app.state.live).run(sockets)


def config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """Return how uvicorn is to run the endpoint."""
    host, port = split(settings.api_bind)
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        log_level=settings.log_level.lower(),
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_DRAIN_S,
        # Room for calls beside the clients that stay.
        **guarded(settings.api_streams_max + 500),
    )


class _Server(uvicorn.Server):
    """Ends the streams when it is asked to stop: uvicorn waits for every connection, and theirs last for hours."""

    def __init__(self, config: uvicorn.Config, live: LiveStatus) -> None:
        super().__init__(config)
        self._live = live

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop serving."""
        super().handle_exit(sig, frame)
        self._live.end_streams()
