"""Whoever is told to stop stops, whatever line of its main thread the signal interrupts."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: Sends SIGTERM before the nth line that the main thread comes to once it says that it listens, for every n there is.
_AT_EVERY_LINE = """
import contextlib, logging, signal, sys, threading

WAITS_S = 2
listens = False

class Says(logging.Handler):
    def emit(self, record):
        global listens
        listens = True

logging.basicConfig(level=logging.INFO, handlers=[Says()])

def interrupted(run, number):
    "Run until the signal; return True when there was a line of this number before it waited."
    global listens
    listens, seen, waited = False, 0, False
    def at_last():
        nonlocal waited
        waited = True
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)  # it does not interrupt the main thread
    def trace(frame, event, _):
        nonlocal seen
        if listens and not waited and event == "line":
            seen += 1
            if seen == number:
                signal.raise_signal(signal.SIGTERM)
        return trace
    late = threading.Timer(WAITS_S, at_last)
    late.start()
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(None)
        late.cancel()
        late.join()
    return not waited

def everywhere(run):
    number = 1
    while interrupted(run, number):
        number += 1
    assert number > 3
    print("stopped")
"""
_SERVICES = (
    _AT_EVERY_LINE
    + """
from types import SimpleNamespace
from generia_worker.reference.shared import server

running = SimpleNamespace(addresses={"world": "127.0.0.1:1"})
server.start = lambda factories, settings: contextlib.nullcontext(running)
everywhere(lambda: server.run([], None))
"""
)
_EXPORTER = (
    _AT_EVERY_LINE
    + """
from types import SimpleNamespace
from generia_worker.app import exporter

stopped = SimpleNamespace(shutdown=lambda: None, join=lambda: None)
exporter.start_http_server = lambda *_: (stopped, stopped)
exporter.register = lambda *_: None
everywhere(lambda: exporter.run(SimpleNamespace(metrics_bind="127.0.0.1:1")))
"""
)
#: A worker whose main thread is in the middle of what takes one of these locks: one is of its own, one of `threading`.
_WORKER = """
import threading
from celery.signals import worker_init, worker_shutting_down
from generia_worker.app.celery_app import app
from generia_worker.app.container import get_container

stopping = get_container().stopping
worker_init.send(sender=None)
for lock in (stopping._cond, threading._active_limbo_lock):
    with lock:
        for _, answer in worker_shutting_down.send(sender="worker", sig="SIGTERM", how="Warm", exitcode=0):
            assert not isinstance(answer, Exception), answer
assert stopping.wait(20)
print("stopped")
"""


@pytest.mark.parametrize("program", [_SERVICES, _EXPORTER, _WORKER], ids=["services", "exporter", "worker"])
def test_a_signal_that_comes_at_any_moment_is_followed(program: str) -> None:
    """A handler that waits for a lock waits for ever where it interrupted the thread that has it."""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "stopped"
