"""Beside services that know people by UUIDs and make no world without a name, the command line works as ever."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import grpc
import pytest

from generia_worker.rpc import wire
from generia_worker.rpc.channel import open_channel
from generia_worker.rpc.users import LOCAL_USER, LOCAL_USER_UUID, from_wire, to_wire
from generia_worker.rpc.world_client import WorldClient
from generia_worker.text import NAME_MAX, provisional_name

PROMPT = (
    "  A harbour town\nwhose lighthouse  keepers are all retired pirates, and none of them can swim; " * 3
)


class Strict:
    """A world service as others wrote it: a UUID and a name of at most 100 characters, or INTERNAL."""

    def CreateWorld(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Return the world as it was asked for."""
        try:
            UUID(request.user_id)
            assert 0 < len(request.name) <= NAME_MAX and request.prompt
        except (ValueError, AssertionError):
            context.abort(grpc.StatusCode.INTERNAL, "pq: invalid input syntax")
        return wire.world.WorldResponse(id="1", name=request.name, creator_id=request.user_id)

    def GetWorlds(self, request: Any, _: grpc.ServicerContext) -> Any:  # noqa: N802
        """List one world of who asks, and another person's when `offset` is given."""
        creators = [str(UUID(request.user_id)), *(["somebody"] if request.offset else [])]
        worlds = [wire.world.WorldResponse(id="1", creator_id=one) for one in creators]
        return wire.world.WorldsResponse(worlds=worlds, total=len(worlds))


@pytest.fixture
def worlds() -> Iterator[WorldClient]:
    """A client of that service."""
    server = grpc.server(ThreadPoolExecutor(2))
    strict = type("Whole", (Strict, wire.WorldServiceServicer), {})()
    wire.add_WorldServiceServicer_to_server(strict, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with open_channel(f"127.0.0.1:{port}") as channel:
        yield WorldClient(channel, 10)
    server.stop(0).wait(5)


def test_the_local_person_makes_and_lists_worlds(worlds: WorldClient) -> None:
    """A UUID there, `local` here."""
    made = worlds.create(LOCAL_USER, "", "", PROMPT, 5, 15)
    assert made.creator_id == LOCAL_USER
    assert made.name == provisional_name(PROMPT) and made.name.startswith(
        "A harbour town whose lighthouse keepers"
    )
    assert worlds.create(LOCAL_USER, "Salt Cove", "", PROMPT, 5, 15).name == "Salt Cove"
    (found,), _ = worlds.list(LOCAL_USER)
    assert found.creator_id == LOCAL_USER


def test_of_a_service_that_lists_all_a_person_s_own_worlds_are_taken(worlds: WorldClient) -> None:
    everybody, total = worlds.list(LOCAL_USER, offset=1)
    assert (len(everybody), total) == (2, 2)
    (own,), total = worlds.list(LOCAL_USER, offset=1, mine=True)
    assert (own.creator_id, total) == (LOCAL_USER, 1)


def test_of_a_service_that_lists_all_what_fits_a_search_is_taken(worlds: WorldClient) -> None:
    for nothing in ({"search": "lighthouse"}, {"search": "..."}, {"being_made": True}):
        assert worlds.list(LOCAL_USER, offset=1, **nothing) == ([], 0)
    everybody, total = worlds.list(LOCAL_USER, offset=1, popular=True)
    assert (len(everybody), total) == (2, 2)


def test_ids_of_other_people_stay_as_they_are() -> None:
    """And the UUID is a UUID."""
    assert str(UUID(LOCAL_USER_UUID)) == LOCAL_USER_UUID
    for one in ("", "ada", "0b9b0a3e-0000-4000-8000-000000000000"):
        assert from_wire(one) == to_wire(one) == one
