"""Ids as people type them."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import grpc
import pytest

from generia_worker.cli.stacks import Running
from generia_worker.cli.world_commands import find_world, show_list
from generia_worker.cli.world_ids import find_id, short_ids
from generia_worker.client.client import GeneriaClient
from generia_worker.errors import NotFoundError
from generia_worker.rpc import wire
from generia_worker.rpc.users import LOCAL_USER
from generia_worker.settings import Settings
from tests.cli.endpoint import WORLD, Endpoint

IDS = ["5e9feddc-ae41", "5e9fed00-ae41", "0a", "0ab"]


@pytest.mark.parametrize(
    ("given", "found"), [("5e9fedd", IDS[0]), ("5e9fed0", IDS[1]), ("0a", "0a"), ("0ab", "0ab")]
)
def test_a_beginning_that_one_world_has_is_enough(given: str, found: str) -> None:
    assert find_id(given, IDS) == found


def test_what_several_begin_with_is_told_with_what_would_do() -> None:
    with pytest.raises(
        NotFoundError, match=r"2 worlds begin with '5e9fed' \(5e9feddc, 5e9fed00\): type more"
    ):
        find_id("5e9fed", IDS)


def test_what_none_begins_with_is_told_with_where_to_look() -> None:
    with pytest.raises(
        NotFoundError, match=re.escape("No world's id begins with 'x': 'generia worlds' lists yours.")
    ):
        find_id("x", IDS)


def test_what_is_shown_in_short_can_be_typed() -> None:
    dice = random.Random(7)
    ids = [str(UUID(int=dice.getrandbits(128))) for _ in range(2000)]
    ids += [ids[0][:-1] + digit for digit in "0123456789abcdef"] + ["w1", "w11"]
    for whole, short in short_ids(ids).items():
        assert find_id(short, ids) == whole
    assert max(map(len, short_ids(ids[1:2000]).values())) < 10


# --- as the commands find them -----------------------------------------------------------------------------------
class Worlds(wire.WorldServiceServicer):
    """A world service that knows these worlds, by id with who made each, and what it can be asked for."""

    def __init__(self, made_by: dict[str, str]) -> None:
        self.made_by = made_by
        #: What each call asked for.
        self.asked: list[dict[str, Any]] = []

    def GetWorlds(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 - its name on the wire
        metadata = dict(context.invocation_metadata())
        self.asked.append({key: value for key, value in metadata.items() if key.startswith("generia-")})
        found = [
            wire.world.WorldResponse(id=one, creator_id=person)
            for one, person in self.made_by.items()
            if one.startswith(str(metadata.get(wire.ID_KEY, "")))
            and (wire.MINE_KEY not in metadata or person == LOCAL_USER)
        ]
        return wire.world.WorldsResponse(worlds=found, total=len(found))


@pytest.fixture
def worlds() -> Iterator[tuple[Worlds, Running, Endpoint]]:
    """A world service, the stack that it belongs to, and its enqueue endpoint, which knows one world."""
    service = Worlds(  # type: ignore[abstract]
        {WORLD: LOCAL_USER, f"{WORLD[:10]}-others": "somebody", "5f": "somebody"}
    )
    pool = ThreadPoolExecutor(2)
    server = grpc.server(pool)
    wire.add_WorldServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with Endpoint() as endpoint:
        settings = Settings(_env_file=None, world_service=f"127.0.0.1:{port}", api_url=endpoint.url)
        yield service, Running(settings), endpoint
    server.stop(0).wait(5)
    pool.shutdown()


def test_a_command_asks_for_what_it_needs(worlds: tuple[Worlds, Running, Endpoint]) -> None:
    service, running, endpoint = worlds
    client = GeneriaClient(endpoint.url, "token")
    assert find_world(running, client, WORLD).world_id == WORLD
    # A whole id takes one call: nobody's worlds are listed for it.
    assert (len(endpoint.asked), service.asked) == (1, [])
    # One's own comes first, and of others' nothing is asked.
    assert find_world(running, client, WORLD[:8]).world_id == WORLD
    assert service.asked == [{wire.ID_KEY: WORLD[:8], wire.MINE_KEY: "1"}]
    service.asked.clear()
    with pytest.raises(NotFoundError, match="No world's id begins with '77'"):
        find_world(running, client, "77")
    assert service.asked == [{wire.ID_KEY: "77", wire.MINE_KEY: "1"}, {wire.ID_KEY: "77"}]
    # Where nothing of one's own begins so, others' worlds can be meant.
    service.made_by = {WORLD: "somebody"}
    assert find_world(running, client, WORLD[:4]).world_id == WORLD


def test_a_list_asks_for_ones_own(
    worlds: tuple[Worlds, Running, Endpoint], capsys: pytest.CaptureFixture[str]
) -> None:
    service, running, _ = worlds
    show_list(running, 20, as_json=True)
    assert service.asked == [{wire.MINE_KEY: "1"}]
    shown = capsys.readouterr().out
    assert WORLD in shown
    assert "somebody" not in shown
