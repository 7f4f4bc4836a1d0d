"""What the routes of one gateway process share, made once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from anyio import CapacityLimiter
from fastapi import Depends, Request

from generia_worker.gateway.accounts import Accounts
from generia_worker.gateway.rates import Rates
from generia_worker.gateway.tokens import Tokens
from generia_worker.gateway.upstream import Endpoint
from generia_worker.reference.resources import Resources, open_resources, utc_now
from generia_worker.rpc.connections import Connections, connect
from generia_worker.settings import Settings

#: Threads of one process that answer calls, and among these those that ask for the status behind a stream.
THREADS = 40
_POLLS_AT_ONCE = 8
_EXPORTS_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that is shared; closed by the application when it ends."""

    settings: Settings
    resources: Resources
    services: Connections
    endpoint: Endpoint
    tokens: Tokens
    accounts: Accounts
    rates: Rates
    polls: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_POLLS_AT_ONCE))
    exports: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(_EXPORTS_AT_ONCE))

    def prepare(self) -> None:
        """Make sure that the indexes of the accounts exist."""
        self.accounts.prepare()

    async def close(self) -> None:
        """Close all connections."""
        await self.endpoint.close()
        self.services.close()
        self.resources.close()


def open_parts(settings: Settings, now: Callable[[], datetime] = utc_now) -> Parts:
    """Make the parts; nothing connects before its first use. Raises ConfigurationError without a secret."""
    tokens = Tokens(settings, now)
    resources = open_resources(settings, threads=THREADS, now=now)
    return Parts(
        settings=settings,
        resources=resources,
        services=connect(settings),
        endpoint=Endpoint(settings),
        tokens=tokens,
        accounts=Accounts(resources.collection("accounts"), now),
        rates=Rates(settings),
    )


def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


Shared = Annotated[Parts, Depends(_parts)]
