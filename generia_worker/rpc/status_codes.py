"""What went wrong with a gRPC call, in our own terms: the one place that reads status codes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import grpc

from generia_worker.errors import (
    AllowanceExceeded,
    ConflictError,
    GeneriaError,
    InvalidInputError,
    NotFoundError,
    PermanentError,
    TransientError,
    UnimplementedError,
)
from generia_worker.rpc import wire
from generia_worker.rpc.channel import Metadata
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
#: Refusals that have no status code of their own.
_OF_CODES: dict[str, type[PermanentError]] = {AllowanceExceeded.code: AllowanceExceeded}
#: What is believed of a code that a service sends.
_CODE = re.compile(r"[a-z][a-z0-9_]{0,59}")
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


def translate(
    operation: str, code: grpc.StatusCode | None, details: str, error_code: str = ""
) -> GeneriaError:
    """Return the error that a caller of `operation` is to see for a status `code` (None: gRPC gave none).

    `error_code` is what the service says for programs, as `code_metadata` has it; empty where it says nothing.
    """
    code = code or grpc.StatusCode.UNKNOWN
    error = _error_of(operation, code, details, error_code)
    error.refuses_contents = code in _REFUSES_CONTENTS
    return error.with_code(error_code) if error_code else error


def code_metadata(error: Exception) -> Metadata:
    """Return the trailing metadata that tells a caller the code of an error; none where it has no code."""
    code = error.code if isinstance(error, GeneriaError) else ""
    return ((wire.ERROR_CODE_KEY, code),) if _CODE.fullmatch(code) else ()


def _code_of(call: grpc.Call) -> str:
    for name, value in call.trailing_metadata() or ():
        if name == wire.ERROR_CODE_KEY and isinstance(value, str) and _CODE.fullmatch(value):
            return value
    return ""


def _error_of(operation: str, code: grpc.StatusCode, details: str, error_code: str) -> GeneriaError:
    details = quote(details, _DETAILS_MAX) or code.name
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return UnimplementedError(f"The platform's service does not offer {operation} ({details}).")
    message = f"{operation} failed ({code.name}): {details}"
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "message larger than max" in details:
        return PermanentError(message)
    if code not in _TRANSIENT:
        kind = _PERMANENT.get(code) or _OF_CODES.get(error_code, PermanentError)
        return kind(message)
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
        if not isinstance(error, grpc.Call):
            raise translate(operation, None, str(error)) from error
        raise translate(operation, error.code(), error.details() or "", _code_of(error)) from error
    except ValueError as error:
        # What a message cannot hold (a lone surrogate, a number out of range), or a channel closed at stop.
        if "closed channel" in str(error):
            raise TransientError(f"{operation} was not called: the connection is closed") from error
        reason = (
            "text that is no valid Unicode" if isinstance(error, UnicodeError) else quote(str(error), 200)
        )
        raise InvalidInputError(f"{operation} cannot be called with these arguments: {reason}") from error
