"""Ordering the generation of a new world from the enqueue endpoint, however long that is away."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping
from datetime import timedelta

import grpc
from pydantic import ValidationError

from generia_worker.client.client import GeneriaClient
from generia_worker.client.order import Order
from generia_worker.errors import (
    AllowanceExceeded,
    ConflictError,
    InvalidInputError,
    PermanentError,
    TransientError,
)
from generia_worker.reference.shared import validation
from generia_worker.reference.shared.resources import Resources
from generia_worker.rpc import wire
from generia_worker.storage.mongo import Document
from generia_worker.text import clean

log = logging.getLogger(__name__)

#: Orders that the endpoint could not take are placed again so often, a bounded number at a time.
AGAIN_S = 3.0
_BATCH = 50
#: A number as programs write it: `float` takes more, such as `1_0` and digits of other scripts.
_DECIMAL = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?")
#: How the rules of an order name what the caller of CreateWorld names otherwise.
_FIELDS = {
    "user_prompt": "prompt",
    "users_count": "characters_count",
    "budget": wire.BUDGET_KEY,
    "reactions": wire.REACTIONS_KEY,
}


def checked_order(
    world_id: str,
    prompt: str,
    characters_count: int,
    posts_count: int,
    budget: str | None,
    user_id: str | None = None,
    reactions: str | None = None,
) -> Order:
    """Return the order for a new world. Raises InvalidInputError that names the field."""
    if budget is not None and not _DECIMAL.fullmatch(budget):
        validation.refuse(wire.BUDGET_KEY, "is refused: a number of dollars is meant, such as 0.25")
    body: Document = {
        "world_id": world_id,
        "user_prompt": prompt,
        "users_count": characters_count,
        "posts_count": posts_count,
        "budget": None if budget is None else float(budget),
        "user_id": user_id,
        **({} if reactions is None else {"reactions": reactions}),
    }
    try:
        return Order.model_validate(body)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        name = str(problem["loc"][0])
        validation.refuse(
            _FIELDS.get(name, name), f"is refused: {problem['msg'].removeprefix('Value error, ')}"
        )


def sent_along(context: grpc.ServicerContext, key: str) -> str | None:
    """Return what the caller sent along under a key (a budget, how much is said of posts), as text, or None."""
    for name, value in context.invocation_metadata():
        if name == key:
            return value if isinstance(value, str) else value.decode("ascii", "replace")
    return None


class Orders:
    """Places orders; a thread of its own places those again that the endpoint could not take.

    A world holds the state of its order: `waiting`, `placed`, or `refused`.
    """

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._worlds = resources.collection("worlds")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="orders", daemon=True)

    def start(self) -> None:
        """Begin to place what waits."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what waits is placed by the next process."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def place(self, order: Order) -> None:
        """Place an order now, or leave it waiting when the endpoint is away; twice is harmless.

        Raises:
            PermanentError: the endpoint refuses the order; the message says why.
        """
        settings = self._resources.settings
        client = GeneriaClient(settings.api_url, settings.api_token.get_secret_value())
        try:
            client.order(order)
        except TransientError as error:
            log.warning("World %s waits to be ordered: %s", order.world_id, error.message)
            return
        finally:
            client.close()
        self._worlds.update_one({"_id": order.world_id}, {"$set": {"order.state": "placed"}})

    def _run(self) -> None:
        while not self._stopping.wait(AGAIN_S):
            try:
                self._place_waiting()
            except Exception:
                log.exception("Orders that wait could not be placed")

    def _place_waiting(self) -> None:
        # What was created just now is being placed by its own call.
        before = self._resources.now() - timedelta(seconds=AGAIN_S)
        waiting = {"order.state": "waiting", "created_at": {"$lt": before}}
        for world in self._worlds.find(waiting).sort("created_at", 1).limit(_BATCH):
            if self._stopping.is_set():
                return
            try:
                self.place(order_of(world))
            except (InvalidInputError, ConflictError, AllowanceExceeded) as error:
                log.error("World %s is refused: %s", world["_id"], error.message)
                refused = {"order.state": "refused", "order.reason": error.message}
                self._worlds.update_one({"_id": world["_id"]}, {"$set": refused})
            except PermanentError as error:  # a wrong token is no fault of the world
                log.error("World %s waits to be ordered: %s", world["_id"], error.message)


def order_of(world: Mapping[str, object]) -> Order:
    """Return the order that a stored world stands for."""
    details = world["order"]
    assert isinstance(details, dict)
    return Order(
        world_id=str(world["_id"]),
        # Cleaned: a version before took prompts with control characters.
        user_prompt=clean(str(world["prompt"])),
        users_count=details["users_count"],
        posts_count=details["posts_count"],
        reactions=details.get("reactions", "none"),
        budget=details["budget"],
        user_id=str(world["creator_id"]),
    )
