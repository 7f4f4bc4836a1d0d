"""Writes the Dockerfile: `python -m tests.make_dockerfile` after a change of imports. A test fails when it is stale.

Each process of the platform has a stage that copies the files that it imports and no others: the closure of the imports of
its module in `generia_worker/processes/`, read from the source, with the files that these modules read.
"""

from __future__ import annotations

import ast
import configparser
import sys
import sysconfig
import textwrap
from collections import defaultdict
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
DOCKERFILE = ROOT / "Dockerfile"
REQUIREMENTS = ROOT / ".docker" / "requirements.txt"
#: What others wrote, without what an editable installation of this repository adds to it.
SITE_PACKAGES = sysconfig.get_paths()["purelib"]
#: Every stage also answers its health check.
HEALTH = "generia_worker.processes.health"
#: What is run by hand beside a process, with what that has.
TOOLS = {"gateway": ["generia_worker.processes.users"]}
STAGES = (
    "api",
    "gateway",
    "world",
    "character",
    "post",
    "media",
    "simulator",
    "worker",
    "beat",
    "exporter",
    "flower",
)
#: What Celery imports by name, which no `import` tells: its settings, and in its own programs the tasks that they list.
BY_NAME = {"generia_worker.app.celery_app": ["celeryconfig"]}
CELERY_PROGRAMS = ("worker", "beat", "flower")
#: Beside what is served there are pages for readers of the repository, and their pictures in a folder.
PAGES, PICTURES = ".md", "screenshots"
#: Files that a module reads: patterns, relative to the repository.
DATA = {
    "generia_worker.worlds.templates": ["prompts/__init__.py", "prompts/*.j2"],
    "generia_worker.gateway.static_files": ["generia_worker/web/**/*"],
    "generia_worker.gateway.export_page": [
        "generia_worker/gateway/export_page/*.j2",
        "generia_worker/gateway/export_page/*.css",
        "generia_worker/gateway/export_page/*.js",
        "generia_worker/web/css/*",
        "generia_worker/web/js/formulas.js",
        "generia_worker/web/vendor/temml/*",
    ],
    "generia_worker.simulator.vocabulary": ["generia_worker/simulator/vocabulary/*.toml"],
    "generia_worker.simulator.drawing.symbols": ["generia_worker/simulator/drawing/*.toml"],
}


# --- the closure of imports --------------------------------------------------------------------------------------
def file_of(module: str) -> Path | None:
    """Return the file of a module of this repository, or None when it is somebody else's (or no module)."""
    path = ROOT.joinpath(*module.split("."))
    for candidate in (path / "__init__.py", path.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return None


@cache
def imports_of(module: str) -> set[str]:
    """Return the modules of this repository that a module imports, anywhere in it, and the packages above them."""
    path = file_of(module)
    assert path is not None, module
    found = set(BY_NAME.get(module, ()))
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"{path}: a relative import"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    parents = {
        name.rsplit(".", depth)[0] for name in (*found, module) for depth in range(1, name.count(".") + 1)
    }
    return {name for name in found | parents if file_of(name) is not None}


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


def celery_tasks() -> list[str]:
    """Return the modules that `celeryconfig.imports` lists."""
    tree = ast.parse((ROOT / "celeryconfig.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == "imports"
        ):
            return list(ast.literal_eval(node.value))
    message = "celeryconfig.py has no `imports`"
    raise ValueError(message)


def is_for_readers(path: Path) -> bool:
    """True for what documents the repository and is read by no process."""
    return path.suffix == PAGES or path.parent.name == PICTURES


def files_of(stage: str) -> set[str]:
    """Return the files that the process of a stage needs, relative to the repository."""
    more = celery_tasks() if stage in CELERY_PROGRAMS else TOOLS.get(stage, [])
    modules = closure([f"generia_worker.processes.{stage}", HEALTH, *more])
    found = {path for module in modules if (path := file_of(module)) is not None}
    for module in modules & set(DATA):
        for pattern in DATA[module]:
            read = {path for path in ROOT.glob(pattern) if path.is_file() and not is_for_readers(path)}
            assert read, f"{module} reads {pattern}, and there is no such file"
            found |= read
    return {path.relative_to(ROOT).as_posix() for path in found}


# --- the file ----------------------------------------------------------------------------------------------------
_HEAD = """\
# Made by: python -m tests.make_dockerfile
# One stage a process. Each copies what its process imports and no more: a change rebuilds the images that it concerns.

FROM python:3.11.11-slim-bookworm AS python
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# Threads under Python's lock need no heap each.
ENV MALLOC_ARENA_MAX=2

# --- what others wrote: a layer of its own, made anew only when a version changes ---------------------------------
FROM python AS dependencies
COPY .docker/requirements.txt /tmp/requirements.txt
RUN python -m venv /venv && /venv/bin/pip install -r /tmp/requirements.txt

FROM python AS base
# The folder that volumes are mounted on belongs to the user, and so do they.
RUN groupadd --gid 10001 generia \\
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp generia \\
    && install -d -o 10001 -g 10001 /metrics
COPY --from=dependencies /venv /venv
ENV PATH=/venv/bin:$PATH
WORKDIR /app
USER 10001:10001
"""


def copies(stage: str) -> list[str]:
    """Return the COPY instructions of a stage, one a folder, wrapped."""
    folders: dict[str, list[str]] = defaultdict(list)
    for name in sorted(files_of(stage)):
        folders[name.rpartition("/")[0]].append(name)
    found = []
    for folder, names in sorted(folders.items()):
        words = " ".join(["COPY", *names, f"./{folder}{'/' if folder else ''}"])
        lines = textwrap.wrap(
            words, 112, subsequent_indent="     ", break_long_words=False, break_on_hyphens=False
        )
        found.append(" \\\n".join(lines))
    return found


def dockerfile() -> str:
    """Return the text of the Dockerfile."""
    parts = [_HEAD]
    for stage in STAGES:
        lines = "\n".join(copies(stage))
        parts.append(
            f'\nFROM base AS {stage}\n{lines}\nENTRYPOINT ["python", "-m", "generia_worker.processes.{stage}"]\n'
        )
    return "".join(parts)


def requirements() -> str:
    """Return the exact versions of everything that is installed in this environment for the package itself."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    waiting = [
        Requirement(line)
        for line in setup["options"]["install_requires"].splitlines()
        if line and line[0] != "#"
    ]
    found: dict[str, str] = {}
    seen: set[str] = set()
    while waiting:
        wanted = waiting.pop()
        if str(wanted) in seen:
            continue
        seen.add(str(wanted))
        try:
            here = distribution(wanted.name)
        except PackageNotFoundError:  # for another system
            continue
        found[here.metadata["Name"].lower().replace("_", "-")] = here.version
        extras = wanted.extras or {""}
        for line in here.requires or []:
            needed = Requirement(line)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(needed)
    lines = [f"{name}=={version}" for name, version in sorted(found.items())]
    return "# Made by: python -m tests.make_dockerfile --versions\n" + "\n".join(lines) + "\n"


def main() -> None:
    """Write the Dockerfile, and with `--versions` the versions of this environment."""
    DOCKERFILE.write_text(dockerfile(), encoding="utf-8")
    if "--versions" in sys.argv or not REQUIREMENTS.exists():
        REQUIREMENTS.write_text(requirements(), encoding="utf-8")
    sys.stdout.write(f"{DOCKERFILE.name} is up to date.\n")


if __name__ == "__main__":
    main()
