"""What can happen to the servers behind a stack: Redis, MongoDB, S3, the services, and the wires to them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import redis
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from generia_worker.embedded.process import ManagedProcess
from tests.faults.harness import Faults
from tests.integration.audit import calls_of


# --- Redis -------------------------------------------------------------------------------------------------------
@contextmanager
def redis_of(faults: Faults) -> Iterator[redis.Redis]:
    """A connection of the test's own."""
    client = redis.Redis.from_url(faults.settings.redis_url.get_secret_value(), socket_timeout=5)
    try:
        yield client
    finally:
        client.close()


def cut_connections(faults: Faults) -> int:
    """Let Redis end every connection but this one, as a failover or a proxy would. Returns how many."""
    with redis_of(faults) as client:
        return int(client.client_kill_filter(_type="normal", skipme=True))


def flush(faults: Faults) -> None:
    """Empty Redis: queues, unacknowledged messages, chords, results, slots."""
    with redis_of(faults) as client:
        client.flushall()


def drop_message(faults: Faults, queue: str) -> bool:
    """Lose the oldest message that waits in a queue. Returns whether there was one."""
    with redis_of(faults) as client:
        return client.lpop(queue) is not None


@contextmanager
def redis_down(faults: Faults, *, keeps_data: bool) -> Iterator[None]:
    """Kill Redis for the time of the block; it comes back with its append-only file, or with nothing."""
    process = faults.stack.processes["redis"]
    faults.kill("redis")
    process.stop()  # or its keeper would start it again at once
    try:
        yield
    finally:
        if not keeps_data:
            for file in (faults.stack.data_dir / "redis").glob("*.aof*"):
                file.unlink()
        process.start()


@contextmanager
def redis_read_only(faults: Faults) -> Iterator[None]:
    """Let Redis refuse writes for the time of the block, as one does that was the primary before a failover."""
    with redis_of(faults) as client:
        client.replicaof("127.0.0.1", "9")
        try:
            yield
        finally:
            client.replicaof("NO", "ONE")


# --- MongoDB -----------------------------------------------------------------------------------------------------
def impatient(faults: Faults) -> MongoClient[dict[str, Any]]:
    """Return a client that waits for nothing long, primary or not."""
    uri = faults.settings.mongo_uri.get_secret_value().partition("?")[0] + "?directConnection=true"
    return MongoClient(uri, serverSelectionTimeoutMS=500, connectTimeoutMS=500)


def step_down(faults: Faults, seconds: int = 1) -> None:
    """Let the only member be secondary for so long; it is elected again then."""
    with impatient(faults) as client, suppress(PyMongoError):  # it may cut this connection, too
        client.admin.command("replSetStepDown", seconds, secondaryCatchUpPeriodSecs=0, force=True)


@contextmanager
def stopped(process: ManagedProcess) -> Iterator[None]:
    """End a server for the time of the block: connections are refused."""
    process.stop()
    try:
        yield
    finally:
        process.start()


# --- what must hold ----------------------------------------------------------------------------------------------
def assert_one_at_a_time(faults: Faults, world_id: str) -> None:
    """Assert that no step had two text calls under way at one time: each began after the one before was settled."""
    rows = [row for row in calls_of(faults.db, world_id) if row["provider"] == "llm"]
    by_step: dict[str, list[tuple[datetime, datetime, str]]] = {}
    for row in rows:
        by_step.setdefault(row["step"], []).append((row["intent_at"], row["answered_at"], row["_id"]))
    for calls in by_step.values():
        calls.sort()
        for (_, ended, first), (begun, _, second) in pairwise(calls):
            assert ended <= begun, f"{second} was begun while {first} was under way"


def attempts_at(faults: Faults, world_id: str) -> int:
    """Return how many requests of a world, billed or refused, the providers have seen."""
    return len(faults.bill(world_id))


# --- disks -------------------------------------------------------------------------------------------------------
class SmallDisk:
    """A file system of a bounded size, mounted on a folder: tmpfs, which needs root (or sudo without a password)."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        folder.mkdir(parents=True, mode=0o700)
        self.folder = folder
        self._ballast = folder / ".ballast"
        self._root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        options = f"size={megabytes}m,mode=0700,uid={os.geteuid()},gid={os.getegid()}"
        command = [*self._root, "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        subprocess.run(command, check=True, capture_output=True, timeout=30)

    def fill(self) -> None:
        """Take all the room that is left."""
        with self._ballast.open("ab") as ballast, suppress(OSError):
            while (room := shutil.disk_usage(self.folder).free) > 0:
                ballast.write(bytes(min(room, 1 << 20)))
                ballast.flush()

    def free(self) -> None:
        """Give the room back."""
        self._ballast.unlink(missing_ok=True)

    def unmount(self) -> None:
        """Take the file system away with all that is in it."""
        command = [*self._root, "umount", "-l", str(self.folder)]
        subprocess.run(command, check=True, capture_output=True, timeout=30)
