"""A command in a real pseudo-terminal, and what a person sees on it."""

from __future__ import annotations

import codecs
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.cells import cell_len

#: What rich commands a terminal with: CSI, parameters, what to do.
_COMMAND = re.compile(r"\x1b\[(\??[\d;]*)([A-Za-z])")
_ROWS = 40
CTRL_C = b"\x03"


class Screen:
    """What stands on a terminal of so many columns, from the first line on; and what it was commanded.

    It knows what our commands send. Anything else is an error: a person would see it as litter.
    """

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.lines = [""]
        self.colours: set[str] = set()
        self.hidden_cursor = False
        self._row = self._column = 0
        self._rest = ""

    @property
    def text(self) -> str:
        """All lines, without the spaces at their ends."""
        return "\n".join(line.rstrip() for line in self.lines)

    def feed(self, text: str) -> None:
        """Take what was sent."""
        text = self._rest + text
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                found = _COMMAND.match(text, at)
                if not found:
                    assert len(text) - at < 20, f"no command: {text[at : at + 20]!r}"
                    break
                self._command(*found.groups())
                at = found.end()
                continue
            self._write(text[at])
            at += 1
        self._rest = text[at:]

    def _write(self, char: str) -> None:
        if char == "\r":
            self._column = 0
        elif char == "\n":
            self._down()
        else:
            assert char.isprintable(), f"{char!r} is for no terminal"
            if self._column + cell_len(char) > self.columns:
                self._down()
                self._column = 0
            line = self.lines[self._row].ljust(self._column)
            self.lines[self._row] = line[: self._column] + char + line[self._column + 1 :]
            self._column += cell_len(char)

    def _down(self) -> None:
        self._row += 1
        if self._row == len(self.lines):
            self.lines.append("")

    def _command(self, parameters: str, what: str) -> None:
        if what == "m":
            # 3x and 4x, 9x and 10x are colours; 38 and 48 bring theirs along.
            self.colours |= {one for one in parameters.split(";") if re.fullmatch(r"[34]\d|9\d|10[0-7]", one)}
        elif what == "A":
            self._row -= int(parameters or 1)
            assert self._row >= max(0, len(self.lines) - _ROWS), "drawn over what has left the screen"
        elif (what, parameters) == ("K", "2"):
            self.lines[self._row] = ""
        elif parameters == "?25":
            self.hidden_cursor = what == "l"
        else:
            raise AssertionError(f"unknown to this terminal: {parameters}{what}")


def _as_a_shell_does(terminal: int) -> None:
    """Prepare a command for its terminal: what started the tests in the background may have had Ctrl-C ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.login_tty(terminal)


class Terminal:
    """Runs `generia …` in a pseudo-terminal of so many columns; a context manager, which ends it if need be."""

    def __init__(
        self, *arguments: str, columns: int, cwd: Path, environment: dict[str, str] | None = None
    ) -> None:
        self.screen = Screen(columns)
        self._decoder = codecs.getincrementaldecoder("utf-8")()  # a character may come in two parts
        ours = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("GENERIA", "COLUMNS", "LINES"))
        }
        ours |= {"TERM": "xterm-256color", "PYTHONUNBUFFERED": "1"}
        self._terminal, other = os.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, columns, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "generia_worker", *arguments],
            cwd=cwd,
            env=ours | (environment or {}),
            preexec_fn=lambda: _as_a_shell_does(other),
            pass_fds=(other,),
        )
        os.close(other)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._terminal)

    def press(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._terminal, keys)

    def read_until(self, seen: str | Callable[[Screen], bool], timeout_s: float = 60) -> str:
        """Look until there is on the screen what is waited for; returns what is there."""
        there = (lambda screen: seen in screen.text) if isinstance(seen, str) else seen
        deadline = time.monotonic() + timeout_s
        while not there(self.screen):
            assert time.monotonic() < deadline, f"not seen: {seen}\n{self.screen.text}"
            assert self._read(1.0) is not False, f"ended before it was seen: {seen}\n{self.screen.text}"
        return self.screen.text

    def end(self, timeout_s: float = 60) -> int:
        """Look until the command has ended; returns its exit status."""
        deadline = time.monotonic() + timeout_s
        while self._read(1.0) is not False:
            assert time.monotonic() < deadline, self.screen.text
        return self.process.wait(10)

    def _read(self, timeout_s: float) -> bool | None:
        """Take what was sent: True when there was something, None when not, False when nothing will come any more."""
        if not select.select([self._terminal], [], [], timeout_s)[0]:
            return None
        try:
            sent = os.read(self._terminal, 65536)
        except OSError:  # its last holder is gone
            return False
        self.screen.feed(self._decoder.decode(sent))
        return bool(sent)
