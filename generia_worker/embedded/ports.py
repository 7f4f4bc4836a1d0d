"""Finds free ports on the loopback interface."""

from __future__ import annotations

import random
import socket
import threading
from collections import deque

from generia_worker.errors import ConfigurationError

LOOPBACK = "127.0.0.1"
#: Below the range that systems take for outgoing connections (from 32768 on), so that between the probe and
#: the server's own bind no connection of anybody's takes the port by chance.
_FIRST, _LAST = 15_000, 32_000
_TRIES = 200

_random = random.SystemRandom()
_lock = threading.Lock()
#: What holds the ports that were given out, against other processes that look for one (those of another stack, say): more
#: than a stack needs.
_held: deque[socket.socket] = deque(maxlen=256)


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
    """Return a loopback port that nobody listens on and that was not given out before.

    No other process that asks here gets it either, until this one ends: a socket is bound to it that never listens.
    Servers, which all set SO_REUSEADDR, may listen beside that. So may programs that did not ask here: whoever starts a
    server still has to try another port when its bind fails.

    Raises:
        ConfigurationError: no free port was found.
    """
    with _lock:
        for _ in range(_TRIES):
            port = _random.randrange(_FIRST, _LAST)
            held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                held.bind((LOOPBACK, port))  # refused while anything else is bound to it, listening or not
            except OSError:
                held.close()
                continue
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            _keep(held)
            return port
    message = f"No free port between {_FIRST} and {_LAST} on {LOOPBACK}; end some programs that listen there."
    raise ConfigurationError(message)


def hold(port: int) -> bool:
    """Hold a loopback port that a server had before, as `free_port` holds those that it gives; False when it is taken.

    Connections of that server's that the system still remembers (TIME_WAIT) are no hindrance.
    """
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        held.bind((LOOPBACK, port))
    except OSError:
        held.close()
        return False
    with _lock:
        _keep(held)
    return True


def _keep(held: socket.socket) -> None:
    """Keep a socket, in the place of the oldest one where there are too many. Call it with the lock."""
    if len(_held) == _held.maxlen:
        _held.popleft().close()
    _held.append(held)


def is_listening(port: int, host: str = LOOPBACK, timeout_s: float = 0.5) -> bool:
    """Tell whether a TCP connection to this port is accepted."""
    try:
        with socket.create_connection((host, port), timeout=timeout_s):
            return True
    except OSError:
        return False
