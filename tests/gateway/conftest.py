"""The gateway as browsers meet it: a real server over real services; a small server stands for the enqueue endpoint."""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest
import uvicorn
from argon2 import PasswordHasher
from pydantic import SecretStr
from pymongo.collection import Collection

from generia_worker.embedded.ports import free_port
from generia_worker.gateway.accounts import Accounts
from generia_worker.gateway.dependencies import Dependencies, connect_services, open_dependencies
from generia_worker.gateway.server import config
from generia_worker.gateway.tokens import Audience
from generia_worker.reference import registry
from generia_worker.rpc.connections import Connections
from generia_worker.rpc.media_types import MediaType
from generia_worker.rpc.world_client import WorldRecord
from generia_worker.settings import Settings
from generia_worker.storage.mongo import Document, utc_now
from tests.reference.conftest import PROMPT, new_key, picture, put, settings_of_services

SECRET = "a secret that only the tests of the gateway know"
API_TOKEN = "token-of-the-endpoint"
PASSWORD = "correct horse battery"
#: Where the strength of hashes is not what is tested, they would be most of the work.
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


# --- the enqueue endpoint ----------------------------------------------------------------------------------------
@dataclass
class Call:
    """A call that reached the endpoint."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class EndpointDouble:
    """A small HTTP server that answers as it is told; a stream sends what is put into `events` until None comes."""

    answers: dict[tuple[str, str], tuple[int, Any]] = field(default_factory=dict)
    events: queue.Queue[bytes | None] = field(default_factory=queue.Queue)
    calls: list[Call] = field(default_factory=list)
    #: Set once a stream noticed that its reader has gone.
    reader_gone: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def forget(self) -> None:
        """Know nothing any more; streams of before end."""
        self.events.put(None)
        self.answers, self.calls = {}, []
        self.events, self.reader_gone = queue.Queue(), threading.Event()

    def answer(self, method: str, path: str, status: int, body: Any) -> None:
        """Answer this call like this from now on; `body` of a stream is the word `stream`."""
        self.answers[method, path] = (status, body)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    double: EndpointDouble

    def log_message(self, *_: Any) -> None:
        pass

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.double.calls.append(Call(self.command, self.path, dict(self.headers), body))
        status, answer = self.double.answers.get((self.command, self.path), (404, {"detail": "not known"}))
        if answer == "stream":
            self._stream()
            return
        data = b"" if status == 204 else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        events, gone = self.double.events, self.double.reader_gone
        # Ends by the reader's going as well, which only shows when something is written.
        with contextlib.suppress(OSError):
            while True:
                try:
                    chunk = events.get(timeout=0.05)
                except queue.Empty:
                    chunk = b": still here\n\n"
                if chunk is None:
                    return
                self.wfile.write(chunk)
                self.wfile.flush()
        gone.set()

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the library's names


@contextlib.contextmanager
def serving_double() -> Iterator[EndpointDouble]:
    """Run an endpoint that knows no world yet."""
    double = EndpointDouble()
    handler = type("Handler", (_Handler,), {"double": double})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    http.daemon_threads = True
    double.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield double
    double.events.put(None)
    http.shutdown()
    http.server_close()


@pytest.fixture(scope="session")
def shared_endpoint() -> Iterator[EndpointDouble]:
    """An endpoint for all tests, one after another."""
    with serving_double() as double:
        yield double


@pytest.fixture
def endpoint(shared_endpoint: EndpointDouble) -> EndpointDouble:
    """An endpoint that knows no world yet."""
    shared_endpoint.forget()
    return shared_endpoint


# --- services and gateways ---------------------------------------------------------------------------------------
@pytest.fixture(scope="session", name="settings")
def _settings(servers: Settings) -> Settings:
    """Settings of the services."""
    return settings_of_services(servers)


@pytest.fixture(scope="session")
def platform(settings: Settings) -> Iterator[Settings]:
    """The four services over a database of their own; yields the settings by which a gateway reaches them."""
    asked = settings.model_copy(update={"mongo_database": "gateway_tests"})
    with registry.start(["all"], asked, enqueue=False) as running:
        addresses = {f"{name}_service": address for name, address in running.addresses.items()}
        yield asked.model_copy(
            update={
                **addresses,
                "jwt_secret": SecretStr(SECRET),
                "api_token": SecretStr(API_TOKEN),
                "api_url": "http://127.0.0.1:1",
                "gateway_rate_register": "1000/second",
                "gateway_rate_login": "1000/second",
                "gateway_rate_address": "1000/second",
                "gateway_rate_create": "1000/second",
                "gateway_rate_react": "1000/second",
            }
        )


@pytest.fixture(scope="session")
def services(platform: Settings) -> Iterator[Connections]:
    """Clients of the services."""
    connections = connect_services(platform)
    yield connections
    connections.close()


@dataclass(frozen=True)
class Gateway:
    """A running gateway."""

    url: str
    deps: Dependencies

    def collection(self, name: str) -> Collection[Document]:
        """Return a collection of the database that this gateway and its services share."""
        return self.deps.mongo[self.deps.settings.mongo_database][name]

    def token(self, user_id: str, audience: Audience = Audience.ACCESS, lifetime_s: float = 600) -> str:
        """Return a token of this user, who has an account and a session from then on."""
        fresh = {"username": user_id, "username_key": user_id, "email": "", "created_at": utc_now()}
        self.collection("accounts").update_one({"_id": user_id}, {"$setOnInsert": fresh}, upsert=True)
        session_id = self.deps.accounts.open_session(user_id, 600)
        return self.deps.tokens.issue(audience, user_id, session_id, lifetime_s)

    def client(self, **headers: str) -> httpx2.Client:
        """Return a client without a token."""
        # Nothing here is https, and reading certificates takes time.
        return httpx2.Client(base_url=self.url, headers=headers, timeout=20, trust_env=False, verify=False)

    def as_user(self, user_id: str) -> httpx2.Client:
        """Return a client with this user's token."""
        return self.client(Authorization=f"Bearer {self.token(user_id)}")


class _Server(uvicorn.Server):
    """Says when it takes calls."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextlib.contextmanager
def running(settings: Settings, hasher: PasswordHasher | None = CHEAP) -> Iterator[Gateway]:
    """Run a gateway in a thread; None for the delivered `hasher`."""
    port = free_port()
    changed: dict[str, Any] = {"gateway_bind": f"127.0.0.1:{port}"}
    if settings.gateway_url == Settings.model_fields["gateway_url"].default:
        changed["gateway_url"] = f"http://127.0.0.1:{port}"
    deps = open_dependencies(settings.model_copy(update=changed))
    if hasher is not None:
        accounts = Accounts(deps.mongo[settings.mongo_database]["accounts"], utc_now, hasher)
        deps = replace(deps, accounts=accounts)
    deps.prepare()
    with serving(config(deps)):
        yield Gateway(f"http://127.0.0.1:{port}", deps)


@contextlib.contextmanager
def serving(how: uvicorn.Config) -> Iterator[None]:
    """Run an HTTP server in a thread."""
    program = _Server(how)
    thread = threading.Thread(target=program.run, daemon=True)
    thread.start()
    assert program.ready.wait(20)
    try:
        yield
    finally:
        program.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


StartGateway = Callable[..., Gateway]


@pytest.fixture
def start_gateway(platform: Settings) -> Iterator[StartGateway]:
    """Starts gateways with settings of their own; they stop with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda **changed: stack.enter_context(running(platform.model_copy(update=changed)))


@pytest.fixture(scope="session")
def gateway(platform: Settings) -> Iterator[Gateway]:
    """A gateway whose enqueue endpoint is away."""
    with running(platform) as found:
        yield found


@pytest.fixture(scope="session")
def gateway_with_endpoint(platform: Settings, shared_endpoint: EndpointDouble) -> Iterator[Gateway]:
    """A gateway whose enqueue endpoint is the double."""
    with running(platform.model_copy(update={"api_url": shared_endpoint.url})) as found:
        yield found


@pytest.fixture
def user() -> str:
    """The id of a user that nobody else is."""
    return uuid.uuid4().hex


@pytest.fixture
def world(services: Connections, user: str) -> WorldRecord:
    """A new world of that user."""
    return services.worlds.create(user, "Tiefwerk", "A city", PROMPT, 3, 5)


def add_picture(
    services: Connections,
    world_id: str,
    media_type: MediaType,
    character_id: str = "",
    *,
    confirm: bool = True,
) -> str:
    """Upload a picture; returns its media id."""
    data = picture()
    ticket = services.media.presign_upload(
        world_id, character_id, "a.png", "image/png", len(data), media_type, idempotency_key=new_key()
    )
    put(ticket.upload_url, data)
    if confirm:
        services.media.confirm(ticket.media_id)
    return ticket.media_id


def add_character(services: Connections, world_id: str, name: str = "Ada") -> str:
    """Create a character with an avatar; returns its id."""
    made = services.characters.create(world_id, name, {"bio": f"I am {name}"}, idempotency_key=new_key())
    avatar = add_picture(services, world_id, MediaType.CHARACTER_AVATAR, made.id)
    services.characters.update(made.id, avatar_media_id=avatar)
    return made.id


def add_post(services: Connections, world_id: str, character_id: str, caption: str) -> str:
    """Publish a post with a picture; returns its id."""
    media = add_picture(services, world_id, MediaType.POST_IMAGE, character_id)
    return services.posts.create_ai(
        character_id, caption, media, world_id, ["tag"], idempotency_key=new_key()
    ).post_id
