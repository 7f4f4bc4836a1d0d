"""The data folder of an embedded stack: whose it is right now, its secrets, and what runs on it."""

from __future__ import annotations

import json
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from generia_worker.errors import ConfigurationError
from generia_worker.settings import PREFIX, Settings, concealed

#: How long to wait for the remains of a killed stack to end, in seconds.
_REMAINS_TIMEOUT_S = 15.0
_PORT_FILE = "gateway.port"
#: How long a lock may belong to somebody who only looks at it.
_LOOK_S = 0.3
#: Keys of paid APIs: a client of the stack has no use for them, so they are not written down.
_NOT_WRITTEN = ("llm_api_key", "image_api_key")


def new_credentials() -> dict[str, str]:
    """Return credentials for all servers and programs of a stack, made at random."""
    return {
        "redis_password": secrets.token_hex(20),
        "mongo_password": secrets.token_hex(20),
        "mongo_key": secrets.token_hex(64),
        "s3_access_key": secrets.token_hex(10),
        "s3_secret_key": secrets.token_hex(20),
        "jwt_secret": secrets.token_hex(32),
        "flower_password": secrets.token_hex(12),
    }


@dataclass(frozen=True)
class StackInfo:
    """A stack that runs on a data folder: the process that owns it, and the settings by which to use it."""

    pid: int
    settings: Settings


class DataFolder:
    """A data folder that this process owns; made by `take`, given back by `release`.

    The lock is a `flock`, and the keepers of the stack's programs hold the same open file: when the stack is
    killed, the folder stays locked until the last of its programs is gone.
    """

    def __init__(self, path: Path, lock_fd: int) -> None:
        self.path = path
        self.logs = path / "logs"
        self.lock_fd = lock_fd

    @classmethod
    def take(cls, path: Path) -> Self:
        """Make the folder if need be and lock it.

        Raises:
            ConfigurationError: it cannot be written, or another stack runs on it.
        """
        try:
            (path / "logs").mkdir(mode=0o700, parents=True, exist_ok=True)
            path.chmod(0o700)
            fd = os.open(path / "stack.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            message = (
                f"The data folder {path} cannot be used ({error.strerror}); choose another with --data-dir."
            )
            raise ConfigurationError(message) from error
        try:
            try:
                _lock(fd, path)
            except OSError as error:  # a network file system, for one
                message = (
                    f"The data folder {path} cannot be locked ({error.strerror}); choose one on a local disk."
                )
                raise ConfigurationError(message) from error
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
            folder = cls(path, fd)
            folder.withdraw()
        except BaseException:
            os.close(fd)
            raise
        return folder

    def secrets(self) -> dict[str, str]:
        """Return the credentials of this folder's servers and programs, made at random when it is new."""
        path = self.path / "secrets.json"
        found: dict[str, str] = {}
        try:
            found = {str(k): str(v) for k, v in json.loads(path.read_text("utf-8")).items()}
        except FileNotFoundError:
            pass
        except (ValueError, AttributeError) as error:
            message = f"{path} is damaged; remove it, and the next start makes new credentials."
            raise ConfigurationError(message) from error
        fresh = new_credentials()
        # A folder of an older version lacks what came later.
        if fresh.keys() - found.keys():
            found = fresh | found
            write_private(path, json.dumps(found))
        return found

    def publish(self, settings: Settings) -> None:
        """Write down, for this user only, how to reach the stack that now runs here."""
        left_out = {PREFIX + name.upper() for name in _NOT_WRITTEN}
        environment = {k: v for k, v in settings.environment().items() if k not in left_out}
        write_private(
            self.path / "stack.json", json.dumps({"pid": os.getpid(), "environment": environment}, indent=1)
        )

    def withdraw(self) -> None:
        """Remove what `publish` wrote."""
        (self.path / "stack.json").unlink(missing_ok=True)

    def release(self) -> None:
        """Give the folder back."""
        os.ftruncate(self.lock_fd, 0)
        os.close(self.lock_fd)


def read_running(data_dir: Path) -> StackInfo | None:
    """Return how to use the stack that runs on this folder and is ready, or None when there is none."""
    path = data_dir.expanduser().absolute()
    try:
        fd = os.open(path / "stack.lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if _try_lock(fd, shared=True):
            return None
        pid = _owner(fd)
    finally:
        os.close(fd)
    try:
        found = json.loads((path / "stack.json").read_text("utf-8"))
        if pid != found["pid"] or not _alive(pid):
            return None
        values: dict[str, Any] = {
            k.removeprefix(PREFIX).lower(): v for k, v in found["environment"].items() if k.startswith(PREFIX)
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    known = {k: v for k, v in values.items() if k in Settings.model_fields}
    return StackInfo(pid, concealed(Settings(**known)))


def kept_port(data_dir: Path) -> int | None:
    """Return the port at which the page of this folder's last `generia up` was, or None when none is known."""
    try:
        port = int((data_dir.expanduser() / _PORT_FILE).read_text("ascii"))
    except (OSError, ValueError):
        return None
    return port if 0 < port < 2**16 else None


def keep_port(data_dir: Path, port: int) -> None:
    """Write down at which port the page is, so that open tabs and links that were sent are good after the next start."""
    write_private(data_dir.expanduser() / _PORT_FILE, f"{port}\n")


def write_private(path: Path, text: str) -> None:
    """Write a file that only this user can read, in one piece: a reader sees the old one or the new one."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(
        os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text)
    draft.replace(path)


def _lock(fd: int, path: Path) -> None:
    """Lock the folder, waiting for what a killed stack left to end."""
    begin = time.monotonic()
    while not _try_lock(fd):
        waited_s = time.monotonic() - begin
        pid = _owner(fd)
        if pid and _alive(pid) and waited_s > _LOOK_S:
            message = (
                f"A stack runs on {path} already (process {pid}): use that one, stop it, or choose another "
                "folder with --data-dir."
            )
            raise ConfigurationError(message)
        if waited_s > _REMAINS_TIMEOUT_S:
            message = f"Programs of an earlier stack still run on {path}; end them or choose another folder."
            raise ConfigurationError(message)
        time.sleep(0.05)


def _try_lock(fd: int, shared: bool = False) -> bool:
    import fcntl  # not on Windows, where this module must still be importable

    try:
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owner(fd: int) -> int:
    text = os.pread(fd, 32, 0).strip()
    return int(text) if text.isdigit() else 0


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
