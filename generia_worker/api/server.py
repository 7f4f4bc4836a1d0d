"""Runs the enqueue endpoint with uvicorn."""

from __future__ import annotations

import uvicorn

from generia_worker.api.app import create_app
from generia_worker.app import app as celery
from generia_worker.errors import ConfigurationError
from generia_worker.http.addresses import is_loopback, split
from generia_worker.runtime import get_runtime
from generia_worker.settings import Settings


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        ConfigurationError: no token is configured and the address is not loopback, or MongoDB is not a replica set.
    """
    host, port = split(settings.api_bind)
    if not settings.api_token.get_secret_value() and not is_loopback(host):
        message = (
            f"Without GENERIA_API_TOKEN the endpoint listens on loopback only, not on {host}: set a token."
        )
        raise ConfigurationError(message)
    runtime = get_runtime()
    runtime.database.require_replica_set()
    runtime.database.ensure_indexes()
    uvicorn.run(
        create_app(runtime, celery),
        host=host,
        port=port,
        log_level=settings.log_level.lower(),
        access_log=False,
        limit_concurrency=1000,
        timeout_keep_alive=30,
    )
