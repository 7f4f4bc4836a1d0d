"""`generia worlds`: a line a world that tells which one it is, in terminals of any width and in pipes."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.cells import cell_len

from generia_worker.cli import display
from generia_worker.cli.world_ids import short_ids

IDS = ["5e9feddc-ae41-4cc3-a140-d9d8cc6ff030", "5e9fedd0-ae41-4cc3-a140-d9d8cc6ff030"]
NAMES = ["Seven Lanterns of the northern coast and its [pirates]", "Город математиков 数学者の町"]
PROMPTS = [
    "A lighthouse whose keepers are all retired pirates",
    "Город математиков, все пишут посты с формулами в LaTeX",
]
STATES = ["in_progress", "completed"]


def rows() -> list[dict[str, Any]]:
    counts = {"users_count": 5, "posts_count": 15, "created_at": "2026-01-01T12:00:00Z"}
    told = zip(IDS, NAMES, PROMPTS, STATES, strict=True)
    return [{"id": a, "name": b, "prompt": c, "generation_status": d} | counts for a, b, c, d in told]


def lines(width: int | None) -> list[str]:
    stream = io.StringIO()
    console = display.Terminal(
        file=stream,
        force_terminal=width is not None,
        no_color=True,
        width=width or 250,
        soft_wrap=True,
        highlight=False,
    )
    console.print(display.worlds_table(rows(), short_ids(IDS), width))
    return stream.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_terminal_shows_a_line_a_world(width: int) -> None:
    head, *shown = lines(width)
    assert len(shown) == 2
    for line, whole, name, prompt, state in zip(shown, IDS, NAMES, PROMPTS, STATES, strict=True):
        assert cell_len(line) <= width
        assert line.startswith(f"{short_ids(IDS)[whole]} ")
        assert [name[:8] in line, prompt[:8] in line, state in line] == [True] * 3
        assert "…" in line
    assert ("created" in head, "characters" in head) == (width >= 80, width >= 120)


def test_a_pipe_gets_whole_ids_and_names() -> None:
    for line, whole, name in zip(lines(None)[1:], IDS, NAMES, strict=True):
        assert line.startswith(f"{whole} ")
        assert name in line
