"""Later rounds of a world: their steps, who writes in them, and what their prompts are told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generia_worker.engine.generations import Generation
from generia_worker.engine.rounds import Round
from generia_worker.engine.step import Step, StepState
from generia_worker.worlds.cast import cast_characters
from generia_worker.worlds.characters import create_character, plan_posts
from generia_worker.worlds.dates import written_between
from generia_worker.worlds.documents import Cast, CharacterConcept, PlannedPost, PostDraft, PostPlan
from generia_worker.worlds.results import CreatedCharacter, DatedPlan, PublishedPost
from generia_worker.worlds.shares import share_round
from generia_worker.worlds.steps import AVATAR, CAST, CHARACTER, FAN_OUT, FINISH, PICTURE, PLAN, POST, STEPS
from tasks import pipeline
from tests.books import generation
from tests.tasks.canvases import Chord, shape
from tests.worlds.doubles import Model, Recorder, context, detail, services

AT = datetime(2026, 1, 3, tzinfo=UTC)
of = STEPS.parse


def later(users: int, posts: int, shares: dict[int, int] | None, **more: Any) -> dict[str, Any]:
    """Return a later round as it is stored."""
    batches = -(-users // 10)
    one = Round(2, users, posts, batches, 0, shares, False, AT, **more)
    return one.as_document()


def world(shares: list[int], *rounds: dict[str, Any], **fields: Any) -> Generation:
    """Return a world whose first round has these shares."""
    return generation(shares, rounds=list(rounds), **fields)


# --- steps -------------------------------------------------------------------------------------------------------------
def test_a_name_tells_the_round_and_is_read_back() -> None:
    for step in (CAST.step(0, in_round=2), FAN_OUT.step(in_round=12), POST.step(7, 3, in_round=2)):
        assert of(step.name) == step
    assert POST.step(7, 3, in_round=2).name == "post/07/03@2"
    assert CHARACTER.step(7, in_round=2).name == "character/07", "it is made once"
    for wrong in ("post/07/03@1", "post/07/03@0", "plan/7@", "character/07@2", "finish@2"):
        with pytest.raises(ValueError, match="no step"):
            of(wrong)


def test_what_was_there_before_there_were_rounds_is_the_first() -> None:
    order = generation([2, 1])
    assert [one.number for one in order.rounds] == [1]
    assert order.rounds[0].shares == {1: 2, 2: 1}
    assert order.round_of(of("picture/2/1")) is order.rounds[0]


def test_the_counts_of_a_world_are_those_of_all_rounds() -> None:
    order = world([2, 1], later(2, 5, {1: 1, 3: 2, 4: 2}), later(1, 0, None))
    assert (order.users_count, order.posts_count) == (5, 8)
    assert [one.first_character for one in order.rounds] == [1, 3, 5]
    assert not order.is_laid_out
    for name, number in {
        "describe": 1,
        "character/2": 1,
        "avatar/4": 2,
        "character/5": 3,
        "plan/1@2": 2,
        "cast/0@3": 3,
        "finish": 1,
    }.items():
        assert order.round_of(of(name)).number == number, name
    assert not order.knows(of("plan/1@4"))
    assert not order.knows(of("character/6"))


def test_a_round_has_the_steps_of_those_who_write_and_of_the_new() -> None:
    order = world([2, 1], later(2, 3, {1: 1, 3: 2, 4: 0}))
    one = order.rounds[1]
    assert [step.name for step in STEPS.opening_of(one)] == ["cast/0@2", "fan_out@2"]
    assert sorted(step.name for step in STEPS.of_round(one)) == sorted(
        "plan/01@2 post/01/01@2 picture/01/01@2 character/03 plan/03@2 avatar/03 post/03/01@2 picture/03/01@2 "
        "post/03/02@2 picture/03/02@2 character/04 avatar/04".split()
    )
    assert STEPS.count_of(one) == 2 + 12


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 12), st.integers(0, 30), st.integers(1, 12), st.data())
def test_what_is_expected_of_a_round_is_never_less_than_what_it_takes(
    users: int, posts: int, known: int, data: st.DataObject
) -> None:
    batches = -(-users // 10)
    wishes = {number: data.draw(st.integers(0, 9)) for number in range(1, known + users + 1)}
    written = {number: data.draw(st.integers(0, 9)) for number in range(1, known + 1)}
    one = Round(2, users, posts, batches, known + 1, None, False, AT)
    shares = share_round(one, wishes, written)
    laid_out = Round(2, users, posts, batches, known + 1, shares, False, AT)
    for options in ((), ("reactions",)):
        steps = [*STEPS.opening_of(laid_out), *STEPS.of_round(laid_out, options)]
        whole = STEPS.count_of(laid_out, options)
        assert len(set(steps)) == len(steps) == whole <= STEPS.count_of(one, options)
        texts, images = STEPS.expected_calls(users, posts, batches, 25, options, known)
        assert images == sum(STEPS[step.kind].image_calls for step in steps)
        assert sum(STEPS[step.kind].text_calls for step in steps) <= texts


def test_predecessors_are_those_of_the_round() -> None:
    order = world([2, 1], later(2, 3, {1: 1, 3: 2, 4: 0}))
    one = order.rounds[1]
    steps = {*STEPS.opening_of(one), *STEPS.of_round(one)}
    for name, before in {
        "cast/0@2": "illustrate",
        "fan_out@2": "cast/0@2",
        "character/3": "fan_out@2",
        "plan/3@2": "character/3",
        "avatar/3": "plan/3@2",
        "avatar/4": "character/4",
        "plan/1@2": "fan_out@2",
        "post/1/1@2": "plan/1@2",
        "picture/3/2@2": "post/3/2@2",
    }.items():
        assert STEPS.predecessor(of(name), one.batches, steps, 2) == of(before), name
    alone = world([2, 1], later(0, 1, {1: 1})).rounds[1]
    assert STEPS.predecessor(of("fan_out@2"), 0, set(STEPS.opening_of(alone)), 2) == of("illustrate")


def test_what_a_failure_takes_along_is_of_its_round() -> None:
    order = world([2, 1], later(1, 3, {1: 1, 3: 2}))
    everything = [step for one in order.rounds for step in [*STEPS.opening_of(one), *STEPS.of_round(one)]]
    skipped = STEPS.dependents(of("plan/1@2"), everything)
    assert {step.name for step in skipped} == {"post/01/01@2", "picture/01/01@2"}
    own = order.same_round(of("fan_out@2"), everything)
    lost = STEPS.dependents(of("fan_out@2"), own)
    assert set(lost) == set(own) - {of("fan_out@2")}
    assert of("character/3") in lost
    assert FINISH.step() not in lost


# --- canvases ----------------------------------------------------------------------------------------------------------
def done(order: Generation, *rounds: int) -> dict[Step, StepState]:
    """Return these rounds as done, and the end of the world as pending."""
    states = {
        step: StepState.DONE
        for number in rounds
        for one in [order.rounds[number - 1]]
        for step in [*STEPS.opening_of(one), *STEPS.of_round(one)]
    }
    return states | {FINISH.step(): StepState.PENDING}


def test_an_extension_begins_with_its_cast() -> None:
    order = world([2, 1], later(12, 5, None))
    canvas = pipeline.world_canvas(order, done(order, 1))
    assert shape(canvas) == ["cast/0@2", "cast/1@2", "fan_out@2"]


def test_an_extension_by_posts_alone_begins_with_its_fan_out() -> None:
    order = world([2, 1], later(0, 2, {2: 2}))
    states = done(order, 1)
    assert shape(pipeline.world_canvas(order, states)) == "fan_out@2"
    posts = [[f"post/02/0{k}@2", f"picture/02/0{k}@2"] for k in (1, 2)]
    character = ["plan/02@2", Chord(posts, "progress")]
    assert shape(pipeline.fan_out_canvas(order, order.rounds[1], states)) == Chord([character], "finish")


def test_a_new_character_is_made_as_in_the_first_round() -> None:
    order = world([2], later(1, 2, {1: 1, 2: 1}))
    states = done(order, 1) | {of("cast/0@2"): StepState.DONE, of("fan_out@2"): StepState.DONE}
    post = ["post/02/01@2", "picture/02/01@2"]
    new = ["character/02", "plan/02@2", Chord(["avatar/02", post], "progress")]
    old = ["plan/01@2", "post/01/01@2", "picture/01/01@2", "progress"]
    assert shape(pipeline.world_canvas(order, states)) == Chord([old, new], "finish")
    assert shape(pipeline.canvas_from(of("plan/2@2"), order, states)) == new[1:]
    failed = states | {of("character/2"): StepState.DONE, of("plan/2@2"): StepState.FAILED}
    failed |= {of("post/2/1@2"): StepState.SKIPPED, of("picture/2/1@2"): StepState.SKIPPED}
    assert shape(pipeline.canvas_after(of("plan/2@2"), order, failed)) == ["avatar/02", "progress"]


# --- who writes --------------------------------------------------------------------------------------------------------
def shares(new: int, posts: int, written: Mapping[int, int], wish: int = 3) -> dict[int, int]:
    one = Round(2, new, posts, 1, max(written, default=0) + 1, None, False, AT)
    wishes = dict.fromkeys(range(1, one.first_character + new), wish)
    return share_round(one, wishes, written)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 6),
    st.integers(0, 40),
    st.dictionaries(st.integers(1, 9), st.integers(0, 20), min_size=1),
    st.integers(0, 9),
)
def test_posts_sum_up_and_the_new_come_first(
    new: int, posts: int, written: dict[int, int], wish: int
) -> None:
    found = shares(new, posts, written, wish)
    assert sum(found.values()) == posts
    people = range(max(written) + 1, max(written) + 1 + new)
    assert set(people) <= set(found) <= set(written) | set(people), "who was never made writes nothing"
    if posts >= new:
        assert all(found[number] > 0 for number in people)
    assert all(found[number] > 0 for number in found if number in written)


def test_nobody_is_left_out_for_long() -> None:
    written = dict.fromkeys(range(1, 8), 1)
    for _ in range(7):
        for number, posts in shares(0, 3, written).items():
            written[number] += posts
    assert set(written.values()) == {4}


def test_who_has_written_less_writes_more() -> None:
    assert shares(1, 4, {1: 6, 2: 1}) == {2: 2, 3: 2}


# --- use cases ---------------------------------------------------------------------------------------------------------
def concept(name: str, posts: int = 2) -> CharacterConcept:
    return CharacterConcept(concept=f"{name} does things", concept_short=name, posts_count=posts)


CHARACTER_MADE = SimpleNamespace(id="c-5")
OLD = {
    "cast/0": Cast(characters=[concept("Ada"), concept("Bo")]),
    "character/1": CreatedCharacter(detail=detail("Ada"), character_id="c-1"),
    "character/2": CreatedCharacter(detail=detail("Bo"), character_id="c-2"),
    "plan/1": DatedPlan(posts=[PlannedPost(topic="Soup"), PlannedPost(topic="Rain")]),
    "plan/2": DatedPlan(posts=[PlannedPost(topic="Bread")]),
    "post/1/1": PostDraft(content="Soup again. " * 40, image_prompt="i"),
    "post/1/2": PostDraft(content="Rain", image_prompt="i"),
    "post/2/1": PostDraft(content="Bread", image_prompt="i"),
    "picture/1/1": PublishedPost(post_id="p1", media_id="m"),
    "picture/1/2": PublishedPost(post_id="p2", media_id="m"),
    "picture/2/1": PublishedPost(post_id="p3", media_id="m"),
}


def test_a_cast_of_a_later_round_knows_who_is_there_and_lays_its_round_out() -> None:
    generations, added = Recorder(), Recorder()
    answers = ([concept("Bo"), concept("Cy", 9)], [concept("Di", 1)])
    model = Model(*(Cast(characters=people) for people in answers))
    made = {of(name): StepState.DONE for name in OLD}
    rows = SimpleNamespace(table=STEPS, add=added.add, states=lambda _: made)
    around = services(model, OLD, generations=generations, rows=rows)
    order = world([2, 1], later(2, 5, None))
    outcome = cast_characters(context("cast/0@2", around, order), around)
    assert [one.id for one in outcome.result.characters] == ["c3", "c4"]  # type: ignore[attr-defined]
    assert [one["concept_short"] for one in model.told("existing")[0]] == ["Ada", "Bo"]
    assert outcome.on_commit is not None
    outcome.on_commit(object())  # type: ignore[arg-type]
    ((_, (_, laid_out, _), _),) = generations.calls
    assert (laid_out.number, sum(laid_out.shares.values())) == (2, 5)
    assert {3, 4} <= set(laid_out.shares)
    ((_, (_, steps, batches, _), named),) = added.calls
    assert (steps, batches, named) == (STEPS.of_round(laid_out), 1, {"in_round": 2})


def test_a_round_that_was_given_up_leaves_its_numbers_free() -> None:
    failed = later(2, 2, None, given_up={"reason": "No."})
    model = Model(detail("Cy"))
    made = OLD | {
        "cast/0@2": Cast(characters=[concept("Nobody"), concept("Noone")]),
        "cast/0@3": Cast(characters=[concept("Cy")]),
    }
    around = services(model, made, characters=Recorder(create=lambda *_, **__: CHARACTER_MADE))
    order = world([2, 1], failed, later(1, 1, {5: 1}))
    create_character(context("character/5", around, order), around)
    assert model.told("concept")[0]["concept_short"] == "Cy"
    assert [one["concept_short"] for one in model.told("others")[0]] == ["Ada", "Bo"]


def test_a_new_character_takes_nobody_s_handle() -> None:
    model = Model(detail("ADA"))
    made = OLD | {"cast/0@2": Cast(characters=[concept("Ada the Second")])}
    around = services(model, made, characters=Recorder(create=lambda *_, **__: CHARACTER_MADE))
    order = world([2, 1], later(1, 1, {3: 1}))
    outcome = create_character(context("character/3", around, order), around)
    assert outcome.result.detail.username == "ada2"  # type: ignore[attr-defined]


def test_a_plan_of_a_later_round_knows_what_was_written() -> None:
    again = PostPlan(posts=[PlannedPost(topic="Soup"), PlannedPost(topic="Wind")])
    model = Model(again, PostPlan(posts=[PlannedPost(topic="Fog")]))
    around = services(model, OLD)
    order = world([2, 1], later(0, 2, {1: 2}))
    found = plan_posts(context("plan/1@2", around, order), around).result
    assert [post.topic for post in found.posts] == ["Wind", "Fog"]  # type: ignore[attr-defined]
    assert model.told("earlier")[0] == ["Soup", "Rain"]
    told = model.told("lately")[0]
    assert [one["author"] for one in told] == ["Ada", "Bo", "Ada"]
    assert all(len(one["post"]) <= 160 for one in told)
    assert min(found.written_at) > order.rounds[0].at  # type: ignore[attr-defined]


def test_a_first_plan_is_told_nothing_of_it() -> None:
    model = Model(PostPlan(posts=[PlannedPost(topic="Wind")]))
    around = services(model, OLD)
    plan_posts(context("plan/2", around, world([2, 1])), around)
    assert model.told("lately") == [[]]


# --- when --------------------------------------------------------------------------------------------------------------
@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.one_of(st.none(), st.floats(0, 20)), min_size=1, max_size=60),
    st.floats(0.01, 100_000).map(lambda minutes: timedelta(minutes=minutes)),
)
def test_posts_of_a_later_round_lie_between_the_rounds(days: list[float | None], gap: timedelta) -> None:
    found = written_between("w/1@2", AT - gap, AT, days)
    assert found == sorted(found)
    assert AT - gap < found[0]
    assert found[-1] <= AT


def test_all_kinds_of_the_product_are_in_a_round_or_once() -> None:
    once = {spec.kind for spec in STEPS if spec.once}
    assert {"describe", "character", "avatar", "finish"} <= once
    assert not {spec.kind for spec in (CAST, PLAN, POST, PICTURE)} & once
    assert AVATAR.once
