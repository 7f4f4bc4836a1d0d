"""Generia itself: its whole embedded stack, each world audited after the run."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from generia_worker.client.status import GenerationStatus
from generia_worker.embedded.stack import Program
from generia_worker.errors import TransientError
from generia_worker.settings import Settings
from tests.benchmarks.peers.calls import Branch
from tests.benchmarks.peers.system import DidNotEnd, System
from tests.benchmarks.rig import rig
from tests.integration.audit import EXACT, Audit
from tests.integration.conftest import PROMPT, Platform

_WORKERS = "worker-"
_ENGINE = ("mongo", "redis", "api", "beat")


class Generia(System):
    """The product. Its MongoDB also serves the reference services, so that the engine is counted with a part of theirs."""

    def __init__(self, folder: Path, slots: Mapping[str, int], plans: Mapping[str, Branch]) -> None:
        super().__init__(folder, slots, plans)
        self._stack = ExitStack()
        self._platform: Platform
        #: The ids that the world service gave, by our names.
        self._ids: dict[str, str] = {}
        self._ended: dict[str, GenerationStatus] = {}

    @classmethod
    def title(cls) -> str:
        """Return what the table shows."""
        return "Generia"

    def start(self) -> None:
        """Start the stack."""
        texts, pictures = self.slots["llm"], self.slots["images"]
        stack = rig(_not_restarted, llm_concurrency=texts, image_concurrency=pictures)
        self._platform = self._stack.enter_context(stack)
        self.simulator = self._platform.simulator
        for name, process in self._platform.stack.processes.items():
            if name.startswith(_WORKERS):
                self.workers[name] = process
            elif name != "simulator":
                (self.engine if name in _ENGINE else self.services)[name] = process

    def stop(self) -> None:
        """Stop the stack."""
        self._stack.close()

    def order(self, worlds: Iterable[str]) -> None:
        """Create and order worlds."""
        for world in worlds:
            users, posts = _size(self.plans[world])
            self._ids[world] = self._platform.order(PROMPT, users, posts)

    def wait(self, worlds: Iterable[str], timeout_s: float) -> None:
        """Follow the worlds as a client does, one after the other. Raises DidNotEnd."""
        deadline = time.monotonic() + timeout_s
        for world in worlds:
            try:
                left_s = max(1.0, deadline - time.monotonic())
                self._ended[world] = self._platform.wait(self._ids[world], left_s)
            except TransientError as error:
                raise DidNotEnd(str(error)) from error

    def audit(self, worlds: Iterable[str], bill: Mapping[str, Any]) -> None:
        """Assert that each world's counters are the ledger's sums and the simulator's bill, which holds nothing else."""
        texts = pictures = 0
        dollars = 0.0
        for world in worlds:
            status = self._ended[world]
            assert status.status == "completed", f"{world} is {status.status}: {status.error}"
            audit = Audit(self._platform.settings, self._ids[world])
            audit.check_ledger(status)
            audit.check_money(status)
            mine = audit.bill()
            texts, pictures = texts + mine.llm_calls, pictures + mine.image_calls
            dollars += mine.llm_usd + mine.image_usd
        assert (texts, pictures) == (bill["llm"]["calls"], bill["images"]["calls"])
        assert abs(dollars - bill["llm"]["cost"] - bill["images"]["cost"]) < EXACT


def _not_restarted(_: Settings, parts: list[Program]) -> list[Program]:
    return [replace(part, restart=not part.name.startswith(_WORKERS)) for part in parts]


def _size(plan: Branch) -> tuple[int, int]:
    """Return the characters and posts of a world, by its plan."""
    texts = [call for call in plan if "/post/" in call.name]
    return len(plan.then), len(texts)
