"""Stacks for the tests of this folder, one at a time, with times that are scaled by `--time-scale`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.harness import Faults, start_stack


@pytest.fixture(scope="session")
def time_scale(request: pytest.FixtureRequest) -> float:
    """What the delivered durations are multiplied with: 1 is the product as delivered."""
    return float(request.config.getoption("--time-scale"))


class OneStack:
    """The stack of this test process. It goes from test to test, until one needs other settings or breaks it."""

    def __init__(self, folders: pytest.TempPathFactory, scale: float) -> None:
        self._folders = folders
        self._scale = scale
        self._running: tuple[dict[str, Any], Faults] | None = None

    def with_settings(self, changed: dict[str, Any]) -> Faults:
        """Return the stack as it runs, or another one when it has other settings than these."""
        if self._running is None or self._running[0] != changed:
            self.close()
            faults = start_stack(self._folders.mktemp("faults"), self._scale, **changed)
            self._running = (changed, faults)
        return self._running[1]

    def close(self) -> None:
        """Stop the stack: for a test that brings one of its own, and after one that broke it."""
        if self._running is not None:
            _, faults = self._running
            self._running = None
            faults.close()


@pytest.fixture(scope="package")
def one_stack(tmp_path_factory: pytest.TempPathFactory, time_scale: float) -> Iterator[OneStack]:
    """The holder of this folder's stack."""
    one = OneStack(tmp_path_factory, time_scale)
    yield one
    one.close()


@pytest.fixture(scope="module")
def no_other_stack(one_stack: OneStack) -> None:
    """Room for a stack of the module's own."""
    one_stack.close()


@pytest.fixture(scope="module")
def module_stack(request: pytest.FixtureRequest, one_stack: OneStack, time_scale: float) -> Faults:
    """The stack with the module's settings: `SETTINGS = {…}`, or a function of the scale, says what it needs otherwise."""
    settings = getattr(request.module, "SETTINGS", {})
    return one_stack.with_settings(settings(time_scale) if callable(settings) else settings)


@pytest.fixture
def faults(module_stack: Faults) -> Iterator[Faults]:
    """The module's stack, in order before and after: all processes run, nothing is armed, providers behave."""
    module_stack.mend()
    module_stack.workers_answer()
    yield module_stack
    module_stack.mend()
