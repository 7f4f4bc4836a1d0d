"""What the commands say of themselves, and what they say to whoever gets one wrong."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from generia_worker import __version__
from generia_worker.cli.main import main
from generia_worker.cli.sections import INTERRUPTED, SECTIONS, SectionedGroup

EXAMPLES = {name: example for section in SECTIONS.values() for name, example in section.items()}
#: What every option with bounds refuses, beside numbers that are none.
BEYOND = ("-1", "1e9", "nan", "inf", "x")


def commands(group: click.Group = main, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield all commands with their names, those of groups too."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield (*path, name), command


def test_every_command_stands_in_one_section() -> None:
    names = [name for section in SECTIONS.values() for name in section]
    assert sorted(names) == sorted(main.commands)
    said = CliRunner().invoke(main, ["--help"]).output
    assert [line[:-1] for line in said.splitlines() if re.fullmatch(r"[A-Z].*:", line)] == [
        "Options",
        *SECTIONS,
    ]
    for name in names:
        assert re.search(rf"^  {name} +[A-Z].*\.$", said, re.MULTILINE), name
    for section in SECTIONS.values():
        assert f"  For example: {next(iter(section.values()))}\n" in said


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_of_a_command_can_be_typed(name: str) -> None:
    program, first, *arguments = shlex.split(EXAMPLES[name])
    assert (program, first) == ("generia", name)
    command: click.Command = main.commands[name]
    assert EXAMPLES[name] in CliRunner().invoke(main, [name, "--help"]).output
    while isinstance(command, click.Group):
        first, *arguments = arguments
        command = command.commands[first]
    command.make_context(name, arguments)  # raises what click tells somebody who typed that


def test_numbers_out_of_bounds_are_usage_errors() -> None:
    """Of all commands that there are: the form is click's, the exit status 2, and the sentence names the option."""
    seen = set()
    for path, command in commands():
        for option in command.params:
            if not isinstance(option.type, click.IntRange | click.FloatRange | click.types.IntParamType):
                continue
            seen.add(option.opts[0])
            for value in BEYOND:
                most = getattr(option.type, "max", None)
                if value == "1e9" and isinstance(option.type, click.FloatRange) and most is None:
                    continue
                result = CliRunner().invoke(main, [*path, *_arguments(command), f"{option.opts[0]}={value}"])
                assert result.exit_code == 2, (path, option.opts, value, result.output)
                assert f"Invalid value for '{option.opts[0]}'" in result.output
                assert "Usage: " in result.output
    assert seen >= {"--characters", "--posts", "--budget", "--limit", "--worlds", "--usd"}


def _arguments(command: click.Command) -> list[str]:
    return ["a world of some words" for one in command.params if isinstance(one, click.Argument)]


@pytest.mark.parametrize("command", ["demo", "generate"])
def test_a_prompt_that_cannot_be_meant_is_a_usage_error(command: str) -> None:
    result = CliRunner().invoke(main, [command, "too short"])
    assert result.exit_code == 2
    assert (
        "Invalid value for PROMPT: the prompt has 9 characters: describe the world in at least 10"
        in result.output
    )


@pytest.mark.parametrize(
    "arguments", [["users", "cap", "ada"], ["users", "cap", "ada", "--default", "--usd", "1"]]
)
def test_options_that_do_not_fit_together_are_a_usage_error(arguments: list[str]) -> None:
    from generia_worker.processes.users import users

    result = CliRunner().invoke(users, arguments[1:])
    assert (result.exit_code, "Say --worlds, --usd or both; or --default." in result.output) == (2, True)


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], env=os.environ | environment, capture_output=True, text=True, check=True
    )


def test_the_package_is_the_command_line() -> None:
    assert python("-m", "generia_worker", "--version").stdout == f"generia, version {__version__}\n"
    assert "Running it:" in python("-m", "generia_worker", "-h").stdout


def test_a_shell_completes_commands_and_options() -> None:
    """As the page tells shells to ask; the name of the variable is click's, made of the program's."""
    script = ("-c", "from generia_worker.cli.main import main; main(prog_name='generia')")
    assert "_GENERIA_COMPLETE=zsh_complete" in python(*script, _GENERIA_COMPLETE="zsh_source").stdout
    asked = {"_GENERIA_COMPLETE": "bash_complete", "COMP_CWORD": "1"}
    found = python(*script, **asked, COMP_WORDS="generia wo").stdout.split()
    assert sorted(found) == ["plain,worker", "plain,worlds"]
    asked["COMP_CWORD"] = "2"
    assert "plain,--characters" in python(*script, **asked, COMP_WORDS="generia demo --c").stdout


def test_ctrl_c_ends_a_command_as_shells_count_it() -> None:
    group = SectionedGroup("generia")

    @group.command("doctor")
    def endless() -> None:
        raise KeyboardInterrupt

    result = CliRunner().invoke(group, ["doctor"])
    assert (result.exit_code, result.output) == (INTERRUPTED, "Interrupted.\n")
