"""An enqueue endpoint that tells of one world what a test wants, when it wants it: real HTTP, and nothing behind it."""

from __future__ import annotations

import json
import queue
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from generia_worker.client.status import STAGE_NAMES
from generia_worker.http import sse

WORLD = "5e9feddc-ae41-4cc3-a140-d9d8cc6ff030"
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def document(
    stage: int, characters: int = 0, posts: int = 0, *, at_s: float = 1, **more: Any
) -> dict[str, Any]:
    """Return the status document of a world of 5 characters and 15 posts that is in this stage, `at_s` after it began."""
    ended = more.get("status", "in_progress") != "in_progress"
    states = ["completed"] * stage + ["in_progress"] + ["pending"] * (len(STAGE_NAMES) - stage - 1)
    if ended:
        states = ["completed"] * len(STAGE_NAMES)
    now = BEGAN + timedelta(seconds=at_s)
    return {
        "_id": WORLD,
        "status": "in_progress",
        "current_stage": STAGE_NAMES[stage],
        "stages": [{"name": name, "status": state} for name, state in zip(STAGE_NAMES, states, strict=True)],
        "tasks_total": 60,
        "tasks_completed": stage + 3 * characters + 2 * posts,
        "users_created": characters,
        "posts_created": posts,
        "users_predicted": 5,
        "posts_predicted": 15,
        "llm_cost_total": 0.0123,
        "parameters": {
            "users_count": 5,
            "posts_count": 15,
            "user_prompt": "A city of clockmakers under the sea",
        },
        "seconds_left": None if ended else 20.0,
        "revision": round(at_s * 1000),
        "created_at": BEGAN.isoformat(),
        "updated_at": now.isoformat(),
        "finished_at": now.isoformat() if ended else None,
    } | more


class Endpoint:
    """Serves one world; a context manager."""

    def __init__(self) -> None:
        self._changes: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.now = document(0)
        #: Paths of the calls, in their order.
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.asked.append(self.path)
                if self.path == f"/v1/generations/{WORLD}/events":
                    self.send_response(200)
                    self.send_header("Content-Type", sse.MEDIA_TYPE)
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                    outer.follow(self.wfile)
                elif self.path == f"/v1/generations/{WORLD}":
                    self._answer(200, outer.now)
                else:
                    self._answer(404, {"detail": "There is no such world."})

            def _answer(self, code: int, body: dict[str, Any]) -> None:
                sent = json.dumps(body).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def tell(self, status: dict[str, Any]) -> None:
        """Let this be the world's status from now on."""
        self.now = status
        self._changes.put(status)

    def follow(self, client: Any) -> None:
        """Send each status to whoever follows the world."""
        while True:
            status = self._changes.get()
            _write(client, sse.Event("status", json.dumps(status), str(status["revision"])).encode())
            if status["status"] != "in_progress":
                _write(client, sse.Event("done", "{}").encode())
                _write(client, b"")
                return

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def _write(client: Any, chunk: bytes) -> None:
    client.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
    client.flush()
