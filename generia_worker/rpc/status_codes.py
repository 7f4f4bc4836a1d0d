"""What went wrong with a gRPC call, in our own terms: the one place that reads status codes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import grpc

from generia_worker.errors import (
    ConflictError,
    GeneriaError,
    InvalidInputError,
    NotFoundError,
    PermanentError,
    TransientError,
    UnimplementedError,
)
from generia_worker.text import quote

_TRANSIENT = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAUTHENTICATED,
    }
)
#: A service refuses everybody for now. Those of the platform say UNKNOWN or INTERNAL when their database is away.
#: A wrong token is no fault of what was asked for, and is mended by who runs them.
_OUTAGES = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAUTHENTICATED,
    }
)
#: After these it is unknown whether the service did what it was asked.
_UNKNOWN_OUTCOME = frozenset(
    {
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.INTERNAL,
    }
)
_PERMANENT: dict[grpc.StatusCode, type[PermanentError]] = {
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.ALREADY_EXISTS: ConflictError,
    grpc.StatusCode.INVALID_ARGUMENT: InvalidInputError,
}
#: How gRPC's core says that no connection came about, so that the request was never sent.
_NEVER_SENT = ("failed to connect to all addresses", "errors resolving ", "DNS resolution failed")
#: It may be what was sent that a service does not take. Some say INTERNAL of whatever their database refuses.
_REFUSES_CONTENTS = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.INTERNAL,
    }
)
_DETAILS_MAX = 500


def translate(operation: str, code: grpc.StatusCode | None, details: str) -> GeneriaError:
    """Return the error that a caller of `operation` is to see for a status `code` (None: gRPC gave none)."""
    code = code or grpc.StatusCode.UNKNOWN
    error = _error_of(operation, code, details)
    error.refuses_contents = code in _REFUSES_CONTENTS
    return error


def _error_of(operation: str, code: grpc.StatusCode, details: str) -> GeneriaError:
    details = quote(details, _DETAILS_MAX) or code.name
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return UnimplementedError(f"The platform's service does not offer {operation} ({details}).")
    message = f"{operation} failed ({code.name}): {details}"
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "message larger than max" in details:
        return PermanentError(message)
    if code not in _TRANSIENT:
        return _PERMANENT.get(code, PermanentError)(message)
    away = code in _OUTAGES
    unsent = code is grpc.StatusCode.UNAVAILABLE and any(text in details for text in _NEVER_SENT)
    unsent = unsent or code is grpc.StatusCode.UNAUTHENTICATED
    unknown = code in _UNKNOWN_OUTCOME or (away and not unsent)
    return TransientError(message, outcome_unknown=unknown, outage=away)


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """Translate whatever a gRPC call in the body raises; the building of its request belongs in the body too.

    Raises:
        NotFoundError, ConflictError, InvalidInputError, PermanentError: repeating the call cannot help.
        TransientError: it can; `outcome_unknown` says that the call may have been carried out.
    """
    try:
        yield
    except grpc.RpcError as error:
        code = error.code() if isinstance(error, grpc.Call) else None
        details = error.details() if isinstance(error, grpc.Call) else str(error)
        raise translate(operation, code, details or "") from error
    except ValueError as error:
        # What a message cannot hold (a lone surrogate, a number out of range), or a channel closed at stop.
        if "closed channel" in str(error):
            raise TransientError(f"{operation} was not called: the connection is closed") from error
        reason = (
            "text that is no valid Unicode" if isinstance(error, UnicodeError) else quote(str(error), 200)
        )
        raise InvalidInputError(f"{operation} cannot be called with these arguments: {reason}") from error
