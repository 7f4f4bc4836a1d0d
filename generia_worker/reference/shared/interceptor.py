"""What stands around every call: the token, the deadline, and the one place that turns errors into status codes."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from typing import Any

import grpc
import pymongo
from minio.error import MinioException
from pymongo.errors import (
    AutoReconnect,
    ConnectionFailure,
    ExecutionTimeout,
    PyMongoError,
    WriteConcernError,
)
from urllib3.exceptions import HTTPError

from generia_worker.errors import (
    ConflictError,
    GeneriaError,
    InvalidInputError,
    NotFoundError,
    PermanentError,
    TransientError,
)
from generia_worker.rpc import wire
from generia_worker.rpc.status_codes import code_metadata

log = logging.getLogger(__name__)

#: The database is tried again until this share of the caller's deadline has passed, so that the answer still
#: arrives, and for so long at most.
_SHARE, _MAX_S = 0.8, 30.0
_CODES: list[tuple[type[GeneriaError], grpc.StatusCode]] = [
    (NotFoundError, grpc.StatusCode.NOT_FOUND),
    (InvalidInputError, grpc.StatusCode.INVALID_ARGUMENT),
    (ConflictError, grpc.StatusCode.ALREADY_EXISTS),
    (PermanentError, grpc.StatusCode.FAILED_PRECONDITION),
    (TransientError, grpc.StatusCode.UNAVAILABLE),
]
_MONGO_AWAY = (AutoReconnect, ConnectionFailure, ExecutionTimeout, WriteConcernError)

Handler = Callable[[Any, grpc.ServicerContext], Any]


def status_of(error: Exception) -> tuple[grpc.StatusCode, str]:
    """Return the status code and the message that a caller is to see, without inner details."""
    if isinstance(error, GeneriaError):
        code = next((code for kind, code in _CODES if isinstance(error, kind)), grpc.StatusCode.INTERNAL)
        return code, error.message
    if isinstance(error, PyMongoError) and (isinstance(error, _MONGO_AWAY) or error.timeout):
        return grpc.StatusCode.UNAVAILABLE, "the database cannot be reached: try again"
    if isinstance(error, MinioException | HTTPError):
        return grpc.StatusCode.UNAVAILABLE, "the file store cannot be reached: try again"
    return grpc.StatusCode.INTERNAL, "internal error"


def _handling_errors(method: str, handler: Handler) -> Handler:
    def call(request: Any, context: grpc.ServicerContext) -> Any:
        remaining = context.time_remaining()
        if remaining is not None and remaining <= 0:
            context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "the call waited too long for a free thread")
        try:
            with pymongo.timeout(_MAX_S if remaining is None else min(remaining * _SHARE, _MAX_S)):
                return handler(request, context)
        except Exception as error:
            code, message = status_of(error)
            if code is grpc.StatusCode.INTERNAL:
                log.exception("%s failed", method)
            elif code is grpc.StatusCode.UNAVAILABLE:
                log.warning("%s: %s (%s)", method, message, type(error).__name__)
            context.set_trailing_metadata(code_metadata(error))
        return context.abort(code, message)

    return call


class ErrorInterceptor(grpc.ServerInterceptor):
    """Bounds every call by its deadline and answers errors with a status code, never with a traceback."""

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Wrap the method that is called; all of ours take one message and give one."""
        found = continuation(handler_call_details)
        if found is None or found.unary_unary is None:
            return found
        return grpc.unary_unary_rpc_method_handler(
            _handling_errors(handler_call_details.method, found.unary_unary),
            request_deserializer=found.request_deserializer,
            response_serializer=found.response_serializer,
        )


class TokenInterceptor(grpc.ServerInterceptor):
    """Answers who brings the token, and nobody else; nothing of what others send is read."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Go on with a call that brings the token."""
        for name, value in handler_call_details.invocation_metadata or ():
            given = value.encode() if isinstance(value, str) else value
            if name == wire.TOKEN and hmac.compare_digest(given, self._token):
                return continuation(handler_call_details)
        return grpc.unary_unary_rpc_method_handler(_refuse)


def _refuse(_: Any, context: grpc.ServicerContext) -> Any:
    details = f"send the token of GENERIA_RPC_TOKEN as {wire.TOKEN} in the metadata"
    return context.abort(grpc.StatusCode.UNAUTHENTICATED, details)
