"""The whole stack, once for this folder: servers, services, simulator, endpoint, workers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from celery import Celery

from generia_worker.cli import programs
from generia_worker.client.client import GeneriaClient
from generia_worker.client.order import Order
from generia_worker.client.status import GenerationStatus
from generia_worker.embedded.stack import Stack
from generia_worker.rpc.channel import open_channel
from generia_worker.rpc.world_client import WorldClient
from generia_worker.settings import Settings
from tests.fork_server import fork_server
from tests.integration.audit import Audit

PROMPT = "Мир, в котором за академическим руководителем ходит толпа студентов-котиков"
#: Sides of pictures, each kind its own. As delivered, drawing, decoding and resizing them is most of a world's CPU; the
#: command line's and compose's worlds have those.
SMALL_PICTURES: dict[str, Any] = {
    "cover_width": 512,
    "cover_height": 256,
    "icon_size": 128,
    "avatar_size": 192,
    "post_image_size": 256,
}


class Platform:
    """A running stack as a test uses it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.settings = settings = stack.settings
        self.client = GeneriaClient(settings.api_url, settings.api_token.get_secret_value())
        self.simulator = settings.llm_base_url.removesuffix("/api/v1")

    def new_world(
        self,
        prompt: str = PROMPT,
        users: int = 1,
        posts: int = 1,
        budget: float | None = None,
        reactions: str = "none",
    ) -> str:
        """Create a world in the world service, which orders its generation, with a budget in dollars or without."""
        with open_channel(self.settings.world_service, self.settings.rpc_token.get_secret_value()) as channel:
            client = WorldClient(channel, 15)
            made = client.create(
                "tester", "", "", prompt, users, posts, budget_usd=budget, reactions=reactions
            )
            return made.id

    def order(
        self, prompt: str, users: int, posts: int, *, behaviour: dict[str, Any] | None = None, **limits: Any
    ) -> str:
        """Create and order a world, which the simulator may treat in a way of its own; returns its id."""
        world_id = self.new_world(prompt, users, posts, limits.get("budget"), limits.get("reactions", "none"))
        if behaviour is not None:
            self.behave(world_id, **behaviour)
        self.client.order(
            Order(world_id=world_id, user_prompt=prompt, users_count=users, posts_count=posts, **limits)
        )
        return world_id

    def wait(self, world_id: str, timeout_s: float = 120) -> GenerationStatus:
        """Wait for a world to end."""
        return self.client.wait(world_id, timeout_s=timeout_s)

    def make(self, prompt: str, users: int, posts: int, **limits: Any) -> tuple[GenerationStatus, Audit]:
        """Order a world and wait for its end."""
        world_id = self.order(prompt, users, posts, **limits)
        return self.wait(world_id), Audit(self.settings, world_id)

    def behave(self, world: str = "", /, **behaviour: Any) -> None:
        """Let the simulator behave like this (and well in everything that is not named), or do so towards one world.

        Its pictures are ready-made, unless `prerendered=False` says that somebody looks at them.
        """
        url, wanted = f"{self.simulator}/_sim/behaviour", {"prerendered": True} | behaviour
        requests.put(url, params={"world": world}, json=wanted, timeout=10).raise_for_status()

    @contextmanager
    def celery(self) -> Iterator[Celery]:
        """A Celery application that only sends; it knows the product's routes."""
        with Celery(broker=self.settings.redis_url.get_secret_value()) as celery:
            import celeryconfig

            celery.conf.task_routes = celeryconfig.task_routes
            celery.conf.task_default_queue = celeryconfig.task_default_queue
            celery.conf.task_queues = celeryconfig.task_queues
            celery.conf.task_ignore_result = True
            yield celery

    def bill(self, request: str) -> list[dict[str, Any]]:
        """Return what stands in the simulator's books about requests that begin like this."""
        url = f"{self.simulator}/_sim/ledger"
        found: list[dict[str, Any]] = requests.get(url, params={"request": request}, timeout=30).json()[
            "entries"
        ]
        return found

    def forget_calls(self) -> None:
        """Let the simulator count its calls from nothing again."""
        requests.post(f"{self.simulator}/_sim/reset", timeout=10).raise_for_status()

    def let_credit_end(self, calls: int) -> None:
        """Let the text provider refuse the `calls`-th text call from now on, for want of credit."""
        billed = requests.get(f"{self.simulator}/_sim/ledger", timeout=10).json()["llm"]["calls"]
        self.behave(no_credit_after=billed + calls)


@pytest.fixture(scope="package")
def shared_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One stack for all tests of this folder: it stops when the last of them has ended."""
    # A hung call costs a test its deadline; a busy machine needs some seconds for one that does not hang.
    deadlines: dict[str, Any] = {"llm_timeout_s": 8, "image_timeout_s": 10, "retry_backoff_max_s": 2}
    asked = Settings(_env_file=None, **SMALL_PICTURES, **deadlines)
    parts = programs.programs(asked)
    folder = tmp_path_factory.mktemp("stack")
    with pytest.MonkeyPatch.context() as patch:
        # The stack's processes get proxies that lead nowhere: those of the environment are for the world outside.
        for name in ("http_proxy", "HTTPS_PROXY", "all_proxy", "grpc_proxy"):
            patch.setenv(name, "http://127.0.0.1:9")
        stack = Stack(programs.with_addresses(asked), folder, parts, fork_server=fork_server())
        stack.start()
    try:
        yield Platform(stack)
    finally:
        stack.stop()


@pytest.fixture
def platform(shared_platform: Platform) -> Iterator[Platform]:
    """The shared stack with a well-behaved simulator before and after."""
    shared_platform.behave()
    yield shared_platform
    shared_platform.behave()
