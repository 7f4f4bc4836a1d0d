"""Canvases as structures that can be read and compared: nested lists of the names of their steps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from celery.canvas import Signature

from generia_worker.app.enqueue import RECORD_PROGRESS
from generia_worker.engine.step import Step
from generia_worker.worlds.steps import FINISH, STEPS
from tests.books import WORLD


class Chord(NamedTuple):
    """`header` side by side, and `body` when all of it has ended."""

    header: list[Any]
    body: str


#: A task is the name of its step, a chain is a list.
Shape = str | list[Any] | Chord

_KINDS = {spec.task: spec.kind for spec in STEPS} | {RECORD_PROGRESS: "progress"}


def shape(signature: Signature | None) -> Shape | None:
    """Return a canvas as nested lists of the names of its steps, read from what is sent to the broker.

    A group that is not the header of a chord has no shape: Celery would join it inside a task.
    """
    return None if signature is None else _shape(_sent(signature))


def _sent(signature: Signature) -> dict[str, Any]:
    """Return a canvas as the broker gets it."""
    node: dict[str, Any] = json.loads(json.dumps(signature))
    return node


def _shape(node: dict[str, Any]) -> Any:
    inner = node["kwargs"]
    if node["task"] == "celery.chain":
        return [_shape(link) for link in inner["tasks"]]
    if node["task"] == "celery.chord":
        return Chord([_shape(one) for one in inner["header"]], _shape(inner["body"]))
    return name_of(node)


def name_of(node: dict[str, Any]) -> str:
    """Return the name of a task's step, or `progress`. What a canvas holds takes ids, indexes and a later round only."""
    world, *indexes = node["args"]
    named = node["kwargs"]
    assert (world, node["immutable"]) == (WORLD, True)
    assert set(named) <= {"in_round"} and named.get("in_round", 2) > 1
    kind = _KINDS[node["task"]]
    return kind if kind == "progress" else STEPS[kind].step(*indexes, **named).name


def tasks_of(signature: Signature) -> list[dict[str, Any]]:
    """Return every task of a canvas, as it is sent."""
    return list(_tasks(_sent(signature)))


def _tasks(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    inner = node["kwargs"]
    if node["task"] == "celery.chain":
        parts = inner["tasks"]
    elif node["task"] == "celery.chord":
        parts = [*inner["header"], inner["body"]]
    else:
        yield node
        return
    for part in parts:
        yield from _tasks(part)


def steps_in(signature: Signature) -> list[Step]:
    """Return the steps of a canvas but for the closing one, which every canvas may name."""
    names = [name_of(task) for task in tasks_of(signature)]
    return [STEPS.parse(name) for name in names if name not in ("progress", FINISH.kind)]


def chords_in(node: Any) -> Iterator[Chord]:
    """Yield every chord of a shape, the outer ones first."""
    if isinstance(node, Chord):
        yield node
        yield from chords_in(node.header)
    elif isinstance(node, list):
        for one in node:
            yield from chords_in(one)
