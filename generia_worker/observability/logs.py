"""How every process logs: one event a line, as JSON for programs or as text for people, with the step that it is about.

The work that a thread does right now is noted once, by `work`, and stands in each line that is logged meanwhile. Prompts,
answers and secrets are never logged: whoever logs names things by their ids.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

from generia_worker.text import printable, redact

#: Fields that a line may have beside `time`, `level`, `logger` and `message`, in this order.
FIELDS = ("world_id", "step", "run", "attempt", "task_id", "task")
#: They report every connection (with signed addresses) and every heartbeat; the two of Celery every message, of which ours
#: say more.
_TALKATIVE = (
    "urllib3",
    "httpx2",
    "httpcore2",
    "pymongo",
    "kombu",
    "PIL",
    "asyncio",
    "python_multipart",
    "celery.worker.strategy",
    "celery.app.trace",
    "celery.beat",
    "tornado.access",
)
_MESSAGE_MAX = 4000

_work: ContextVar[dict[str, Any] | None] = ContextVar("work", default=None)


@contextmanager
def work(**facts: Any) -> Iterator[None]:
    """Let what this thread logs in the block carry these facts (names of `FIELDS`)."""
    token = _work.set(facts)
    try:
        yield
    finally:
        _work.reset(token)


def note(**facts: Any) -> None:
    """Add facts to the work that this thread does; nothing outside of `work`."""
    current = _work.get()
    if current is not None:
        current.update(facts)


def _facts(record: logging.LogRecord) -> Mapping[str, Any]:
    """Return what a record is about: the thread's work, else the task that Celery itself reports on."""
    current = _work.get()
    if current is not None:
        return current
    # Celery speaks of a task before and after its work, with its id and name.
    data = getattr(record, "data", None)
    return {"task_id": data.get("id"), "task": data.get("name")} if isinstance(data, dict) else {}


class JsonFormatter(logging.Formatter):
    """One JSON object a line; an exception's traceback is its `error`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
        }
        facts = _facts(record)
        line |= {name: facts[name] for name in FIELDS if facts.get(name) is not None}
        if record.exc_info:
            line["error"] = redact(self.formatException(record.exc_info))
        return printable(json.dumps(line, ensure_ascii=False))


class TextFormatter(logging.Formatter):
    """A line for people: time, level, logger, message, and in brackets what it is about."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with the traceback of an exception below it."""
        facts = _facts(record)
        about = " ".join(f"{name}={facts[name]}" for name in FIELDS if facts.get(name) is not None)
        text = f"{self.formatTime(record)} {record.levelname} {record.name}: {_message(record)}"
        if about:
            text += f" [{about}]"
        if record.exc_info:
            text += f"\n{redact(self.formatException(record.exc_info))}"
        # What goes on in a new line is told from the next event by its indentation.
        return printable(text).replace("\n", "\n    ")


def _message(record: logging.LogRecord) -> str:
    text = redact(record.getMessage())
    return text if len(text) <= _MESSAGE_MAX else f"{text[:_MESSAGE_MAX]} …"


def set_up(level: str, form: str, stream: TextIO | None = None) -> None:
    """Let this process log to a stream (standard error) in a form: `text`, `json`, or `auto` (text in a terminal)."""
    stream = stream or sys.stderr
    as_text = form == "text" or (form == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(TextFormatter() if as_text else JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.getLevelName(level), logging.WARNING))


def as_text(line: str) -> str:
    """Return a line of a log as a person reads it: of a JSON line the level, the logger and the message."""
    if not line.startswith('{"time"'):
        return line
    try:
        event = json.loads(line)
        text = f"{event['time'][11:19]} {event['level']} {event['logger']}: {event['message']}"
        last = event.get("error", "").strip().splitlines()[-1:]
    except (ValueError, KeyError, TypeError, AttributeError):
        return line
    return " ".join([text, *(f"({one})" for one in last)])
