"""A stack of its own for every module of this folder, with times that are scaled by `--time-scale`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.harness import Faults, start_stack


@pytest.fixture(scope="session")
def time_scale(request: pytest.FixtureRequest) -> float:
    """What the delivered durations are multiplied with: 1 is the product as delivered."""
    return float(request.config.getoption("--time-scale"))


@pytest.fixture(scope="module")
def module_stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, time_scale: float
) -> Iterator[Faults]:
    """The module's stack. A module says with `SETTINGS = {…}`, or with a function of the scale, what it needs otherwise."""
    settings = getattr(request.module, "SETTINGS", {})
    settings = settings(time_scale) if callable(settings) else settings
    faults = start_stack(tmp_path_factory.mktemp("faults"), time_scale, **settings)
    yield faults
    faults.close()


@pytest.fixture
def faults(module_stack: Faults) -> Iterator[Faults]:
    """The module's stack, in order before and after: all processes run, nothing is armed, providers behave."""
    module_stack.mend()
    module_stack.workers_answer()
    yield module_stack
    module_stack.mend()
