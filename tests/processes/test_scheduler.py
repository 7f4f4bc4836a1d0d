"""Beat's scheduler sleeps between its entries."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from celery import Celery

from generia_worker.processes.scheduler import Scheduler

EVERY_S, DUE = 0.05, 10


class Counting(Scheduler):
    """Publishes nothing, and counts what is due."""

    producer: Any = None
    due = 0

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Count."""
        self.due += 1


def test_it_is_asked_a_few_times_for_every_entry_that_is_due(tmp_path: Path) -> None:
    app = Celery(broker="memory://", set_as_current=False)
    app.conf.beat_schedule = {"one": {"task": "one", "schedule": EVERY_S}}
    found = Counting(app=app, schedule_filename=str(tmp_path / "schedule"), max_interval=1)
    ticks = 0
    while found.due < DUE:
        interval = found.tick()
        ticks += 1
        if interval and interval > 0:
            assert interval <= EVERY_S
            time.sleep(interval)
    found.close()
    assert ticks <= 4 * DUE, "it waits for the moment without sleeping"
