"""The enqueue endpoint as the gateway calls it: answers passed on as they are, errors in our own terms."""

from __future__ import annotations

import logging
from typing import Any

import httpx2

from generia_worker.errors import (
    AllowanceExceeded,
    ConflictError,
    GeneriaError,
    InvalidInputError,
    NotFoundError,
    PermanentError,
    TransientError,
)
from generia_worker.http import sse
from generia_worker.settings import Settings

log = logging.getLogger(__name__)

_CALL_S, _POOL_S, _PROBE_S = 30.0, 5.0, 2.0
#: Connections to the endpoint for calls; streams have others.
_CALLS_MAX = 32
_AWAY = "The service that makes worlds does not answer just now; try again."


class Endpoint:
    """Calls and streams of the enqueue endpoint, over bounded pools."""

    def __init__(self, settings: Settings) -> None:
        token = settings.api_token.get_secret_value()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connect_s = settings.http_connect_timeout_s
        # Reading the certificates of all authorities takes longer than the rest of the start: only for https.
        verify = settings.api_url.startswith("https:")
        self._client = httpx2.Client(
            base_url=settings.api_url,
            headers=headers,
            timeout=httpx2.Timeout(_CALL_S, connect=connect_s, pool=_POOL_S),
            limits=httpx2.Limits(max_connections=_CALLS_MAX),
            trust_env=False,
            verify=verify,
        )
        self._streams = httpx2.AsyncClient(
            base_url=settings.api_url,
            headers=headers,
            # The endpoint sends heartbeats: silence for two of them means that it is gone.
            timeout=httpx2.Timeout(2 * sse.HEARTBEAT_S + 5, connect=connect_s, pool=_POOL_S),
            limits=httpx2.Limits(max_connections=settings.gateway_streams_max, max_keepalive_connections=20),
            trust_env=False,
            verify=verify,
        )

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Return what the endpoint answers.

        Raises:
            NotFoundError, ConflictError, InvalidInputError, PermanentError: it refuses; the message is its own.
            TransientError: it is away, or not able now.
        """
        try:
            reply = self._client.request(method, path, json=body)
            if reply.is_success:
                return reply.json()
        except (httpx2.HTTPError, ValueError) as error:
            log.warning("The enqueue endpoint does not answer: %s", type(error).__name__)
            raise TransientError(_AWAY) from None
        raise _refusal(reply)

    async def open_events(self, world_id: str, last_event_id: str | None) -> httpx2.Response | None:
        """Return the opened stream of a world (200, or 204: nothing more will come), or None when there is none."""
        headers = {"Accept": sse.MEDIA_TYPE}
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        request = self._streams.build_request("GET", f"/v1/generations/{world_id}/events", headers=headers)
        try:
            reply = await self._streams.send(request, stream=True)
        except httpx2.HTTPError as error:
            log.info("No stream from the enqueue endpoint: %s", type(error).__name__)
            return None
        is_stream = reply.headers.get("Content-Type", "").startswith(sse.MEDIA_TYPE)
        if reply.status_code == 204 or (reply.status_code == 200 and is_stream):
            return reply
        await reply.aclose()
        if reply.status_code != 404:
            log.warning("No stream from the enqueue endpoint: it answers %d", reply.status_code)
        return None

    def state(self) -> str:
        """Return `ok`, or why not."""
        try:
            reply = self._client.get("/readyz", timeout=_PROBE_S)
        except httpx2.HTTPError as error:
            return f"unavailable ({type(error).__name__})"
        return "ok" if reply.status_code == 200 else f"unavailable (HTTP {reply.status_code})"

    async def close(self) -> None:
        """Close all connections."""
        self._client.close()
        await self._streams.aclose()


def _refusal(reply: httpx2.Response) -> GeneriaError:
    detail, field, code = _problem(reply)
    error = _error_of(reply, detail, field)
    # Of what is passed on in the endpoint's words, its code as well.
    return error.with_code(code) if code and error.message == detail else error


def _error_of(reply: httpx2.Response, detail: str, field: str | None) -> GeneriaError:
    if reply.status_code == 404:
        return NotFoundError(detail)
    if reply.status_code == 409:
        return ConflictError(detail)
    if reply.status_code == 422:
        return InvalidInputError(detail, field=field)
    if reply.status_code == 403:
        return AllowanceExceeded(detail)
    if reply.status_code == 401 or reply.status_code < 400:
        # Ours to mend, not the caller's; a redirect is no answer either.
        log.error(
            "The enqueue endpoint answers %d: check GENERIA_API_TOKEN and GENERIA_API_URL", reply.status_code
        )
        return TransientError(_AWAY)
    if reply.status_code == 429 or reply.status_code >= 500:
        log.warning("The enqueue endpoint answers %d", reply.status_code)
        after = reply.headers.get("Retry-After", "")
        return TransientError(
            _AWAY, retry_after_s=float(after) if after.isdigit() and len(after) < 6 else None
        )
    return PermanentError(detail)


def _problem(reply: httpx2.Response) -> tuple[str, str | None, str]:
    try:
        body = reply.json()
        errors = body.get("errors") or [{}]
        return str(body["detail"]), errors[0].get("field"), str(body.get("code") or "")
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return f"The service that makes worlds refuses this (HTTP {reply.status_code}).", None, ""
