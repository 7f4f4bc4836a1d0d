"""`generia users …` takes the options of all other commands, where these take them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from generia_worker.cli.main import main
from generia_worker.processes.users import users


@pytest.mark.parametrize(
    "command", [["list"], ["lock", "ada"], ["cap", "ada", "--worlds", "3"]], ids=" ".join
)
def test_the_stack_of_a_folder_is_meant(command: list[str], tmp_path: Path) -> None:
    """The folder is that of the command; there is none here."""
    found = CliRunner().invoke(main, ["users", *command, "--data-dir", str(tmp_path), "--json"])
    assert found.exit_code == 1
    assert f"No stack runs on {tmp_path}" in found.output


def test_every_command_is_there() -> None:
    """With the help that it has in the gateway's image."""
    said = CliRunner().invoke(main, ["users", "--help"]).output
    assert all(name in said for name in users.commands)
    assert "--worlds" in CliRunner().invoke(main, ["users", "cap", "--help"]).output
