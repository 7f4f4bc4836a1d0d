"""Finds free ports on the loopback interface."""

from __future__ import annotations

import random
import socket
import threading

from generia_worker.errors import ConfigurationError

LOOPBACK = "127.0.0.1"
#: Below the range that systems take for outgoing connections (from 32768 on), so that between the probe and
#: the server's own bind no connection of anybody's takes the port by chance.
_FIRST, _LAST = 15_000, 32_000
_TRIES = 200

_random = random.SystemRandom()
_lock = threading.Lock()
_given: set[int] = set()


def can_bind(port: int, host: str = LOOPBACK) -> bool:
    """Tell whether a server could listen on this port right now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port in TIME_WAIT is free, one that somebody listens on is not. The probe itself does
        # not listen, for a process that another thread forks just now holds a copy of it for a moment.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a loopback port that nobody listens on and that this process has not given out before.

    Random, so that two stacks that start together hardly ever choose the same one; whoever starts a server on
    it still has to try another port when the bind fails, for nothing reserves a port but listening on it.

    Raises:
        ConfigurationError: no free port was found.
    """
    with _lock:
        for _ in range(_TRIES):
            port = _random.randrange(_FIRST, _LAST)
            if port not in _given and can_bind(port):
                _given.add(port)
                return port
    message = f"No free port between {_FIRST} and {_LAST} on {LOOPBACK}; end some programs that listen there."
    raise ConfigurationError(message)


def is_listening(port: int, host: str = LOOPBACK, timeout_s: float = 0.5) -> bool:
    """Tell whether a TCP connection to this port is accepted."""
    try:
        with socket.create_connection((host, port), timeout=timeout_s):
            return True
    except OSError:
        return False
