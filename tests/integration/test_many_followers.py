"""Hundreds of clients on one endpoint while worlds are being made."""

from __future__ import annotations

from tests.benchmarks.events import LATENCY, follow_all
from tests.integration.conftest import Platform

CLIENTS, WORLDS, USERS, POSTS = 500, 10, 1, 2


def test_every_one_of_500_clients_sees_the_end(platform: Platform) -> None:
    platform.behave(latency=LATENCY)
    seen, cost_kb = follow_all(platform, CLIENTS, WORLDS, USERS, POSTS)
    assert len({one.world_id for one in seen}) == WORLDS
    assert [one.status for one in seen] == ["completed"] * CLIENTS
    assert all(one.done for one in seen)
    for world_id in {one.world_id for one in seen}:
        last = platform.client.status(world_id).revision
        assert {one.revisions[-1] for one in seen if one.world_id == world_id} == {last}
    # Far less than the state of one world for each of them.
    assert cost_kb < 250, f"{cost_kb:.0f} kB a client"
