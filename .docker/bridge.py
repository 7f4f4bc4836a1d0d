"""Orders the worlds of a world service that does not call the enqueue endpoint (yet): asks it for new ones, again and again.

    python .docker/bridge.py [SECONDS]

Reads GENERIA_WORLD_SERVICE, GENERIA_API_URL and GENERIA_API_TOKEN. May be stopped at any time, and run more than once: an
order that is repeated is the same order. Only worlds that nobody ordered before are ordered, the newest hundred of them.
"""

from __future__ import annotations

import logging
import sys
import time

from generia_worker.client.client import GeneriaClient
from generia_worker.client.order import Order
from generia_worker.errors import GeneriaError, NotFoundError
from generia_worker.rpc.channel import open_channel
from generia_worker.rpc.users import LOCAL_USER
from generia_worker.rpc.world_client import WorldClient, WorldRecord
from generia_worker.settings import load_settings

log = logging.getLogger("bridge")
_NEWEST = 100


def order_new(worlds: WorldClient, endpoint: GeneriaClient, known: set[str]) -> list[str]:
    """Order what was not ordered before; returns the ids. What is refused is logged, and not tried again."""
    found, _ = worlds.list(LOCAL_USER, _NEWEST, 0, "all")
    ordered = []
    for world in found:
        if world.id not in known:
            if _order(world, endpoint):
                ordered.append(world.id)
            known.add(world.id)
    return ordered


def _order(world: WorldRecord, endpoint: GeneriaClient) -> bool:
    try:
        endpoint.status(world.id)
    except NotFoundError:
        try:
            order = Order(
                world_id=world.id,
                user_prompt=world.prompt,
                users_count=world.users_count,
                posts_count=world.posts_count,
                user_id=world.creator_id or None,
            )
        except ValueError as error:  # what stands there was never an order
            log.warning("World %s cannot be ordered: %s", world.id, error)
            return False
        endpoint.order(order)
        return True
    return False


def main(every_s: float) -> None:
    """Go on until this is stopped."""
    settings, known = load_settings(), set[str]()
    logging.basicConfig(level="INFO", format="%(message)s")
    endpoint = GeneriaClient(settings.api_url, settings.api_token.get_secret_value())
    with open_channel(settings.world_service, settings.rpc_token.get_secret_value()) as channel:
        worlds = WorldClient(channel, settings.rpc_timeout_s)
        while True:
            try:
                for world_id in order_new(worlds, endpoint, known):
                    log.info("World %s is ordered.", world_id)
            except GeneriaError as error:  # one side is away: the next round may find it
                log.warning("%s", error.message)
            time.sleep(every_s)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 2.0)
