"""A step table: what it refuses, and what follows from the few fields of its specs. On small tables of its own."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from generia_worker.engine.specs import StepSpec, StepTable
from generia_worker.engine.step import Scope, Step, StepState


class Made(BaseModel):
    """What a step of these tables makes."""


def spec(kind: str, after: StepSpec[Any] | None = None, **more: Any) -> StepSpec[Any]:
    facts: dict[str, Any] = {"task": f"tasks.{kind}", "queue": "llm", "stage": "all", "result": Made}
    return StepSpec(kind=kind, after=after, **(facts | more))


#: begin → draft/0 … draft/k → share → each: person → hobby (some) → portrait; and of each hobby's holder: note → sketch.
BEGIN = spec("begin", queue="services", stage="opening", fatal=True)
DRAFT = spec("draft", BEGIN, scope=Scope.BATCH, stage="opening", fatal=True, text_calls=2)
SHARE = spec("share", DRAFT, queue="services", stage="opening", fatal=True)
PERSON = spec("person", SHARE, scope=Scope.CHARACTER, counter="people", text_calls=1, redo="person")
HOBBY = spec(
    "hobby", PERSON, scope=Scope.CHARACTER, only_with_posts=True, text_calls=1, text_calls_by_posts=True
)
PORTRAIT = spec(
    "portrait", HOBBY, scope=Scope.CHARACTER, needs=PERSON, queue="images", image_calls=1, redo="person"
)
NOTE = spec("note", HOBBY, scope=Scope.POST, text_calls=1)
SKETCH = spec("sketch", NOTE, scope=Scope.POST, queue="images", image_calls=3)
CLOSE = spec("close", closes_world=True, queue="services", stage="closing", fatal=True)
TABLE = StepTable([BEGIN, DRAFT, SHARE, PERSON, HOBBY, PORTRAIT, NOTE, SKETCH, CLOSE])
#: Two batches; the first person has two notes, the second none.
WORLD = [*TABLE.opening(2), *TABLE.after_cast([2, 0])]

of = TABLE.parse


def names(steps: list[Step]) -> list[str]:
    return [step.name for step in steps]


# --- what is refused ---------------------------------------------------------------------------------------------------
def test_a_kind_stands_in_the_table_once() -> None:
    with pytest.raises(ValueError, match="two specs of kind begin"):
        StepTable([BEGIN, spec("begin"), CLOSE])


@pytest.mark.parametrize("field", ["after", "needs"])
def test_a_spec_names_only_what_stands_before_it(field: str) -> None:
    twin = spec("begin")
    for other in (PERSON, twin):
        with pytest.raises(ValueError, match=f"late names {other.kind}"):
            StepTable([BEGIN, spec("late", **{"after": BEGIN} | {field: other})])


@pytest.mark.parametrize(
    ("one", "indexes"),
    [(BEGIN, (1,)), (DRAFT, ()), (PERSON, ()), (PERSON, (1, 2)), (NOTE, (1,)), (NOTE, (1, 2, 3))],
)
def test_a_step_has_the_indexes_of_its_scope(one: StepSpec[Any], indexes: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=f"kind {one.kind} takes"):
        one.step(*indexes)


def test_a_spec_of_a_narrower_scope_is_not_within_a_wider_one() -> None:
    for step in (BEGIN.step(), PERSON.step(1)):
        with pytest.raises(ValueError, match="kind note takes 2 indexes"):
            NOTE.within(step)
    with pytest.raises(ValueError, match="kind draft takes 1 indexes"):
        DRAFT.within(BEGIN.step())


@pytest.mark.parametrize(
    "name",
    [
        "",
        "nobody",
        "begin/1",
        "draft",
        "draft/x",
        "person/1/2",
        "note/1",
        "note/1/2/3",
        "Begin",
        "note/1000/1",
    ],
)
def test_a_name_that_no_step_has(name: str) -> None:
    with pytest.raises(ValueError, match="step"):
        of(name)


# --- names and steps ---------------------------------------------------------------------------------------------------
def test_every_name_is_read_back() -> None:
    assert [of(step.name) for step in WORLD] == WORLD
    assert of("note/1/2") == NOTE.step(1, 2) == Step("note", character=1, post=2)
    assert of("draft/1") == DRAFT.step(1) == Step("draft", batch=1)


def test_the_step_of_another_kind_within_the_same_character_or_post() -> None:
    note = NOTE.step(4, 2)
    assert SKETCH.within(note) == SKETCH.step(4, 2)
    assert PERSON.within(note) == PERSON.step(4)
    assert BEGIN.within(note) == BEGIN.within(DRAFT.step(1)) == BEGIN.step()
    assert DRAFT.within(DRAFT.step(1)) == DRAFT.step(1)


def test_the_steps_of_a_world() -> None:
    assert names(WORLD) == [
        *("begin", "draft/0", "draft/1", "share", "close"),
        *("person/01", "hobby/01", "portrait/01", "note/01/01", "sketch/01/01", "note/01/02", "sketch/01/02"),
        *("person/02", "portrait/02"),
    ]
    assert TABLE.count(users=2, posts=2, batches=2) == len(WORLD) + 1, "who shares evenly gives both a hobby"
    assert TABLE.count(users=2, posts=1, batches=1) == 4 + 2 * 2 + 1 + 2


def test_what_is_made_after_a_cast_of_nobody() -> None:
    assert TABLE.after_cast([]) == []


# --- order -------------------------------------------------------------------------------------------------------------
def test_first_and_last() -> None:
    assert (TABLE.first, TABLE.closing) == (BEGIN, CLOSE)


@pytest.mark.parametrize(
    ("step", "before"),
    [
        ("begin", None),
        ("close", None),
        ("draft/0", "begin"),
        ("draft/1", "draft/0"),
        ("share", "draft/1"),
        ("person/2", "share"),
        ("hobby/1", "person/1"),
        ("portrait/1", "hobby/1"),
        ("portrait/2", "person/2"),
        ("note/1/2", "hobby/1"),
        ("sketch/1/2", "note/1/2"),
    ],
)
def test_predecessors(step: str, before: str | None) -> None:
    assert TABLE.predecessor(of(step), 2, WORLD) == (None if before is None else of(before))


def test_batches_follow_one_another() -> None:
    world = TABLE.opening(3)
    assert TABLE.predecessor(of("draft/2"), 3, world) == of("draft/1")
    assert TABLE.predecessor(of("share"), 3, world) == of("draft/2")


def test_a_predecessor_of_the_opening_need_not_be_in_what_is_added_now() -> None:
    assert TABLE.predecessor(of("person/1"), 2, TABLE.after_cast([1])) == SHARE.step()


def test_where_several_kinds_are_missing_the_nearest_one_that_is_there_counts() -> None:
    idea = spec("idea", HOBBY, scope=Scope.CHARACTER, only_with_posts=True)
    medal = spec("medal", idea, scope=Scope.CHARACTER)
    table = StepTable([BEGIN, DRAFT, SHARE, PERSON, HOBBY, idea, medal, CLOSE])
    world = table.after_cast([1, 0])
    assert table.predecessor(medal.step(1), 1, world) == idea.step(1)
    assert table.predecessor(medal.step(2), 1, world) == PERSON.step(2)


# --- failures ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("failed", "lost"),
    [
        ("person/1", ["hobby/01", "portrait/01", "note/01/01", "sketch/01/01", "note/01/02", "sketch/01/02"]),
        ("person/2", ["portrait/02"]),
        ("hobby/1", ["note/01/01", "sketch/01/01", "note/01/02", "sketch/01/02"]),
        ("note/1/2", ["sketch/01/02"]),
        ("portrait/1", []),
        ("sketch/1/1", []),
    ],
)
def test_dependents(failed: str, lost: list[str]) -> None:
    assert names(TABLE.dependents(of(failed), WORLD)) == lost


@pytest.mark.parametrize("failed", ["begin", "draft/1", "share", "close"])
def test_all_depends_on_what_is_fatal(failed: str) -> None:
    assert TABLE.dependents(of(failed), WORLD) == [step for step in WORLD if step != of(failed)]


def test_what_may_fail_and_is_passed_over() -> None:
    assert {spec.kind for spec in TABLE if TABLE.goes_on_after(Step(spec.kind))} == {"hobby"}
    assert TABLE.fatal_kinds == {"begin", "draft", "share", "close"}


# --- what others derive --------------------------------------------------------------------------------------------------
def test_stages_and_routes() -> None:
    assert dict(TABLE.stages) == {
        "opening": ("begin", "draft", "share"),
        "all": ("person", "hobby", "portrait", "note", "sketch"),
        "closing": ("close",),
    }
    assert list(TABLE.stages) == ["opening", "all", "closing"]
    assert TABLE.routes["tasks.note"] == {"queue": "llm"}
    assert TABLE.routes["tasks.sketch"] == {"queue": "images"}
    assert len(TABLE.routes) == 9
    assert TABLE.kinds_in("images") == ["portrait", "sketch"]
    assert TABLE.kinds_in("nowhere") == []


@pytest.mark.parametrize(
    ("kind", "state", "counters"),
    [
        ("person", StepState.DONE, {"tasks_completed": 1, "people": 1}),
        ("note", StepState.DONE, {"tasks_completed": 1}),
        ("person", StepState.FAILED, {"tasks_failed": 1}),
        ("person", StepState.SKIPPED, {"tasks_skipped": 1}),
        ("person", StepState.CANCELLED, {"tasks_cancelled": 1}),
        ("person", StepState.PENDING, {}),
        ("person", StepState.RUNNING, {}),
    ],
)
def test_counters(kind: str, state: StepState, counters: dict[str, int]) -> None:
    assert TABLE.counters(kind, state) == counters


def test_expected_calls() -> None:
    # 2 a batch; a person, a hobby each, and a hobby more for each ten notes; the notes.
    assert TABLE.expected_calls(users=3, posts=25, batches=2, plan_batch=10) == (
        2 * 2 + 3 + 3 + 2 + 25,
        3 + 3 * 25,
    )
    assert TABLE.expected_calls(users=3, posts=1, batches=1, plan_batch=10) == (2 + 3 + 1 + 1, 3 + 3)


def test_what_is_made_anew_together() -> None:
    assert TABLE.redone_with("person") == [PERSON, PORTRAIT]
    assert TABLE.redone_with("portrait") == TABLE.redone_with("note") == []


# --- one kind more -----------------------------------------------------------------------------------------------------
def test_one_kind_more_changes_a_copy_alone() -> None:
    motto = spec("motto", PERSON, scope=Scope.CHARACTER, stage="mottos", text_calls=1)
    table = TABLE.with_spec(motto)
    assert [one.kind for one in table][-2:] == ["motto", "close"]
    assert "motto" not in [one.kind for one in TABLE]
    assert list(table.stages) == ["opening", "all", "mottos", "closing"]
    assert table.routes["tasks.motto"] == {"queue": "llm"}
    world = [*table.opening(2), *table.after_cast([2, 0])]
    assert len(world) == len(WORLD) + 2
    assert table.predecessor(motto.step(2), 2, world) == PERSON.step(2)
    assert motto.step(1) in table.dependents(PERSON.step(1), world)
    assert motto.step(2) not in table.dependents(PERSON.step(1), world)
    assert table.expected_calls(2, 2, 2, 10)[0] == TABLE.expected_calls(2, 2, 2, 10)[0] + 2


# --- what waits, and what is only there where it was asked for ---------------------------------------------------------
MEET = spec(
    "meet", scope=Scope.CHARACTER, waits_for=(NOTE,), option="talk", text_calls=1, sums={"met": "people"}
)
LEAVE = spec("leave", scope=Scope.CHARACTER, waits_for=(MEET, SKETCH), option="talk", only_with_posts=True)
TALKING = TABLE.with_spec(MEET).with_spec(LEAVE)


def test_a_kind_is_there_where_its_option_was_asked_for() -> None:
    assert TALKING.after_cast([2, 0]) == TABLE.after_cast([2, 0])
    more = set(TALKING.after_cast([2, 0], ["talk"])) - set(TABLE.after_cast([2, 0]))
    assert more == {MEET.step(1), MEET.step(2), LEAVE.step(1)}
    assert TALKING.count(3, 2, 1) == TABLE.count(3, 2, 1)
    assert TALKING.count(3, 2, 1, ["talk"]) == TABLE.count(3, 2, 1) + 3 + 2
    texts, images = TABLE.expected_calls(3, 2, 1, 25)
    assert TALKING.expected_calls(3, 2, 1, 25) == (texts, images)
    assert TALKING.expected_calls(3, 2, 1, 25, ["talk"]) == (texts + 3, images)


def test_what_waits_for_others_comes_after_none_and_needs_none() -> None:
    world = [*TALKING.opening(2), *TALKING.after_cast([2, 0], ["talk"])]
    assert TALKING.predecessor(MEET.step(1), 2, set(world)) is None
    assert [one.kind for one in TALKING.waiting_for("note")] == ["meet"]
    assert [one.kind for one in TALKING.waiting_for("sketch")] == ["leave"]
    assert MEET.step(1) not in TALKING.dependents(NOTE.step(1, 1), world)
    assert TALKING.dependents(MEET.step(1), world) == []
    assert TALKING.summed == {"meet": {"met": "people"}}


def test_a_spec_waits_only_for_what_stands_before_it() -> None:
    with pytest.raises(ValueError, match="early names note"):
        StepTable([BEGIN, spec("early", waits_for=(NOTE,))])
