"""Whether a process does its work, asked from outside: by HTTP, gRPC, Celery's ping, or the age of a file."""

from __future__ import annotations

import base64
import http.client
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from generia_worker.settings import Settings

#: The timeout of one check, in seconds.
_PROBE_S = 3.0
#: Seconds of silence after which the scheduler, which publishes every half a second, counts as stuck.
BEAT_SILENT_S = 30.0
SERVICES = ("world", "character", "post", "media", "interaction")
#: Whoever listens on all interfaces is asked on this one.
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - nothing is bound here


def answers(bind: str, path: str, *, login: str = "") -> bool:
    """True when a GET of this path is answered with 200; `login` is `user:password`."""
    host, _, port = bind.rpartition(":")
    # http.client knows no proxies: what the environment says of them is about the world outside.
    asked = http.client.HTTPConnection(_EVERYWHERE.get(host, host).strip("[]"), int(port), timeout=_PROBE_S)
    headers = {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"} if login else {}
    try:
        asked.request("GET", path, headers=headers)
        return asked.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


def channel_is_ready(address: str) -> bool:
    """True when a gRPC server answers at this address."""
    import grpc

    from generia_worker.rpc.channel import open_channel

    host, _, port = address.rpartition(":")
    with open_channel(f"{_EVERYWHERE.get(host, host)}:{port}") as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=_PROBE_S)
        except grpc.FutureTimeoutError:
            return False
    return True


def worker_answers(settings: Settings, name: str, *, anywhere: bool = False) -> bool:
    """True when a worker of this name, on this machine unless `anywhere`, answers Celery's ping."""
    from celery import Celery
    from kombu.exceptions import OperationalError
    from redis.exceptions import RedisError

    node = f"{name}@{'' if anywhere else socket.gethostname()}"
    try:
        with Celery(broker=settings.redis_url.get_secret_value()) as celery:
            answers = celery.control.ping(
                timeout=0.5 if anywhere else 2, destination=None if anywhere else [node]
            )
    except (OperationalError, RedisError, OSError):
        return False
    found = [one for answer in answers or [] for one in answer]
    return any(one.startswith(node) if anywhere else one == node for one in found)


def worker_file(settings: Settings, name: str) -> Path:
    """Return the file that the worker of this name touches with every heartbeat of its own."""
    return settings.data_dir.expanduser() / f"worker-{quote(name, safe='')}-alive"


def beat_file(settings: Settings) -> Path:
    """Return the file that the scheduler touches when it has published something."""
    return settings.data_dir.expanduser() / "beat-alive"


def beat_is_heard(settings: Settings) -> bool:
    """True when the scheduler has published something lately."""
    try:
        return time.time() - beat_file(settings).stat().st_mtime < BEAT_SILENT_S
    except OSError:
        return False


def flower_login(settings: Settings) -> str:
    """Return `user:password` of Flower."""
    return f"{settings.flower_user}:{settings.flower_password.get_secret_value()}"


def _service(name: str) -> Callable[[Settings, str], bool]:
    return lambda settings, _: channel_is_ready(getattr(settings, f"{name}_service"))


#: Name of a part → the question; the second argument is the name of a worker.
CHECKS: Mapping[str, Callable[[Settings, str], bool]] = {
    "api": lambda s, _: answers(s.api_bind, "/readyz"),
    "gateway": lambda s, _: answers(s.gateway_bind, "/readyz"),
    "simulator": lambda s, _: answers(s.simulator_bind, "/_sim/health"),
    "exporter": lambda s, _: answers(s.metrics_bind, "/metrics"),
    "flower": lambda s, _: answers(s.flower_bind, "/healthcheck", login=flower_login(s)),
    "worker": worker_answers,
    "beat": lambda s, _: beat_is_heard(s),
    **{name: _service(name) for name in SERVICES},
}


def is_healthy(part: str, settings: Settings, name: str = "") -> bool:
    """Ask a part (a key of `CHECKS`) whether it does its work; `name` is that of a worker."""
    return CHECKS[part](settings, name)
