"""The live view of a world: `generia watch` in a pseudo-terminal, as a person sees it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from generia_worker.cli.live import Clock
from generia_worker.client.status import GenerationStatus
from tests.cli.endpoint import BEGAN, WORLD, Endpoint, document
from tests.cli.terminal import CTRL_C, Screen, Terminal

WIDTHS = (60, 80, 120)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as endpoint:
        yield endpoint


def settings(endpoint: Endpoint) -> dict[str, str]:
    return {"GENERIA_API_URL": endpoint.url, "GENERIA_GATEWAY_URL": "http://page.example"}


def watching(endpoint: Endpoint, columns: int, folder: Path, *words: str, **environment: str) -> Terminal:
    where = ("--data-dir", str(folder / "data"))
    words = words or ("watch", WORLD)
    return Terminal(*words, *where, columns=columns, cwd=folder, environment=settings(endpoint) | environment)


def view(screen: Screen) -> list[str]:
    """Return the lines of the view: what stands under the address of the page."""
    _, found, rest = screen.text.partition(f"{WORLD[-4:]}\n")  # the address may be broken before
    assert found
    return [line for line in rest.splitlines() if line]


def _is_whole(screen: Screen, made: str) -> bool:
    """True when so many posts stand there, and the cost, which is drawn last."""
    return made in screen.text and "$" in screen.text


@pytest.mark.parametrize("columns", WIDTHS)
def test_the_view_is_drawn_over_itself(endpoint: Endpoint, columns: int, tmp_path: Path) -> None:
    """Each stage once, in columns, whatever the width; nothing of a state before stays on the screen."""
    with watching(endpoint, columns, tmp_path) as terminal:
        for stage in range(5):
            endpoint.tell(document(stage, characters=stage, posts=2 * stage, at_s=10 * stage + 1))
            terminal.read_until(partial(_is_whole, made=f" {2 * stage}/15"))
            lines = view(terminal.screen)
            assert len(lines) == {60: 5, 80: 5, 120: 4}[columns], terminal.screen.text
            shown = "\n".join(lines)
            assert [shown.count(name) for name in ("initializing", "world image", "finishing")] == [1, 1, 1]
            assert shown.count("▸") == 1
            assert [f"{stage}/5" in shown, "elapsed 0:" in shown, "$0.0123" in shown] == [True] * 3
            bars = [line for line in lines if "━" in line or line.startswith(("characters ", "posts "))]
            assert len({line.index("/") + len(line.partition("/")[2]) for line in bars}) == 1, "not aligned"
            assert max(map(len, lines)) < columns
            assert terminal.screen.hidden_cursor
        endpoint.tell(document(5, 5, 15, at_s=62, status="completed"))
        assert terminal.end() == 0
        assert not terminal.screen.hidden_cursor
        assert terminal.screen.colours
    lines = view(terminal.screen)
    assert any("elapsed 1:02" in line for line in lines)
    assert "left" not in terminal.screen.text
    assert any(line.startswith("completed: 5 of 5 characters and 15 of 15 posts in 62.0 s") for line in lines)
    assert terminal.screen.text.replace("\n", "").startswith(f"Page: http://page.example/worlds/{WORLD}")


def test_the_time_that_is_left_is_labelled(endpoint: Endpoint, tmp_path: Path) -> None:
    with watching(endpoint, 80, tmp_path) as terminal:
        endpoint.tell(document(1, at_s=10, seconds_left=None))
        assert "time left: not known yet" in terminal.read_until("elapsed 0:1")
        endpoint.tell(document(1, at_s=100, seconds_left=600))
        assert re.search("time left about (10:0|9:5)", terminal.read_until("elapsed 1:4"))
        endpoint.tell(document(1, at_s=1000, seconds_left=0))
        endpoint.tell(document(1, at_s=1001, seconds_left=None))
        endpoint.tell(document(1, at_s=2000, seconds_left=0))
        assert "longer than expected" in terminal.read_until("elapsed 33:")
        endpoint.tell(document(5, status="failed", at_s=2001, error={"reason": "no [credit]\x1b[2J"}))
        assert terminal.end() == 1
    assert r"because: no [credit]\u001b[2J" in terminal.screen.text


def test_no_color_is_respected(endpoint: Endpoint, tmp_path: Path) -> None:
    with watching(endpoint, 80, tmp_path, NO_COLOR="1") as terminal:
        endpoint.tell(document(3, 2, 5))
        assert "▸ characters" in terminal.read_until("5/15")
        endpoint.tell(document(5, 5, 15, status="completed"))
        assert terminal.end() == 0
    assert terminal.screen.colours == set()


def test_a_dumb_terminal_gets_lines(endpoint: Endpoint, tmp_path: Path) -> None:
    with watching(endpoint, 80, tmp_path, TERM="dumb") as terminal:
        endpoint.tell(document(3, 2, 5))
        terminal.read_until("characters: characters 2/5, posts 5/15, $0.0123")
        endpoint.tell(document(5, 5, 15, status="completed"))
        assert terminal.end() == 0
    assert "━" not in terminal.screen.text


@pytest.mark.parametrize("colour", ["", "1"])
def test_what_is_no_terminal_gets_plain_lines(endpoint: Endpoint, tmp_path: Path, colour: str) -> None:
    """Also where it is to have colours: a log is not drawn over."""
    for one in (document(0), document(3, 2, 5, at_s=2), document(5, 5, 15, at_s=3, status="completed")):
        endpoint.tell(one)
    done = subprocess.run(
        [sys.executable, "-m", "generia_worker", "status", WORLD, "--follow", "--data-dir", str(tmp_path)],
        env=os.environ | settings(endpoint) | {"FORCE_COLOR": colour},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert lines[1:4] == [
        "initializing: characters 0/5, posts 0/15, $0.0123",
        "characters: characters 2/5, posts 5/15, $0.0123",
        "finishing: characters 5/5, posts 15/15, $0.0123",
    ]
    assert lines[4].startswith("completed: ")


@pytest.mark.parametrize("words", [("watch", WORLD), ("status", "--follow", WORLD)], ids=" ".join)
def test_ctrl_c_leaves_the_world_and_says_how_to_come_back(
    endpoint: Endpoint, tmp_path: Path, words: tuple[str, ...]
) -> None:
    with watching(endpoint, 120, tmp_path, *words) as terminal:
        endpoint.tell(document(3, 2, 5))
        terminal.read_until("5/15")
        terminal.press(CTRL_C)
        assert terminal.end() == 130
    text = "".join(terminal.screen.text.splitlines())
    assert f"World {WORLD} goes on. Look at it again, or stop it:" in text
    assert f"generia watch {WORLD} --data-dir {tmp_path / 'data'}" in text
    assert not terminal.screen.hidden_cursor
    assert "Traceback" not in text


# --- time --------------------------------------------------------------------------------------------------------
class Seconds:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_time_left_is_the_server_s_forecast_counted_down() -> None:
    seconds = Seconds()
    clock = Clock(clock=seconds)
    assert (clock.elapsed(), clock.left()) == (0, None)
    clock.take(GenerationStatus.model_validate(document(1, at_s=10, seconds_left=50)))
    assert (clock.elapsed(), clock.left()) == (10, 50)
    seconds.now = 5
    assert (clock.elapsed(), clock.left()) == (15, 45)
    # A new one moves it half of the way.
    clock.take(GenerationStatus.model_validate(document(3, 5, 6, at_s=60, seconds_left=75)))
    assert (clock.elapsed(), clock.left()) == (60, 60)
    seconds.now += 70
    assert clock.left() == 0


def test_a_world_that_goes_on_counts_from_now() -> None:
    seconds = Seconds()
    clock = Clock(from_now=True, clock=seconds)
    clock.take(GenerationStatus.model_validate(document(3, 5, 6, at_s=86_400)))
    assert clock.elapsed() == 0
    seconds.now = 10
    clock.take(GenerationStatus.model_validate(document(3, 5, 11, at_s=86_410)))
    assert clock.elapsed() == 10
    done = document(3, 5, 15, at_s=86_420, status="completed")
    clock.take(
        GenerationStatus.model_validate(
            done | {"finished_at": (BEGAN + timedelta(seconds=86_420)).isoformat()}
        )
    )
    seconds.now += 1000
    assert clock.elapsed() == 20
