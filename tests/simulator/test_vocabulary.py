"""The vocabulary's files: what is refused, and that a further language is a further file."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from generia_worker.errors import ConfigurationError
from generia_worker.simulator import vocabulary
from generia_worker.simulator.vocabulary import vocabularies
from generia_worker.simulator.vocabulary.loader import load_vocabularies
from generia_worker.simulator.writing import gist
from tests.simulator.conftest import make_world

_ENGLISH = resources.files(vocabulary).joinpath("en.toml").read_text(encoding="utf-8")
_GERMAN = Path(__file__).with_name("de.toml")


def test_all_languages_have_the_same_subjects_and_enough_to_say() -> None:
    known = vocabularies()
    assert set(known) == {"en", "ru"}
    keys = [[theme.key for theme in language.themes] for language in known.values()]
    assert keys[0] == keys[1]
    for language in known.values():
        assert len(language.topics) >= 40
        assert len(language.people.first_names) >= 30


@pytest.fixture
def with_german(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The simulator with a folder that holds one language more."""
    for name in ("en.toml", "ru.toml"):
        shutil.copy(str(resources.files(vocabulary).joinpath(name)), tmp_path)
    shutil.copy(_GERMAN, tmp_path)

    def forget() -> None:
        vocabularies.cache_clear()
        gist.read_gist.cache_clear()

    monkeypatch.setattr(vocabulary, "FOLDER", tmp_path)
    forget()
    yield
    monkeypatch.undo()
    forget()


@pytest.mark.usefixtures("with_german")
@pytest.mark.parametrize(
    ("prompt", "language"),
    [
        ("Eine Welt, in der die Katzen Bücher schreiben", "German"),
        ("Ein Dorf und seine Laternen", "German"),
        ("A world of cats", "English"),
        ("Мир котов", "Russian"),
        ("Une ville où les chats votent", "French"),
    ],
)
def test_a_further_language_is_a_further_file(prompt: str, language: str) -> None:
    made = make_world(prompt, 4, 8)
    world, posts = made["world"][0], " ".join(post["content"] for post in made["posts"])
    assert world["user_preferences"]["language"] == language
    assert ("ist eine Welt, in der" in world["description"]) is prompt.startswith("Eine Welt")
    assert bool(re.search(r"\b(?:und|Heute|war|ist)\b", posts)) is (language == "German")
    assert not re.search(r"\{\w+[^}]*\}", posts)
    assert all(post["image_prompt"].isascii() for post in made["posts"])


@pytest.mark.usefixtures("with_german")
def test_a_language_brings_its_alphabet_its_creatures_and_its_subjects() -> None:
    made = make_world("Eine Welt, in der die Katzen auf Berge steigen", 3, 3)
    assert all(re.fullmatch(r"[a-z0-9_]+", person["username"]) for person in made["people"])
    assert any("a friendly cat" in person["avatar_prompt"] for person in made["people"])
    assert "cats, mountains" in made["images"][0]["header_prompt"]
    assert "die Katzen auf Berge steigen" in made["world"][0]["description"]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("on the moonlit roof | to the", "on the moonlit roof and to the",
         "themes.cats.places row 4 (the moonlit roof | on the moonlit roof a) has 3 columns in place of 4: "
         "nom | where | to | english"),
        ("silver bell | a silver bell", "silver bell | a | silver bell", "themes.cats.things row 3 (silver bell"),
        ("silver bell | a silver bell", "silver bell | ", "column english is empty"),
        ("silver bell | a silver bell", "silver bell | a silver béll", "column english is not English"),
        ("Arthur | Agnes", "Arthur", "people.first_names row 1 (Arthur) has 1 columns in place of 2: he | she"),
        ("{place1.where} and lent", "{place1.whre} and lent", "world.resources {place1.whre} in “The chief"),
        ("Missing: the {thing}", "Missing: the {thin}", "topics.Missing: the {thin}.title {thin} in"),
        ("\nmagic = '''", "\nmagik = '''", "world.magik is not a table that is known here"),
        ("\nmagic = '''", "\nmagik = '''", "world.magic is missing"),
        ("poll = \"poll\"\n", "", "posts.shapes has no name for poll"),
        ("It was last seen {place.where}, towards evening.\n", "", "holds 4 lines in place of 5"),
        ("key = \"sea\"", "key = \"space\"", "theme space is there twice"),
        ("theme = \"maths\"", "theme = \"mathematics\"", "no theme is called mathematics"),
        ("stems = 'magic|", "stems = 'magic(|", "themes.magic.stems is no regular expression"),
        ("emoji = \"🐾 🐱 😺 🧶 🐟\"", "emoji = \"\"", "themes.cats.emoji is empty"),
        ("emoji = \"🐾 🐱 😺 🧶 🐟\"", "emoji = 5", "themes.cats.emoji must be a text with one entry a line"),
        ("traits = 'both'", "traits = 'all'", "columns.traits must be “he | she” or “both”"),
        ("things = 'nom | english'", "", "columns must name those of places, things, surnames, traits"),
        ("things = 'nom | english'", "things = 'english'", "columns.things must be “nom | … | english”"),
        ("name = \"English\"", "name = English", "en.toml: Invalid value (at line 9"),
    ],
)  # fmt: skip
def test_a_malformed_file_is_refused_by_table_row_and_column(
    tmp_path: Path, before: str, after: str, told: str
) -> None:
    assert before in _ENGLISH
    (tmp_path / "en.toml").write_text(_ENGLISH.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_vocabularies(tmp_path)
    assert "en.toml: " in caught.value.message
    assert told in caught.value.message


def test_the_fallback_must_be_there(tmp_path: Path) -> None:
    shutil.copy(_GERMAN, tmp_path)
    with pytest.raises(ConfigurationError, match=r"holds no en\.toml"):
        load_vocabularies(tmp_path)
