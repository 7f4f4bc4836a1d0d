"""Real servers for every test that needs them: started once a session, in a folder of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from generia_worker.embedded.stack import Stack
from generia_worker.settings import Settings
from generia_worker.storage.database import Database

# A test run must not depend on what the person who starts it has in the environment.
for _name in [name for name in os.environ if name.startswith("GENERIA_")]:
    del os.environ[_name]
for _name in ("OPENROUTER_API_KEY", "RUNWARE_API_KEY"):
    os.environ.pop(_name, None)
    os.environ.pop(f"{_name}_FILE", None)
# Programs that tests start may be modules of theirs.
_ROOT = str(Path(__file__).parents[1])
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [_ROOT, os.environ.get("PYTHONPATH")]))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the tests of faults run with the delivered durations, or with a fraction of them."""
    parser.addoption(
        "--time-scale",
        type=float,
        default=0.1,
        help="scale of all durations in tests/faults; 1: as delivered",
    )


#: What races real processes, or a browser, on whatever machine runs it.
_RACES = ("tests/faults/", "tests/integration/", "tests/embedded/", "tests/browser/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a test that races real processes try once more, and the report says so (R). A defect fails twice.

    They come first: at the end, one of the two processes would still be busy with a long one.
    """
    items.sort(key=lambda item: not item.nodeid.startswith(_RACES))
    for item in items:
        if item.nodeid.startswith(_RACES):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Redis, MongoDB and S3, empty; yields the settings that reach them."""
    folder = tmp_path_factory.mktemp("servers")
    with Stack(Settings(_env_file=None), folder) as stack:
        yield stack.settings


@pytest.fixture
def database(servers: Settings) -> Iterator[Database]:
    """An empty database of its own for one test."""
    database = Database(servers.mongo_uri.get_secret_value(), f"test-{uuid4().hex[:12]}", max_pool_size=40)
    database.ensure_indexes()
    yield database
    database.client.drop_database(database.status.database.name)
    database.close()
