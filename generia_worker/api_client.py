"""Typed client of the enqueue endpoint: used by our own commands, and free to be used by others."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import requests

from generia_worker.domain.estimate import Estimate
from generia_worker.domain.order import Order, WorldSize
from generia_worker.domain.status import FailedStep, GenerationStatus
from generia_worker.errors import (
    ConflictError,
    GeneriaError,
    InvalidInputError,
    NotFoundError,
    PermanentError,
    TransientError,
)

_TIMEOUT_S = (5, 30)


class GeneriaClient:
    """Orders worlds and asks how far they are. One session; not shared between threads."""

    def __init__(self, base_url: str, token: str = "") -> None:
        self._base_url = base_url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def order(self, order: Order) -> GenerationStatus:
        """Order a world; the same order again is harmless.

        Raises:
            InvalidInputError: the endpoint refuses the order; the message says why.
            ConflictError: the world was ordered before with another body.
            TransientError: the endpoint cannot be reached or is not able now.
        """
        return self._status("POST", "/v1/generations", order.model_dump(exclude_none=True))

    def status(self, world_id: str) -> GenerationStatus:
        """Return how far a world is. Raises NotFoundError, TransientError."""
        return self._status("GET", f"/v1/generations/{world_id}")

    def estimate(self, size: WorldSize) -> Estimate:
        """Return what a world of this size will take. Raises InvalidInputError, TransientError."""
        return Estimate.model_validate(
            self._send("POST", "/v1/generations:estimate", size.model_dump()).json()
        )

    def cancel(self, world_id: str) -> GenerationStatus:
        """Stop a world; what exists stays. Raises NotFoundError, ConflictError, TransientError."""
        return self._status("POST", f"/v1/generations/{world_id}:cancel")

    def resume(self, world_id: str) -> GenerationStatus:
        """Go on with a cancelled or failed world. Raises NotFoundError, ConflictError, TransientError."""
        return self._status("POST", f"/v1/generations/{world_id}:resume")

    def retry(self, world_id: str) -> GenerationStatus:
        """Try what failed again. Raises NotFoundError, ConflictError, TransientError."""
        return self._status("POST", f"/v1/generations/{world_id}:retry")

    def redo(self, world_id: str, step: str) -> GenerationStatus:
        """Make one character or post anew. Raises InvalidInputError, NotFoundError, ConflictError, TransientError."""
        return self._status("POST", f"/v1/generations/{world_id}:redo", {"step": step})

    def failures(self, world_id: str) -> list[FailedStep]:
        """Return the failed and skipped steps of a world with their reasons. Raises NotFoundError, TransientError."""
        found = self._send("GET", f"/v1/generations/{world_id}/failures").json()
        return [FailedStep.model_validate(row) for row in found]

    def wait(
        self,
        world_id: str,
        *,
        timeout_s: float,
        on_change: Callable[[GenerationStatus], None] = lambda _: None,
        poll_s: float = 0.25,
        clock: Callable[[], float] = time.monotonic,
    ) -> GenerationStatus:
        """Wait until a world has ended, showing each new state to `on_change`.

        Raises:
            TransientError: it has not ended after `timeout_s`, or the endpoint stayed away for that long.
        """
        deadline = clock() + timeout_s
        revision = -1
        while True:
            try:
                status = self.status(world_id)
            except TransientError:
                if clock() >= deadline:
                    raise
            else:
                if status.revision != revision:
                    revision = status.revision
                    on_change(status)
                if status.status.is_final:
                    return status
            if clock() >= deadline:
                message = f"World {world_id} has not ended after {timeout_s:.0f} s; it goes on."
                raise TransientError(message)
            time.sleep(poll_s)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _status(self, method: str, path: str, body: dict[str, Any] | None = None) -> GenerationStatus:
        return GenerationStatus.model_validate(self._send(method, path, body).json())

    def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> requests.Response:
        try:
            reply = self._session.request(
                method, self._base_url + path, json=body, timeout=_TIMEOUT_S, allow_redirects=False
            )
        except requests.RequestException as error:
            message = f"The enqueue endpoint at {self._base_url} does not answer ({type(error).__name__})."
            raise TransientError(message) from None
        if reply.status_code >= 400:
            raise _error(reply)
        return reply


def _error(reply: requests.Response) -> GeneriaError:
    try:
        body = reply.json()
        detail = str(body["detail"])
    except (ValueError, KeyError, TypeError):
        detail = f"The enqueue endpoint answered HTTP {reply.status_code}."
        body = {}
    if reply.status_code == 404:
        return NotFoundError(detail)
    if reply.status_code == 409:
        return ConflictError(detail)
    if reply.status_code in (413, 422):
        errors = body.get("errors") or [{}]
        return InvalidInputError(detail, field=errors[0].get("field"))
    if reply.status_code == 401:
        return PermanentError("The enqueue endpoint refuses the token: check GENERIA_API_TOKEN.")
    if reply.status_code == 429 or reply.status_code >= 500:
        return TransientError(detail)
    return PermanentError(detail)
