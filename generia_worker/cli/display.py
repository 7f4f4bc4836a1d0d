"""What a person sees: bars in a terminal, lines in a pipe, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from generia_worker.client.allowance import Allowance
from generia_worker.client.status import GenerationStatus, WorldStatus
from generia_worker.text import clip, printable


class Terminal(Console):
    """A console that is commanded by us alone: control characters in what models, people and services wrote are shown."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Return any text that is printed, also that of a table's cell, as rich makes it."""
        return super().render_str(printable(text), **options)


#: A pipe has no width: tables there are never cut.
_PIPE_WIDTH = 250
#: For people; a pipe gets the same words without colour.
out = Terminal(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
#: What is said beside a result that is meant for a program.
err = Terminal(stderr=True, highlight=False, soft_wrap=True)

_MARKS = {
    WorldStatus.PENDING: "[dim]·[/]",
    WorldStatus.IN_PROGRESS: "[yellow]▸[/]",
    WorldStatus.COMPLETED: "[green]✓[/]",
    WorldStatus.FAILED: "[red]✗[/]",
    WorldStatus.CANCELLED: "[dim]–[/]",
}


def as_json(value: Any) -> None:
    """Print a value for a program: one JSON document on standard output."""
    sys.stdout.write(printable(json.dumps(value, ensure_ascii=False, default=str)) + "\n")
    sys.stdout.flush()


def left_today(left: Allowance) -> str:
    """Return what a day still allows, in words."""
    worlds = None if left.worlds_left is None else f"{left.worlds_left} of {left.worlds_most} worlds"
    usd = None if left.usd_left is None else dollars(left.usd_left)
    return " and ".join(one for one in (worlds, usd) if one is not None)


def dollars(amount: float) -> str:
    """Return an amount with as many places as small amounts need."""
    return f"${amount:.4f}"


def stages(status: GenerationStatus) -> list[str]:
    """Return the six stages with their marks, each as markup."""
    return [f"{_MARKS[stage.status]} {escape(stage.name.replace('_', ' '))}" for stage in status.stages]


def flow(parts: Iterable[str], width: int, *, between: int = 2) -> list[Text]:
    """Return parts, each as markup, in as few lines of `width` columns as they fit in; none is broken."""
    lines: list[Text] = []
    for part in map(Text.from_markup, parts):
        if lines and lines[-1].cell_len + between + part.cell_len <= width:
            lines[-1].append(" " * between).append_text(part)
        else:
            lines.append(part)
    return lines


def summary(status: GenerationStatus, *, simulated: bool) -> list[str]:
    """Say what was made, what it cost and how many calls it took; for a failed world, why."""
    ended = status.finished_at or status.updated_at
    seconds = (ended - status.created_at).total_seconds()
    how = " with failures" if status.is_incomplete else ""
    lines = [
        f"{status.status.value}{how}: {status.users_created} of {status.users_predicted} characters and "
        f"{status.posts_created} of {status.posts_predicted} posts in {seconds:.1f} s"
    ]
    if status.comments_predicted:
        lines.append(f"{status.likes_created} likes and {status.comments_created} comments by its characters")
    if status.error:
        lines.append(f"because: {status.error.reason}")
    if status.tasks_failed:
        lines.append(f"{status.tasks_failed} steps failed, {status.tasks_skipped} were skipped for it")
    lines.append(
        f"{dollars(status.cost_usd)} ({'simulated; ' if simulated else ''}texts {dollars(status.llm_cost_total)}, pictures "
        f"{dollars(status.image_cost_total)}) for {status.api_calls_made_LLM} text calls and "
        f"{status.api_calls_made_images} image calls"
    )
    doubtful = status.ambiguous_calls_LLM + status.ambiguous_calls_images
    if doubtful:
        lines.append(f"{doubtful} calls ended without an answer and may have been billed")
    if status.unknown_cost_calls:
        lines.append(f"{status.unknown_cost_calls} calls were billed at a price that nobody named")
    return lines


#: Columns of the list of worlds, each with the width of a terminal from which it is shown.
_COLUMNS: tuple[tuple[str, int, Callable[[dict[str, Any]], str]], ...] = (
    ("name", 0, lambda row: row["name"]),
    ("state", 0, lambda row: row["generation_status"]),
    ("characters", 100, lambda row: str(row["users_count"])),
    ("posts", 100, lambda row: str(row["posts_count"])),
    ("created", 76, lambda row: row["created_at"][:16].replace("T", " ")),
    ("prompt", 0, lambda row: clip(row["prompt"], _PROMPT_SHOWN)),
)
#: The columns that share what the others leave in a terminal, and in which parts.
_ROOMY = {"name": 2, "prompt": 3}
#: The most characters of a prompt: the beginning tells which it is.
_PROMPT_SHOWN = 60


def worlds_table(rows: list[dict[str, Any]], short: Mapping[str, str], width: int | None) -> Table:
    """Return the list of worlds as a table, a line a world.

    For a terminal of `width` columns its cells are cut to fit, and ids are `short`; for a pipe (None) they are whole.
    """
    table = Table(box=None, pad_edge=False, expand=width is not None, width=width)
    columns = [(name, cell) for name, least, cell in _COLUMNS if width is None or width >= least]
    ids = [row["id"] if width is None else short.get(row["id"], row["id"]) for row in rows]
    table.add_column("id", no_wrap=True, min_width=max(map(len, ids), default=2))
    for name, _ in columns:
        ratio = _ROOMY.get(name) if width is not None else None
        table.add_column(name, no_wrap=True, overflow="ellipsis", ratio=ratio)
    for known, row in zip(ids, rows, strict=True):
        # In one line: what begins another could pass for a world.
        cells = [escape(printable(" ".join(cell(row).split()))) for _, cell in columns]
        table.add_row(escape(known), *cells)
    return table


def is_watched(console: Console) -> bool:
    """True for a terminal that a person looks at: not for a pipe or a log that is to have colours."""
    return console.is_interactive and console.file.isatty()
