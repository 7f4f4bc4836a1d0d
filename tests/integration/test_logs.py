"""What the programs of a whole stack write into their logs while worlds are made, on a good day and on a bad one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import SecretStr

from tests.integration.conftest import Platform

pytestmark = pytest.mark.stack

SERVERS = ("redis", "mongo", "s3")
NEEDLE = "An archive of unsent letters, where a moth called Querulous reads every line aloud"


def events(platform: Platform) -> dict[str, list[dict[str, Any]]]:
    """Return what each program of ours has logged; every line must be one event."""
    found = {}
    for path in (platform.stack.data_dir / "logs").glob("*.log"):
        if path.stem not in SERVERS:
            lines = path.read_text(encoding="utf-8").splitlines()
            found[path.stem] = [json.loads(line) for line in lines]
    return found


def test_every_step_is_told_and_no_prompt_or_secret_is(platform: Platform) -> None:
    # Some twenty calls: all of them go well once in half a million worlds.
    platform.behave(rate_429=0.3, rate_5xx=0.2, retry_after_s=0.5)
    status, audit = platform.make(NEEDLE, 2, 4)
    audit.check(status, 2, 4)
    told = [event for of_one in events(platform).values() for event in of_one]
    mine = [event for event in told if event.get("world_id") == status.world_id]
    done = {event["step"] for event in mine if event["message"].endswith("is done.")}
    assert len(done) == status.tasks_completed
    for event in mine:
        assert {"time", "level", "logger", "message", "step", "task_id", "task"} <= set(event)
    assert all(event["run"] == 1 and event["attempt"] >= 1 for event in mine if event["step"] in done)
    waited = [event for event in mine if " waits " in event["message"]]
    assert waited, "nothing went wrong on a bad day"
    texts = [
        path.read_text(encoding="utf-8")
        for path in (platform.stack.data_dir / "logs").glob("*.log")
        if path.stem not in SERVERS
    ]
    settings = platform.settings
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        secret = value.get_secret_value() if isinstance(value, SecretStr) else ""
        if secret:
            assert not any(secret in text for text in texts), f"{name} is in a log"
    assert not any("Querulous" in text for text in texts)
