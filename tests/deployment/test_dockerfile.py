"""Each stage of the Dockerfile holds what its process needs, and what concerns others does not rebuild it."""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.deployment import dockerfile
from tests.deployment.dockerfile import ROOT, files_of, processes, stages

TEXT = dockerfile.DOCKERFILE.read_text(encoding="utf-8")
#: What is run by hand beside a process, with what that has.
TOOLS = {"gateway": ["generia_worker.processes.users"]}
#: What a program imports by name: settings of Celery, its tasks in the one program that runs them.
BY_NAME = {"generia_worker.app.celery_app": ["celeryconfig"]}
SERVICES = {"world", "character", "post", "media", "interaction"}
CELERY = {"worker", "beat", "flower"}
ENGINE = {"api", "exporter", *CELERY}

#: A file → the stages of processes that a change of it rebuilds. What is in no row is compared by no test: add it here.
CONCERNED = {
    "generia_worker/api/controls.py": {"api"},
    "generia_worker/reference/world/orders.py": {"world"},
    "generia_worker/reference/character/character_service.py": {"character"},
    "generia_worker/reference/post/post_service.py": {"post"},
    "generia_worker/reference/media/pictures.py": {"media"},
    "generia_worker/reference/interaction/interaction_service.py": {"interaction"},
    "generia_worker/reference/shared/server.py": SERVICES,
    "generia_worker/reference/registry.py": set(),
    "generia_worker/gateway/export.py": {"gateway", "cli"},
    "generia_worker/web/js/world.js": {"gateway", "cli"},
    "generia_worker/web/css/base.css": {"gateway", "cli"},
    "generia_worker/web/README.md": set(),
    "generia_worker/web/screenshots/phone.webp": set(),
    "generia_worker/simulator/chat.py": {"simulator"},
    "tasks/posts.py": {"worker"},
    "prompts/write_post.j2": {"worker"},
    "generia_worker/worlds/posts.py": {"worker"},
    "generia_worker/worlds/steps.py": ENGINE,
    "generia_worker/engine/ledger.py": ENGINE,
    "generia_worker/app/container.py": ENGINE,
    "celeryconfig.py": ENGINE,
    "generia_worker/billing/calls.py": ENGINE,
    "generia_worker/billing/allowances.py": ENGINE | {"gateway", "cli"},
    "generia_worker/processes/flower_app.py": {"flower", "cli"},
    "generia_worker/cli/display.py": {"cli"},
    "generia_worker/embedded/stack.py": {"cli"},
    "generia_worker/settings/settings.py": set(processes()),
    "generia_worker/rpc/wire.py": set(processes()),
    "generia_worker/rpc/protos/world.proto": set(),
    "generia_worker/__main__.py": set(),
    "README.md": set(),
    "tests/conftest.py": set(),
}


@pytest.mark.parametrize("file", CONCERNED)
def test_a_change_rebuilds_what_it_concerns_alone(file: str) -> None:
    assert (ROOT / file).is_file()
    assert {name for name in processes() if file in files_of(name)} == CONCERNED[file]


def file_of(module: str) -> str | None:
    """Return the file of a module of this repository, or None when it is somebody else's (or no module)."""
    path = ROOT.joinpath(*module.split("."))
    for candidate in (path / "__init__.py", path.with_suffix(".py")):
        if candidate.is_file():
            return candidate.relative_to(ROOT).as_posix()
    return None


@cache
def imports_of(module: str) -> set[str]:
    """Return the modules of this repository that a module imports, anywhere in it, and the packages above them."""
    file = file_of(module)
    assert file is not None, module
    found = set(BY_NAME.get(module, ()))
    for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"{file}: a relative import"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    above = {
        name.rsplit(".", depth)[0] for name in (*found, module) for depth in range(1, name.count(".") + 1)
    }
    return {name for name in found | above if file_of(name) is not None}


def closure(modules: list[str]) -> set[str]:
    """Return these modules and all that they import, directly or not."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += imports_of(module)
    return found


@pytest.mark.parametrize("name", [name for name in processes() if name != "cli"])
def test_whatever_a_process_may_import_is_there(name: str) -> None:
    """Also what it imports only when something happens. (The command line names programs that other images have.)"""
    started = [stages()[name].entrypoint[-1], *TOOLS.get(name, [])]
    needed = {file for module in closure(started) if (file := file_of(module))}
    assert needed <= files_of(name), f"{name} lacks {sorted(needed - files_of(name))}"


def run(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, with what others wrote but none of this repository's other files."""
    return subprocess.run(
        [sys.executable, "-S", *command],
        cwd=folder,
        env={"PYTHONPATH": dockerfile.SITE_PACKAGES, "PATH": "/usr/bin", "HOME": str(folder)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("name", processes())
def test_a_process_starts_from_the_files_of_its_stage(name: str, tmp_path: Path) -> None:
    """With everything loaded that can be named; a whole world: tests/integration/test_compose_run.py."""
    dockerfile.copy_to(tmp_path, name)
    entrypoint = stages()[name].entrypoint
    assert entrypoint[:2] == ["python", "-m"]
    assert (file_of(entrypoint[2]) or "") in files_of(name)
    modules = sorted(
        file[:-3].removesuffix("/__init__").replace("/", ".")
        for file in files_of(name)
        if file.endswith(".py")
    )
    if name == "cli":  # has the processes' commands, which import what they are made of when they run
        modules = [one for one in modules if not one.startswith("generia_worker.processes.")]
    loads = f"import importlib\nfor name in {modules!r}: importlib.import_module(name)"
    loaded = run(tmp_path, "-c", loads)
    assert loaded.returncode == 0, loaded.stderr


def test_what_names_tasks_imports_none() -> None:
    for name in CELERY - {"worker"}:
        assert not [file for file in files_of(name) if file.startswith(("tasks/", "prompts/"))]


def test_versions_are_pinned_as_the_package_asks() -> None:
    pins = dict(
        line.split("==")
        for line in dockerfile.REQUIREMENTS.read_text(encoding="utf-8").splitlines()
        if line[:1] not in ("#", "")
    )
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    wanted = [
        Requirement(line)
        for line in setup["options"]["install_requires"].split("\n")
        if line and line[0] != "#"
    ]
    assert len(wanted) > 15
    for requirement in wanted:
        pinned = pins.get(requirement.name.lower().replace("_", "-"))
        assert pinned, f"{requirement.name} is not pinned: run python -m tests.make_requirements"
        assert requirement.specifier.contains(pinned), f"{requirement} does not allow the pinned {pinned}"


def test_no_stage_runs_as_root() -> None:
    base = TEXT.split("\nFROM ")
    assert len([part for part in base if re.search(r"^USER 10001:10001$", part, re.MULTILINE)]) == 1
    assert TEXT.count("USER ") == 1
    for name in processes():
        above = name
        while above in stages() and above != "base":
            above = stages()[above].parent
        assert above == "base", f"{name} is not made from `base`, which has the user"


def test_the_builder_is_sent_little() -> None:
    assert not dockerfile.is_sent("tests/conftest.py")
    assert not dockerfile.is_sent(".docker/secrets/llm_api_key")
    assert not dockerfile.is_sent(".env")
    assert dockerfile.is_sent(".docker/requirements.txt")
    assert dockerfile.is_sent(".docker/probe")
