"""A kind of step that is added to a copy of the step table runs through real workers, and everything knows of it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest

from generia_worker.cli import programs
from generia_worker.client.order import WorldSize
from generia_worker.embedded.forkserver import ForkServer
from generia_worker.embedded.stack import Program, Stack
from generia_worker.settings import Settings
from generia_worker.storage.mongo import Document
from generia_worker.worlds.steps import STEPS
from tests.integration.audit import Audit
from tests.integration.conftest import PROMPT, SMALL_PICTURES, Platform
from tests.integration.motto import MOTTO, TEMPLATE

PROGRAM = "tests.integration.motto_program"
USERS, POSTS = 3, 5


@pytest.fixture(scope="module")
def platform_with_mottoes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    prompts = tmp_path_factory.mktemp("motto") / "prompts"
    shutil.copytree(str(resources.files("prompts")), prompts)
    (prompts / "write_motto.j2").write_text(TEMPLATE)
    asked = Settings(_env_file=None, **SMALL_PICTURES, prompts_dir=prompts)
    parts = [with_motto(part) for part in programs.programs(asked) if part.name != "gateway"]
    folder = tmp_path_factory.mktemp("stack")
    # Not the tests' common one: what that has imported knows the table as it is delivered.
    with (
        closing(ForkServer((PROGRAM, *programs.PRELOAD), os.environ, Path(os.devnull))) as server,
        Stack(programs.with_addresses(asked), folder, parts, fork_server=server) as stack,
    ):
        yield Platform(stack)


def with_motto(program: Program) -> Program:
    """Let a program that knows the step table run with the larger one."""
    if not program.name.startswith("worker-") and program.name not in ("api", "beat"):
        return program
    real = program.argv

    def argv(settings: Settings) -> list[str]:
        command = real(settings)
        arguments = command[command.index("generia_worker.cli.main") + 1 :]
        return [sys.executable, "-P", "-m", PROGRAM, *arguments]

    return replace(program, argv=argv)


def test_a_world_with_a_motto_a_character(platform_with_mottoes: Platform) -> None:
    platform = platform_with_mottoes
    text_calls = platform.client.estimate(WorldSize(users_count=USERS, posts_count=POSTS)).text_calls
    assert text_calls == STEPS.expected_calls(USERS, POSTS, 1, 25)[0] + USERS
    status, audit = platform.make(PROMPT, USERS, POSTS)
    audit.table = STEPS.with_spec(MOTTO)
    audit.check(status, USERS, POSTS)
    assert status.tasks_total == STEPS.count(USERS, POSTS, 1) + USERS
    assert status.api_calls_made_LLM == text_calls
    assert [row["step"] for row in mottoes(audit)] == ["motto/01", "motto/02", "motto/03"]
    for row in mottoes(audit):
        assert row["result"]["text"]
        assert row["after"] == f"{status.world_id}/character/{row['first']:02d}"
    lines = {line.part: line for line in platform.client.receipt(status.world_id).lines}
    assert lines["motto"].calls == USERS


def mottoes(audit: Audit) -> list[Document]:
    rows = audit.db["generation_steps"].find({"world_id": audit.world_id, "kind": MOTTO.kind})
    return list(rows.sort("_id", 1))
