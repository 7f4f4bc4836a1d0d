"""Steps: names, shares, what follows what, and what each adds to the counters."""

from __future__ import annotations

import random

import pytest
from generia_worker.worlds.character_documents import share_posts

from generia_worker.engine.step import (
    DESCRIBE,
    FAN_OUT,
    FINISH,
    ILLUSTRATE,
    INITIALIZE,
    Step,
    StepKind,
    StepState,
    contribution,
    doomed_by,
    opening_steps,
    predecessor,
    predicted_after_cast,
    steps_after_cast,
)


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("describe", "describe"),
        ("cast/0", "cast/0"),
        ("character/7", "character/07"),
        ("post/7/3", "post/07/03"),
        ("post/07/250", "post/07/250"),
    ],
)
def test_names_are_read_with_and_without_zeros(name: str, canonical: str) -> None:
    assert Step.parse(name).name == canonical
    assert Step.parse(canonical) == Step.parse(name)


@pytest.mark.parametrize(
    "name", ["", "post", "post/1", "describe/1", "dance/1", "post/1/2/3", "post/-1/2", "cast/", "post/1/2 "]
)
def test_what_is_no_step_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="step"):
        Step.parse(name)


def test_shares_sum_up_whatever_is_wished() -> None:
    dice = random.Random(7)
    for _ in range(500):
        users, posts = dice.randint(1, 40), dice.randint(1, 250)
        wishes = [dice.choice([0, 1, 2, 5, 250]) for _ in range(users)]
        shares = share_posts(wishes, posts)
        assert sum(shares) == posts
        assert len(shares) == users
        assert sum(1 for share in shares if share) == min(users, posts)


def test_shares_follow_the_wishes() -> None:
    assert share_posts([6, 3, 1], 13) == [7, 4, 2]
    assert share_posts([1, 1, 1], 2) == [1, 1, 0]


def test_the_prediction_before_the_cast_is_exact() -> None:
    for users, posts in ((1, 1), (5, 15), (40, 5), (1, 250), (40, 250)):
        steps = steps_after_cast(share_posts([1] * users, posts))
        assert len(steps) == predicted_after_cast(users, posts)
        assert len(set(steps)) == len(steps)
        assert sum(step.kind is StepKind.PICTURE for step in steps) == posts


def test_every_step_follows_one_that_exists() -> None:
    world = [*opening_steps(2), *steps_after_cast([2, 0, 1])]
    for step in world:
        before = predecessor(step, 2, world)
        assert (before is None) == (step in (INITIALIZE, FINISH)), step
        assert before is None or before in world, step
    assert predecessor(Step(StepKind.CAST, 1), 2, world) == Step(StepKind.CAST, 0)
    assert predecessor(FAN_OUT, 2, world) == Step(StepKind.CAST, 1)
    assert predecessor(Step(StepKind.CHARACTER, 1), 2, world) == FAN_OUT
    assert predecessor(Step(StepKind.AVATAR, 1), 2, world) == Step(StepKind.PLAN, 1)
    assert predecessor(Step(StepKind.AVATAR, 2), 2, world) == Step(StepKind.CHARACTER, 2), (
        "it has no posts to plan"
    )


def test_a_failure_dooms_what_needs_it_and_nothing_else() -> None:
    world = [*opening_steps(1), *steps_after_cast([2, 1])]
    of = Step.parse
    assert set(doomed_by(of("character/1"), world)) == {
        *map(of, ("plan/1", "avatar/1", "post/1/1", "picture/1/1", "post/1/2", "picture/1/2"))
    }
    assert set(doomed_by(of("plan/2"), world)) == {of("post/2/1"), of("picture/2/1")}
    assert doomed_by(of("post/1/2"), world) == [of("picture/1/2")]
    assert doomed_by(ILLUSTRATE, world) == doomed_by(of("avatar/1"), world) == []
    assert set(doomed_by(DESCRIBE, world)) == {*world} - {DESCRIBE}


def test_contributions() -> None:
    assert contribution(INITIALIZE, StepState.DONE) == {"tasks_completed": 1}
    assert contribution(Step.parse("character/1"), StepState.DONE) == {
        "tasks_completed": 1,
        "users_created": 1,
    }
    assert contribution(Step.parse("picture/1/1"), StepState.DONE) == {
        "tasks_completed": 1,
        "posts_created": 1,
    }
    assert contribution(FINISH, StepState.FAILED) == {"tasks_failed": 1}
    assert contribution(FINISH, StepState.RUNNING) == {}
