"""The process around the services: start, stop, drain, and what callers see when a server is away."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import grpc
import pytest
from pydantic import SecretStr

from generia_worker.errors import (
    ConfigurationError,
    InvalidInputError,
    NotFoundError,
    TransientError,
)
from generia_worker.reference import registry
from generia_worker.reference.shared.interceptor import ErrorInterceptor, status_of
from generia_worker.reference.shared.signed_urls import SignedUrls
from generia_worker.rpc import wire
from generia_worker.rpc.channel import open_channel
from generia_worker.rpc.media_client import MediaClient
from generia_worker.rpc.media_types import MediaType
from generia_worker.rpc.world_client import WorldClient, WorldRecord
from generia_worker.settings import Settings
from tests.reference.conftest import (
    NOWHERE,
    PROMPT,
    Clients,
    Upload,
    connect,
    new_key,
    picture,
)
from tests.reference.test_media import UNKNOWN, Announcement, announce


class Wire:
    """A TCP relay that can be cut (the server behind it is away, whole and sudden) or held up for a while."""

    def __init__(self, target: str) -> None:
        host, port = target.rsplit(":", 1)
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._sockets: list[socket.socket] = []
        self._flowing = threading.Event()
        self._flowing.set()
        self._held = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
            except OSError:
                return
            self._sockets += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                if not self._flowing.is_set() and b"GetWorld-probe" in data:
                    self._held.set()
                self._flowing.wait(20)
                sink.sendall(data)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                end.close()

    def hold(self) -> None:
        """Let nothing through until `resume`."""
        self._flowing.clear()

    def wait_held(self) -> None:
        """Wait until the query of the world `GetWorld-probe` is held up."""
        assert self._held.wait(10)

    def resume(self) -> None:
        """Let everything through again."""
        self._flowing.set()

    def cut(self) -> None:
        """End all connections and refuse new ones."""
        # Closing alone does not wake a thread that waits in accept().
        for one in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def _mongo_wire(settings: Settings) -> tuple[Wire, SecretStr]:
    uri = settings.mongo_uri.get_secret_value()
    host = uri.split("//")[1].split("/")[0].split("@")[-1]
    wire_to_mongo = Wire(host)
    through = uri.replace(host, wire_to_mongo.address).split("?")[0] + "?directConnection=true"
    return wire_to_mongo, SecretStr(through)


@pytest.fixture
def cuttable(settings: Settings) -> Iterator[tuple[Clients, Wire, Wire]]:
    """Services that reach MongoDB and S3 through wires that can be cut."""
    mongo, through = _mongo_wire(settings)
    s3 = Wire(settings.s3_endpoint)
    changed = settings.model_copy(update={"mongo_uri": through, "s3_endpoint": s3.address})
    with registry.start(["all"], changed, enqueue=False) as platform:
        clients = connect(platform, timeout_s=4)
        yield clients, mongo, s3
        for channel in clients.channels.values():
            channel.close()
    mongo.cut()
    s3.cut()


def test_a_database_that_goes_away_is_unavailable(
    cuttable: tuple[Clients, Wire, Wire], caplog: pytest.LogCaptureFixture
) -> None:
    clients, mongo, _ = cuttable
    world = clients.worlds.create("user-1", "", "", PROMPT, 1, 1)
    mongo.cut()
    with caplog.at_level(logging.WARNING):
        for call in (
            lambda: clients.worlds.get(world.id),
            lambda: clients.characters.create(world.id, "A", {}, idempotency_key=new_key()),
        ):
            with pytest.raises(TransientError, match="database cannot be reached") as caught:
                call()
            assert "UNAVAILABLE" in caught.value.message
            assert caught.value.outcome_unknown
    assert "Traceback" not in caplog.text
    assert not clients.worlds.healthy()
    assert not clients.media.healthy()


def test_a_file_store_that_goes_away_is_unavailable(cuttable: tuple[Clients, Wire, Wire]) -> None:
    clients, _, s3 = cuttable
    world = clients.worlds.create("user-1", "", "", PROMPT, 1, 1)
    media_id, _, _ = announce(clients, Announcement(world.id, size=len(picture())))
    s3.cut()
    with pytest.raises(TransientError, match="file store cannot be reached"):
        clients.media.confirm(media_id)
    assert not clients.media.healthy()
    assert clients.worlds.healthy()


def test_the_public_endpoint_is_the_one_in_signed_urls(
    clients: Clients, settings: Settings, upload: Upload, world: WorldRecord
) -> None:
    icon = upload(world.id, MediaType.WORLD_ICON)
    changed = settings.model_copy(update={"s3_public_endpoint": "pictures.example.org:8443"})
    with registry.start(["media"], changed) as platform, open_channel(platform.addresses["media"]) as channel:
        answer = wire.MediaServiceStub(channel).GetMediaURL(wire.media.GetMediaURLRequest(media_id=icon))
        assert answer.url.startswith("http://pictures.example.org:8443/generia-images/")
        # Who uploads is a worker beside the services, for whom that address may lead nowhere.
        client = MediaClient(channel, 10)
        ticket = client.presign_upload(
            world.id, world.id, "p.png", "image/png", 10, MediaType.WORLD_ICON, idempotency_key="inside"
        )
        assert ticket.upload_url.startswith(f"http://{settings.s3_endpoint}/")


@pytest.mark.parametrize(
    ("public", "secure", "url"),
    [
        ("", False, "http://10.0.0.9:9000/"),
        ("pictures.example.org", True, "https://pictures.example.org/"),
        ("https://pictures.example.org/", False, "https://pictures.example.org/"),
        ("http://localhost:9000", True, "http://localhost:9000/"),
    ],
)
def test_readers_have_a_scheme_of_their_own(public: str, secure: bool, url: str) -> None:
    settings = Settings(
        _env_file=None, s3_endpoint="10.0.0.9:9000", s3_public_endpoint=public, s3_secure=secure
    )
    signed = SignedUrls(settings, lambda: datetime(2026, 1, 2, tzinfo=UTC)).page_url("w/p.png")
    assert signed.startswith(f"{url}generia-images/w/p.png?")


def test_a_broken_method_answers_internal_without_its_inside(caplog: pytest.LogCaptureFixture) -> None:
    def explode(request: object, context: object) -> wire.world.WorldResponse:
        message = "secret inside"
        raise RuntimeError(message)

    names = [name for name in vars(wire.WorldServiceServicer) if name[0].isupper()]
    servicer = type("Broken", (wire.WorldServiceServicer,), {name: staticmethod(explode) for name in names})()
    grpc_server = grpc.server(ThreadPoolExecutor(1), interceptors=[ErrorInterceptor()])
    wire.add_WorldServiceServicer_to_server(servicer, grpc_server)
    port = grpc_server.add_insecure_port("127.0.0.1:0")
    grpc_server.start()
    with open_channel(f"127.0.0.1:{port}") as channel, pytest.raises(TransientError) as caught:
        WorldClient(channel, 5).get("w")
    grpc_server.stop(0).wait(5)
    assert caught.value.message == "GetWorld failed (INTERNAL): internal error"
    assert "secret inside" in caplog.text


def test_unknown_errors_are_internal() -> None:
    assert status_of(KeyError("x")) == (grpc.StatusCode.INTERNAL, "internal error")


def test_names_and_addresses_that_cannot_be_served(settings: Settings) -> None:
    for names in (["moon"], [], ["world", "moon"]):
        with pytest.raises(ConfigurationError, match="world, character, post, media, interaction or all"):
            registry.start(names, settings)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConfigurationError, match=r"GENERIA_POST_SERVICE.*is something running"):
            registry.start(["post"], settings.model_copy(update={"post_service": address}))


def test_servers_that_are_away_at_start(settings: Settings) -> None:
    away = settings.model_copy(update={"s3_endpoint": NOWHERE})
    with pytest.raises(ConfigurationError, match=r"S3 server.*GENERIA_S3_ENDPOINT"):
        registry.start(["media"], away, patience_s=0)
    # The others only sign URLs.
    with (
        registry.start(["world", "character", "post"], away, enqueue=False, patience_s=0) as running,
        open_channel(running.addresses["world"]) as channel,
    ):
        assert WorldClient(channel, 10).healthy()
    mongo = SecretStr(f"mongodb://{NOWHERE}/?serverSelectionTimeoutMS=300")
    with pytest.raises(ConfigurationError, match=r"MongoDB.*GENERIA_MONGO_URI"):
        registry.start(["world"], settings.model_copy(update={"mongo_uri": mongo}), patience_s=0)


def test_only_the_named_services_answer(settings: Settings) -> None:
    with registry.start(["post"], settings) as platform:
        assert list(platform.addresses) == ["post"]
        with open_channel(platform.addresses["post"]) as channel:
            assert not WorldClient(channel, 5).healthy()


def test_stop_may_be_repeated_and_frees_the_address(settings: Settings) -> None:
    platform = registry.start(["post"], settings)
    again = settings.model_copy(update={"post_service": platform.addresses["post"]})
    platform.stop()
    platform.stop()
    with registry.start(["post"], again) as restarted:
        assert restarted.addresses == platform.addresses


def _wait_refused(client: WorldClient) -> None:
    """Wait until the server takes no call, not even one that needs no database."""
    while True:
        try:
            client.get("../x")
        except InvalidInputError:
            continue
        except TransientError:
            return


def test_stop_lets_running_calls_end(settings: Settings) -> None:
    mongo, through = _mongo_wire(settings)
    platform = registry.start(["world"], settings.model_copy(update={"mongo_uri": through}), enqueue=False)
    with open_channel(platform.addresses["world"]) as channel, ThreadPoolExecutor(2) as pool:
        client = WorldClient(channel, 15)
        assert client.healthy()
        mongo.hold()
        running = pool.submit(client.get, "GetWorld-probe")
        mongo.wait_held()
        stopping = pool.submit(platform.stop)
        _wait_refused(client)
        assert not running.done() and not stopping.done()
        mongo.resume()
        with pytest.raises(NotFoundError, match="GetWorld-probe"):
            running.result(timeout=10)
        stopping.result(timeout=10)
    mongo.cut()


_PROGRAM = """
from generia_worker.reference.registry import run
from generia_worker.settings import load_settings
run(["all"], load_settings())
"""


def test_a_process_serves_until_sigterm(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    own = settings.model_copy(update={f"{name}_service": address for name in registry.NAMES})
    environment = {**os.environ, **own.environment()}
    process = subprocess.Popen([sys.executable, "-c", _PROGRAM], env=environment, stderr=subprocess.PIPE)
    try:
        with open_channel(address) as channel:
            grpc.channel_ready_future(channel).result(timeout=20)
            client = WorldClient(channel, 10)
            assert client.healthy()
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        _, errors = process.communicate(timeout=20)
        assert process.returncode == 0, errors
        assert b"Traceback" not in errors
        assert time.monotonic() - began < 15
    finally:
        process.kill()
        process.wait()


def test_nothing_is_known_under_an_id_that_was_never_given(clients: Clients) -> None:
    stub = wire.WorldServiceStub(clients.channels["world"])
    with pytest.raises(grpc.RpcError) as caught:
        stub.GetWorld(wire.world.GetWorldRequest(world_id=UNKNOWN))
    assert isinstance(caught.value, grpc.Call)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert caught.value.details() == f"world_id {UNKNOWN} is not known"
