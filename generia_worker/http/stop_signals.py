"""Waiting for the signal that ends a program."""

from __future__ import annotations

import signal
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

T = TypeVar("T")

#: How late a signal may be noticed that did not interrupt the wait, in seconds.
_LOOK_EVERY_S = 0.5


def stop_signals() -> SimpleQueue[int]:
    """From now on put the number of each SIGTERM and SIGINT into the queue that is returned. For the main thread."""
    asked = SimpleQueue[int]()
    for number in (signal.SIGTERM, signal.SIGINT):
        # A handler must not wait for a lock, which this thread may hold: `put` takes none, where an event's `set` does.
        signal.signal(number, lambda number, _: asked.put(number))
    return asked


def wait_for(queue: SimpleQueue[T]) -> T:
    """Wait in the main thread for the next entry of a queue, and let signal handlers run meanwhile.

    Python's handlers run between two instructions of the main thread. A signal that comes to another thread, or after the
    last instruction before the wait (which is long where other threads hold the interpreter), interrupts no wait: with
    `queue.get()` its handler would never run.
    """
    while True:
        with suppress(Empty):
            return queue.get(timeout=_LOOK_EVERY_S)
