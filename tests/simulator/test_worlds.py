"""What the simulator writes: whole worlds in the prompt's language, in which nothing is there twice."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generia_worker.simulator.writing.gist import read_gist
from tests.simulator.conftest import SCHEMAS, Sim, make_world, write_document

CATS = "Мир, в котором за академическим руководителем ходит толпа студентов-котиков"
#: What a template leaves behind when its words are not put in.
_UNFILLED = re.compile(
    r"\{(?:place|thing|food|other|name|role|hobby)[^}]*\}|\[[^\]\[|]{0,40}\|[^\]\[|]{0,40}\]", re.IGNORECASE
)
PROMPTS = [
    CATS,
    "A world of pirates who knit",
    "Город математиков, все пишут посты с формулами в LaTeX",
    "Ein Dorf, in dem die Hunde Deutsch sprechen",
    "{{ 7 * 7 }} $1 \\frac %s </user_prompt>",
]


@pytest.mark.parametrize("prompt", PROMPTS[:3])
def test_forty_characters_and_250_posts_are_all_different(prompt: str) -> None:
    made = make_world(prompt, 40, 250)
    assert len({person["display_name"].casefold() for person in made["people"]}) == 40
    assert len({person["username"] for person in made["people"]}) == 40
    assert len({concept["id"] for concept in made["cast"]}) == 40
    assert sum(concept["posts_count"] for concept in made["cast"]) == 250
    assert len({post["content"] for post in made["posts"]}) == len(made["posts"]) == 250
    beginnings = [post["content"][:60] for post in made["posts"]]
    assert max(beginnings.count(beginning) for beginning in beginnings) <= 8
    assert not _UNFILLED.search(json.dumps(made, ensure_ascii=False))


@settings(deadline=None, max_examples=30)
@given(
    st.one_of(
        st.sampled_from(PROMPTS), st.text(max_size=200), st.text("ажёя мирwhere{}[]|\\$.,", max_size=60)
    )
)
def test_any_prompt_makes_a_world(prompt: str) -> None:
    made = make_world(prompt, 3, 5)
    assert made["world"][0]["name"].strip()
    assert made["world"][0]["description"].strip()
    assert sum(concept["posts_count"] for concept in made["cast"]) == len(made["posts"]) == 5
    assert len({person["username"] for person in made["people"]}) == 3
    for person in made["people"]:
        assert re.fullmatch(r"[a-z0-9_]{1,30}", person["username"])
        assert not _UNFILLED.search(person["background_story"].replace(prompt, ""))


def test_a_russian_prompt_gets_a_russian_world_about_its_subject() -> None:
    made = make_world(CATS, 6, 18)
    world = made["world"][0]
    assert world["user_preferences"]["language"] == "Russian"
    assert "толпа студентов-котиков" in world["description"]
    texts = [post["content"] for post in made["posts"]] + [person["bio"] for person in made["people"]]
    for text in [world["name"], world["description"], *texts]:
        letters = re.findall(r"[^\W\d_]", text)
        assert sum(
            letter.casefold() in "абвгдеёжзийклмнопрстуфхцчшщъыьэюя" for letter in letters
        ) > 0.9 * len(letters)
    told = " ".join(texts).casefold()
    assert "кот" in told or "мур" in told
    assert all(post["image_prompt"].isascii() for post in made["posts"])
    assert all(len(person["bio"]) <= 200 for person in made["people"])
    assert any("cat" in person["avatar_prompt"] for person in made["people"])


def test_an_english_prompt_gets_an_english_world_about_its_subject() -> None:
    made = make_world("A world where clocks run backwards", 5, 20)
    assert "clocks run backwards" in made["world"][0]["description"]
    everything = json.dumps([made["posts"], made["people"], made["topics"]], ensure_ascii=False)
    assert "clocks" in everything
    assert not re.search("[а-яё]", everything, re.IGNORECASE)


def test_other_languages_are_told_in_english_with_the_words_of_the_prompt() -> None:
    prompt = "Ein Dorf, in dem die Hunde Deutsch sprechen"
    world = write_document("world_description", prompt)
    assert world["user_preferences"]["language"] == "German"
    assert prompt in world["description"] + world["description_short"]


def test_mathematicians_write_formulas_with_their_backslashes(sim: Sim) -> None:
    prompt = PROMPTS[2]
    person = {"display_name": "Агата Теоремова"}
    contents = [
        sim.ask("post", user_prompt=prompt, character=person, number=n, post={"topic": f"Тема {n}"})[
            "content"
        ]
        for n in range(12)
    ]
    formulas = re.findall(r"\$[^$]+\$", " ".join(contents))
    assert len(formulas) >= 6
    assert any("\\frac" in formula for formula in formulas)
    assert all(content.count("{") == content.count("}") for content in contents)
    assert not any("\f" in content or "\t" in content or "\x08" in content for content in contents)


def test_a_post_is_about_what_was_planned() -> None:
    for prompt in PROMPTS[:2]:
        person = {"display_name": "Flora Finch", "bio": "x"}
        for planned in write_document("post_plan", prompt, character=person, count=20)["posts"]:
            post = write_document("post", prompt, character=person, post=planned, number=1)
            words = {word[:4] for word in re.findall(r"\w{3,}", planned["topic"].casefold())} - {
                "the",
                "day",
                "for",
                "дня",
            }
            told = {word[:4] for word in re.findall(r"\w{3,}", post["content"].casefold())}
            assert words & told, (planned["topic"], post["content"])


def test_topics_that_are_taken_do_not_come_again() -> None:
    person = {"display_name": "Flora Finch"}
    first = [p["topic"] for p in write_document("post_plan", CATS, character=person, count=30)["posts"]]
    more = [
        p["topic"]
        for p in write_document("post_plan", CATS, character=person, count=30, earlier=first)["posts"]
    ]
    assert not set(first) & set(more)


def test_people_are_mentioned_by_their_names() -> None:
    others = ["Basil Crumb", "Ivy Quill"]
    posts = [
        write_document(
            "post",
            PROMPTS[1],
            character={"display_name": "Kit Vale"},
            post={"topic": "Fish"},
            number=n,
            others=others,
        )
        for n in range(20)
    ]
    mentioned = [post for post in posts if post["mentions"]]
    assert mentioned
    for post in mentioned:
        assert all(name in others and name in post["content"] for name in post["mentions"])


@pytest.mark.parametrize("kind", sorted(SCHEMAS))
def test_missing_tags_are_borne(sim: Sim, kind: str) -> None:
    body = sim.body(kind)
    body["messages"] = [
        {"role": "user", "content": "<count>broken</count> <world>{no json</world> a world of foxes"}
    ]
    assert sim.chat(body).status_code == 200


def test_ambiguous_names_and_texts_of_prompts_do_not_break_templates() -> None:
    person = {"display_name": "{place.where} [a|b]", "bio": "{x}"}
    post = write_document(
        "post", PROMPTS[4], character=person, post={"topic": "{thing} [x|y] $\\frac{a}{b}$"}, number=1
    )
    assert "$\\frac{a}{b}$" in post["content"]


@pytest.mark.parametrize(
    ("prompt", "theme"),
    [
        ("Мир, которого никто не видел, магазин на углу", "everyday"),
        ("Кошачий город", "cats"),
        ("Космические пираты у маяка", "space"),
        ("A robot bakery", "tech"),
        ("Knights of the round castle", "medieval"),
    ],
)
def test_themes_are_told_by_words(prompt: str, theme: str) -> None:
    assert theme in read_gist(prompt).keys
    if theme == "everyday":
        assert not {"cats", "magic"} & set(read_gist(prompt).keys)
