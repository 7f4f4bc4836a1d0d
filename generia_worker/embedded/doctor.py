"""Examines this machine and these settings: what would keep Generia from running here, and what mends it."""

from __future__ import annotations

import platform
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import redis
import urllib3
from minio import Minio
from minio.error import MinioException
from redis.backoff import NoBackoff
from redis.retry import Retry

from generia_worker.embedded.binaries import (
    NOT_LINUX,
    Binary,
    find_mongod,
    find_redis,
    find_s3,
    libraries_remedy,
    missing,
    version_of,
)
from generia_worker.embedded.folder import read_running
from generia_worker.embedded.ports import LOOPBACK, free_port
from generia_worker.errors import ConfigurationError
from generia_worker.settings import Settings
from generia_worker.storage.mongo import connect
from generia_worker.storage.mongo_check import MongoUnusable, require_usable

#: MongoDB stops writing when less than about this is left; a world's pictures need some of it, too.
DISK_NEEDED_BYTES = 2 * 1024**3
_OLDEST_PYTHON = (3, 11)
_TIMEOUT_S = 2
#: For how long a start waits for servers of others: a failover takes some twenty seconds.
PATIENCE_S = 60.0
_POLL_S = 0.5


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `remedy` is the one line that mends it, when it is not `ok`.

    `tolerable` is what a stack starts with all the same: it works until the day that it does not. `may_pass` is what comes
    right by itself while a server starts or another takes its place.
    """

    name: str
    ok: bool
    detail: str
    remedy: str | None = None
    tolerable: bool = False
    may_pass: bool = False


def require_named(
    settings: Settings,
    tell: Callable[[str], None],
    *,
    patience_s: float = PATIENCE_S,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Ask the servers that the settings name, before anything is started that needs them.

    What may come right by itself is waited for, and told once. Raises ConfigurationError.
    """
    checks = {"mongo_uri": check_mongo, "redis_url": check_redis, "s3_endpoint": check_s3}
    deadline = clock() + patience_s
    for check in (check for field, check in checks.items() if field in settings.model_fields_set):
        told = False
        while not ((finding := check(settings)).ok or finding.tolerable):
            if not finding.may_pass or clock() >= deadline:
                raise ConfigurationError(f"{finding.name}: {finding.detail}. {finding.remedy}")
            if not told:
                tell(f"Waiting for {finding.name} for up to {patience_s:.0f} s: {finding.detail}.")
                told = True
            time.sleep(_POLL_S)


def examine(settings: Settings) -> list[Finding]:
    """Look at everything that the stack with these settings needs; never raises and never shows a secret.

    A server that the settings name is asked how it is; for the others their programs are looked for.
    """
    given = settings.model_fields_set
    data_dir = settings.data_dir.expanduser().absolute()
    findings = _system()
    if "redis_url" in given:
        findings.append(check_redis(settings))
    else:
        findings.append(_binary("Redis", find_redis(), "Redis server (redis-server)"))
    if "mongo_uri" in given:
        findings.append(check_mongo(settings))
    else:
        findings.append(_binary("MongoDB", find_mongod(), "MongoDB server (mongod)"))
    if "s3_endpoint" in given:
        findings.append(check_s3(settings))
    else:
        findings.append(_binary("S3", find_s3(data_dir), "S3 server (minio or rclone)"))
    findings += [_folder(data_dir), _disk(data_dir), _loopback()]
    findings.append(_key("text model key", settings.llm_api_key.get_secret_value(), "OPENROUTER_API_KEY"))
    findings.append(_key("image key", settings.image_api_key.get_secret_value(), "RUNWARE_API_KEY"))
    return findings


def check_mongo(settings: Settings) -> Finding:
    """Look whether the MongoDB of these settings is one that this user may use, as every process looks at its start."""
    name = "MongoDB"
    uri = settings.mongo_uri.get_secret_value()
    try:
        with connect(uri, serverSelectionTimeoutMS=_TIMEOUT_S * 1000) as client:
            return Finding(name, True, require_usable(client, uri, settings.mongo_database))
    except MongoUnusable as error:
        return Finding(name, False, error.detail, error.remedy, may_pass=error.may_pass)
    except ConfigurationError as error:
        return Finding(name, False, error.message, "Correct GENERIA_MONGO_URI.")


def check_redis(settings: Settings) -> Finding:
    """Look whether the Redis of these settings answers and never evicts a key."""
    name = "Redis"
    url = settings.redis_url.get_secret_value()
    try:
        client = redis.Redis.from_url(
            url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, retry=Retry(NoBackoff(), 0)
        )
    except ValueError:
        return Finding(
            name, False, "GENERIA_REDIS_URL is no Redis address", "It looks like redis://host:6379/0."
        )
    try:
        version = client.info("server")["redis_version"]
        writable = client.info("replication")["role"] == "master"
        policy = _eviction_policy(client)
    except redis.AuthenticationError:
        return Finding(
            name,
            False,
            "it refuses the password",
            "Put the password into GENERIA_REDIS_URL (redis://:password@host).",
        )
    except (redis.RedisError, OSError) as error:
        detail = f"no answer at GENERIA_REDIS_URL ({type(error).__name__})"
        remedy = "Start it, or unset GENERIA_REDIS_URL to use the embedded one."
        return Finding(name, False, detail, remedy, may_pass=True)
    finally:
        client.close()
    if not writable:
        detail = f"{version}, a replica that cannot be written"
        return Finding(name, False, detail, "Name the primary in GENERIA_REDIS_URL.", may_pass=True)
    if policy not in ("noeviction", None):
        detail = f"{version}, but it may throw away queued work (maxmemory-policy {policy})"
        remedy = "Set maxmemory-policy noeviction in its configuration."
        return Finding(name, False, detail, remedy, tolerable=True)
    return Finding(name, True, f"{version}, {policy or 'eviction policy not told'}")


def check_s3(settings: Settings) -> Finding:
    """Look whether the S3 server of these settings answers and takes the credentials."""
    name = "S3"
    http = urllib3.PoolManager(timeout=urllib3.Timeout(total=_TIMEOUT_S), retries=False)
    try:
        client = Minio(
            settings.s3_endpoint,
            access_key=settings.s3_access_key.get_secret_value(),
            secret_key=settings.s3_secret_key.get_secret_value(),
            secure=settings.s3_secure,
            region=settings.s3_region,
            http_client=http,
        )
        there = client.bucket_exists(settings.s3_bucket)
    except ValueError:
        detail = "GENERIA_S3_ENDPOINT is no host:port"
        return Finding(
            name, False, detail, "Write it without http:// (GENERIA_S3_SECURE says whether it is https)."
        )
    except MinioException as error:
        detail = f"it refuses the credentials or the bucket ({getattr(error, 'code', type(error).__name__)})"
        return Finding(
            name, False, detail, "Look at GENERIA_S3_ACCESS_KEY, GENERIA_S3_SECRET_KEY, GENERIA_S3_REGION."
        )
    except (urllib3.exceptions.HTTPError, OSError) as error:
        detail = f"no answer at GENERIA_S3_ENDPOINT ({type(error).__name__})"
        remedy = "Start it, or unset GENERIA_S3_ENDPOINT to use the embedded one."
        return Finding(name, False, detail, remedy, may_pass=True)
    bucket = f"bucket {settings.s3_bucket}"
    return Finding(name, True, f"{bucket} is there" if there else f"{bucket} will be made")


def _eviction_policy(client: redis.Redis) -> str | None:
    try:
        return str(client.config_get("maxmemory-policy").get("maxmemory-policy"))
    except redis.ResponseError:  # managed servers do not tell
        return None


def _system() -> list[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    new_enough = sys.version_info[:2] >= _OLDEST_PYTHON
    linux = sys.platform == "linux"
    return [
        Finding("Python", new_enough, version, None if new_enough else "Install Python 3.11 or newer."),
        Finding("system", linux, f"{platform.system()} {platform.machine()}", None if linux else NOT_LINUX),
    ]


def _binary(name: str, binary: Binary | None, what: str) -> Finding:
    if binary is None:
        return Finding(name, False, f"no {what} found", missing(what).message)
    runs, version = version_of(binary)
    if not runs:
        detail = f"{binary.path} does not run: {version}"
        remedy = libraries_remedy(version) or f"Install another {what}, or use `docker compose up`."
        return Finding(name, False, detail, remedy)
    return Finding(name, True, f"{binary.path.name} {version} ({binary.origin}: {binary.path})")


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _folder(data_dir: Path) -> Finding:
    name, found = "data folder", _existing(data_dir)
    running = read_running(data_dir)
    if running is not None:
        return Finding(name, True, f"{data_dir}, a stack runs on it (process {running.pid})")
    try:
        with tempfile.TemporaryFile(dir=found):
            pass
    except OSError as error:
        detail = f"{found} cannot be written ({error.strerror})"
        return Finding(name, False, detail, "Choose another folder with GENERIA_DATA_DIR.")
    return Finding(name, True, str(data_dir))


def _disk(data_dir: Path) -> Finding:
    free = shutil.disk_usage(_existing(data_dir)).free
    detail = f"{free / 1024**3:.1f} GiB free for {data_dir}"
    ok = free >= DISK_NEEDED_BYTES
    needed = f"Free {DISK_NEEDED_BYTES // 1024**3} GiB there, or choose another folder with GENERIA_DATA_DIR."
    return Finding("disk", ok, detail, None if ok else needed)


def _loopback() -> Finding:
    name = "loopback ports"
    try:
        port = free_port()
        with (
            socket.create_server((LOOPBACK, port)),
            socket.create_connection((LOOPBACK, port), timeout=_TIMEOUT_S),
        ):
            return Finding(name, True, "free")
    except (ConfigurationError, OSError) as error:
        return Finding(
            name, False, str(error)[:200], f"Allow programs to listen on {LOOPBACK} and to connect to it."
        )


def _key(name: str, value: str, variable: str) -> Finding:
    # Not a failure: the simulator needs no key.
    return Finding(
        name, True, "set" if value else f"not set: the simulator answers; real calls need {variable}"
    )
