"""The whole stack, once a session: servers, services, simulator, endpoint, workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from generia_worker.cli import programs
from generia_worker.client.client import GeneriaClient
from generia_worker.client.order import Order
from generia_worker.client.status import GenerationStatus
from generia_worker.embedded.stack import Stack
from generia_worker.rpc.channel import open_channel
from generia_worker.rpc.world_client import WorldClient
from generia_worker.settings import Settings
from tests.integration.audit import Audit

PROMPT = "Мир, в котором за академическим руководителем ходит толпа студентов-котиков"


class Platform:
    """A running stack as a test uses it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.settings = settings = stack.settings
        self.client = GeneriaClient(settings.api_url, settings.api_token.get_secret_value())
        self.simulator = settings.llm_base_url.removesuffix("/api/v1")

    def new_world(self, prompt: str = PROMPT, users: int = 1, posts: int = 1) -> str:
        """Create a world in the world service, without ordering its generation."""
        with open_channel(self.settings.world_service) as channel:
            return WorldClient(channel, 15).create("tester", "", "", prompt, users, posts).id

    def order(self, prompt: str, users: int, posts: int, **limits: Any) -> str:
        """Create and order a world; returns its id."""
        world_id = self.new_world(prompt, users, posts)
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

    def behave(self, **behaviour: Any) -> None:
        """Let the simulator behave like this (and well in everything that is not named)."""
        requests.put(f"{self.simulator}/_sim/behaviour", json=behaviour, timeout=10).raise_for_status()

    def forget_calls(self) -> None:
        """Let the simulator count its calls from nothing again."""
        requests.post(f"{self.simulator}/_sim/reset", timeout=10).raise_for_status()

    def let_credit_end(self, calls: int) -> None:
        """Let the text provider refuse the `calls`-th text call from now on, for want of credit."""
        billed = requests.get(f"{self.simulator}/_sim/ledger", timeout=10).json()["llm"]["calls"]
        self.behave(no_credit_after=billed + calls)


@pytest.fixture(scope="session")
def start_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Platform]]:
    """Starts stacks with settings of their own; they stop with the session."""
    stacks: list[Stack] = []

    def start(**settings: Any) -> Platform:
        asked = Settings(_env_file=None, **settings)  # type: ignore[call-arg]
        folder = tmp_path_factory.mktemp("stack")
        stack = Stack(programs.with_addresses(asked), folder, programs.programs(asked))
        stacks.append(stack)
        stack.start()
        return Platform(stack)

    yield start
    for stack in stacks:
        stack.stop()


@pytest.fixture(scope="session")
def shared_platform(start_platform: Callable[..., Platform]) -> Platform:
    """One stack for all tests that need nothing special of it."""
    # Deadlines are short, so that a hung call costs a test seconds; everything else is as delivered.
    return start_platform(llm_timeout_s=4, image_timeout_s=6, retry_backoff_max_s=2)


@pytest.fixture
def platform(shared_platform: Platform) -> Iterator[Platform]:
    """The shared stack with a well-behaved simulator before and after."""
    shared_platform.behave()
    yield shared_platform
    shared_platform.behave()
