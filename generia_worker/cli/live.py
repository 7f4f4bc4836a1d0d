"""A world while it is being made: a view that is drawn over itself in a terminal, lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from generia_worker.cli import display
from generia_worker.client.status import GenerationStatus

#: Columns of a bar, at most and at least.
_BAR_MOST, _BAR_LEAST = 40, 4
#: How far a new forecast moves the one that is shown.
_PULL = 0.5


class Clock:
    """How long a world has taken, and how long it will still take, in seconds.

    Both are told by its status, and counted by this machine's clock from there on. `from_now` counts from the first status
    that is seen: for a world that goes on, days later maybe.
    """

    def __init__(self, *, from_now: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._from_now = from_now
        self._taken: tuple[GenerationStatus, float] | None = None
        self._began_at: float | None = None
        self._left: float | None = None

    def take(self, status: GenerationStatus) -> None:
        """Take a status document."""
        if self._began_at is None:
            self._began_at = (status.updated_at if self._from_now else status.created_at).timestamp()
        shown, forecast = self.left(), status.seconds_left
        if shown is not None and forecast is not None:
            forecast = shown + (forecast - shown) * _PULL
        self._left, self._taken = forecast, (status, self._clock())

    def elapsed(self) -> float:
        """Return the seconds since the world began; those that it took when it has ended."""
        if self._taken is None or self._began_at is None:
            return 0.0
        status, at = self._taken
        until = (status.finished_at or status.updated_at).timestamp()
        since = 0.0 if status.status.is_final else self._clock() - at
        return max(0.0, until - self._began_at + since)

    def left(self) -> float | None:
        """Return the seconds that are left, 0 when it takes longer than was said, None while nobody can tell."""
        if self._taken is None or self._left is None:
            return None
        return max(0.0, self._left - (self._clock() - self._taken[1]))


class LiveWorld(AbstractContextManager["LiveWorld"]):
    """Shows a world being made: stages, characters, posts, time and dollars, as they grow."""

    def __init__(self, console: Console, clock: Clock, *, simulated: bool) -> None:
        self._console = console
        self._clock = clock
        self._simulated = simulated
        self._status: GenerationStatus | None = None
        self._said = ""
        self._live: Live | None = None
        if display.is_watched(console):
            self._live = Live(console=console, get_renderable=self._view, auto_refresh=True)

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def show(self, status: GenerationStatus) -> None:
        """Show a new state."""
        self._clock.take(status)
        self._status = status
        if self._live:
            return  # it looks several times a second
        line = (
            f"{status.current_stage}: characters {status.users_created}/{status.users_predicted}, "
            f"posts {status.posts_created}/{status.posts_predicted}, {display.dollars(status.cost_usd)}"
        )
        if line != self._said:
            self._console.print(line)
            self._said = line

    def _view(self) -> Group:
        status = self._status
        if status is None:
            return Group(Text("Waiting for news of the world …"))
        # A terminal that is written to its last column may begin a line of its own.
        width = max(20, self._console.width - 1)
        return Group(
            *display.flow(display.stages(status), width),
            _bars(status, width),
            *display.flow([*self._times(status), self._cost(status)], width, between=3),
        )

    def _times(self, status: GenerationStatus) -> list[str]:
        elapsed = f"elapsed {duration(self._clock.elapsed())}"
        if status.status.is_final:
            return [elapsed]
        left = self._clock.left()
        if left is None:
            return [elapsed, "time left: not known yet"]
        return [elapsed, f"time left about {duration(left)}" if left > 0 else "longer than expected"]

    def _cost(self, status: GenerationStatus) -> str:
        most = "" if status.budget_usd is None else f" of {display.dollars(status.budget_usd)}"
        return (
            f"[green]{display.dollars(status.cost_usd)}[/]{most}{' (simulated)' if self._simulated else ''}"
        )


def duration(seconds: float) -> str:
    """Return a time as a clock shows it.

    >>> duration(75.2), duration(3601)
    ('1:15', '1:00:01')
    """
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def _bars(status: GenerationStatus, width: int) -> Table:
    rows = (
        ("characters", status.users_created, status.users_predicted),
        ("posts", status.posts_created, status.posts_predicted),
    )
    counts = [f"{made}/{wanted}" for _, made, wanted in rows]
    beside = max(len(name) for name, _, _ in rows) + max(map(len, counts)) + 4
    bar = max(_BAR_LEAST, min(_BAR_MOST, width - beside))
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(width=bar)
    table.add_column(no_wrap=True, justify="right")
    for (name, made, wanted), count in zip(rows, counts, strict=True):
        table.add_row(Text(name, style="bold"), ProgressBar(max(1, wanted), made, width=bar), Text(count))
    return table
