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
    from generia_worker.app import app
    from generia_worker.domain.queues import lanes

    taken = [one for queue in queues.split(",") for one in lanes(queue)]
    arguments = ["worker", "--pool", pool, "--concurrency", concurrency, "--queues", ",".join(taken)]
    arguments += ["--hostname", f"{name}@%h", "--loglevel", "WARNING"]
    app.worker_main([*arguments, "--without-mingle", "--without-gossip", "--task-events"])


if __name__ == "__main__":
    main(*sys.argv[1:5])
