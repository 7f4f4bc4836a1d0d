"""A short queue for whatever hashes a password: it takes a core and 64 MiB, and no other call may wait for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from generia_worker.errors import TransientError

T = TypeVar("T")

#: More hashes at once would be slower, and could take all memory; more waiting would wait for longer than people do.
_AT_ONCE, _WAITING = 2, 16
_RETRY_S = 2


class PasswordQueue:
    """Runs functions that hash, in threads of their own, a few at a time. Used by the event loop alone."""

    def __init__(self) -> None:
        self._places = CapacityLimiter(_AT_ONCE)
        self._inside = 0

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """Return what the function returns. Raises TransientError: too many wait already."""
        if self._inside >= _AT_ONCE + _WAITING:
            raise TransientError("Too many people log in just now; try again.", retry_after_s=_RETRY_S)
        self._inside += 1
        try:
            return await to_thread.run_sync(function, *arguments, limiter=self._places)
        finally:
            self._inside -= 1
