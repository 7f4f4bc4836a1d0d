"""gRPC takes calls from who brings the token: no other program of the machine orders worlds at the owner's expense."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import grpc
import pytest
from pydantic import SecretStr

from generia_worker.errors import TransientError
from generia_worker.gateway.dependencies import connect_services
from generia_worker.reference import registry
from generia_worker.rpc import wire
from generia_worker.rpc.channel import open_channel
from generia_worker.rpc.connections import Connections
from generia_worker.rpc.world_client import WorldClient
from generia_worker.settings import Settings, SettingsError, load_settings
from tests.reference.conftest import PROMPT, settings_of_services

TOKEN = "the-token-of-these-services"


@pytest.fixture(scope="module")
def guarded(servers: Settings) -> Iterator[Settings]:
    """The services, which ask for a token; yields the settings by which they are reached."""
    own = {"mongo_database": "rpc_token_tests", "rpc_token": SecretStr(TOKEN)}
    asked = settings_of_services(servers).model_copy(update=own)
    with registry.start(["all"], asked, enqueue=False) as running:
        yield asked.model_copy(
            update={f"{name}_service": address for name, address in running.addresses.items()}
        )


def test_all_of_our_clients_bring_it(guarded: Settings) -> None:
    services = connect_services(guarded)
    try:
        assert services.worlds.healthy() and services.characters.healthy()
        assert services.posts.healthy() and services.media.healthy()
        world = services.worlds.create("user-1", "Tiefwerk", "", PROMPT, 1, 1, budget_usd=1.0)
        assert services.worlds.get(world.id).name == "Tiefwerk"
        made = services.characters.create(world.id, "Ada", {}, idempotency_key="of-ada")
        assert services.characters.create(world.id, "Ada", {}, idempotency_key="of-ada").id == made.id
    finally:
        services.close()


CALLS: list[Callable[[Connections], object]] = [
    lambda c: c.worlds.create("user-1", "x", "", PROMPT, 1, 1),
    lambda c: c.worlds.list("user-1"),
    lambda c: c.characters.get("x"),
    lambda c: c.posts.feed("x", 1),
    lambda c: c.media.confirm("x"),
]


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], f"{TOKEN}x", TOKEN.upper()])
@pytest.mark.parametrize("call", CALLS)
def test_nobody_else_is_answered(
    guarded: Settings, token: str, call: Callable[[Connections], object]
) -> None:
    services = connect_services(guarded.model_copy(update={"rpc_token": SecretStr(token)}))
    try:
        with pytest.raises(TransientError, match=r"UNAUTHENTICATED.*GENERIA_RPC_TOKEN") as caught:
            call(services)
        # A step waits until it is mended, and nothing was done.
        assert caught.value.outage and not caught.value.outcome_unknown
        assert TOKEN not in caught.value.message
        assert not services.worlds.healthy()
    finally:
        services.close()


def test_what_others_send_is_not_read(guarded: Settings) -> None:
    with grpc.insecure_channel(guarded.world_service) as channel:
        for method in ("/world.WorldService/CreateWorld", "/world.WorldService/NoSuchCall", "/x/y"):
            with pytest.raises(grpc.RpcError) as caught:
                channel.unary_unary(method, bytes, bytes)(b"\xff" * 100, timeout=10)
            assert isinstance(caught.value, grpc.Call)
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_services_that_know_no_token_pass_it_over(servers: Settings) -> None:
    asked = settings_of_services(servers).model_copy(update={"mongo_database": "rpc_token_tests"})
    with (
        registry.start(["world"], asked, enqueue=False) as running,
        open_channel(running.addresses["world"], TOKEN) as channel,
    ):
        assert WorldClient(channel, 10).create("user-1", "x", "", PROMPT, 1, 1).name == "x"


def test_it_is_called_as_the_pages_say() -> None:
    assert wire.TOKEN == "generia-token"


@pytest.mark.parametrize("token", ["a b", "ключ", "a\nb"])
def test_tokens_that_metadata_cannot_hold(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("GENERIA_RPC_TOKEN", token)
    with pytest.raises(SettingsError, match="GENERIA_RPC_TOKEN: must be printable ASCII"):
        load_settings(_env_file=None)
