"""Errors of the services and of the endpoint, as callers of the gateway see them."""

from __future__ import annotations

import logging
import math
import re

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from generia_worker.errors import PermanentError, TransientError
from generia_worker.gateway.rate_limits import TooManyRequests
from generia_worker.http.problems import from_error, problem, status_of

log = logging.getLogger(__name__)

_RETRY_S = 5
#: How the clients of the services begin their messages; a person has no use for it.
_OPERATION = re.compile(r"^[A-Za-z]+ failed \([A-Z_]+\): ")


def install(app: FastAPI) -> None:
    """Add the handlers, over those that both HTTP programs have."""

    @app.exception_handler(TransientError)
    def _transient(_: Request, error: TransientError) -> JSONResponse:
        after_s = _RETRY_S if error.retry_after_s is None else max(1, math.ceil(error.retry_after_s))
        headers = {"Retry-After": str(after_s)}
        if isinstance(error, TooManyRequests):
            return problem(429, error.message, headers=headers, code=error.code)
        log.warning("Not now: %s", error.message)
        # Messages of gRPC name inner addresses, which stay inside.
        inside = _OPERATION.match(error.message) or error.outage
        detail = "A service does not answer just now; try again." if inside else error.message
        return problem(503, detail, headers=headers, code=error.code)

    @app.exception_handler(PermanentError)
    def _permanent(_: Request, error: PermanentError) -> JSONResponse:
        status = status_of(error)
        return from_error(error, 409 if status == 500 else status, _OPERATION.sub("", error.message))
