r"""Answers are read as they were meant: what is right stays as it is, LaTeX survives, what was cut off is refused."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from pydantic import BaseModel, Field

from generia_worker.errors import InvalidAnswerError
from generia_worker.providers.answers import CONTENT_MAX, parse_answer
from generia_worker.worlds.documents import Cast, PostDraft


class Inner(BaseModel):
    """A part."""

    name: str
    size: int = 3
    tags: list[str] = Field(default_factory=list)


class Note(BaseModel):
    """What the tests ask for."""

    text: str
    count: int = 7
    place: str | None = None
    inner: list[Inner] = Field(default_factory=list)


def text_of(raw: str) -> str:
    """Return what is read of a string whose JSON text is `raw`."""
    return parse_answer('{"text": "' + raw + '"}', Note).text


PLAIN = "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789 .,:;!?-_+*/=<>()[]{}%&#@^~|'\"`\\éüßñłяжшљ漢字😀👍🏽\u2028\u00a0"
BREAKS = ["\n", "\n\n", "\t", "\r\n", "\ne ", "\ni ", "\nu ", "\not", "\nless is more", "\nexists", "\nego"]
TABS = ["\to", "\tan", "\top", "a\tau"]
MATH = [
    "$x$",
    "$5",
    "$20,000 and $30,000",
    r"\frac{a}{b}",
    r"\nu",
    r"\alpha",
    r"\(x\)",
    r"\[y\]",
    r"\\",
    r"\times",
]
ALPHABET = [*PLAIN, *BREAKS, *TABS, *MATH]


def random_value(rng: random.Random, depth: int = 0) -> Any:
    kind = rng.randrange(8 if depth < 3 else 5)
    if kind < 3:
        return "".join(rng.choice(ALPHABET) for _ in range(rng.randrange(40)))
    if kind == 3:
        return rng.choice([0, -1, 3.5, 10**12, True, False])
    if kind == 4:
        return rng.choice(["", " ", "{", '"}', "```", "</think>", "<think>"])
    if kind == 5:
        return [random_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {f"k{i}": random_value(rng, depth + 1) for i in range(rng.randrange(4))}


class Anything(BaseModel):
    """Takes whatever there is."""

    v: Any


@pytest.mark.parametrize("seed", range(400))
def test_what_is_right_comes_through_as_it_is(seed: int) -> None:
    rng = random.Random(seed)
    value = random_value(rng)
    content = json.dumps({"v": value}, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 2]))
    wrapped = rng.choice(
        ["{}", "```json\n{}\n```", "Sure, here:\n{}\nBye {{you}}!", "<think>{{no}} hm</think>\n{}"]
    )
    assert (
        parse_answer(wrapped.replace("{{", "{").replace("}}", "}").replace("{}", content, 1), Anything).v
        == value
    )


@pytest.mark.parametrize(
    ("raw", "meant"),
    [
        (r"$\frac{a}{b}$", r"$\frac{a}{b}$"),
        (r"$\beta + \bar x$", r"$\beta + \bar x$"),
        (r"$\nabla f \neq 0$", r"$\nabla f \neq 0$"),
        (r"\nabla f \neq 0", r"\nabla f \neq 0"),
        (r"$2 \times \text{cats}$ and $\theta$", r"$2 \times \text{cats}$ and $\theta$"),
        (r"$\rho \right) \rangle$", r"$\rho \right) \rangle$"),
        (r"\(\nu\) \[\tau\]", r"\(\nu\) \[\tau\]"),
        (r"$\nu$", r"$\nu$"),
        (r"$x \to y$, $\tan x$, $a \ne b$", r"$x \to y$, $\tan x$, $a \ne b$"),
        (r"$\alpha \underline{x} \upsilon$", r"$\alpha \underline{x} \upsilon$"),
        (r"$\{1, 2\}\,\%\_\;$", r"$\{1, 2\}\,\%\_\;$"),
        (r"a\nb\tc \"q\" \/ \u00e9 \\frac", 'a\nb\tc "q" / é \\frac'),
        (r"it\'s", "it's"),
    ],
)
def test_unescaped_latex_is_meant(raw: str, meant: str) -> None:
    assert text_of(raw) == meant


@pytest.mark.parametrize(
    "text",
    [
        "košta $5\ni onda $6",
        "costa 5$\ne poi 6$",
        "It costs $5.\nless is more",
        "\nexists for a reason",
        "\not moja kuća",
        "one\tan apple\to go\top shelf\tau pair",
        "We need $x$\nu and $y$",
        "only $20\nu",
        "a :(\nu b",
    ],
)
def test_newlines_and_tabs_before_words_stay(text: str) -> None:
    assert parse_answer(json.dumps({"text": text}, ensure_ascii=False), Note).text == text


def test_wrong_looks_are_passed_over() -> None:
    good = '{"text": "a", "inner": [{"name": "b",},],}'
    for content in (
        good,
        f"```json\n{good}\n```",
        f"```\n{good}",
        f'<think>maybe {{"text": 1}} or {{</think>\n{good}',
        f"Reasoning {{here}}.\n</think>\n{good}",
        f"Here {{it}} is: {good} — enjoy {{it}}!",
        f"\ufeff\n {good}\n",
    ):
        assert parse_answer(content, Note).inner == [Inner(name="b")]


@pytest.mark.parametrize(
    "content",
    [
        # A server's template took the opening tag away; the draft is no document.
        'Let me draft: {"text": "draft"} too short.</think>{"text": "final"}',
        '<think>{"text": "draft"}</think> and </think>\n{"text": "final"}',
        # In a string, alone in another object, or both.
        json.dumps('{"text": "final"}'),
        '{"response": {"text": "final"}}',
        '{"response": "{\\"text\\": \\"final\\"}"}',
        '```json\n{"output": {"text": "final"}}\n```',
        # Comments.
        '{\n  // what it says\n  "text": "final", /* and {so} on, */\n  "count": 7 // seven\n}',
    ],
)
def test_what_models_wrap_a_document_in_is_taken_off(content: str) -> None:
    assert parse_answer(content, Note) == Note(text="final")


@pytest.mark.parametrize("text", ["a </think> b", "http://a//b /* c */", '{"text": "inner"}', "// a"])
def test_what_only_looks_like_that_stays(text: str) -> None:
    assert parse_answer(json.dumps({"text": text}), Note).text == text
    assert parse_answer(json.dumps({"text": text})[:-1] + ",}", Note).text == text


def test_halves_of_characters_and_nul_are_left_out() -> None:
    assert text_of(r"a\ud83db\ud83d\ude00c\u0000") == "ab😀c"


def test_raw_control_characters_in_strings() -> None:
    assert text_of("a\nb\tc") == "a\nb\tc"
    assert text_of("a\x00b\x1fc") == "abc"


def test_nulls_defaults_and_numbers() -> None:
    content = '{"text": "a", "count": null, "place": null, "extra": 1, "inner": [{"name": "b", "size": "12", "tags": null}]}'
    assert parse_answer(content, Note) == Note(text="a", inner=[Inner(name="b", size=12)])


def test_the_last_of_double_keys_wins() -> None:
    assert text_of('a", "text": "b') == "b"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "I am sorry.",
        "{}",
        '{"text": null}',
        '{"text": ["a"]}',
        '{"text" "a"}',
        '{"text": "a", "count": NaN}',
        '{"text": "a", "count": Infinity}',
        '{"text": "a", "count": ' + "9" * 9000 + "}",
        "[" * 100_000,
        "{" * 100_000,
        '{"text": ' * 5000,
        '{"a":' * 60 + "1" + "}" * 60,
        "x" * (CONTENT_MAX + 1),
        '{"text": "\\"}',
        "<think>{",
    ],
)
def test_what_cannot_be_read_is_refused(content: str) -> None:
    with pytest.raises(InvalidAnswerError) as caught:
        parse_answer(content, Note)
    assert 1 <= len(caught.value.problems) <= 10
    assert all(0 < len(problem) <= 300 for problem in caught.value.problems)


def test_problems_name_the_place_and_not_the_content() -> None:
    with pytest.raises(InvalidAnswerError) as caught:
        parse_answer('{"text": "a", "inner": [{"name": "b"}, {"size": "s3cret"}]}', Note)
    lines = "\n".join(caught.value.problems)
    assert "inner.1.name" in lines
    assert "inner.1.size" in lines
    assert "s3cret" not in lines


@pytest.mark.parametrize("model", [Cast, PostDraft, Note])
def test_what_was_cut_off_is_never_completed(model: type[BaseModel]) -> None:
    whole = {
        "text": "t",
        "content": "c $x$",
        "image_prompt": "i",
        "characters": [{"concept": "a", "concept_short": "b {x}"}, {"concept": "c", "concept_short": "d"}],
        "inner": [{"name": "n"}],
    }
    content = json.dumps(whole)
    parse_answer(content, model)
    for end in range(len(content)):
        with pytest.raises(InvalidAnswerError):
            parse_answer(content[:end], model)


def test_a_cut_off_answer_is_called_that() -> None:
    content = json.dumps({"text": "t", "inner": [{"name": "a"}, {"name": "b"}]})
    with pytest.raises(InvalidAnswerError) as caught:
        parse_answer(content[:-10], Note)
    assert "not complete" in caught.value.message
