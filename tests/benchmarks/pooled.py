"""A real worker on another of Celery's pools: `python -m tests.benchmarks.pooled POOL NAME QUEUES CONCURRENCY`."""

from __future__ import annotations

import sys


def main(pool: str, name: str, queues: str, concurrency: str) -> None:
    """Run a worker; what gevent needs is patched before anything else is imported."""
    if pool == "gevent":
        from gevent import monkey

        monkey.patch_all()
        from grpc.experimental import gevent as grpc_gevent

        grpc_gevent.init_gevent()
    from generia_worker.app.celery_app import app
    from generia_worker.processes.worker import arguments, collect_seldom

    collect_seldom()
    app.worker_main(arguments(pool, int(concurrency), queues, name, "WARNING"))


if __name__ == "__main__":
    main(*sys.argv[1:5])
