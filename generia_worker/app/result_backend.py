"""Celery's result backend: it counts the parts of chords. No result is stored, and nobody waits for one."""

from __future__ import annotations

from typing import Any

from celery.backends.redis import RedisBackend


class ChordBackend(RedisBackend):
    """Celery's backend in Redis that never waits for a result.

    Celery begins to wait for each task of a group once the group has its ids, which is whenever a canvas with a chord is
    published: it subscribes to the task's result and keeps what waits. Here no result ever comes: a worker would keep both
    for as long as it lives, and try for twenty seconds to end a subscription when it stops after Redis has gone.
    """

    def add_pending_result(self, result: Any, *_: Any, **__: Any) -> Any:
        """Return the result, which nobody waits for."""
        return result

    def remove_pending_result(self, result: Any) -> Any:
        """Return the result: nobody waited for it."""
        return result
