"""Names and prompts command no terminal and forge no log: control characters are refused when typed, shown when printed."""

from __future__ import annotations

import ast
import io
import json
import logging
import unicodedata
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from pydantic import ValidationError
from pymongo import MongoClient
from rich.markup import escape

from generia_worker.cli import display, world_commands
from generia_worker.cli.stacks import Running
from generia_worker.client.order import Order
from generia_worker.errors import ConfigurationError, InvalidInputError
from generia_worker.gateway.models import LoginBody, NewWorldBody
from generia_worker.observability.logs import JsonFormatter, TextFormatter
from generia_worker.processes import reports_errors
from generia_worker.reference import registry
from generia_worker.rpc.channel import open_channel
from generia_worker.rpc.users import LOCAL_USER
from generia_worker.rpc.world_client import WorldClient
from generia_worker.settings import Settings
from generia_worker.text import printable
from tests.reference.conftest import PROMPT, Clients, settings_of_services

#: A new title, all erased, what follows in reverse, C1's own CSI, back to the line's start.
EVIL = "a\x1b]0;owned\x07\x1b[2Jb\u202ec\x9b31md\x7f\x08"
#: Unicode's Bidi_Control.
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
CONTROLS = [*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), *BIDI]
IN_LINES = "\t\n\r"
ROOT = Path(__file__).parents[2] / "generia_worker"


def commands_nobody(text: str, allowed: str = "\n") -> bool:
    return not [
        char
        for char in text
        if char not in allowed and (unicodedata.category(char) in ("Cc", "Cs") or char in BIDI)
    ]


# --- typed -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("control", CONTROLS, ids=lambda char: f"U+{ord(char):04X}")
def test_what_is_refused(control: str) -> None:
    bodies: list[tuple[type[Any], dict[str, Any], str, str]] = [
        (Order, {"world_id": "w1", "users_count": 1, "posts_count": 1}, "user_prompt", PROMPT),
        (NewWorldBody, {"characters_count": 1, "posts_count": 1}, "prompt", PROMPT),
        (NewWorldBody, {"characters_count": 1, "posts_count": 1, "prompt": PROMPT}, "description", "x"),
        (NewWorldBody, {"characters_count": 1, "posts_count": 1, "prompt": PROMPT}, "name", "x"),
        (LoginBody, {"password": "correct horse"}, "email", "x"),
    ]
    for model, rest, field, good in bodies:
        model(**rest, **{field: good})
        for text in (f"{good}{control}", f"{control}{good}", f"{good[:1]}{control}{good[1:]}"):
            if control in IN_LINES and field not in ("name", "email"):
                model(**rest, **{field: text})
                continue
            with pytest.raises(ValidationError, match=rf"U\+{ord(control):04X} at \d+\): send plain text"):
                model(**rest, **{field: text})


def test_people_of_all_scripts_may_write() -> None:
    for text in (
        "קיוסק של שומרי מגדלור",
        "منارة يديرها قراصنة متقاعدون",
        "👩‍🚀 और वह बिल्ली",
        "a\r\nb\tc" * 5,
    ):
        Order(world_id="w1", users_count=1, posts_count=1, user_prompt=text)


def test_the_services_refuse_them_too(clients: Clients) -> None:
    for name, description, prompt in ((EVIL, "", PROMPT), ("x\ny", "", PROMPT), ("x", EVIL, PROMPT)):
        with pytest.raises(InvalidInputError, match=r"must not hold control characters"):
            clients.worlds.create("user-1", name, description, prompt, 1, 1)
    with pytest.raises(InvalidInputError, match=r"must not hold control characters"):
        clients.worlds.create("user-1", "x", "", PROMPT + EVIL, 1, 1)


# --- printed -----------------------------------------------------------------------------------------------------
def on_terminal(*things: Any) -> str:
    """Return what a terminal gets for these; rich's own colours are off, so that nothing in it is a command of ours."""
    stream = io.StringIO()
    terminal = display.Terminal(
        file=stream, force_terminal=True, no_color=True, width=200, soft_wrap=True, highlight=False
    )
    for thing in things:
        terminal.print(thing)
    return stream.getvalue()


def test_a_terminal_is_not_commanded() -> None:
    text = "".join(CONTROLS)
    shown = on_terminal(escape(f"{EVIL}{text}"), f"{EVIL}[bold]")
    assert commands_nobody(shown.replace("\x1b[1m", "").replace("\x1b[0m", ""), "\n\t")
    assert r"a\u001b]0;owned\u0007\u001b[2Jb\u202ec\u009b31md\u007f\u0008" in shown
    assert on_terminal(escape("[a] 👩‍🚀 منارة\n")) == "[a] 👩‍🚀 منارة\n\n"


def test_a_world_takes_one_line_of_a_table() -> None:
    row = {
        "id": "w1",
        "name": f"{EVIL}\nw2  Another\r\u2028x",
        "generation_status": "completed",
        "users_count": 1,
        "posts_count": 2,
        "created_at": "2026-01-01T12:00:00Z",
        "prompt": f"{EVIL}\nw3  A third one [bold]",
    }
    for width in (None, 60, 200):
        table = display.worlds_table([row], {"w1": "w1"}, width)
        shown = on_terminal(table).replace("\x1b[1m", "").replace("\x1b[0m", "")
        assert len(shown.strip().splitlines()) == 2
        assert commands_nobody(shown)


def test_json_for_programs_is_escaped_and_means_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    display.as_json({"name": f"{EVIL}\n{BIDI}", "ok": "👩‍🚀"})
    shown = capsys.readouterr().out
    assert commands_nobody(shown)
    assert json.loads(shown) == {"name": f"{EVIL}\n{BIDI}", "ok": "👩‍🚀"}
    assert "👩‍🚀" in shown


def test_errors_of_commands_are_escaped() -> None:
    @click.command()
    @reports_errors
    def failing() -> None:
        raise ConfigurationError(f"{EVIL} is wrong")

    result = CliRunner().invoke(failing)
    assert result.exit_code == 1
    assert commands_nobody(result.output)
    assert r"a\u001b]0;owned" in result.output


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_logs_are_escaped(formatter: logging.Formatter) -> None:
    try:
        raise ValueError(EVIL)
    except ValueError as error:
        info = (ValueError, error, error.__traceback__)
    forged = "x\n2026-01-01 12:00:00,000 INFO root: all is well"
    record = logging.LogRecord("a.b", logging.INFO, "f", 1, "%s %s", (EVIL, forged), info)
    shown = formatter.format(record)
    assert commands_nobody(shown)
    assert all(line.startswith("    ") for line in shown.splitlines()[1:])


def test_printable_keeps_what_is_harmless() -> None:
    assert printable("a\tb\nc 👩‍🚀 é") == "a\tb\nc 👩‍🚀 é"
    assert printable("a\r\nb\rc\ud83d") == "a\nb\\u000dc\\ud83d"


def test_all_that_is_printed_passes_there() -> None:
    """Whoever prints does it by `display` or `click.echo` of words of ours."""
    allowed = {"rpc/generate.py"}  # prints names of files to who changes the protos
    for file in sorted(ROOT.rglob("*.py")):
        if file.relative_to(ROOT).as_posix() in allowed or file.name.endswith("_pb2.py"):
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            assert called != "print", f"{file}:{node.lineno}"
            if called in ("Console", "rich.console.Console"):
                raise AssertionError(f"{file}:{node.lineno}: take display.out, which escapes")
            if called in ("click.echo", "click.secho"):
                said = {one.value for one in ast.walk(node.args[0]) if isinstance(one, ast.Constant)}
                names = [one for one in ast.walk(node.args[0]) if isinstance(one, ast.Name)]
                assert said, f"{file}:{node.lineno}"
                assert len(names) <= 1, f"{file}:{node.lineno}"


# --- generia worlds ----------------------------------------------------------------------------------------------
def test_worlds_lists_those_of_the_local_person(
    servers: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = settings_of_services(servers).model_copy(update={"mongo_database": "terminal_tests"})
    with registry.start(["world"], asked, enqueue=False) as platform:
        found = asked.model_copy(update={"world_service": platform.addresses["world"]})
        with open_channel(found.world_service) as channel:
            worlds = WorldClient(channel, 20)
            mine = [worlds.create(LOCAL_USER, f"mine {n}", "", PROMPT, 1, 1).id for n in range(2)]
            for n in range(120):
                worlds.create("somebody-else", f"theirs {n}", "", PROMPT, 1, 1)
        with MongoClient[dict[str, Any]](found.mongo_uri.get_secret_value()) as client:
            collection = client["terminal_tests"]["worlds"]
            # As a version before would have stored it.
            collection.update_one({"_id": mine[0]}, {"$set": {"name": f"mine 0 {EVIL}\nforged"}})
        running = Running(found)
        world_commands.show_list(running, 20, as_json=False)
        lines = capsys.readouterr().out.strip().splitlines()
        assert len(lines) == 3
        assert commands_nobody("".join(lines))
        assert [mine[1] in lines[1], mine[0] in lines[2], "forged" in lines[2]] == [True] * 3
        world_commands.show_list(running, 1, as_json=True)
        told = json.loads(capsys.readouterr().out)
        assert ([world["id"] for world in told["worlds"]], told["total"]) == ([mine[1]], 2)
