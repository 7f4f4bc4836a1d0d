"""Connections to the platform's services, and what all clients of them share."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import grpc

from generia_worker.errors import PermanentError
from generia_worker.rpc import wire

_OPTIONS = (
    ("grpc.max_receive_message_length", wire.MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", wire.MAX_MESSAGE_BYTES),
    # Pings only while a call is open, and seldom: servers cut off who pings more often than they allow.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 0),
    # A service that restarted is found again within seconds; the default backs off to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    # Services are inside: a proxy that the environment names for the world outside knows no way to them.
    ("grpc.enable_http_proxy", 0),
    # The step owns the retries.
    ("grpc.enable_retries", 0),
    # Channels of one process to one address do not share a connection that one of them may close.
    ("grpc.use_local_subchannel_pool", 1),
)

Metadata = tuple[tuple[str, str], ...]


def open_channel(address: str, token: str = "") -> grpc.Channel:
    """Return a channel to `host:port`: plain text, bounded messages. Connects with the first call.

    With `token` every call brings it in its metadata; a service that asks for none passes it over.

    One channel a service and process, made after fork, closed by its owner. Make clients before it is closed:
    gRPC 1.85 crashes the process when a stub is made on a closed channel.
    """
    channel = grpc.insecure_channel(address, options=_OPTIONS)
    return grpc.intercept_channel(channel, _WithToken(token)) if token else channel


class _Details(NamedTuple):
    """What gRPC asks of an interceptor about a call."""

    method: str
    timeout: float | None
    metadata: Sequence[tuple[str, str]] | None
    credentials: Any
    wait_for_ready: bool | None
    compression: Any


class _WithToken(grpc.UnaryUnaryClientInterceptor):
    """Adds the token to the metadata of every call."""

    def __init__(self, token: str) -> None:
        self._token = (wire.TOKEN, token)

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        """Make the call."""
        asked = client_call_details
        metadata = (*(asked.metadata or ()), self._token)
        more = (asked.credentials, asked.wait_for_ready, asked.compression)
        return continuation(_Details(asked.method, asked.timeout, metadata, *more), request)


def idempotency_metadata(idempotency_key: str) -> Metadata:
    """Return the metadata that makes calls with equal keys one and the same call.

    Raises:
        ValueError: metadata holds printable ASCII only, and gRPC would report anything else as INTERNAL.
    """
    if not (idempotency_key.isascii() and idempotency_key.isprintable()):
        message = "an idempotency key must be printable ASCII"
        raise ValueError(message)
    return ((wire.IDEMPOTENCY_KEY, idempotency_key),)


def to_json(document: Mapping[str, Any]) -> str:
    """Return the document as compact JSON text. Raises ValueError when it holds what JSON cannot."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def from_json(text: str | None, field: str) -> dict[str, Any]:
    """Read a JSON object that a service sent in `field`; absent: an empty one. Raises PermanentError."""
    if not text:
        return {}
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise PermanentError(f"The service sent {field} that is no JSON object.")
    return document
