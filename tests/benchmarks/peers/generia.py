"""Generia itself: its whole embedded stack, each world audited after the run."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable, Mapping, Sequence
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
from tests.benchmarks.rig import ENGINE, rig
from tests.integration.audit import EXACT, Audit, calls_of
from tests.integration.conftest import PROMPT, Platform

_WORKERS = "worker-"


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
        stack = rig(_killed_at_stop, llm_concurrency=texts, image_concurrency=pictures)
        self._platform = self._stack.enter_context(stack)
        self.simulator = self._platform.simulator
        for name, process in self._platform.stack.processes.items():
            if name.startswith(_WORKERS):
                self.workers[name] = process
            elif name != "simulator":
                (self.engine if name in ENGINE else self.services)[name] = process

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
        billed = [entry for entry in bill["entries"] if entry["billed"]]
        for world in worlds:
            world_id, status = self._ids[world], self._ended[world]
            assert status.status == "completed", f"{world} is {status.status}: {status.error}"
            audit = Audit(self._platform.settings, world_id)
            audit.check_ledger(status)
            rows = calls_of(audit.db, world_id)
            mine = [entry for entry in billed if entry["request"].startswith(f"{world_id}/")]
            _check_calls(status, rows, mine)
            billed = [entry for entry in billed if entry not in mine]
        assert not billed, f"{len(billed)} calls of no world were billed"


def _check_calls(
    status: GenerationStatus, rows: Iterable[Mapping[str, Any]], billed: Sequence[Mapping[str, Any]]
) -> None:
    """Assert that a world's calls are those that were billed, at their price, but for those of which nobody can know.

    `Audit.check_money` is stricter: it also holds those for billed, which is not so where a kill came before the call.
    """
    recorded = {row["_id"]: row for row in rows}
    charged = {entry["request"]: entry["charged_usd"] for entry in billed}
    assert len(charged) == len(billed), "one request was billed twice"
    unknown = {name for name, row in recorded.items() if row["state"] == "ambiguous"}
    known = charged.keys() - unknown
    assert known == {name for name, row in recorded.items() if row["state"] in ("answered", "spoiled")}
    assert all(abs(recorded[name]["cost_usd"] - charged[name]) < EXACT for name in known)
    assert abs(status.cost_usd - sum(charged[name] for name in known)) < EXACT
    assert status.ambiguous_calls_LLM + status.ambiguous_calls_images == len(unknown)


def _killed_at_stop(_: Settings, parts: list[Program]) -> list[Program]:
    return [
        replace(part, stop_signal=signal.SIGKILL) if part.name.startswith(_WORKERS) else part
        for part in parts
    ]


def _size(plan: Branch) -> tuple[int, int]:
    """Return the characters and posts of a world, by its plan."""
    texts = [call for call in plan if "/post/" in call.name]
    return len(plan.then), len(texts)
