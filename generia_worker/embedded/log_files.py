"""The log files of the embedded stack's programs: bounded, and quoted in errors."""

from __future__ import annotations

import os
import re
from pathlib import Path

from generia_worker.observability.logs import as_text

#: A log larger than this is cut to its tail, kept as `<name>.log.1`.
LOG_MAX_BYTES = 20_000_000
_LOG_KEPT_BYTES = 1_000_000
_TAIL_BYTES = 65_536
#: The second is how MongoDB marks errors and fatal ones.
_TELLING = re.compile(r"\b(error|fatal|failed|cannot|exception|panic)\b|\"s\":\"[EF]\"", re.IGNORECASE)


def read_tail(path: Path, start: int = 0, lines: int = 12, line_length: int = 300) -> list[str]:
    """Return what a log says last, from this byte on: bounded, and free of control characters.

    A third of the lines may be older ones that speak of an error: some servers report their shutdown at
    length after the reason for it.
    """
    try:
        with path.open("rb") as file:
            file.seek(max(min(start, size := file.seek(0, os.SEEK_END)), size - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    read = [as_text(line) for line in text.splitlines()]
    clean = ["".join(c if c.isprintable() else " " for c in line)[:line_length] for line in read]
    clean = [line for line in clean if line.strip()]
    older = [line for line in clean[:-lines] if _TELLING.search(line)][-(lines // 3) :]
    return older + clean[-(lines - len(older)) :]


def cut_log(path: Path) -> None:
    """Keep a log bounded: when it is too large, its tail becomes `<name>.1` and it begins anew.

    Its writers append, so they go on at the new beginning.
    """
    try:
        if path.stat().st_size <= LOG_MAX_BYTES:
            return
        with path.open("r+b") as file:
            file.seek(-_LOG_KEPT_BYTES, os.SEEK_END)
            path.with_name(path.name + ".1").write_bytes(file.read(_LOG_KEPT_BYTES))
            file.truncate(0)
    except FileNotFoundError:
        return
