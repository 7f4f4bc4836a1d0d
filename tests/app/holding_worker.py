"""A worker for the tests of the transport: its tasks say when they begin, wait until they may end, and say when they end.

`python -m tests.app.holding_worker POOL THREADS QUEUES`, with `BROKER` (an address of Redis) in the environment, and perhaps
`MODE`: with `kombu`, it uses kombu's own transport; with `die`, it kills itself when it is given its first message.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from celery import Celery
from redis import Redis

from generia_worker.app import transport
from generia_worker.processes.worker import arguments

#: A message that was lost with its worker comes back after this.
VISIBILITY_TIMEOUT_S = 2
_WAIT_S = 60


def application(url: str) -> Celery:
    """Return the application: the settings of the real one, and one task."""
    app = Celery("holding", broker=url, backend=url)
    app.config_from_object("celeryconfig")
    app.conf.imports = ()
    app.conf.broker_transport_options |= {
        "visibility_timeout": VISIBILITY_TIMEOUT_S,
        "unacked_restore_interval": 0.2,
    }
    redis = Redis.from_url(url)

    @app.task(name="hold", acks_late=True, shared=False)
    def hold(name: str) -> None:
        redis.rpush("begun", name)
        redis.blpop([f"may-end:{name}"], timeout=_WAIT_S)
        redis.rpush("ended", name)

    return app


def _die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()


if __name__ == "__main__":
    pool, threads, queues = sys.argv[1:]
    holding = application(os.environ["BROKER"])
    mode = os.environ.get("MODE")
    if mode != "kombu":
        transport.install(holding)
    if mode == "die":
        vars(transport)["QoS"].append = _die
    holding.worker_main(arguments(pool, int(threads), queues, "holding", "WARNING"))
