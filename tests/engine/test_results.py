"""Results on a real MongoDB: they come back with their type, in parts, in their order, and are read as often as must be."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from generia_worker.engine.results import _paths
from generia_worker.engine.step import Step
from generia_worker.engine.step_rows import OF_STEP
from generia_worker.storage.database import Database
from generia_worker.worlds.documents import (
    Cast,
    CharacterConcept,
    CharacterDetail,
    PostDraft,
    WorldImagePrompts,
)
from generia_worker.worlds.results import (
    CharacterId,
    CreatedCharacter,
    NamedCharacter,
    Names,
    Nothing,
    WorldImages,
    WrittenText,
)
from generia_worker.worlds.steps import CAST, CHARACTER, DESCRIBE, FAN_OUT, ILLUSTRATE, POST
from tests.books import WORLD, Books

DETAIL = CharacterDetail(username="fyokla", display_name="Фёкла", bio="b", avatar_prompt="a", secret="x")
CREATED = CreatedCharacter(detail=DETAIL, character_id="c1")


class Watched:
    """The ledger's rows, and the fields that every read asked for."""

    def __init__(self, rows: Any) -> None:
        self._rows = rows
        self.fields: list[set[str]] = []

    def find(self, query: Any, fields: Any) -> Any:
        self.fields.append(set(fields))
        return self._rows.find(query, fields)

    def find_one(self, query: Any, fields: Any) -> Any:
        self.fields.append(set(fields))
        return self._rows.find_one(query, fields)


@pytest.fixture
def books(database: Database) -> Books:
    books = Books(database)
    books.open()
    books.cast([2, 1])
    return books


@pytest.fixture
def reads(books: Books, monkeypatch: pytest.MonkeyPatch) -> Watched:
    watched = Watched(books.database.steps)
    monkeypatch.setattr(books.results, "_rows", watched)
    return watched


# --- types and parts -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("step", "result"),
    [
        (CHARACTER.step(1), CREATED),
        (
            ILLUSTRATE.step(),
            WorldImages(
                prompts=WorldImagePrompts(header_prompt="h", icon_prompt="i", color_palette=["$red", "a.b"]),
                header_media_id="m1",
                icon_media_id="m2",
            ),
        ),
        (
            POST.step(1, 2),
            PostDraft(content="$x {{a}} кот", image_prompt="p", location=None, hashtags=["a", "b"]),
        ),
        (CAST.step(0), Cast(characters=[CharacterConcept(concept="c", concept_short="s", posts_count=0)])),
        (FAN_OUT.step(), Nothing()),
    ],
)
def test_what_was_committed_comes_back_with_its_type(books: Books, step: Step, result: BaseModel) -> None:
    assert books.results.of(WORLD, step, type(result)) is None
    books.finish(step, result)
    found = books.results.of(WORLD, step, type(result))
    assert type(found) is type(result)
    assert found == result


def test_what_does_not_fit_its_type_is_no_result(books: Books) -> None:
    books.finish(CHARACTER.step(1), Nothing())
    with pytest.raises(ValidationError):
        books.results.of(WORLD, CHARACTER.step(1), CreatedCharacter)


def test_what_is_not_done_has_no_result(books: Books) -> None:
    books.finish(CHARACTER.step(1), CREATED)
    for state in ("pending", "running", "failed", "cancelled"):
        books.change(CHARACTER.step(1), state=state)
        assert books.results.of(WORLD, CHARACTER.step(1), CreatedCharacter) is None
        assert books.results.all_of(WORLD, "character", CreatedCharacter) == {}


def test_of_a_part_only_its_fields_are_read(books: Books, reads: Watched) -> None:
    books.finish(CHARACTER.step(1), CREATED)
    books.finish(POST.step(1, 1), PostDraft(content="text", image_prompt="p"))
    parts: list[tuple[Step, type[BaseModel], set[str]]] = [
        (CHARACTER.step(1), NamedCharacter, {"result.detail.display_name", "result.detail.username"}),
        (CHARACTER.step(1), CharacterId, {"result.character_id"}),
        (POST.step(1, 1), WrittenText, {"result.content"}),
        (FAN_OUT.step(), Nothing, {"result"}),
    ]
    books.finish(FAN_OUT.step())
    for step, part, fields in parts:
        assert books.results.of(WORLD, step, part) is not None
        assert reads.fields.pop() == fields
    assert set(_paths(NamedCharacter)) == parts[0][2]
    found = books.results.of(WORLD, CHARACTER.step(1), NamedCharacter)
    assert found == NamedCharacter(detail=Names(display_name="Фёкла", username="fyokla"))


# --- of many steps ---------------------------------------------------------------------------------------------------
def test_results_of_a_kind_come_in_their_order(books: Books, reads: Watched) -> None:
    steps = [CAST.step(batch) for batch in (10, 2, 0)]
    books.rows.add(WORLD, steps, 11)
    for step in steps:
        people = [CharacterConcept(concept="x" * 1000, concept_short=str(step.batch))]
        books.finish(step, Cast(characters=people, world_interpretation=str(step.batch)))

    class Interpretation(BaseModel):
        world_interpretation: str

    found = books.results.all_of(WORLD, "cast", Interpretation)
    assert list(found) == sorted(steps)
    assert [one.world_interpretation for one in found.values()] == ["0", "2", "10"]
    assert reads.fields == [{"result.world_interpretation", *OF_STEP}]


def test_results_of_one_character_alone(books: Books) -> None:
    for step in (POST.step(1, 1), POST.step(1, 2), POST.step(2, 1)):
        books.finish(step, PostDraft(content=step.name, image_prompt="p"))
    mine = books.results.all_of(WORLD, "post", WrittenText, character=1)
    assert {step: one.content for step, one in mine.items()} == {
        POST.step(1, 1): "post/01/01",
        POST.step(1, 2): "post/01/02",
    }
    assert len(books.results.all_of(WORLD, "post", WrittenText)) == 3
    assert books.results.all_of("another-world", "post", WrittenText) == {}


def test_results_of_one_round_alone(books: Books) -> None:
    first, later = POST.step(1, 1), POST.step(1, 1, in_round=2)
    books.rows.add(WORLD, [later], 0, in_round=2)
    for step in (first, later):
        books.finish(step, PostDraft(content=step.name, image_prompt="p"))
    for number, step in ((1, first), (2, later)):
        found = books.results.all_of(WORLD, "post", WrittenText, in_round=number)
        assert {step: one.content for step, one in found.items()} == {step: step.name}
    assert books.results.all_of(WORLD, "post", WrittenText, in_round=3) == {}


# --- how often they are read -----------------------------------------------------------------------------------------
def test_what_nobody_can_change_is_read_once(books: Books, reads: Watched) -> None:
    step, model = CAST.step(0), Cast
    for _ in range(2):
        assert books.results.of(WORLD, step, model, as_of="") is None
    assert len(reads.fields) == 2, "what is not done yet is asked for each time"
    books.finish(step, Cast(characters=[]))
    for _ in range(3):
        assert books.results.of(WORLD, step, model, as_of="") == Cast(characters=[])
    assert len(reads.fields) == 3
    books.finish(DESCRIBE.step())
    assert books.results.of(WORLD, DESCRIBE.step(), Nothing, as_of="") == Nothing()
    assert books.results.of(WORLD, step, Nothing, as_of="") == Nothing(), "a part of it is kept beside it"
    assert books.results.of(WORLD, step, model, as_of="") == Cast(characters=[])


def test_what_can_be_made_anew_is_read_each_time(books: Books) -> None:
    step = CHARACTER.step(1)
    books.finish(step, CREATED)
    assert books.results.of(WORLD, step, CharacterId) == CharacterId(character_id="c1")
    books.change(step, **{"result.character_id": "c2"})
    assert books.results.of(WORLD, step, CharacterId) == CharacterId(character_id="c2")


def test_what_is_made_anew_with_a_run_is_read_once_in_each(books: Books, reads: Watched) -> None:
    step = CHARACTER.step(1)
    books.finish(step, CREATED)
    for _ in range(2):
        assert books.results.of(WORLD, step, CharacterId, as_of="1.1") == CharacterId(character_id="c1")
    assert len(reads.fields) == 1
    books.change(step, **{"result.character_id": "c2"})
    assert books.results.of(WORLD, step, CharacterId, as_of="2.1") == CharacterId(character_id="c2")


def test_names_are_those_of_a_moment_ago(database: Database) -> None:
    now = 0.0
    books = Books(database, clock=lambda: now)
    books.cast([1])

    def known() -> dict[Any, Names]:
        found = books.results.recent_of(WORLD, "character", NamedCharacter)
        return {step: one.detail for step, one in found.items()}

    assert known() == {}
    books.finish(CHARACTER.step(1), CREATED)
    now = 1.9
    assert known() == {}
    now = 2.1
    assert known() == {CHARACTER.step(1): Names(display_name="Фёкла", username="fyokla")}
