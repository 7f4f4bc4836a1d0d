"""`generia …` in a process that dies at a named point when a test has armed it: for instants that no signal can hit.

Run as `python -m tests.faults.doomed_worker worker …` with `DOOM_FILE` in the environment. As long as that file does not
exist, nothing is different. It is JSON: `point` (a name of `POINTS`), `when` (`before` or `after` the call), `match`
(texts that must all occur in what the call is about), `other_than` (worlds that it is not about), `nth` (of the calls
that match in this process), `signal` (by its number), `again` (the file stays: the process dies there each time).
Whoever takes the file dies, so once in all; every death leaves a line in `DOOM_FILE.deaths`.

`DOOM_CLOCK_S` sets this process's clock wrong by so many seconds.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import signal
import sys
import time
from collections import Counter
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from types import SimpleNamespace
from typing import Any

#: name → module, class or "" for a function, function.
POINTS = {
    "broker.noted": ("generia_worker.app.transport", "QoS", "append"),
    "broker.ack": ("celery.worker.request", "Request", "acknowledge"),
    "chord.part": ("celery.backends.redis", "RedisBackend", "on_chord_part_return"),
    "task.perform": ("tasks.base", "GenerationTask", "perform"),
    "task.refresh": ("tasks.base", "", "refresh_status"),
    "ledger.claim": ("generia_worker.engine.ledger", "Ledger", "claim"),
    "ledger.checkpoint": ("generia_worker.engine.ledger", "Ledger", "checkpoint"),
    "ledger.commit": ("generia_worker.engine.ledger", "Ledger", "commit"),
    "ledger.release": ("generia_worker.engine.ledger", "Ledger", "release"),
    "status.refresh": ("generia_worker.status.refresh", "StatusRefresh", "refresh"),
    "money.hold": ("generia_worker.billing.holds", "Holds", "hold"),
    "money.begin": ("generia_worker.billing.requests", "Requests", "begin"),
    "money.record": ("generia_worker.billing.requests", "Requests", "record_answer"),
    "paid.text": ("generia_worker.providers.llm", "LlmClient", "complete"),
    "paid.draw": ("generia_worker.providers.images", "ImageClient", "draw"),
    "rpc.character": ("generia_worker.rpc.character_client", "CharacterClient", "create"),
    "rpc.post": ("generia_worker.rpc.post_client", "PostClient", "create_ai"),
    "rpc.comment": ("generia_worker.rpc.interaction_client", "InteractionClient", "comment"),
    "rpc.presign": ("generia_worker.rpc.media_client", "MediaClient", "presign_upload"),
    "rpc.confirm": ("generia_worker.rpc.media_client", "MediaClient", "confirm"),
}
_FACTS = ("key", "call", "request_id", "name", "task", "args", "argsrepr", "world_id", "headers")


def _about(arguments: tuple[Any, ...], named: dict[str, Any]) -> str:
    """Return everything that a call is about as one text."""
    found = []
    for value in (*arguments, *named.values()):
        found.append(str(value) if isinstance(value, str | int | float) else "")
        found += [str(getattr(value, fact)) for fact in _FACTS if hasattr(value, fact)]
    return " ".join(found)


class Doom:
    """The orders of one process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: Counter[str] = Counter()

    def meet(self, point: str, when: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Die here if that is ordered."""
        try:
            text = self._path.read_text()
        except FileNotFoundError:
            return
        orders = json.loads(text)
        if orders["point"] != point or orders["when"] != when:
            return
        about = _about(arguments, named)
        wanted = all(part in about for part in orders["match"])
        if not wanted or any(world in about for world in orders["other_than"]):
            return
        self._seen[text] += 1
        if self._seen[text] < orders["nth"]:
            return
        if not orders["again"]:
            try:
                self._path.rename(self._path.with_suffix(f".taken-{os.getpid()}"))
            except FileNotFoundError:  # another process was faster
                return
        with self._path.with_suffix(".deaths").open("a") as deaths:
            deaths.write(f"{os.getpid()} {point} {about[:300]}\n")
        os.kill(os.getpid(), orders["signal"])
        if orders["signal"] == signal.SIGKILL:
            signal.pause()  # until it arrives

    def wrap(self, point: str) -> None:
        """Let a point ask for orders before and after each call."""
        module, owner, name = POINTS[point]
        target: Any = importlib.import_module(module)
        target = getattr(target, owner) if owner else target
        real = getattr(target, name)

        @functools.wraps(real)
        def wrapped(*arguments: Any, **named: Any) -> Any:
            self.meet(point, "before", arguments, named)
            result = real(*arguments, **named)
            self.meet(point, "after", arguments, named)
            return result

        setattr(target, name, wrapped)


class _WrongDatetime(datetime):
    """A datetime that takes the wrong time for now."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        """Return the wrong time."""
        return datetime.now(tz) + timedelta(seconds=_WRONG_S)


_WRONG_S = float(os.environ.get("DOOM_CLOCK_S", "0"))


def set_the_clock_wrong() -> None:
    """Let everything of ours, and all that asks `time.time`, see the wrong time. To be called before our imports.

    But for gRPC: it computes a deadline in Python that its core compares with the machine's own clock.
    """
    real = time.time
    right = SimpleNamespace(**vars(time))
    time.time = lambda: real() + _WRONG_S
    vars(importlib.import_module("grpc._channel"))["time"] = right
    for name in ("app.celery_app", "cli.main"):
        importlib.import_module(f"generia_worker.{name}")
    for module in _CLOCK_READERS:
        vars(importlib.import_module(module))["datetime"] = _WrongDatetime


#: The modules of a worker that ask for the time of day.
_CLOCK_READERS = (
    "tasks.base",
    "generia_worker.engine.generations",
    "generia_worker.engine.ledger",
    "generia_worker.billing.requests",
    "generia_worker.status.projection",
    "generia_worker.worlds.claims",
)


def main() -> None:
    """Wrap all points and run the command line."""
    if _WRONG_S:
        set_the_clock_wrong()
    doom = Doom(Path(os.environ["DOOM_FILE"]))
    from generia_worker.cli.main import main as cli

    for point in POINTS:
        doom.wrap(point)
    cli(args=sys.argv[1:], prog_name="generia")


if __name__ == "__main__":
    main()
