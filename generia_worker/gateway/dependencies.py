"""What the routes of one gateway process depend on, made once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from anyio import CapacityLimiter
from fastapi import Depends, Request
from pymongo import MongoClient

from generia_worker.gateway.accounts import Accounts
from generia_worker.gateway.password_queue import PasswordQueue
from generia_worker.gateway.rate_limits import RateLimits
from generia_worker.gateway.stream_places import StreamPlaces
from generia_worker.gateway.tokens import Tokens
from generia_worker.gateway.upstream import Endpoint
from generia_worker.rpc.connections import Connections, connect
from generia_worker.settings import Settings
from generia_worker.storage.mongo import Document, open_client, utc_now

#: Threads of one process that answer calls, and among these those that ask for the status behind a stream.
THREADS = 40
_POLLS_AT_ONCE = 8
_EXPORTS_AT_ONCE = 2
#: Of the threads, those that may wait for the endpoint to hear of comments.
_NOTICES_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Everything that is shared; closed by the application when it ends."""

    settings: Settings
    mongo: MongoClient[Document]
    services: Connections
    endpoint: Endpoint
    tokens: Tokens
    accounts: Accounts
    rate_limits: RateLimits
    streams: StreamPlaces
    passwords: PasswordQueue = field(default_factory=PasswordQueue)
    polls: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_POLLS_AT_ONCE))
    exports: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(_EXPORTS_AT_ONCE))
    notices: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(_NOTICES_AT_ONCE))

    def prepare(self) -> None:
        """Make sure that the indexes of the accounts exist."""
        self.accounts.prepare()

    async def close(self) -> None:
        """Close all connections."""
        await self.endpoint.close()
        self.services.close()
        self.mongo.close()


def connect_services(settings: Settings) -> Connections:
    """Return clients of the services that the settings name. They connect with their first calls."""
    return connect(
        world=settings.world_service,
        character=settings.character_service,
        post=settings.post_service,
        media=settings.media_service,
        interaction=settings.interaction_service,
        timeout_s=settings.rpc_timeout_s,
        token=settings.rpc_token.get_secret_value(),
    )


def open_dependencies(settings: Settings, now: Callable[[], datetime] = utc_now) -> Dependencies:
    """Make what is shared; nothing connects before its first use.

    Raises:
        ConfigurationError: the settings hold no secret for tokens.
    """
    tokens = Tokens(settings, now)
    mongo = open_client(
        settings.mongo_uri.get_secret_value(),
        appname="generia-gateway",
        max_pool_size=min(settings.mongo_max_pool_size, THREADS),
    )
    return Dependencies(
        settings=settings,
        mongo=mongo,
        services=connect_services(settings),
        endpoint=Endpoint(settings),
        tokens=tokens,
        accounts=Accounts(mongo[settings.mongo_database]["accounts"], now),
        rate_limits=RateLimits(settings),
        streams=StreamPlaces(settings),
    )


def dependencies_of(request: Request) -> Dependencies:
    """Return what the application shares that answers this call."""
    found: Dependencies = request.app.state.dependencies
    return found


#: The type of a route's parameter that gets them: `def route(deps: Deps)`.
Deps = Annotated[Dependencies, Depends(dependencies_of)]
