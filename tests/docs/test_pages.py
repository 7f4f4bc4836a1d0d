"""README.md and .env.example say what is so: paths, symbols, commands, routes, steps, fields and settings are compared
with the code itself."""

from __future__ import annotations

import ast
import configparser
import re
import shlex
from pathlib import Path

import click
import pytest
from fastapi.routing import APIRoute

from generia_worker.cli.main import main as cli
from generia_worker.client.status import GenerationStatus
from generia_worker.engine.step import StepKind
from generia_worker.settings import Settings
from generia_worker.status.stages import STAGES
from tests import make_settings_docs as docs

ROOT = docs.ROOT
README = docs.README.read_text(encoding="utf-8")
_CODE = re.compile(r"`([^`\n]+)`")
_TOP = tuple(f"{path.name}/" for path in ROOT.iterdir() if path.is_dir())


def section(title: str) -> str:
    """Return the text below a heading, up to the next one of its level or above."""
    match = re.search(rf"^(#+) {re.escape(title)}$", README, re.MULTILINE)
    assert match, f"README.md has no section '{title}'"
    rest = README[match.end() :]
    end = re.search(rf"^#{{1,{len(match[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def rows(text: str) -> list[list[str]]:
    """Return the cells of the Markdown tables in a text, without their heads."""
    lines = text.splitlines()
    found = []
    for number, line in enumerate(lines):
        is_rule = re.fullmatch(r"\|( -+ \|)+", line) is not None
        is_head = number + 1 < len(lines) and re.fullmatch(r"\|( -+ \|)+", lines[number + 1]) is not None
        if line.startswith("|") and not is_rule and not is_head:
            found.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return found


def blocks(text: str, kind: str) -> list[str]:
    """Return the fenced blocks of a kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def references() -> list[str]:
    """Return what is written like a path of this repository, with or without a ::symbol."""
    text = re.sub(r"^```.*?^```$", "", README, flags=re.MULTILINE | re.DOTALL)
    roots = {path.name for path in ROOT.iterdir() if path.is_file()}
    return sorted(
        {
            code
            for code in _CODE.findall(text)
            if (code.startswith(_TOP) or code.partition("::")[0] in roots)
            and not re.search(r"[A-Z]{3,}\.", code)
        }
    )


def test_what_the_readme_points_at_exists() -> None:
    found = references()
    assert len(found) > 60
    for reference in found:
        path, _, symbol = reference.partition("::")
        target = ROOT / path
        assert target.exists(), f"README.md names {path}, which does not exist"
        if symbol:
            assert symbol in _symbols(target), (
                f"README.md names {reference}, but {path} does not define {symbol}"
            )


def _symbols(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def test_the_map_leads_somewhere() -> None:
    table = rows(section("Where to look"))
    assert len(table) >= 25
    for wish, place in table:
        assert wish
        # A place is a path, a setting, or another section of this file.
        assert set(_CODE.findall(place)) & {*references(), *_variables()} or "](#" in place, place


def test_the_tree_of_files_is_there() -> None:
    tree = next(block for block in blocks(section("Architecture"), "text") if "celeryconfig.py" in block)
    folders = [""]
    for line in tree.splitlines():
        indent = (len(line) - len(line.lstrip())) // 2
        for name in re.split(r"\s{2,}", line.strip())[0].split():
            path = folders[indent] + name
            assert (ROOT / path).exists(), path
            if name.endswith("/"):
                folders[indent + 1 :] = [path]


def test_links_inside_the_readme_have_targets() -> None:
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", README, re.MULTILINE)
    }
    targets = re.findall(r"\]\(#([^)]+)\)", README)
    assert targets
    assert set(targets) <= anchors


# --- commands ----------------------------------------------------------------------------------------------------
def written_commands() -> list[str]:
    """Return every `generia …` of code blocks and running text."""
    found = [code for code in _CODE.findall(README) if code.startswith("generia ")]
    for block in blocks(README, "console"):
        for line in block.splitlines():
            plain = re.sub(r"^([A-Z_]+=\S+ )+", "", re.sub(r"\s+# .*$", "", line))
            found += [part.strip() for part in plain.split("&&") if part.strip().startswith("generia ")]
    return found


def test_commands_exist_with_their_options() -> None:
    commands = written_commands()
    assert len(commands) > 20
    for command in commands:
        name, *arguments = shlex.split(command)[1:]
        known = cli.commands.get(name)
        assert known is not None, f"README.md names `{command}`, but there is no such command"
        options = {flag for option in known.params for flag in (*option.opts, *option.secondary_opts)}
        for argument in arguments:
            if argument.startswith("-"):
                assert argument in options, f"README.md: `{command}` has an option that does not exist"


def test_the_table_of_commands_is_whole() -> None:
    table = rows(section("Commands"))
    shown = {}
    for row in table:
        code = _CODE.search(row[0])
        assert code
        shown[code[1].split()[1]] = set(code[1].split()[2:])
    assert set(shown) == set(cli.commands)
    for name, words in shown.items():
        for option in cli.commands[name].params:
            if isinstance(option, click.Option):
                for flag in (*option.opts, *option.secondary_opts):
                    assert flag in words, f"README.md does not name {flag} of generia {name}"


def test_extras_exist() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    known = set(setup["options.extras_require"])
    for file in ("README.md", "CONTRIBUTING.md"):
        named = re.findall(r"pip install -e '\.\[([a-z,]+)\]'", (ROOT / file).read_text(encoding="utf-8"))
        assert named
        assert {extra for names in named for extra in names.split(",")} <= known


def test_the_two_commands_stand_as_promised() -> None:
    commands = "\n".join(blocks(section("Run it"), "console"))
    assert "pip install -e '.[local]' && generia demo " in commands
    assert "pip install -e '.[local,test]' && pytest" in commands


# --- what the tables say of the code -----------------------------------------------------------------------------
def test_every_step_is_described_as_it_is_routed() -> None:
    from celeryconfig import task_default_queue, task_queues, task_routes
    from tasks.pipeline import TASKS

    shown = {}
    for name, task, queue, *_ in rows(section("The pipeline")):
        kind = StepKind(name.strip("`").split("/")[0].split("`")[0])
        shown[kind] = (task.strip("`"), queue.strip("`"))
    routed = {
        kind: (task, task_routes.get(task, {}).get("queue", task_default_queue))
        for kind, task in TASKS.items()
    }
    assert shown == routed
    for declared in task_queues:
        assert f"`{declared.name}`" in section("What runs where, and how to scale")


def test_every_field_of_the_status_document_is_described() -> None:
    shown = {name for row in rows(section("The status document")) for name in _CODE.findall(row[0])}
    assert shown == {field.alias or name for name, field in GenerationStatus.model_fields.items()}
    for stage in STAGES:
        assert f"`{stage}`" in section("The status document")


def test_every_field_of_the_ledger_is_described() -> None:
    from generia_worker.engine.steps import new_row

    from generia_worker.engine.step import INITIALIZE

    described = set(_CODE.findall(section("Data model")))
    assert set(new_row("w", INITIALIZE, None)) <= described


def test_errors_are_those_of_the_tree() -> None:
    first_table = section("When a step fails").partition("What a failed step does")[0]
    named = {name for row in rows(first_table) for name in re.findall(r"`([A-Z][A-Za-z]+)`", " ".join(row))}
    assert len(named) > 4
    assert named <= _symbols(ROOT / "generia_worker" / "errors.py")


def test_every_collection_is_described() -> None:
    from generia_worker.storage.database import INDEXES

    for collection in INDEXES:
        assert f"**`{collection}`**" in section("Data model")


def test_every_route_is_described() -> None:
    from generia_worker.api.app import create_app
    from generia_worker.app.celery_app import app as celery
    from generia_worker.app.container import Container
    from generia_worker.app.enqueue import Enqueuer

    container = Container(Settings(_env_file=None))
    app = create_app(container, Enqueuer(celery, lambda: container.redis))
    routes = {
        f"{method} {route.path}"
        for route in app.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    shown = {row[0].strip("`") for row in rows(section("HTTP, gRPC and the simulator"))}
    assert shown == routes


def test_every_route_of_the_gateway_is_described() -> None:
    from generia_worker.gateway.app import routes

    known = {f"{method} {route.path_format}" for route in routes() for method in route.methods or ()}
    assert {row[0].strip("`") for row in rows(section("The gateway"))} == known


def test_every_test_folder_is_described() -> None:
    described = set(_CODE.findall(section("Tests")))
    for folder in (ROOT / "tests").iterdir():
        if any(folder.glob("test_*.py")):
            assert f"tests/{folder.name}" in described


# --- settings ----------------------------------------------------------------------------------------------------
def _variables() -> set[str]:
    return {docs.variable(name) for name in Settings.model_fields}


def test_generated_parts_are_fresh() -> None:
    remedy = "stale: run python -m tests.make_settings_docs"
    assert docs.ENV_EXAMPLE.read_text(encoding="utf-8") == docs.env_example(), f".env.example is {remedy}"
    assert docs.readme_with_tables(README) == README, f"README.md is {remedy}"


def test_every_setting_has_a_comment() -> None:
    sections = docs.read_sections()
    named = [name for part in sections for group in part.groups for name in group.names]
    assert named == list(Settings.model_fields)
    for part in sections:
        for group in part.groups:
            assert group.comment, f"{group.names[0]} has no '#:' comment"


def test_the_settings_table_names_exactly_the_settings_and_their_defaults() -> None:
    shown: dict[str, str] = {}
    for names, defaults, _ in rows(section("Settings")):
        values = [value.strip("`") for value in defaults.split("<br>")]
        shown |= dict(zip([name.strip("`") for name in names.split("<br>")], values, strict=True))
    expected = {docs.variable(name): docs.default_text(name) or "(empty)" for name in Settings.model_fields}
    assert shown == expected


def test_variables_in_the_text_exist() -> None:
    named = set(re.findall(r"\bGENERIA_[A-Z0-9_]+\b", README + (ROOT / "CONTRIBUTING.md").read_text("utf-8")))
    assert named == _variables()


def test_the_example_loads_as_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = docs.ENV_EXAMPLE.read_text(encoding="utf-8").splitlines()
    assert all(not line or line.startswith("#") for line in lines), "everything is commented out"
    Path(".env").write_text(
        "\n".join(line.removeprefix("#") for line in lines if line.startswith("#GENERIA_"))
    )
    assert Settings() == Settings(_env_file=None)
    assert {line[1:].partition("=")[0] for line in lines if line.startswith("#GENERIA_")} == _variables()
