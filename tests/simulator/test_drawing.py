"""What is drawn: the kind of picture, its colours, and which words of a prompt count."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageStat

from generia_worker.errors import ConfigurationError
from generia_worker.simulator.drawing import landscape, objects, palettes, scene, wardrobe
from generia_worker.simulator.drawing.canvas import Canvas
from generia_worker.simulator.drawing.painter import kind_of, paint
from generia_worker.simulator.drawing.shapes import parse_drawings
from generia_worker.simulator.drawing.symbols import SYMBOLS, Symbol
from generia_worker.simulator.drawing.words import RAIN, SNOW, first_said, says

_KINDS = ("Wide landscape:", "Emblem:", "Portrait:", "Scene:")
_SUBJECTS = (
    "robots in a neon city", "an underwater coral valley", "a castle in the mountains, a planet in space",
    "a rabbit wizard in a rainy market", "a bridge with falling leaves and a crowd of friends", "кот в шляпе",
)  # fmt: skip
_LIGHTS = ("deep night", "golden hour, snow", "noir")
_ORDERS = [
    (f"{kind} {subject}, {_LIGHTS[(row + column) % 3]}", row + column)
    for row, kind in enumerate(_KINDS)
    for column, subject in enumerate(_SUBJECTS)
]


@pytest.mark.parametrize(
    ("prompt", "size", "kind"),
    [
        ("Wide landscape, panoramic view: hills", (1024, 512), "landscape"),
        ("Emblem, a single centred symbol: a portrait of a cat", (512, 512), "emblem"),
        ("Portrait, head and shoulders: a friendly cat", (768, 768), "portrait"),
        ("Scene: a library with a landscape on the wall", (1024, 1024), "scene"),
        ("a cat", (1024, 512), "landscape"),
        ("a cat", (512, 512), "scene"),
    ],
)
def test_the_kind_of_picture_follows_from_the_prompt(prompt: str, size: tuple[int, int], kind: str) -> None:
    assert kind_of(prompt, *size) == kind


@pytest.mark.parametrize(("prompt", "key"), _ORDERS)
def test_every_prompt_makes_a_picture_with_something_in_it(prompt: str, key: int) -> None:
    size = (256, 128) if prompt.startswith("Wide") else (160, 160)
    image = paint(prompt, str(key), *size)
    assert (image.mode, image.size) == ("RGB", size)
    assert len(image.getcolors(160 * 160 * 2) or range(99)) > 60
    assert max(ImageStat.Stat(image).stddev) > 9
    assert image.tobytes() == paint(prompt, str(key), *size).tobytes()


def test_colours_follow_the_words() -> None:
    def mean(prompt: str) -> list[float]:
        return ImageStat.Stat(paint(prompt, "k", 192, 192)).mean

    night, day = mean("Scene: a park, indigo night"), mean("Scene: a park, rose pastel")
    assert sum(night) + 150 < sum(day)
    sea, autumn = (
        mean("Wide landscape: hills, turquoise sea blue"),
        mean("Wide landscape: hills, rust autumn"),
    )
    assert sea[2] - sea[0] > autumn[2] - autumn[0] + 60


@settings(deadline=None)
@given(st.integers(), st.sampled_from(_KINDS), st.sampled_from(_SUBJECTS[1:]))
def test_a_golden_hour_is_no_night(seed: int, kind: str, subject: str) -> None:
    assert not palettes.choose(f"{kind} {subject}, golden hour", random.Random(seed)).night
    assert palettes.choose(f"{kind} {subject}, deep night", random.Random(seed)).night


@settings(deadline=None)
@given(
    st.sampled_from(
        [word for words, _ in SYMBOLS for word in words.split("|") if word.isalpha()]
        + [word for palette in palettes.PALETTES for word in palette.words.split("|")]
    ),
    st.text("bcdfghjklmnpqrtvwxz", min_size=1, max_size=3),
)
def test_words_count_when_they_stand_alone_and_not_inside_others(word: str, letters: str) -> None:
    assert says(f"An old {word.upper()}, by the way", word)
    assert says(f"three {word}s", word)
    assert not says(f"three {letters}{word}", word)
    assert not says(f"three {word}{letters}", word)


@pytest.mark.parametrize(
    ("words", "prompt"),
    [
        (RAIN, "a train under a rainbow, brains in terrain"),
        (SNOW, "a sandwich"),
        (wardrobe.HATS, "a magenta suitcase, cookies, poetry"),
        (SYMBOLS, "walking and baking in sharp comfort by the hearth, recognised"),
        (landscape.KINDS, "electricity speaks, scalps, a rollercoaster, hobbyhorses"),
        (scene.PLACES, "to forget an officer, sparkling, shallow, happier, to navigate, a cabinet"),
        (objects.THINGS, "a catalog of fabrics"),
    ],
)
def test_words_in_other_words_ask_for_nothing(
    words: str | tuple[tuple[str, object], ...], prompt: str
) -> None:
    table = ((words, "found"),) if isinstance(words, str) else words
    assert first_said(prompt, table) is None


def test_the_first_words_of_a_prompt_win_and_on_a_tie_the_first_in_the_table() -> None:
    table = (("town", 1), ("sea", 2), ("seas?", 3))
    assert first_said("The Sea by the towns", table) == 2
    assert first_said("Towns by the sea", table) == 1
    assert first_said("Hills", table) is None


@pytest.mark.parametrize("symbol", [symbol for _, symbol in SYMBOLS], ids=[words for words, _ in SYMBOLS])
def test_every_symbol_is_drawn_around_its_middle(symbol: Symbol) -> None:
    canvas = Canvas(64, 64)
    symbol(canvas, 0.5, 0.5, 0.2, (255, 255, 255), palettes.PALETTES[0])
    left, top, right, bottom = canvas.finish().getbbox() or (0, 0, 0, 0)
    assert 8 <= left < 28 < 36 < right <= 56
    assert 8 <= top < 28 < 36 < bottom <= 56


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("oval ink 0,0 1", "oval is none of poly, curve, line"),
        ("circle gold 0,0 1", "gold is no mixture of ink, accent"),
        ("circle ink 0,0", "circle takes 1 points and 1 numbers"),
        ("mirrored circle ink 1", "circle takes 1 points and 1 numbers"),
        ("line ink 0,0 1,1", "line takes two or more points and 1 numbers"),
        ("poly ink 0,0 1,x", "could not convert"),
        ("circle", "not enough values"),
    ],
)
def test_a_malformed_line_of_a_drawing_is_named(line: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=f"drawing cat, “{line}”: .*{told}"):
        parse_drawings(f"cat = '''\ncircle ink 0,0 1\n{line}\n'''")


def test_a_mirrored_shape_is_drawn_on_both_sides() -> None:
    pictures = []
    for lines in ("mirrored rect ink 0.2,-1 1,1 0.1", "rect ink -1,-1 -0.2,1 0.1\nrect ink 0.2,-1 1,1 0.1"):
        canvas = Canvas(64, 64)
        for shape in parse_drawings(f"gate = '''\n{lines}\n'''")["gate"]:
            shape.draw(canvas, 0.5, 0.5, 0.3, (250, 200, 0), palettes.PALETTES[0])
        pictures.append(canvas.finish().tobytes())
    assert pictures[0] == pictures[1]
