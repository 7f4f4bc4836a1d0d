"""Typed client of the enqueue endpoint: used by our own commands, and free to be used by others."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import requests
from pydantic import BaseModel

from generia_worker.client.allowance import Allowance
from generia_worker.client.estimate import Estimate
from generia_worker.client.order import Extension, MoreSize, Order, WorldSize
from generia_worker.client.receipt import Receipt
from generia_worker.client.replies import RepliesStatus, ReplyTerms
from generia_worker.client.schedule import ChronicleDay, Schedule, ScheduleStatus
from generia_worker.client.status import FailedStep, GenerationStatus
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
from generia_worker.text import without_user_info

_TIMEOUT_S = (5, 30)
#: Seconds of silence after which a stream counts as broken: a little more than two heartbeats.
_SILENCE_S = 40.0


@dataclass(frozen=True, slots=True)
class WorldEvent:
    """Something that happened to a world: its status changed, or a post appeared (a document as a feed shows it)."""

    status: GenerationStatus | None = None
    post: dict[str, Any] | None = None


class GeneriaClient:
    """Orders worlds and asks how far they are. One session; not shared between threads."""

    def __init__(self, base_url: str, token: str = "") -> None:
        self._base_url = base_url.rstrip("/")
        self._shown = without_user_info(self._base_url)
        self._session = requests.Session()
        self._session.trust_env = False
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def order(self, order: Order) -> GenerationStatus:
        """Order a world; the same order again is harmless.

        Raises:
            InvalidInputError: the endpoint refuses the order; the message says why.
            ConflictError: the world was ordered before with another body.
            AllowanceExceeded: the day's allowance is used up; the message says what is left.
            TransientError: the endpoint cannot be reached or is not able now.
        """
        return self._status("POST", "/v1/generations", order.body())

    def status(self, world_id: str) -> GenerationStatus:
        """Return how far a world is. Raises NotFoundError, TransientError."""
        return self._status("GET", f"/v1/generations/{world_id}")

    def estimate(self, size: WorldSize) -> Estimate:
        """Return what a world of this size will take. Raises InvalidInputError, TransientError."""
        return Estimate.model_validate(self._send("POST", "/v1/generations:estimate", size.body()).json())

    def allowance(self, user_id: str) -> Allowance:
        """Return what today still allows a person. Raises TransientError."""
        return Allowance.model_validate(self._send("GET", f"/v1/allowances/{user_id}").json())

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
        """Redo one character or post. Raises InvalidInputError, NotFoundError, ConflictError, TransientError."""
        return self._status("POST", f"/v1/generations/{world_id}:redo", {"step": step})

    def extend(self, world_id: str, asked: Extension) -> GenerationStatus:
        """Make more of a completed world; the same `request_id` again is harmless.

        Raises InvalidInputError, NotFoundError, ConflictError, AllowanceExceeded, TransientError.
        """
        body = asked.model_dump(exclude_none=True)
        return self._status("POST", f"/v1/generations/{world_id}:extend", body)

    def estimate_more(self, world_id: str, size: MoreSize) -> Estimate:
        """Return what so much more of a world will take. Raises InvalidInputError, NotFoundError, ConflictError,
        TransientError."""
        body = size.model_dump(include={"users_count", "posts_count"})
        found = self._send("POST", f"/v1/generations/{world_id}:estimate", body).json()
        return Estimate.model_validate(found)

    def schedule(self, world_id: str, asked: Schedule | None = None) -> ScheduleStatus:
        """Let a world live on like this, or (None) return how it does.

        Raises InvalidInputError, NotFoundError, TransientError.
        """
        return ScheduleStatus.model_validate(self._ask_for(f"/v1/generations/{world_id}/schedule", asked))

    def end_schedule(self, world_id: str) -> ScheduleStatus:
        """Let no day of a world begin any more. Raises NotFoundError, TransientError."""
        found = self._send("DELETE", f"/v1/generations/{world_id}/schedule").json()
        return ScheduleStatus.model_validate(found)

    def replies(self, world_id: str, asked: ReplyTerms | None = None) -> RepliesStatus:
        """Let the characters of a world reply to people for so much at most, or (None) return whether they do.

        Raises InvalidInputError, NotFoundError, ConflictError, AllowanceExceeded, TransientError.
        """
        return RepliesStatus.model_validate(self._ask_for(f"/v1/generations/{world_id}/replies", asked))

    def end_replies(self, world_id: str) -> RepliesStatus:
        """Let them reply to nobody any more. Raises NotFoundError, TransientError."""
        found = self._send("DELETE", f"/v1/generations/{world_id}/replies").json()
        return RepliesStatus.model_validate(found)

    def heard(self, world_id: str, post_id: str) -> int:
        """Tell that somebody commented on a post; returns how many comments are replied to now. Raises NotFoundError,
        TransientError."""
        return int(
            self._send("POST", f"/v1/generations/{world_id}/replies", {"post_id": post_id}).json()["begun"]
        )

    def chronicle(self, world_id: str) -> list[ChronicleDay]:
        """Return what happened in a world, day by day. Raises NotFoundError, TransientError."""
        found = self._send("GET", f"/v1/generations/{world_id}/chronicle").json()
        return [ChronicleDay.model_validate(one) for one in found]

    def failures(self, world_id: str) -> list[FailedStep]:
        """Return the failed and skipped steps of a world with their reasons. Raises NotFoundError, TransientError."""
        found = self._send("GET", f"/v1/generations/{world_id}/failures").json()
        return [FailedStep.model_validate(row) for row in found]

    def receipt(self, world_id: str) -> Receipt:
        """Return what each part of a world cost. Raises NotFoundError, TransientError."""
        return Receipt.model_validate(self._send("GET", f"/v1/generations/{world_id}/receipt").json())

    def events(
        self,
        world_id: str,
        *,
        timeout_s: float,
        again_s: float = 0.25,
        clock: Callable[[], float] = time.monotonic,
    ) -> Iterator[WorldEvent]:
        """Yield the status of a world, each change of it and each new post, until the world has ended.

        A connection that breaks is made again after `again_s` seconds: posts are not missed, and none comes twice.

        Raises:
            NotFoundError: the world was never ordered.
            TransientError: it has not ended after `timeout_s`, or the endpoint stayed away for that long.
        """
        deadline = clock() + timeout_s
        seen: str | None = None
        posts: set[str] = set()
        while True:
            try:
                for event in self._stream(world_id, seen, deadline, clock):
                    if event.event == "done":
                        return
                    seen = event.id or seen
                    if event.event == "post":
                        # After a reconnection the endpoint repeats those of the last seconds.
                        if event.data in posts:
                            continue
                        posts.add(event.data)
                    yield _world_event(event)
                if seen is not None and self.status(world_id).status.is_final:
                    return
            except (requests.RequestException, TransientError) as error:
                if clock() >= deadline:
                    raise _not_ended(world_id, timeout_s, error) from None
            if clock() >= deadline:
                raise _not_ended(world_id, timeout_s, None)
            time.sleep(again_s)

    def wait(
        self,
        world_id: str,
        *,
        timeout_s: float,
        on_change: Callable[[GenerationStatus], None] = lambda _: None,
        again_s: float = 0.25,
    ) -> GenerationStatus:
        """Wait until a world has ended, showing each new state to `on_change`. Raises what `events` raises."""
        revision = -1
        for event in self.events(world_id, timeout_s=timeout_s, again_s=again_s):
            if event.status is not None and event.status.revision != revision:
                revision = event.status.revision
                on_change(event.status)
                if event.status.status.is_final:
                    return event.status
        return self.status(world_id)

    def _stream(
        self, world_id: str, seen: str | None, deadline: float, clock: Callable[[], float]
    ) -> Iterator[sse.Event]:
        """Yield the events of one connection; it ends when the endpoint ends it, or when the time is over."""
        silence_s = max(0.1, min(_SILENCE_S, deadline - clock()))
        headers = {"Accept": sse.MEDIA_TYPE} | ({} if seen is None else {"Last-Event-ID": seen})
        path = f"/v1/generations/{world_id}/events"
        with self._send(
            "GET", path, headers=headers, stream=True, timeout=(_TIMEOUT_S[0], silence_s)
        ) as reply:

            def lines() -> Iterator[str]:
                for line in reply.iter_lines():
                    if clock() >= deadline:
                        return
                    yield line.decode("utf-8", "replace")

            yield from sse.decode(lines())

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _status(self, method: str, path: str, body: dict[str, Any] | None = None) -> GenerationStatus:
        return GenerationStatus.model_validate(self._send(method, path, body).json())

    def _ask_for(self, path: str, asked: BaseModel | None) -> Any:
        """Put what is asked for there, or (None) read what there is; returns how it stands then."""
        if asked is None:
            return self._send("GET", path).json()
        return self._send("PUT", path, asked.model_dump(mode="json", exclude_none=True)).json()

    def _send(
        self, method: str, path: str, body: dict[str, Any] | None = None, **options: Any
    ) -> requests.Response:
        options.setdefault("timeout", _TIMEOUT_S)
        try:
            reply = self._session.request(
                method, self._base_url + path, json=body, allow_redirects=False, **options
            )
        except requests.RequestException as error:
            message = f"The enqueue endpoint at {self._shown} does not answer ({type(error).__name__})."
            raise TransientError(message) from None
        if reply.status_code >= 400:
            raise _error(reply)
        return reply


def _world_event(event: sse.Event) -> WorldEvent:
    try:
        if event.event == "post":
            return WorldEvent(post=dict(json.loads(event.data)))
        return WorldEvent(status=GenerationStatus.model_validate_json(event.data))
    except ValueError:
        message = "The enqueue endpoint sent an event that makes no sense."
        raise TransientError(message) from None


def _not_ended(world_id: str, timeout_s: float, error: Exception | None) -> TransientError:
    reason = f" {error.message}" if isinstance(error, GeneriaError) else ""
    return TransientError(f"World {world_id} has not ended after {timeout_s:.0f} s; it goes on.{reason}")


def _error(reply: requests.Response) -> GeneriaError:
    try:
        body = reply.json()
        detail = str(body["detail"])
    except (ValueError, KeyError, TypeError):
        detail = f"The enqueue endpoint answered HTTP {reply.status_code}."
        body = {}
    error = _error_of(reply, detail, body)
    code = body.get("code")
    # Of what is told in the endpoint's words, its code as well.
    return error.with_code(code) if isinstance(code, str) and code and error.message == detail else error


def _error_of(reply: requests.Response, detail: str, body: dict[str, Any]) -> GeneriaError:
    if reply.status_code == 404:
        return NotFoundError(detail)
    if reply.status_code == 409:
        return ConflictError(detail)
    if reply.status_code in (413, 422):
        errors = body.get("errors") or [{}]
        return InvalidInputError(detail, field=errors[0].get("field"))
    if reply.status_code == 403:
        return AllowanceExceeded(detail)
    if reply.status_code == 401:
        return PermanentError("The enqueue endpoint refuses the token: check GENERIA_API_TOKEN.")
    if reply.status_code == 429 or reply.status_code >= 500:
        return TransientError(detail)
    return PermanentError(detail)
