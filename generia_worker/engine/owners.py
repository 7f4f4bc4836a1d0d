"""Names of owners: which process holds a lease, told so that others on its host can see whether it is dead.

A name is `HOST:PID:STARTED:PLACE:TOKEN`. Process ids are used again, so the time at which the process started stands
beside its id; and both mean something only within one boot of a kernel and one namespace, which `PLACE` tells.
"""

from __future__ import annotations

import contextlib
import os
import socket
import uuid
from hashlib import sha256
from pathlib import Path

_PROC = Path("/proc")
#: Namespaces that change what process ids and start times mean.
_NAMESPACES = ("pid", "time")


def new_name() -> str:
    """Return a name for this process as an owner, another one each time. Its second part is the process id:

    >>> int(new_name().split(":")[1]) == os.getpid()
    True
    """
    try:
        started, place = _started(os.getpid()), _place()
    except OSError:  # no Linux: nobody will be able to tell
        started, place = "", ""
    return ":".join([socket.gethostname(), str(os.getpid()), started, place, uuid.uuid4().hex[:8]])


def is_dead(name: str) -> bool:
    """True when the owner of this name was a process of this host that has ended.

    False when it lives, also when it is stopped (SIGSTOP); and when it cannot be known from here: it is of another host
    or container, or its name has another form. Then its lease decides.
    """
    parts = name.split(":")
    if len(parts) != 5 or not parts[1].isdecimal() or not parts[2]:
        return False
    host, pid, started, place, _ = parts
    try:
        if (host, place) != (socket.gethostname(), _place()):
            return False
        # Asked first: /proc may hide processes of other users, a signal tells all that are there.
        with contextlib.suppress(PermissionError):
            os.kill(int(pid), 0)
        return _started(int(pid)) != started
    except ProcessLookupError:
        return True
    except OSError:
        return False


def _started(pid: int) -> str:
    """Return when a process started, in clock ticks since boot; `""` for one that only waits to be reaped.

    Raises:
        ProcessLookupError: it ends just now.
        OSError: it cannot be seen.
    """
    fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    state, threads, started = fields[0], fields[17], fields[19]  # see proc(5)
    # The first thread may have ended before the others.
    return "" if state in "ZX" and threads == "1" else started


def _place() -> str:
    """Return what the process ids of this process refer to. Raises OSError where that cannot be told."""
    if (_PROC / "self").readlink() != Path(str(os.getpid())):
        message = "/proc shows another namespace"
        raise OSError(message)
    found = [(_PROC / "sys/kernel/random/boot_id").read_text()]
    found += [str((_PROC / "self/ns" / name).stat().st_ino) for name in _NAMESPACES]
    return sha256("\n".join(found).encode()).hexdigest()[:16]
