"""Runs the gateway with uvicorn."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

import uvicorn

from generia_worker.gateway.app import create_app
from generia_worker.gateway.dependencies import Dependencies, open_dependencies
from generia_worker.http.addresses import is_loopback, listening, split
from generia_worker.http.connections import guarded
from generia_worker.settings import Settings
from generia_worker.storage.mongo_check import START_S, wait_until_usable

log = logging.getLogger(__name__)

#: Streams and downloads that are still open then are cut; browsers connect again by themselves.
STOP_S = 3
#: Open files beside the connections of streams and clients: to services and MongoDB, of the log, of downloads.
_OTHER_FILES = 200


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        ConfigurationError: no secret is configured, or MongoDB cannot be used (MongoUnusable).
    """
    warn_of_strangers(settings)
    deps = open_dependencies(settings)
    wait_until_usable(
        deps.mongo, settings.mongo_uri.get_secret_value(), settings.mongo_database, patience_s=START_S
    )
    deps.prepare()
    uvicorn.Server(config(deps)).run(listening("GENERIA_GATEWAY_BIND", settings.gateway_bind))


def warn_of_strangers(settings: Settings) -> None:
    """Say so where people outside of this machine may make themselves accounts, and order at the operator's expense."""
    host = urlsplit(settings.gateway_url).hostname or ""
    if not is_loopback(host) and settings.gateway_registration == "open" and settings.daily_usd_all is None:
        log.warning(
            "Anybody may register at %s, and nothing bounds what their worlds cost: set "
            "GENERIA_GATEWAY_REGISTRATION or GENERIA_DAILY_USD_ALL.",
            host,
        )


def config(deps: Dependencies) -> uvicorn.Config:
    """Return how uvicorn is to run the gateway."""
    settings = deps.settings
    host, port = split(settings.gateway_bind)
    proxies = settings.gateway_trusted_proxies
    return uvicorn.Config(
        create_app(deps),
        host=host,
        port=port,
        log_config=None,
        log_level=settings.log_level.lower(),
        # Addresses may hold a ticket.
        access_log=False,
        server_header=False,
        # Anybody may send the headers of a proxy: only those that the settings name are believed.
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        # A stream is a connection of its client's, and one to the endpoint.
        **guarded(settings.gateway_connections_max, other_files=_OTHER_FILES + settings.gateway_streams_max),
        timeout_keep_alive=30,
        timeout_graceful_shutdown=STOP_S,
    )
