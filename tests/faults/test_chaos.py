"""A short run of the chaos program: everything at once, and nothing lost, doubled or unexplained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.faults import chaos


@pytest.mark.usefixtures("no_other_stack")
def test_chaos(tmp_path: Path, time_scale: float) -> None:
    report = chaos.run(tmp_path, seed=3, worlds=8, seconds=500 * time_scale, scale=time_scale)
    print(report.as_text())
    assert json.loads(json.dumps(report.as_json()))["faults"] == report.faults
    assert report.sound, report.as_text()
    assert report.faults.total() >= 6
    assert report.ended.total() == 8
