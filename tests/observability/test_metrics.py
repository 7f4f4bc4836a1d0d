"""Counts of many processes add up, outlive their processes, and never cost a process its life."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from generia_worker.app.exporter import Counted, age_s
from generia_worker.billing.requests import Intent, PaidCall, Requests
from generia_worker.observability import metrics
from generia_worker.providers.usage import Usage
from generia_worker.storage.database import Database

_COUNT = """
import sys, pathlib, time
from generia_worker.observability import metrics
metrics.keep_in(pathlib.Path(sys.argv[1]))
metrics.billed("llm", "answered", 0.25, 100, 50)
metrics.timed("llm")(time.sleep)(0.3)
with metrics.waiting("llm"):
    print("ready", flush=True)
    sys.stdin.readline()
"""


def start(folder: Path) -> subprocess.Popen[str]:
    """A process that counts one call, waits for a slot, and ends when its input does."""
    process = subprocess.Popen(
        [sys.executable, "-c", _COUNT, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def figures(folder: Path) -> dict[tuple[str, ...], float]:
    registry = CollectorRegistry()
    registry.register(Counted(folder))
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in registry.collect()
        for sample in family.samples
    }


def test_counts_add_up_and_outlive_their_processes(tmp_path: Path) -> None:
    first, second = start(tmp_path), start(tmp_path)
    try:
        found = figures(tmp_path)
        assert found["generia_paid_calls_total", "answered", "llm"] == 2
        assert found["generia_calls_waiting", "llm"] == 2
        first.kill()
        first.wait()
        found = figures(tmp_path)
        assert found["generia_calls_waiting", "llm"] == 1
    finally:
        second.kill()
        second.wait()
    for _ in range(2):  # what was added up once is not added up again
        found = figures(tmp_path)
        assert found["generia_paid_calls_total", "answered", "llm"] == 2
        assert found["generia_dollars_total", "llm"] == 0.5
        assert found["generia_tokens_total", "completion"] == 100
        assert found["generia_paid_call_seconds_count", "llm"] == 2
        assert found["generia_paid_call_seconds_bucket", "0.25", "llm"] == 0
        assert found["generia_paid_call_seconds_bucket", "0.5", "llm"] == 2
        assert found.get(("generia_calls_waiting", "llm"), 0) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "counter_past.db",
        "histogram_past.db",
        "tidy.lock",
    ]


def test_files_do_not_pile_up_although_nobody_asks(tmp_path: Path) -> None:
    for _ in range(3):
        process = start(tmp_path)
        process.kill()
        process.wait()
    assert len(list(tmp_path.glob("*.alive"))) == 1
    assert len(list(tmp_path.glob("*.db"))) == 5  # three of the last one, two of the past
    (broken,) = tmp_path.glob("counter_*-*.db")
    broken.write_bytes(b"\xff" * 1000)
    found = figures(tmp_path)
    assert found["generia_paid_calls_total", "answered", "llm"] == 2
    assert found["generia_paid_call_seconds_count", "llm"] == 3


def test_without_a_folder_nothing_is_told(tmp_path: Path) -> None:
    assert figures(tmp_path / "nothing") == {}


def test_a_folder_that_cannot_be_written_costs_the_metrics_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    process = start(tmp_path / "file" / "metrics")
    process.communicate("\n", timeout=30)
    assert process.returncode == 0


def test_a_forked_child_counts_for_itself(tmp_path: Path) -> None:
    program = """
import os, sys, pathlib
from generia_worker.observability import metrics
metrics.keep_in(pathlib.Path(sys.argv[1]))
metrics.asked_again()
if os.fork() == 0:
    metrics.after_fork()
    metrics.asked_again()
    os._exit(0)
os.wait()
metrics.asked_again()
"""
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, timeout=60)
    assert figures(tmp_path)["generia_reasks_total",] == 3


@pytest.mark.parametrize("message", [None, b"", b"no json", b"{}", b'{"headers": {"sent_at": "x"}}'])
def test_a_message_without_a_time_has_no_age(message: bytes | None) -> None:
    assert age_s(message) == 0.0


def test_a_bill_that_comes_late_is_no_second_call(database: Database) -> None:
    registry = metrics.recorder().registry

    def counted(outcome: str) -> float:
        labels = {"provider": "llm", "outcome": outcome}
        return registry.get_sample_value("generia_paid_calls_total", labels) or 0

    before = {outcome: counted(outcome) for outcome in ("answered", "ambiguous", "late", "refused")}
    requests = Requests(database)
    intent = Intent("r1", PaidCall("w1/describe#1", "w1", "describe"), "llm", "a-model", 0.1)
    requests.begin(intent)
    for _ in range(2):  # what is said twice is counted once
        requests.mark_ambiguous("r1", "llm", "The process that made the call died.")
        assert not requests.mark_refused("r1", "llm", "Too late to say so.")
    for _ in range(2):
        requests.record_answer(intent, Usage(0.05, 10, 20), {"content": "x"})
    grown = {outcome: counted(outcome) - before[outcome] for outcome in before}
    assert grown == {"answered": 0, "ambiguous": 1, "late": 1, "refused": 0}
