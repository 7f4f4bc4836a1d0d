"""Failures are seen where people look: in the status, in the list of failures, and red in Flower."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from generia_worker.embedded.ports import free_port
from tests.faults.harness import Faults


def shown(address: str, timeout_s: float = 10, **query: str) -> list[dict[str, Any]]:
    """Return the tasks that Flower shows, without those that were under way when it began to listen: of these it knows
    neither name nor arguments."""
    tasks = requests.get(f"{address}/api/tasks", params=query, timeout=timeout_s).json()
    return [task for task in tasks.values() if task["received"] is not None]


@pytest.fixture
def flower(faults: Faults) -> Iterator[str]:
    """Flower as it is delivered, on the stack's broker; yields its address."""
    port = free_port()
    environment = os.environ | faults.settings.environment() | {"FLOWER_UNAUTHENTICATED_API": "true"}
    command = [sys.executable, "-P", "-m", "celery", "--app", "generia_worker.app.celery_app", "flower"]
    process = subprocess.Popen(
        [*command, "--address=127.0.0.1", f"--port={port}"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"

    def hears() -> bool:
        """True once it knows of a watermark that the worker of texts took: a worker that nobody heard is silent a while."""
        try:
            return any(task["worker"].startswith("llm@") for task in shown(address, timeout_s=2))
        except (requests.ConnectionError, requests.Timeout):
            return False

    try:
        faults.until(hears, "Flower to hear the worker of texts")
        yield address
    finally:
        process.kill()  # asked to end, it first waits for the answers of all workers; it has nothing to keep
        process.wait()


def test_a_failed_step_is_red_in_flower_with_its_reason(faults: Faults, flower: str) -> None:
    faults.behave(forbidden_words=["Plan exactly"])
    world_id = faults.new(1, 2)
    status = faults.ended(world_id)
    assert status.tasks_failed == 1
    (failed,) = [one for one in faults.client.failures(world_id) if one.state == "failed"]
    assert failed.step == "plan/01"
    assert (failed.attempt, failed.kind) == (1, "PermanentError")
    assert failed.at is not None

    def red() -> dict[str, Any] | None:
        return next((task for task in shown(flower, state="FAILURE") if world_id in task["args"]), None)

    task = faults.until(red, "the failed task to show in Flower")
    assert task["name"] == "tasks.characters.plan_posts"
    assert failed.reason[:60] in task["exception"]
