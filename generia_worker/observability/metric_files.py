"""The folder in which the processes of a machine keep what they count: who writes there, and what becomes of the dead.

A process writes three files, in the format of prometheus_client, and holds a fourth one locked for as long as it lives. The
files of a process that has ended are added to those of the past, so that counts outlive it and files do not pile up.
"""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import struct
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

log = logging.getLogger(__name__)

#: The kinds of file, as prometheus_client names them; a gauge says what is, and is forgotten with its process.
_COUNTERS, GAUGES = ("counter", "histogram"), "gauge_livesum"
_ALIVE, _PAST = ".alive", "past"
#: Room for all series of a process, written out at start: a file that grew on a full disk would end the process.
_FILE_BYTES = 256 * 1024
#: Containers that share a folder have process ids of their own, and one that is started again has the same ones.
_SELF = f"{socket.gethostname().replace('_', '-')}-{uuid.uuid4().hex[:8]}"
_lock_fd: int | None = None


def identity() -> str:
    """Return a name for this process that no other process on this folder has; without underscores."""
    return f"{_SELF}-{os.getpid()}"


def begin(folder: Path) -> None:
    """Make the files of this process. Raises OSError."""
    global _lock_fd
    folder.mkdir(parents=True, exist_ok=True)
    mine = identity()
    # Locked before there is anything to count: an unlocked file belongs to a process that has ended.
    fd = os.open(folder / f"{mine}{_ALIVE}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(fd, fcntl.LOCK_SH)
    _lock_fd = fd
    for kind in (*_COUNTERS, GAUGES):
        draft = folder / f"{mine}.new"
        draft.write_bytes(bytes(_FILE_BYTES))
        draft.replace(folder / f"{kind}_{mine}.db")  # atomic: readers see the old file or the new one


@contextmanager
def tidied(folder: Path) -> Iterator[list[str]]:
    """Add what ended processes counted to the past; yields the files that there are, and no other process tidies meanwhile.

    Raises OSError.
    """
    fd = os.open(folder / "tidy.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        for alive in folder.glob(f"*{_ALIVE}"):
            if _has_ended(alive):
                _add_to_past(folder, alive.stem)
                alive.unlink()
        yield [str(path) for path in folder.glob("*.db")]
    finally:
        os.close(fd)


def _has_ended(alive: Path) -> bool:
    with alive.open("rb+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _add_to_past(folder: Path, process: str) -> None:
    for kind in _COUNTERS:
        path = folder / f"{kind}_{process}.db"
        if not path.exists():
            continue
        try:
            counted = list(MmapedDict.read_all_values_from_file(str(path)))
        except (ValueError, RuntimeError, struct.error) as error:
            log.warning("What %s counted cannot be read (%s).", process, type(error).__name__)
            counted = []
        past = MmapedDict(str(folder / f"{kind}_{_PAST}.db"))
        for key, value, stamp, _ in counted:
            past.write_value(key, past.read_value(key)[0] + value, stamp)
        past.close()
        path.unlink()
    (folder / f"{GAUGES}_{process}.db").unlink(missing_ok=True)
