"""Beat's scheduler: Celery's, which sleeps until an entry is due."""

from __future__ import annotations

from typing import Any

from celery.beat import PersistentScheduler


class Scheduler(PersistentScheduler):
    """Celery's wakes up ten milliseconds early and then asks the clock again and again until an entry is due: with a
    schedule of twice a second, most of what beat costs."""

    def adjust(self, n: Any, drift: float = 0.0) -> Any:
        """Return the seconds to sleep before an entry that is due in `n` seconds; None where that is not known."""
        return super().adjust(n, drift)
