"""What the tests of the embedded stack share: bare settings, and waiting for real processes."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from generia_worker.embedded.process import ManagedProcess
from generia_worker.settings import Settings


def settings(**values: Any) -> Settings:
    """Return settings as of a machine with an empty environment."""
    return Settings(_env_file=None, **values)


def wait_gone(pid: int, timeout_s: float = 5) -> bool:
    """Wait for a process to end; tell whether it did."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([fd], [], [], timeout_s)[0])
    finally:
        os.close(fd)


def start_and_let_end(one: ManagedProcess) -> None:
    """Start a program that waits for the file `may_end` before it ends: one that ends while it is being started has failed
    to start."""
    may_end(one.log_path).unlink(missing_ok=True)
    one.start()
    may_end(one.log_path).touch()


def may_end(log_path: Path) -> Path:
    """The file that such a program waits for."""
    return log_path.with_name("may-end")


def eventually(condition: Callable[[], object], timeout_s: float = 10) -> bool:
    """Wait for a condition that sends no event of its own; tell whether it came true."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


def number_in(path: Path, timeout_s: float = 10) -> int:
    """Return the process id that another process writes into this file, once it is there in full."""
    assert eventually(lambda: path.exists() and path.read_text().endswith("\n"), timeout_s)
    return int(path.read_text())
