"""Failures are seen where people look: in the status, in the list of failures, and red in Flower."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests

from generia_worker.embedded.ports import free_port
from tests.faults.harness import Faults


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
            tasks = requests.get(f"{address}/api/tasks", timeout=2).json()
        except (requests.ConnectionError, requests.Timeout):
            return False
        return any(task["worker"].startswith("llm@") for task in tasks.values())

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

    def red() -> dict[str, object] | None:
        tasks = requests.get(f"{flower}/api/tasks", params={"state": "FAILURE"}, timeout=10).json()
        mine = [task for task in tasks.values() if world_id in task["args"]]
        return mine[0] if mine else None

    task = faults.until(red, "the failed task to show in Flower")
    assert task["name"] == "tasks.characters.plan_posts"
    assert failed.reason[:60] in str(task["exception"])
