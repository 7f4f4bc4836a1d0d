"""A short run of the chaos program: everything at once, and nothing lost, doubled or unexplained."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import chaos

ROOT = Path(__file__).parents[2]


@pytest.mark.usefixtures("no_other_stack")
def test_chaos(tmp_path: Path, time_scale: float) -> None:
    report = chaos.run(tmp_path, seed=3, worlds=8, seconds=500 * time_scale, scale=time_scale)
    print(report.as_text())
    assert json.loads(json.dumps(report.as_json()))["faults"] == report.faults
    assert report.sound, report.as_text()
    assert report.faults.total() >= 6
    assert report.ended.total() == 8
    assert report.extensions > 0
    assert report.days > 0
    assert report.replies > 0


def test_programs_of_the_tests_are_found_without_pytest() -> None:
    """`python -m tests.faults.chaos` starts workers that are modules of the tests, as pytest does."""
    command = [sys.executable, "-c", "import os, tests; print(os.environ['PYTHONPATH'])"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    found = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert found == str(ROOT)
