"""What a health check says of a part that cannot be asked."""

from __future__ import annotations

import threading
from pathlib import Path

from redis import Redis

from generia_worker.embedded.folder import new_credentials
from generia_worker.embedded.servers import Place, start_redis
from generia_worker.processes.health_checks import worker_answers
from generia_worker.settings import Settings


def test_a_worker_does_not_answer_when_redis_goes_away_while_it_is_asked(tmp_path: Path) -> None:
    server = start_redis(Place(tmp_path, tmp_path, new_credentials()))
    settings = Settings(_env_file=None, **server.settings)
    redis = Redis.from_url(settings.redis_url.get_secret_value())

    answered = threading.Event()

    def cut() -> None:
        while not answered.is_set():
            if redis.info("clients")["blocked_clients"]:  # waiting for answers
                redis.client_kill_filter(_type="normal", skipme=True)
                return

    cutting = threading.Thread(target=cut)
    cutting.start()
    try:
        assert worker_answers(settings, "llm") is False
    finally:
        answered.set()
        cutting.join()
        redis.close()
        server.process.stop()
