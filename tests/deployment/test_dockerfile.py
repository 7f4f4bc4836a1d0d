"""Each stage of the Dockerfile copies the files that its process imports, all of them and no others."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests import make_dockerfile as made

TEXT = made.DOCKERFILE.read_text(encoding="utf-8")


@cache
def stages() -> dict[str, set[str]]:
    """Read the Dockerfile: what each stage copies from this repository."""
    found: dict[str, set[str]] = {}
    for stage in re.split(r"^FROM ", TEXT, flags=re.MULTILINE)[1:]:
        name = stage.splitlines()[0].rsplit(" AS ", 1)[1]
        joined = stage.replace("\\\n", " ")
        copied = [line.split()[1:] for line in joined.splitlines() if line.startswith("COPY ")]
        found[name] = {file for words in copied if not words[0].startswith("--") for file in words[:-1]}
        for words in copied:
            # A file lands where it stands here, or it would not be found by its module's name.
            if name in made.STAGES:
                assert {f"./{file.rpartition('/')[0]}".rstrip("/") for file in words[:-1]} == {
                    words[-1].rstrip("/")
                }
    return found


def test_the_file_is_fresh() -> None:
    assert made.dockerfile() == TEXT, "stale: run python -m tests.make_dockerfile"


@pytest.mark.parametrize("stage", made.STAGES)
def test_a_stage_copies_the_closure_of_its_imports(stage: str) -> None:
    copied = stages()[stage]
    assert copied == made.files_of(stage)
    assert f"generia_worker/processes/{stage}.py" in copied
    assert all((made.ROOT / file).is_file() for file in copied)


def test_a_change_concerns_those_who_use_it_alone() -> None:
    concerned = {
        file: {name for name in made.STAGES if file in stages()[name]}
        for file in set().union(*stages().values())
    }
    page = [file for file in concerned if file.startswith("generia_worker/web/")]
    assert page
    assert all(concerned[file] == {"gateway"} for file in page)
    assert concerned["tasks/posts.py"] == set(made.CELERY_PROGRAMS)
    assert concerned["prompts/write_post.j2"] >= {"worker", "api"}
    for service in ("world", "character", "post", "media"):
        folder = f"generia_worker/reference/{service}/"
        users = [where for file, where in concerned.items() if file.startswith(folder)]
        assert users
        assert all(where == {service} for where in users)
    assert "gateway" not in set().union(
        *(where for file, where in concerned.items() if file.startswith("generia_worker/reference/"))
    )
    users = [where for file, where in concerned.items() if file.startswith("generia_worker/simulator/")]
    assert users
    assert all(where == {"simulator"} for where in users)
    assert not [
        file
        for file in concerned
        if file.startswith(("tests/", "generia_worker/embedded/", "generia_worker/cli/main.py"))
    ]


@pytest.mark.parametrize("stage", ["worker", "gateway", "media"])
def test_nothing_is_imported_that_is_not_copied(stage: str, tmp_path: Path) -> None:
    """What a process has loaded once it is whole is found among the copied files; the rest of us is out of its reach."""
    for file in made.files_of(stage):
        target = tmp_path / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((made.ROOT / file).read_bytes())
    started = [f"generia_worker.processes.{stage}", made.HEALTH, *made.TOOLS.get(stage, [])]
    modules = sorted(made.closure(started))
    loads = {
        "worker": "from generia_worker.app.celery_app import app; app.loader.import_default_modules()"
    }.get(stage, "")
    program = f"""
import importlib, os, sys
for name in {modules!r}: importlib.import_module(name)
{loads}
ours = ("generia_worker", "tasks", "prompts", "celeryconfig")
for name, module in sys.modules.items():
    if name.split(".")[0] in ours and getattr(module, "__file__", None):
        print(os.path.relpath(module.__file__, {str(tmp_path)!r}))
"""
    # -S: the editable installation of this repository would be a way around what was copied.
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": made.SITE_PACKAGES, "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    python = {file for file in made.files_of(stage) if file.endswith(".py")}
    assert loaded <= python
    # Of what is loaded by name all is there, and of what is copied nothing is superfluous.
    assert python - loaded <= {"prompts/__init__.py"}


def test_versions_are_pinned_as_the_package_asks() -> None:
    pins = dict(
        line.split("==")
        for line in made.REQUIREMENTS.read_text(encoding="utf-8").splitlines()
        if line[:1] not in ("#", "")
    )
    setup = configparser.ConfigParser()
    setup.read(made.ROOT / "setup.cfg", encoding="utf-8")
    wanted = [
        Requirement(line)
        for line in setup["options"]["install_requires"].split("\n")
        if line and line[0] != "#"
    ]
    assert len(wanted) > 15
    for requirement in wanted:
        pinned = pins.get(requirement.name.lower().replace("_", "-"))
        assert pinned, f"{requirement.name} is not pinned: run python -m tests.make_dockerfile --versions"
        assert requirement.specifier.contains(pinned), f"{requirement} does not allow the pinned {pinned}"


def test_no_stage_runs_as_root() -> None:
    base = next(part for part in TEXT.split("\nFROM ") if part.startswith("python AS base"))
    assert re.search(r"^USER 10001:10001$", base, re.MULTILINE)
    assert TEXT.count("USER ") == 1
    for stage in made.STAGES:
        assert f"\nFROM base AS {stage}\n" in TEXT


def test_the_builder_is_sent_what_is_copied() -> None:
    lines = (made.ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sent = tuple(line[1:] for line in lines if line.startswith("!"))
    left_out = [line for line in lines if "/" in line and not line.startswith(("!", "#", "**"))]
    assert "*" in lines
    assert left_out
    for file in {made.REQUIREMENTS.relative_to(made.ROOT).as_posix()}.union(*stages().values()):
        assert any(file == name or file.startswith(f"{name}/") for name in sent), file
        assert not any(file.startswith(f"{name}/") for name in left_out), file
