"""Real servers for every test that needs them: started once a session, in a folder of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from generia_worker.embedded.stack import Stack
from generia_worker.settings import Settings
from generia_worker.storage.database import Database
from tests.databases import Databases

# A test run must not depend on what the person who starts it has in the environment.
for _name in [name for name in os.environ if name.startswith("GENERIA_")]:
    del os.environ[_name]
for _name in ("OPENROUTER_API_KEY", "RUNWARE_API_KEY"):
    os.environ.pop(_name, None)
    os.environ.pop(f"{_name}_FILE", None)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the tests of faults run with the delivered durations, or with a fraction of them."""
    parser.addoption(
        "--time-scale",
        type=float,
        default=0.1,
        help="scale of all durations in tests/faults; 1: as delivered",
    )


#: What drives whole stacks. These come first: at the end, one test process would be busy with a long one alone.
_BROWSER = "tests/browser/"
_STACKS = (_BROWSER, "tests/embedded/", "tests/faults/", "tests/integration/")
#: Seconds after which one of these hangs. It says nothing of speed: on a slow machine a month under kills takes over 300.
_HANGS_S = 900


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest tests come first.

    Of a folder, those files come first that bring stacks of their own: later the folder's stack would idle beside them, or
    be started anew after each of them.

    None is tried a second time when it fails, though they race real processes on whatever machine runs them: what fails
    once in twenty runs has found something.
    """
    sharing = {item.path for item in items if _shares_a_stack(item)}
    items.sort(key=lambda item: (not item.nodeid.startswith(_STACKS), item.path.parent, item.path in sharing))
    for item in items:
        if item.nodeid.startswith(_STACKS):
            # An exception out of a signal leaves Playwright's loop, and the next that speaks with the browser waits forever.
            method = "thread" if item.nodeid.startswith(_BROWSER) else None
            item.add_marker(pytest.mark.timeout(_HANGS_S, method=method))


def _shares_a_stack(item: pytest.Item) -> bool:
    """True for a test that runs on its folder's stack, with the settings that others have as well."""
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(fixtures & {"shared_platform", "module_stack"}) and not hasattr(
        getattr(item, "module", None), "SETTINGS"
    )


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """Give a file's tests to one process, and those of all files that share a browser and its stack."""
    return _ByFile(config, log)


class _ByFile(LoadFileScheduling):  # type: ignore[misc] # xdist has no types
    def _split_scope(self, nodeid: str) -> str:
        return _BROWSER if nodeid.startswith(_BROWSER) else super()._split_scope(nodeid)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Redis, MongoDB and S3, empty; yields the settings that reach them."""
    folder = tmp_path_factory.mktemp("servers")
    with Stack(Settings(_env_file=None), folder) as stack:
        yield stack.settings


@pytest.fixture(scope="session")
def databases(servers: Settings) -> Iterator[Databases]:
    """Lends empty databases."""
    databases = Databases(servers)
    yield databases
    databases.close()


@pytest.fixture
def database(databases: Databases) -> Iterator[Database]:
    """An empty database that one test has for itself."""
    with databases.lend() as database:
        yield database


@pytest.fixture
def database_name(database: Database) -> str:
    """The name of such a database, for what makes a client of its own."""
    return database.database.name
