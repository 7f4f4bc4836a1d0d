"""Steps: their names, their scopes, what no step can be."""

from __future__ import annotations

import pytest

from generia_worker.engine.step import FINAL_STATES, Scope, Step, StepState


@pytest.mark.parametrize(
    ("step", "name", "scope"),
    [
        (Step("describe"), "describe", Scope.WORLD),
        (Step("cast", batch=0), "cast/0", Scope.BATCH),
        (Step("cast", batch=12), "cast/12", Scope.BATCH),
        (Step("character", character=7), "character/07", Scope.CHARACTER),
        (Step("post", character=7, post=3), "post/07/03", Scope.POST),
        (Step("post", character=40, post=250), "post/40/250", Scope.POST),
        (Step("reply", comment=3), "reply/03", Scope.COMMENT),
        (Step("reply", comment=12345), "reply/12345", Scope.COMMENT),
    ],
)
def test_a_step_is_named_by_its_kind_and_indexes(step: Step, name: str, scope: Scope) -> None:
    assert (step.name, str(step), step.scope) == (name, name, scope)
    assert step.key("w1") == f"w1/{name}"
    assert step.indexes == tuple(int(part) for part in name.split("/")[1:])


@pytest.mark.parametrize(
    "indexes",
    [
        {"batch": 0, "character": 1},
        {"batch": 0, "post": 1},
        {"batch": 0, "character": 1, "post": 1},
        {"post": 1},
        {"comment": 1, "character": 1},
        {"comment": 1, "batch": 0},
    ],
)
def test_no_step_has_indexes_of_two_scopes(indexes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="No step has these indexes"):
        Step("post", **indexes)


def test_steps_of_a_kind_sort_by_their_indexes() -> None:
    posts = [Step("post", character=c, post=p) for c in (10, 2) for p in (11, 3)]
    assert [step.indexes for step in sorted(posts)] == [(2, 3), (2, 11), (10, 3), (10, 11)]


def test_final_states() -> None:
    assert {state for state in StepState if state.is_final} == FINAL_STATES
    assert {state for state in StepState if not state.is_final} == {StepState.PENDING, StepState.RUNNING}
