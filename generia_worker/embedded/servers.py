"""The three servers of the embedded stack: real Redis, MongoDB and S3, out of wheels or found on PATH."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
import urllib3
from minio import Minio
from minio.error import MinioException
from pydantic import SecretStr
from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError
from redis.backoff import NoBackoff
from redis.retry import Retry

from generia_worker.embedded.binaries import (
    find_mongod,
    find_redis,
    find_s3,
    libraries_remedy,
    missing,
    s3_folder,
)
from generia_worker.embedded.folder import write_private
from generia_worker.embedded.ports import LOOPBACK, free_port
from generia_worker.embedded.process import BACKGROUND, READY_TIMEOUT_S, ManagedProcess, ProcessFailed
from generia_worker.errors import ConfigurationError

REPLICA_SET = "rs0"
_MONGO_USER = "generia"
STOP_TIMEOUT_S = 20.0
_S3_REGION = "us-east-1"
_PORT_TRIES = 5
_PROBE_TIMEOUT_MS = 1000
#: Sessions that were idle for half a minute are closed, with their cursors; freed memory is returned at once.
_FRUGAL = {"wiredTigerSessionCloseIdleTimeSecs": 30, "tcmallocAggressiveMemoryDecommit": 1}
#: Left in a folder by uploads that were cut off; hidden from S3 and never acknowledged.
_RCLONE_LEFTOVERS = ".rclone_temp_*"


@dataclass(frozen=True)
class Place:
    """Where a server lives, and what the stack wants with it."""

    data_dir: Path
    logs_dir: Path
    #: The credentials of the servers, by name.
    secrets: Mapping[str, str]
    #: Stay open while the server runs.
    hold_fds: Sequence[int] = ()
    on_failure: Callable[[ProcessFailed], None] | None = None
    #: Set when the start is to be broken off.
    cancel: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Server:
    """A server that runs: its process, and the settings by which clients reach it."""

    process: ManagedProcess
    settings: Mapping[str, Any]


def start_redis(place: Place) -> Server:
    """Start Redis on the data in this place. Raises ConfigurationError, ProcessFailed."""
    binary = find_redis()
    if binary is None:
        raise missing("Redis server (redis-server)")
    folder = _folder(place.data_dir / "redis")
    password = place.secrets["redis_password"]
    config = folder / "redis.conf"
    write_private(config, f"requirepass {password}\n")  # in a file: a command line is for everybody to read

    def argv(port: int) -> list[str]:
        # The append-only file is the persistence; snapshots beside it would only cost forks and disk.
        options = {"port": port, "bind": LOOPBACK, "dir": folder, "appendonly": "yes", "save": ""}
        options |= {"maxmemory-policy": "noeviction", "daemonize": "no"}
        return [
            str(binary.path),
            str(config),
            *(text for k, v in options.items() for text in (f"--{k}", str(v))),
        ]

    def ready(port: int, _: ManagedProcess) -> bool:
        once = Retry(NoBackoff(), 0)
        client = redis.Redis(host=LOOPBACK, port=port, password=password, socket_timeout=1, retry=once)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    port, process = _start_on_free_port("redis", place, argv, {}, ready, niceness=BACKGROUND)
    return Server(process, {"redis_url": SecretStr(f"redis://:{password}@{LOOPBACK}:{port}/0")})


def start_mongo(place: Place) -> Server:
    """Start MongoDB as a replica set of one. Raises ConfigurationError, ProcessFailed."""
    binary = find_mongod()
    if binary is None:
        raise missing("MongoDB server (mongod)")
    folder = _folder(place.data_dir / "mongo")

    def argv(port: int) -> list[str]:
        command = [str(binary.path), "--replSet", REPLICA_SET, "--bind_ip", LOOPBACK, "--port", str(port)]
        command += ["--dbpath", str(folder), "--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "256"]
        # Three files of the journal are set aside before anything is written: of 100 MB each, unless told.
        command += ["--wiredTigerEngineConfigString", "log=(file_max=16MB)"]
        # A socket file would stay in /tmp after a kill; diagnostic data would fill the disk for nobody.
        command += ["--nounixsocket", "--setParameter", "diagnosticDataCollectionEnabled=false"]
        # An operation that was slow would stand in the log with its prompts, answers and signed addresses.
        command += ["--slowOpSampleRate", "0"]
        # A single member has nobody to hand over to: it need not wait for that at a stop.
        return [*command, "--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"]

    password = place.secrets["mongo_password"]
    # Between the members of a replica set; with it, users must log in as well.
    key = place.data_dir / "mongo.key"
    write_private(key, place.secrets["mongo_key"])
    is_new = not any(folder.iterdir())
    secured = place.data_dir / "mongo.secured"
    if not is_new and not _is_secured(secured, password):
        _secure(place, argv, password)
    login = {} if is_new else _login(password)

    def ready(port: int, process: ManagedProcess) -> bool:
        with _mongo(port, login) as client:
            try:
                if not login:  # nobody may ask for more before there is a user
                    return bool(client.admin.command("hello")["ok"])
                return _is_ours(client, process)
            except PyMongoError:
                return False

    port, process = _start_on_free_port(
        "mongo", place, lambda port: [*argv(port), "--keyFile", str(key)], {}, ready
    )
    try:
        _become_primary(port, process, place.cancel, login)
        if is_new:
            with _mongo(port, {}) as client:
                _set_password(client, password)
            login |= _login(password)
            with _mongo(port, login) as client:
                if not _is_ours(client, process):
                    raise ProcessFailed(process.name, "another server has its port", process.log_path)
                _give_memory_back(client)
            _note_secured(secured, password)
    except BaseException:
        process.stop()
        raise
    address = f"mongodb://{_MONGO_USER}:{password}@{LOOPBACK}:{port}/?replicaSet={REPLICA_SET}"
    return Server(process, {"mongo_uri": SecretStr(address)})


def _is_ours(client: MongoClient[dict[str, Any]], process: ManagedProcess) -> bool:
    """Tell by its process id: another stack's server could have taken the port in between."""
    return bool(client.admin.command("serverStatus", repl=0, metrics=0)["pid"] == process.pid)


def _login(password: str) -> dict[str, str]:
    return {"username": _MONGO_USER, "password": password}


def _secure(place: Place, argv: Callable[[int], list[str]], password: str) -> None:
    """Give a data folder of a version before, or one whose secrets were removed, its user and password.

    The server runs without a password for that time, as it did in that version. Raises ProcessFailed.
    """

    def ready(port: int, process: ManagedProcess) -> bool:
        with _mongo(port, {}) as client:
            try:
                return _is_ours(client, process)
            except PyMongoError:
                return False

    port, process = _start_on_free_port("mongo", place, argv, {}, ready)
    try:
        _become_primary(port, process, place.cancel, {})
        with _mongo(port, {}) as client:
            _set_password(client, password)
    finally:
        process.stop()
    _note_secured(place.data_dir / "mongo.secured", password)


def _set_password(client: MongoClient[dict[str, Any]], password: str) -> None:
    lasting = {"w": "majority", "j": True}
    try:
        client.admin.command("createUser", _MONGO_USER, pwd=password, roles=["root"], writeConcern=lasting)
    except OperationFailure as error:
        if error.code != 51003:  # there is one already
            raise
        client.admin.command("updateUser", _MONGO_USER, pwd=password, writeConcern=lasting)


def _is_secured(noted: Path, password: str) -> bool:
    try:
        return noted.read_text("utf-8") == _digest(password)
    except OSError:
        return False


def _note_secured(noted: Path, password: str) -> None:
    write_private(noted, _digest(password))


def _digest(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def start_s3(place: Place, bucket: str) -> Server:
    """Start an S3 server and make the bucket. Raises ConfigurationError, ProcessFailed."""
    binary = find_s3(place.data_dir)
    if binary is None:
        raise missing("S3 server (minio or rclone)")
    folder = _folder(s3_folder(place.data_dir, binary.kind))
    access_key, secret_key = place.secrets["s3_access_key"], place.secrets["s3_secret_key"]
    # Neither reads what a person has set up for it elsewhere: certificates in the home folder, remotes.
    if binary.kind == "minio":
        env = {"MINIO_ROOT_USER": access_key, "MINIO_ROOT_PASSWORD": secret_key}
        env |= {"MINIO_BROWSER": "off", "MINIO_UPDATE": "off", "HOME": str(place.data_dir)}
        command = [str(binary.path), "server", str(folder), "--address"]
    else:
        # It collects its garbage twice as often as by itself: a third less memory.
        env = {"RCLONE_AUTH_KEY": f'"{access_key},{secret_key}"', "GOGC": "50"}
        command = [str(binary.path), "serve", "s3", str(folder), "--config", os.devnull, "--addr"]
        for leftover in folder.rglob(_RCLONE_LEFTOVERS):
            leftover.unlink(missing_ok=True)

    def argv(port: int) -> list[str]:
        return [*command, f"{LOOPBACK}:{port}"]

    def ready(port: int, _: ManagedProcess) -> bool:
        client = _s3_client(port, access_key, secret_key)
        try:
            if not client.bucket_exists(bucket):
                client.make_bucket(bucket)
        except (MinioException, urllib3.exceptions.HTTPError):
            return False
        return True

    port, process = _start_on_free_port("s3", place, argv, env, ready, niceness=BACKGROUND)
    return Server(
        process,
        {
            "s3_endpoint": f"{LOOPBACK}:{port}",
            "s3_access_key": SecretStr(access_key),
            "s3_secret_key": SecretStr(secret_key),
            "s3_secure": False,
            "s3_region": _S3_REGION,
        },
    )


def _start_on_free_port(
    name: str,
    place: Place,
    argv: Callable[[int], list[str]],
    env: Mapping[str, str],
    ready: Callable[[int, ManagedProcess], bool],
    *,
    niceness: int = 0,
) -> tuple[int, ManagedProcess]:
    """Start a server; when somebody else took its port in the meantime, once more on another one."""

    def on(port: int) -> ManagedProcess:
        process = ManagedProcess(
            name,
            argv(port),
            env=_plain_environment() | dict(env),
            log_path=place.logs_dir / f"{name}.log",
            ready=lambda: ready(port, process),
            stop_timeout_s=STOP_TIMEOUT_S,
            on_failure=place.on_failure,
            hold_fds=place.hold_fds,
            cancel=place.cancel,
            niceness=niceness,
        )
        process.start()
        return process

    tries_left = _PORT_TRIES
    while True:
        port = free_port()
        tries_left -= 1
        try:
            return port, on(port)
        except ProcessFailed as failure:
            log = "\n".join(failure.tail).lower()
            if remedy := libraries_remedy(log):
                raise ConfigurationError(f"{name} cannot start: {remedy}") from failure
            if "already in use" not in log or not tries_left:
                raise


def _plain_environment() -> dict[str, str]:
    """Return the little of our environment that a server needs: no secrets, no options of its own."""
    kept = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ}


def _mongo(port: int, login: Mapping[str, str]) -> MongoClient[dict[str, Any]]:
    return MongoClient(
        LOOPBACK,
        port,
        username=login.get("username"),
        password=login.get("password"),
        directConnection=True,
        serverSelectionTimeoutMS=100,
        connectTimeoutMS=_PROBE_TIMEOUT_MS,
        socketTimeoutMS=_PROBE_TIMEOUT_MS,
    )


def _become_primary(
    port: int, process: ManagedProcess, cancel: threading.Event, login: Mapping[str, str]
) -> None:
    """Initiate a new folder's replica set, put right the address of an old one, wait for the primary."""
    host = f"{LOOPBACK}:{port}"
    deadline = time.monotonic() + READY_TIMEOUT_S
    problem = "no answer"
    with _mongo(port, login) as client:
        while process.running and not cancel.is_set() and time.monotonic() < deadline:
            try:
                _configure_replica_set(client, host)
                hello = client.admin.command("hello")
                if hello.get("isWritablePrimary") and hello.get("me") == host:
                    _give_memory_back(client)
                    return
                problem = f"it is no primary yet ({hello.get('info', 'election')})"
            except PyMongoError as error:  # configuration is being loaded, an election runs
                problem = str(error)[:300]
            time.sleep(0.01)
    raise ProcessFailed(
        process.name, f"did not become the primary of its replica set: {problem}", process.log_path
    )


def _give_memory_back(client: MongoClient[dict[str, Any]]) -> None:
    """Let MongoDB return what it has freed to the system: by itself it keeps the most that it ever needed.

    Set when it runs: one with another allocator does not know these parameters, and would not start with them.
    """
    for name, value in _FRUGAL.items():
        with contextlib.suppress(OperationFailure):
            client.admin.command({"setParameter": 1, name: value})


def _configure_replica_set(client: MongoClient[dict[str, Any]], host: str) -> None:
    members = [{"_id": 0, "host": host}]
    try:
        config = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        # NotYetInitialized; or Unauthorized: in a new folder with a key nobody may ask before it is.
        if error.code not in (94, 13):
            raise
        with contextlib.suppress(OperationFailure):
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
        return
    if [member["host"] for member in config["members"]] != [host]:
        config |= {"members": members, "version": config["version"] + 1}
        client.admin.command("replSetReconfig", config, force=True)


def _s3_client(port: int, access_key: str, secret_key: str) -> Minio:
    http = urllib3.PoolManager(timeout=urllib3.Timeout(connect=1, read=2), retries=False)
    return Minio(
        f"{LOOPBACK}:{port}",
        access_key=access_key,
        secret_key=secret_key,
        secure=False,
        region=_S3_REGION,
        http_client=http,
    )


def _folder(path: Path) -> Path:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
