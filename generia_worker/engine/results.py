"""Reads what steps have made, with its type."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from cachetools import LRUCache, TTLCache
from pydantic import BaseModel

from generia_worker.engine.step import Step, StepState
from generia_worker.engine.step_rows import OF_STEP, StepRows
from generia_worker.storage.cache import ReadThroughCache
from generia_worker.storage.database import Database, Document

M = TypeVar("M", bound=BaseModel)

#: Results that a process keeps: some ten kilobytes each at most.
_KEPT_MAX = 1000
#: How old the results of a world's steps may be where a reader accepts old ones, and of how many worlds they are kept.
_RECENT_S, _RECENT_MAX = 2.0, 500


class Results:
    """The field `result` of the ledger's rows.

    `model` is the result model of the step's spec, or a part of it (a model with some of its fields): only these fields are
    read.
    """

    def __init__(
        self, database: Database, rows: StepRows, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rows = database.steps
        self._step_of = rows.step_of
        self._kept: ReadThroughCache[BaseModel | None] = ReadThroughCache(
            LRUCache(_KEPT_MAX), lasting=lambda made: made is not None
        )
        recent: TTLCache[str, dict[Step, Any]] = TTLCache(_RECENT_MAX, _RECENT_S, timer=clock)
        self._recent = ReadThroughCache(recent, lasting=lambda _: True)

    def of(self, world_id: str, step: Step, model: type[M], *, as_of: str | None = None) -> M | None:
        """Return what a step has made; None when it is not done.

        Once it is done, it is read once a process and `as_of`: a name of the time until it may be another; None: each time.
        """

        def read(key: str) -> M | None:
            query = {"_id": key, "state": StepState.DONE.value}
            row = self._rows.find_one(query, dict.fromkeys(_paths(model), 1))
            return None if row is None else model.model_validate(row["result"])

        key = step.key(world_id)
        if as_of is None:
            return read(key)
        found = self._kept.get(f"{key} {model.__name__} {as_of}", lambda _: read(key))
        assert found is None or isinstance(found, model)
        return found

    def all_of(
        self,
        world_id: str,
        kind: str,
        model: type[M],
        *,
        character: int | None = None,
        in_round: int | None = None,
    ) -> dict[Step, M]:
        """Return what the done steps of a kind have made, in their order: of one character and in one round where these are
        given."""
        query: Document = {"world_id": world_id, "kind": kind, "state": StepState.DONE.value}
        if character is not None:
            query["first"] = character
        if in_round is not None:
            query["round"] = in_round if in_round > 1 else None
        fields = dict.fromkeys((*_paths(model), *OF_STEP), 1)
        found = {
            self._step_of(row): model.model_validate(row["result"]) for row in self._rows.find(query, fields)
        }
        return {step: found[step] for step in sorted(found)}

    def recent_of(self, world_id: str, kind: str, model: type[M]) -> dict[Step, M]:
        """Return the same for all of a world, as it was at most two seconds ago."""
        return self._recent.get(
            f"{world_id} {kind} {model.__name__}", lambda _: self.all_of(world_id, kind, model)
        )


def _paths(model: type[BaseModel], prefix: str = "result") -> list[str]:
    """Return the fields of a model as MongoDB names them: `result.detail.username`."""
    found: list[str] = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += _paths(kind, f"{prefix}.{name}")
        else:
            found.append(f"{prefix}.{name}")
    return found or [prefix]
