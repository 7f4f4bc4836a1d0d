"""What a process logs: one JSON object an event, lines for people in a terminal, and the step that it is about."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator

import pytest

from generia_worker.observability import logs

log = logging.getLogger("generia_worker.somewhere")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """Leave the root logger as it was."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(False)


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_line_with_its_step() -> None:
    stream = io.StringIO()
    logs.set_up("INFO", "auto", stream)
    with logs.work(world_id="w1", step="post/07/03", task_id="t1", task="tasks.posts.write_post"):
        log.info("before the claim")
        logs.note(run=2, attempt=3)
        log.warning("two\nlines of %s", "котики")
    log.debug("not shown")
    log.info("after it")
    first, second, last = lines(stream)
    assert first["world_id"] == "w1"
    assert "run" not in first
    assert second == {
        "time": second["time"],
        "level": "WARNING",
        "logger": "generia_worker.somewhere",
        "message": "two\nlines of котики",
        "world_id": "w1",
        "step": "post/07/03",
        "run": 2,
        "attempt": 3,
        "task_id": "t1",
        "task": "tasks.posts.write_post",
    }
    assert set(last) == {"time", "level", "logger", "message"}


def test_threads_do_not_lend_each_other_their_steps() -> None:
    def work_elsewhere() -> None:
        logs.note(run=9)
        log.info("elsewhere")

    stream = io.StringIO()
    logs.set_up("INFO", "json", stream)
    with logs.work(world_id="w1"):
        other = threading.Thread(target=work_elsewhere)
        other.start()
        other.join()
        log.info("here")
    assert ["world_id" in line for line in lines(stream)] == [False, True]
    assert "run" not in lines(stream)[1]


def test_an_exception_is_in_its_line() -> None:
    stream = io.StringIO()
    logs.set_up("INFO", "json", stream)
    try:
        raise ValueError("no good")
    except ValueError:
        log.exception("It broke.")
    (line,) = lines(stream)
    assert str(line["error"]).endswith("ValueError: no good")
    assert logs.as_text(stream.getvalue()).endswith(
        "ERROR generia_worker.somewhere: It broke. (ValueError: no good)"
    )


@pytest.mark.parametrize(("form", "stream"), [("auto", Terminal()), ("text", io.StringIO())])
def test_people_get_lines_of_text(form: str, stream: io.StringIO) -> None:
    logs.set_up("INFO", form, stream)
    with logs.work(world_id="w1", step="describe"):
        log.info("hello")
    assert stream.getvalue().endswith(" INFO generia_worker.somewhere: hello [world_id=w1 step=describe]\n")
    assert logs.as_text(stream.getvalue()) == stream.getvalue()


def test_json_in_a_terminal_where_it_is_asked_for() -> None:
    stream = Terminal()
    logs.set_up("ERROR", "json", stream)
    log.warning("not shown")
    log.error("shown")
    assert [line["message"] for line in lines(stream)] == ["shown"]


def test_what_is_no_line_of_ours_is_left_alone() -> None:
    for line in (
        "",
        "plain",
        '{"time": 1}',
        '{"time"',
        '{"time": "x", "level": 1, "logger": 2, "message": 3}',
    ):
        assert isinstance(logs.as_text(line), str)
    assert logs.as_text('{"time"') == '{"time"'


def test_celery_names_its_task() -> None:
    stream = io.StringIO()
    logs.set_up("INFO", "json", stream)
    data = {"id": "t1", "name": "tasks.progress.record_progress", "args": "('w1',)"}
    logging.getLogger("celery.app.trace").error("Task failed", extra={"data": data})
    (line,) = lines(stream)
    assert (line["task_id"], line["task"]) == ("t1", "tasks.progress.record_progress")
