"""Beside a world service that never calls the endpoint, the bridge orders what is made there, once."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from generia_worker.client.order import Order
from generia_worker.errors import NotFoundError
from generia_worker.rpc.world_client import WorldRecord
from tests.worlds.doubles import Recorder

_FILE = Path(__file__).parents[2] / ".docker" / "bridge.py"


def bridge() -> Any:
    """Return the program as a module."""
    spec = importlib.util.spec_from_file_location("bridge", _FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def world(world_id: str, prompt: str) -> Any:
    """Return what a world service lists."""
    empty = dict.fromkeys(WorldRecord.__dataclass_fields__, "")
    return SimpleNamespace(**empty | {"id": world_id, "prompt": prompt, "users_count": 2, "posts_count": 3})


def test_new_worlds_are_ordered_once() -> None:
    """Not what was ordered before, nor what can be no order."""
    orders: dict[str, Order] = {}

    def status(world_id: str) -> None:
        if world_id not in orders and world_id != "older":
            raise NotFoundError("no such world")

    endpoint = SimpleNamespace(status=status, order=lambda order: orders.update({order.world_id: order}))
    listed = [world("new", "A town of clockmakers"), world("older", "A town of bakers"), world("odd", "x")]
    worlds = Recorder(list=(listed, 3))
    known: set[str] = set()
    assert bridge().order_new(worlds, endpoint, known) == ["new"]
    assert orders["new"].user_prompt == "A town of clockmakers"
    assert (orders["new"].users_count, orders["new"].posts_count) == (2, 3)
    assert bridge().order_new(worlds, endpoint, known) == []
    assert bridge().order_new(worlds, endpoint, set()) == [], "also by another bridge"
