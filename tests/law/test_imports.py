"""The law of imports catches what it is meant to catch: each probe is an import that must not pass."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: module that imports → module that it must not import.
PROBES = {
    "generia_worker.text": "generia_worker.observability.logs",
    "generia_worker.errors": "generia_worker.observability.logs",
    "generia_worker.engine.ledger": "generia_worker.settings",
    "generia_worker.storage.database": "generia_worker.settings",
    "generia_worker.worlds.generate": "generia_worker.settings.secret_files",
    "generia_worker.simulator.app": "generia_worker.client.client",
    "generia_worker.billing.calls": "generia_worker.worlds.steps",
    "generia_worker.engine.step": "generia_worker.status.stages",
    "generia_worker.gateway.app": "generia_worker.reference.shared.server",
    "generia_worker.reference.post.post_service": "generia_worker.reference.character.character_service",
    "generia_worker.reference.shared.server": "generia_worker.engine.step",
    "generia_worker.reference.shared.lookups": "generia_worker.reference.post.post_service",
    "generia_worker.worlds.context": "celery",
    "generia_worker.api.live": "generia_worker.rpc.stubs.post_pb2",
    "generia_worker.app.container": "tasks.pipeline",
}


def lint(folder: Path) -> str:
    """Return what `lint-imports` says of a checkout, empty when nothing is wrong."""
    command = [
        sys.executable,
        "-P",
        "-c",
        "from importlinter.cli import lint_imports_command as c; c()",
        "--no-cache",
    ]
    environment = {"PYTHONPATH": str(folder), "PATH": "", "COLUMNS": "500", "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout if done.returncode else ""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the code that the law is about."""
    for name in ("generia_worker", "tasks"):
        ignored = shutil.ignore_patterns("__pycache__", "web")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


def test_what_must_not_be_imported_is_found(checkout: Path) -> None:
    for importer, imported in PROBES.items():
        path = checkout.joinpath(*importer.split(".")).with_suffix(".py")
        path.write_text(f"{path.read_text()}\n\nimport {imported}  # a probe\n")
    found = lint(checkout)
    for importer, imported in PROBES.items():
        assert f"{importer} -> {imported} " in found, found


def test_a_module_that_is_placed_nowhere_is_found(checkout: Path) -> None:
    (checkout / "generia_worker" / "helpers.py").write_text('"""Placed nowhere."""\n')
    assert "helpers" in lint(checkout)


def test_the_root_of_the_package_holds_nothing_else() -> None:
    loose = {path.name for path in (ROOT / "generia_worker").iterdir() if path.is_file()}
    assert loose <= {"__init__.py", "__main__.py", "errors.py", "text.py", "py.typed", "README.md"}


def test_a_command_that_asks_a_stack_does_not_import_what_starts_one() -> None:
    """These are most of what a short command would take."""
    code = "import sys; from generia_worker.cli import stacks, world_commands; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"minio", "pymongo", "fastapi", "celery"} & set(done.stdout.split())
