"""The step table of the product: what follows what, what a failure takes along, what is counted and paid for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generia_worker.client.order import POSTS_MAX, USERS_MAX
from generia_worker.client.status import STAGE_NAMES, GenerationStatus
from generia_worker.engine.queues import STEP_QUEUES
from generia_worker.engine.step import Scope, Step, StepState
from generia_worker.worlds.shares import share_posts
from generia_worker.worlds.steps import (
    AVATAR,
    CAST,
    CHARACTER,
    DESCRIBE,
    FAN_OUT,
    FINISH,
    ILLUSTRATE,
    INITIALIZE,
    PICTURE,
    PLAN,
    POST,
    REPLY,
    STEPS,
)

of = STEPS.parse
users = st.integers(1, USERS_MAX)
posts = st.integers(1, POSTS_MAX)
#: How many posts a model gives to each of the characters that it invents.
wishes = st.lists(st.sampled_from([0, 1, 2, 5, 250]), min_size=1, max_size=USERS_MAX)


# --- names ---------------------------------------------------------------------------------------------------------
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
    assert of(name).name == canonical
    assert of(canonical) == of(name)


@pytest.mark.parametrize(
    "name", ["", "post", "post/1", "describe/1", "dance/1", "post/1/2/3", "post/-1/2", "cast/", "post/1/2 "]
)
def test_what_is_no_step_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="step"):
        of(name)


# --- shares --------------------------------------------------------------------------------------------------------
@settings(deadline=None, max_examples=50)
@given(wishes, posts)
def test_shares_sum_up_whatever_is_wished(wishes: list[int], posts: int) -> None:
    shares = share_posts(wishes, posts)
    assert sum(shares) == posts
    assert len(shares) == len(wishes)
    assert sum(1 for share in shares if share) == min(len(wishes), posts)


def test_shares_follow_the_wishes() -> None:
    assert share_posts([6, 3, 1], 13) == [7, 4, 2]
    assert share_posts([1, 1, 1], 2) == [1, 1, 0]


# --- the steps of a world --------------------------------------------------------------------------------------------
def test_a_world_in_the_order_of_its_story() -> None:
    world = [*STEPS.opening(2), *STEPS.after_cast([1, 0])]
    assert [step.name for step in world] == [
        *("initialize", "describe", "illustrate", "cast/0", "cast/1", "fan_out", "finish"),
        *("character/01", "plan/01", "avatar/01", "post/01/01", "picture/01/01"),
        *("character/02", "avatar/02"),
    ]


@settings(deadline=None, max_examples=20)
@given(wishes, posts, st.integers(1, 20))
def test_every_step_follows_one_that_exists(wishes: list[int], posts: int, size: int) -> None:
    batches = -(-len(wishes) // size)
    world = {*STEPS.opening(batches), *STEPS.after_cast(share_posts(wishes, posts))}
    assert len(world) == STEPS.count(len(wishes), posts, batches), "the prediction before the cast is exact"
    for step in world:
        before = STEPS.predecessor(step, batches, world)
        assert (before is None) == (step in (INITIALIZE.step(), FINISH.step())), step
        assert before is None or before in world, step


@settings(deadline=None, max_examples=20)
@given(wishes, posts)
def test_from_every_step_one_comes_to_the_first(wishes: list[int], posts: int) -> None:
    batches = 2
    world = {*STEPS.opening(batches), *STEPS.after_cast(share_posts(wishes, posts))}
    reached = {INITIALIZE.step()}
    for step in world - {FINISH.step()}:
        path: list[Step] = []
        at: Step | None = step
        while at is not None and at not in reached:
            assert at not in path, f"{step} waits for itself"
            path.append(at)
            at = STEPS.predecessor(at, batches, world)
        assert at is not None, f"{step} hangs in the air"
        reached.update(path)


def test_what_comes_after_what() -> None:
    world = {*STEPS.opening(2), *STEPS.after_cast([2, 0, 1])}

    def before(step: Step) -> Step | None:
        return STEPS.predecessor(step, 2, world)

    assert before(CAST.step(0)) == ILLUSTRATE.step()
    assert before(CAST.step(1)) == CAST.step(0)
    assert before(FAN_OUT.step()) == CAST.step(1)
    assert before(CHARACTER.step(1)) == FAN_OUT.step()
    assert before(AVATAR.step(1)) == PLAN.step(1)
    assert before(AVATAR.step(2)) == CHARACTER.step(2), "it has no posts to plan"
    assert before(POST.step(1, 2)) == PLAN.step(1)
    assert before(PICTURE.step(1, 2)) == POST.step(1, 2)


# --- failures --------------------------------------------------------------------------------------------------------
def test_a_failure_takes_along_what_needs_it_and_nothing_else() -> None:
    world = [*STEPS.opening(1), *STEPS.after_cast([2, 1])]
    assert set(STEPS.dependents(of("character/1"), world)) == {
        *map(of, ("plan/1", "avatar/1", "post/1/1", "picture/1/1", "post/1/2", "picture/1/2"))
    }
    assert set(STEPS.dependents(of("plan/2"), world)) == {of("post/2/1"), of("picture/2/1")}
    assert STEPS.dependents(of("post/1/2"), world) == [of("picture/1/2")]
    assert STEPS.dependents(of("illustrate"), world) == STEPS.dependents(of("avatar/1"), world) == []
    assert set(STEPS.dependents(of("describe"), world)) == {*world} - {of("describe")}


@settings(deadline=None, max_examples=20)
@given(wishes, posts, st.data())
def test_dependents_are_closed(wishes: list[int], posts: int, data: st.DataObject) -> None:
    """Whatever needs the result of a dependent is a dependent too, and nothing else is one."""
    world = [*STEPS.opening(2), *STEPS.after_cast(share_posts(wishes, posts))]
    failed = data.draw(st.sampled_from(world))
    found = set(STEPS.dependents(failed, world))
    assert failed not in found
    if STEPS[failed.kind].fatal:
        assert found == {*world} - {failed}
        return
    lost = {failed, *found}
    for step in set(world) - {failed}:
        requires = STEPS[step.kind].requires
        needed = None
        if requires is not None and requires.scope in (Scope.CHARACTER, Scope.POST):
            needed = requires.within(step)
        assert (needed in lost) == (step in found), (failed, step)


def test_what_goes_on_without_the_one_before() -> None:
    assert [spec.kind for spec in STEPS if STEPS.goes_on_after(_any_step(spec.kind))] == [
        "illustrate",
        "chronicle",
        "plan",
    ]


def _any_step(kind: str) -> Step:
    names = {
        Scope.WORLD: kind,
        Scope.BATCH: f"{kind}/0",
        Scope.CHARACTER: f"{kind}/1",
        Scope.POST: f"{kind}/1/1",
        Scope.COMMENT: f"{kind}/1",
    }
    return of(names[STEPS[kind].scope])


def test_whose_failure_ends_the_world() -> None:
    assert STEPS.fatal_kinds == {"initialize", "describe", "cast", "fan_out", "finish"}
    assert [spec.kind for spec in STEPS if spec.indispensable] == ["character"]


# --- what others derive ----------------------------------------------------------------------------------------------
def test_what_a_step_adds_to_the_counters() -> None:
    assert STEPS.counters("initialize", StepState.DONE) == {"tasks_completed": 1}
    assert STEPS.counters("character", StepState.DONE) == {"tasks_completed": 1, "users_created": 1}
    assert STEPS.counters("picture", StepState.DONE) == {"tasks_completed": 1, "posts_created": 1}
    assert STEPS.counters("character", StepState.FAILED) == {"tasks_failed": 1}
    assert STEPS.counters("finish", StepState.RUNNING) == {}
    counters = {name for spec in STEPS for state in StepState for name in STEPS.counters(spec.kind, state)}
    assert counters <= GenerationStatus.model_fields.keys()


def test_expected_calls() -> None:
    assert STEPS.expected_calls(20, 100, 2, 25) == (2 + 2 + 20 + 20 + 100 + 4, 122)
    assert STEPS.expected_calls(1, 1, 1, 25) == (6, 4)


@settings(deadline=None)
@given(users, posts, st.integers(1, 20), st.integers(1, 50))
def test_expected_calls_are_what_a_world_would_add_up_to(
    users: int, posts: int, cast_batch: int, plan_batch: int
) -> None:
    batches = -(-users // cast_batch)
    texts, images = STEPS.expected_calls(users, posts, batches, plan_batch)
    planning = min(users, posts)
    # The description, the prompts of the pictures, the cast; each character, plan and post; and further plans.
    assert texts == 2 + batches + users + planning + posts + posts // plan_batch
    assert images == 2 + users + posts
    for shares in (share_posts([1] * users, posts), share_posts([250] + [0] * (users - 1), posts)):
        plans = sum(-(-share // plan_batch) for share in shares)
        assert texts >= 2 + batches + users + plans + posts, "however the posts are shared out"


def test_the_stages_are_those_of_the_contract() -> None:
    assert tuple(STEPS.stages) == STAGE_NAMES
    assert STEPS.stages["characters"] == ("cast", "chronicle", "fan_out", "character", "avatar")


def test_what_a_person_says_is_no_part_of_an_order() -> None:
    assert STEPS.aside_kinds == {"reply"}
    assert of("reply/1234") == REPLY.step(1234)
    with pytest.raises(ValueError, match="is no step"):
        of("character/1234")
    assert STEPS.numbers(20, 100, 2, ("reactions",))["reply"] == 0
    assert STEPS.counters("reply", StepState.DONE) == STEPS.counters("reply", StepState.FAILED) == {}
    counted = {("reply", StepState.RUNNING): 2, ("post", StepState.DONE): 3}
    assert STEPS.without_aside(counted) == {("post", StepState.DONE): 3}


def test_every_task_has_its_queue() -> None:
    assert STEPS.routes[DESCRIBE.task] == {"queue": "llm"}
    assert {route["queue"] for route in STEPS.routes.values()} < set(STEP_QUEUES)
    assert len(STEPS.routes) == len(list(STEPS))
    assert STEPS.kinds_in("images") == ["illustrate", "avatar", "picture"]


def test_what_is_made_anew_together() -> None:
    assert STEPS.redone_with("character") == [CHARACTER, AVATAR]
    assert STEPS.redone_with("post") == [POST, PICTURE]
    assert STEPS.redone_with("plan") == []
