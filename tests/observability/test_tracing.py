"""A world is one trace: what its processes send to a receiver of OTLP, from the order to the last call."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

import httpx2
import pytest

from generia_worker.cli import programs
from generia_worker.embedded.stack import Stack
from generia_worker.errors import ConfigurationError
from generia_worker.observability import tracing
from generia_worker.settings import Settings
from tests.faults.harness import scaled_settings
from tests.fork_server import fork_server
from tests.integration.conftest import PROMPT, Platform

collector = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")

T = TypeVar("T")
#: The standard's own setting of how often spans are sent, in milliseconds.
_SEND_EVERY_MS = "200"


class Receiver:
    """Takes OTLP over HTTP, as a collector does."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Any]] = []
        self._arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                receiver.take(collector.ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, request: Any) -> None:
        """Keep what a process sent, with the name of its service."""
        found = [
            (value_of(one.resource.attributes)["service.name"], span)
            for one in request.resource_spans
            for scope in one.scope_spans
            for span in scope.spans
        ]
        with self._arrived:
            self.spans += found
            self._arrived.notify_all()

    def until(self, check: Callable[[list[tuple[str, Any]]], T], timeout_s: float = 60) -> T:
        """Return what `check` makes of what has arrived, as soon as it has nothing to complain of: each process sends what
        it has at times of its own."""
        deadline = time.monotonic() + timeout_s
        with self._arrived:
            while True:
                try:
                    return check(self.spans)
                except (AssertionError, StopIteration):
                    if not self._arrived.wait(deadline - time.monotonic()):
                        raise

    def root(self, name: str) -> Any:
        """Return the first span of a trace, by its name."""
        return self.until(lambda spans: next(s for _, s in spans if s.name == name and not s.parent_span_id))

    def close(self) -> None:
        """Take nothing more."""
        self._server.shutdown()
        self._server.server_close()


def value_of(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    started = Receiver()
    yield started
    started.close()


@pytest.fixture(scope="module")
def traced(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    asked = scaled_settings(0.1, otlp_endpoint=receiver.url)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", _SEND_EVERY_MS)
        stack = Stack(
            programs.with_addresses(asked),
            tmp_path_factory.mktemp("stack"),
            programs.programs(asked),
            fork_server=fork_server(),
        )
        stack.start()
    yield Platform(stack)
    stack.stop()


def test_a_world_is_one_trace(traced: Platform, receiver: Receiver) -> None:
    url = traced.settings.gateway_url
    with httpx2.Client(base_url=url, headers={"Origin": url}, timeout=30) as person:
        account = {"username": "Ada", "email": "ada@example.org", "password": "correct horse battery"}
        person.post("/api/v1/auth/register", json=account).raise_for_status()
        order = {"prompt": PROMPT, "characters_count": 1, "posts_count": 2}
        made = person.post("/api/v1/worlds?secret=tell-nobody", json=order)
        world_id = made.raise_for_status().json()["id"]
    traced.wait(world_id)
    root = receiver.root("POST /api/v1/worlds")
    receiver.until(lambda spans: whole(root, spans))


def whole(root: Any, spans: list[tuple[str, Any]]) -> None:
    """Fail unless a trace has all that a world of two posts is."""
    mine = [(service, span) for service, span in spans if span.trace_id == root.trace_id]
    processes = {"gateway", "services", "api", "worker"}
    assert {service for service, _ in mine} == {f"generia-{name}" for name in processes}
    names = [span.name for _, span in mine]
    tasks = {
        "world.start_world": 1,
        "posts.write_post": 2,
        "posts.illustrate_post": 2,
    }
    for task, number in tasks.items():
        assert names.count(f"run/tasks.{task}") == number
    by_id = {span.span_id: span for _, span in mine}

    def above(span: Any) -> Iterator[str]:
        while (span := by_id.get(span.parent_span_id)) is not None:
            yield span.name

    # Who called whom: the task, its call to a paid API, what it told a service, and what that wrote.
    text = next(
        s for s in by_id.values() if "/chat/completions" in value_of(s.attributes).get("http.url", "")
    )
    assert next(above(text)).startswith("run/tasks.")
    server = [s for s in by_id.values() if s.kind == s.SPAN_KIND_SERVER]
    created = next(s for s in server if s.name.endswith("CreateAIPost"))
    assert "run/tasks.posts.illustrate_post" in list(above(created))
    written = [s for s in by_id.values() if value_of(s.attributes).get("db.system") == "mongodb"]
    assert any(any(name.endswith("CreateAIPost") for name in above(span)) for span in written)
    # The chord's body publishes it, and so does each refresh of the status that sees all else ended: the ledger lets one
    # of them finish.
    finish = "run/tasks.world.finish_world"
    assert finish in names
    assert sum(finish in above(s) for s in server if s.name.endswith("UpdateWorldParams")) == 1
    # Every one of them is part of the tree: its root is the person's request.
    assert [s.name for s in by_id.values() if s is not root and s.parent_span_id not in by_id] == []
    assert {list(above(s))[-1] for s in by_id.values() if s is not root} == {root.name}


def test_what_is_published_again_is_part_of_the_trace(traced: Platform, receiver: Receiver) -> None:
    """Its steps are to wait, and the scheduler's tasks bring them back: these belong to no trace."""
    traced.behave(rate_429=0.5, retry_after_s=1)
    world_id = traced.order("A village of very talkative lighthouse keepers", 2, 4)
    assert not traced.settings.park_after_s > 1
    traced.wait(world_id)
    # A service's own: nobody who is traced had asked it.
    ordered = receiver.root("/world.WorldService/CreateWorld")

    def goes_on(spans: list[tuple[str, Any]]) -> None:
        names = [span.name for _, span in spans if span.trace_id == ordered.trace_id]
        assert names.count("run/tasks.posts.illustrate_post") >= 4
        assert "run/tasks.world.finish_world" in names

    receiver.until(goes_on)


def test_nothing_else_is_traced_and_no_query_is_told(traced: Platform, receiver: Receiver) -> None:
    """After both worlds: leases, sweeps and watermarks ran all the time."""
    assert traced
    names = {span.name for _, span in receiver.spans}
    assert not [name for name in names if "maintenance" in name]
    for _, span in receiver.spans:
        if not span.parent_span_id:
            assert span.kind == span.SPAN_KIND_SERVER, span.name
        said = str(span)
        assert "tell-nobody" not in said
        assert "X-Amz-" not in said
    uploads = [s for _, s in receiver.spans if s.name == "PUT"]
    assert uploads, "the pictures' uploads, whose addresses are signed in their query"


def test_without_opentelemetry_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        __import__("sys").modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None
    )
    with pytest.raises(ConfigurationError, match=r"pip install 'generia-worker\[otel\]'"):
        tracing.start("worker", "1", "http://127.0.0.1:1")


def test_off_costs_and_says_nothing() -> None:
    assert Settings(_env_file=None).otlp_endpoint == ""
    assert tracing.current() is None
    headers: dict[str, Any] = {}
    tracing.stamp(headers)
    assert headers == {}
