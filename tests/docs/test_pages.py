"""Every page says what is so: paths, symbols, links, commands, settings and diagrams lead somewhere."""

from __future__ import annotations

import configparser
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import click
import pytest
import yaml

from generia_worker.cli.main import main as cli
from tests.deployment.dockerfile import files_of
from tests.docs.pages import ROOT, Page, codes_in, is_reference, page, pages, problem_with, symbols
from tests.docs.test_settings import variables

#: What looks like a file of ours wherever it is said to be.
_FILE = re.compile(r"[\w.-]+(/[\w.-]+)*\.(py|j2|proto|css|js|toml|cfg|ya?ml)(::\w+)?")
_FOLDER = re.compile(r"[\w.-]+(/[\w.-]+)*/")

every_page = pytest.mark.parametrize("one", pages(), ids=lambda one: one.name)


# --- where things are --------------------------------------------------------------------------------------------
@every_page
def test_what_a_page_points_at_exists(one: Page) -> None:
    for code in one.codes:
        if is_reference(code):
            assert problem_with(code) is None, f"{one.name} names `{code}`: {problem_with(code)}"


def test_much_is_pointed_at() -> None:
    assert len({code for one in pages() for code in one.codes if is_reference(code)}) > 100


@every_page
def test_paths_start_at_the_root(one: Page) -> None:
    for code in one.codes:
        if _FILE.fullmatch(code) or _FOLDER.fullmatch(code):
            assert is_reference(code), f"{one.name} names `{code}`: write its path from the repository's root"


@every_page
def test_links_lead_somewhere(one: Page) -> None:
    for link in one.links():
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (one.folder / path).resolve() if path else ROOT / one.name
        assert target.is_relative_to(ROOT) and target.exists(), f"{one.name} links to {link}"
        if anchor:
            name = target.relative_to(ROOT).as_posix()
            assert anchor in page(name).anchors(), f"{one.name} links to {link}: there is no such heading"


def test_every_page_is_reached_from_the_first() -> None:
    reached, waiting = set(), ["README.md"]
    while waiting:
        name = waiting.pop()
        reached.add(name)
        one = page(name)
        linked = {
            (one.folder / link.partition("#")[0]).resolve().relative_to(ROOT).as_posix()
            for link in one.links()
            if ".md" in link and not link.startswith("http")
        }
        waiting += [other.name for other in pages() if other.name in linked - reached]
    # What a coding agent opens of itself leads to the others.
    assert {one.name for one in pages()} - reached == {"AGENTS.md"}


def test_every_folder_of_the_package_has_its_page_or_its_line() -> None:
    from tests.docs.pages import table

    named = {code for row in table("map") for code in codes_in(row[0])}
    for path in (ROOT / "generia_worker").iterdir():
        if path.is_dir() and path.name != "__pycache__":
            assert f"generia_worker/{path.name}/" in named, (
                f"the map does not name generia_worker/{path.name}/"
            )


@pytest.mark.parametrize(
    ("name", "most"), [("README.md", 220), ("generia_worker/README.md", 250), ("AGENTS.md", 3)]
)
def test_a_page_that_everybody_reads_is_short(name: str, most: int) -> None:
    assert len(page(name).text.splitlines()) <= most


@every_page
def test_a_marker_stands_before_what_it_names(one: Page) -> None:
    for kind, name, rest in one.marked():
        start = "|" if kind == "table" else "```"
        assert rest.startswith(start), f"{one.name}: no {kind} follows <!-- {kind}: {name} -->"


# --- commands ----------------------------------------------------------------------------------------------------
def commands(one: Page) -> Iterator[list[str]]:
    """Yield every command of a page's console blocks, and of its text what begins like one, as words."""
    lines = [line for block in one.blocks("console") for line in block.replace("\\\n", " ").splitlines()]
    lines += [
        line[2:] for block in one.blocks("text") for line in block.splitlines() if line.startswith("$ ")
    ]
    lines += [
        code for code in one.codes if re.match(r"(generia|python3?|pytest|pip|docker|\.\w+/[\w-]+$)\b", code)
    ]
    for line in lines:
        plain = re.sub(r"\s#\s.*$", "", line)
        for part in re.split(r"\s(?:&&|\|)\s", plain):
            if words := shlex.split(re.sub(r"^([A-Z_]+=\S+ )+", "", part.strip())):
                yield words


def all_commands(first: str) -> list[tuple[str, list[str]]]:
    """Return (page, the words after it) of every command that begins so."""
    return [(one.name, words[1:]) for one in pages() for words in commands(one) if words[0] == first]


def test_commands_exist_with_their_options() -> None:
    found = [(where, words) for where, words in all_commands("generia") if words]
    assert len(found) > 40
    for where, words in found:
        # What stands before any command is an option of the whole.
        name, *arguments = words if not words[0].startswith("-") else ["", *words]
        known = cli.commands.get(name) if name else cli
        assert known is not None, f"{where} names `generia {name}`, but there is no such command"
        whole = [known, *known.commands.values()] if isinstance(known, click.Group) and name else [known]
        options = {
            flag for one in whole for option in one.params for flag in (*option.opts, *option.secondary_opts)
        }
        for argument in arguments:
            if argument.startswith("-"):
                assert argument in options, f"{where}: `generia {name}` has no option {argument}"


def test_modules_that_are_run_exist_with_their_options() -> None:
    found = [(where, words) for where, words in all_commands("python") if len(words) > 1]
    assert len(found) > 5
    for where, (_, module, *arguments) in found:
        path = ROOT.joinpath(*module.split("."))
        file = path / "__main__.py" if path.is_dir() else path.with_suffix(".py")
        assert file.is_file(), f"{where} names `python -m {module}`"
        for argument in arguments:
            if argument.startswith("--") and argument != "--help":
                assert f'"{argument}"' in file.read_text(encoding="utf-8"), f"{where}: {module} {argument}"


def test_tests_that_are_run_exist() -> None:
    found = [(where, words) for where, words in all_commands("pytest") if words]
    assert len(found) > 3
    options = (ROOT / "tests" / "conftest.py").read_text(encoding="utf-8")
    for where, words in found:
        folders = [word for word in words if word.startswith("tests/")]
        for folder in folders:
            assert (ROOT / folder).exists(), f"{where} names `pytest {folder}`"
        for argument, value in pairwise([*words, ""]):
            if argument == "-k":
                files = [file for folder in folders for file in (ROOT / folder).rglob("test_*.py")]
                tests = [name for file in files for name in symbols(file)]
                assert any(value in name for name in tests), f"{where}: no test has {value} in its name"
            elif argument.startswith("--"):
                assert f'"{argument}"' in options, f"{where}: pytest has no option {argument}"


def test_what_compose_is_asked_for_exists() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    found = [(where, words[1:]) for where, words in all_commands("docker") if words[:1] == ["compose"]]
    assert len(found) > 3
    for where, words in found:
        for word in words:
            assert word not in ("--profile", "--env-file"), f"{where}: a choice that the next command forgets"
        if {"ps", "logs", "down"} & set(words):
            named = []
        elif "run" in words:
            after = words[words.index("run") + 1 :]
            named = [
                word
                for before, word in pairwise(["", *after])
                if not word.startswith("-") and before not in ("--user", "-v")
            ][:1]
        elif "exec" in words:
            # A service, and a module of ours that its image has.
            service, *program = words[words.index("exec") + 1 :]
            named = [service]
            assert program[:2] == ["python", "-m"], where
            assert program[2] in modules_of(service), f"{where}: {service} has no {program[2]}"
        else:
            after = words[words.index("up") + 1 :]
            named = [word.partition("=")[0] for word in after if not word.startswith("-")]
        assert set(named) <= set(compose["services"]), f"{where}: {named}"


def modules_of(stage: str) -> set[str]:
    files = (file.removesuffix(".py").replace("/", ".") for file in files_of(stage))
    return {name.removesuffix(".__init__") for name in files}


def test_programs_of_the_repository_exist() -> None:
    found = {words[0] for one in pages() for words in commands(one) if re.match(r"\.\w", words[0])}
    found -= {".venv/bin/activate"}
    assert found >= {".docker/setup", ".ci/run"}
    for program in found:
        assert (ROOT / program).exists(), program


def test_extras_exist() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    known = set(setup["options.extras_require"])
    named = [names for one in pages() for names in re.findall(r"pip install -e '\.\[([a-z,]+)\]'", one.text)]
    assert len(named) > 3
    assert {extra for names in named for extra in names.split(",")} <= known


def test_the_two_commands_stand_as_promised() -> None:
    first = "\n".join(page("README.md").blocks("console"))
    assert "pip install -e '.[local]' && generia demo " in first
    assert "pip install -e '.[local,test]' && pytest" in first


# --- settings ----------------------------------------------------------------------------------------------------
@every_page
def test_settings_exist(one: Page) -> None:
    named = set(re.findall(r"\bGENERIA_[A-Z0-9_]+\b", one.text))
    assert named <= variables(), f"{one.name} names {named - variables()}"


# --- diagrams ----------------------------------------------------------------------------------------------------
def diagrams() -> list[tuple[str, str]]:
    return [(one.name, body) for one in pages() for body in one.blocks("mermaid")]


def test_diagrams_are_well_formed() -> None:
    found = diagrams()
    assert len(found) >= 2
    for where, body in found:
        kind, *lines = body.splitlines()
        assert re.fullmatch(r"(flowchart (LR|TD)|sequenceDiagram|stateDiagram-v2)", kind), f"{where}: {kind}"
        assert len(re.findall(r"^\s*subgraph ", body, re.MULTILINE)) == len(
            re.findall(r"^\s*end$", body, re.MULTILINE)
        )
        for line in lines:
            assert line.count('"') % 2 == 0, f"{where}: {line}"
            plain = re.sub(r'"[^"]*"', "", line)
            for left, right in ("()", "[]", "{}"):
                assert plain.count(left) == plain.count(right), f"{where}: {line}"


def test_diagrams_name_what_exists() -> None:
    words = [
        (where, word)
        for where, body in diagrams()
        for label in re.findall(r'"([^"]*)"', body)
        for word in re.split(r"<br>|<br/>|\s+", label)
    ]
    paths = [found for found in words if re.match(r"(generia_worker|tasks|prompts|tests)/", found[1])]
    tasks = [found for found in words if re.fullmatch(r"[a-z]+(_[a-z]+)+", found[1])]
    assert len(paths) > 5 and len(tasks) > 5
    for where, path in paths:
        assert (ROOT / path).exists(), f"{where}: {path}"
    for where, task in tasks:
        assert task in _task_names(), f"{where}: there is no task {task}"


def _task_names() -> set[str]:
    return {name for file in (ROOT / "tasks").glob("*.py") for name in symbols(file)}


# --- where the pages do not go -----------------------------------------------------------------------------------
def test_pages_are_in_no_wheel_and_no_image() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")

    def files(section: str) -> set[Path]:
        return {
            file
            for package, patterns in setup[section].items()
            for pattern in re.split(r"[,\n]\s*", patterns)
            for file in ROOT.joinpath(*package.split(".")).glob(pattern.strip())
        }

    packed = files("options.package_data") - files("options.exclude_package_data")
    assert ROOT / "generia_worker" / "web" / "index.html" in packed
    assert not [file for file in packed if file.suffix == ".md"]
    assert ".md" not in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "**/*.md" in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
