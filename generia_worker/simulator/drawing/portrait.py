"""Avatars: a friendly face, head and shoulders, of a person, an animal or a robot."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from generia_worker.simulator.drawing import wardrobe
from generia_worker.simulator.drawing.canvas import Canvas, Colour, fade, mix, star_points
from generia_worker.simulator.drawing.palettes import Palette
from generia_worker.simulator.drawing.wardrobe import Sitter
from generia_worker.simulator.drawing.words import first_said, says

_WHITE: Colour = (255, 255, 255)
_SKINS: tuple[Colour, ...] = (
    (255, 222, 196),
    (246, 203, 170),
    (229, 178, 140),
    (198, 140, 100),
    (150, 98, 68),
    (110, 72, 52),
)
_COATS: dict[str, Colour] = {
    "red": (196, 84, 50), "orange": (236, 146, 70), "brown": (124, 82, 58), "blond": (240, 202, 122),
    "white": (244, 240, 234), "grey": (142, 148, 160), "gray": (142, 148, 160), "black": (56, 52, 64),
}  # fmt: skip
#: Styles of hair by their words; the first in this table wins.
_HAIR = (
    ("bob|bobbed", "bob"), ("braid|braided", "braid"), ("curl|curly", "curl"), ("long", "long"),
    ("wavy", "wavy"), ("bald", "bald"), ("short", "short"),
)  # fmt: skip
_CREATURES = ("cat", "kitten", "dog", "fox", "rabbit", "bear", "mouse", "owl", "robot", "android")


@dataclass(frozen=True)
class _Plan:
    """What is known of the sitter from the prompt."""

    creature: str
    coat: Colour
    feminine: bool


def draw(canvas: Canvas, prompt: str, palette: Palette, rng: random.Random) -> None:
    """Draw the portrait of a prompt."""
    text = prompt.lower()
    plan = _read(text, rng)
    sitter = Sitter(canvas, text, palette, rng, canvas.width / 2)
    _backdrop(canvas, palette, rng)
    cloth = rng.choice((palette.accent, palette.second, palette.land[1], palette.land[2]))
    wardrobe.shoulders(sitter, cloth)
    if plan.creature in ("robot", "android"):
        _robot(sitter)
    elif plan.creature:
        _animal(sitter, plan)
    else:
        _person(sitter, plan)
    wardrobe.dress(sitter, bool(plan.creature))


def _read(text: str, rng: random.Random) -> _Plan:
    creature = first_said(text, ((name, name) for name in _CREATURES)) or ""
    creature = "cat" if creature == "kitten" else creature
    named = re.search(
        r"\b(" + "|".join(_COATS) + r")\b[\w ,-]{0,16}\b(?:fur|furry|hair|haired|cat|fox|dog|coat)s?\b", text
    )
    usual = {"fox": "orange", "bear": "brown", "rabbit": "white", "mouse": "grey", "owl": "brown"}.get(
        creature
    )
    colour = named[1] if named else usual or rng.choice([name for name in _COATS if name != "gray"])
    women = says(text, "woman|girl|lady|female|grandmother|grandma|queen|witch|mother")
    men = says(text, "man|boy|gentleman|male|grandfather|grandpa|king|wizard|father")
    return _Plan(creature, _COATS[colour], women if women or men else rng.random() < 0.5)


def _backdrop(c: Canvas, palette: Palette, rng: random.Random) -> None:
    """Fill what is behind the sitter."""
    c.sky(*palette.sky)
    x = c.width / 2
    style = rng.randrange(4)
    pale = mix(palette.sky[1], _WHITE, 0.45)
    if style == 0:
        c.circle(x, 0.46, 0.41, fade(pale, 0.55))
        c.circle(x, 0.46, 0.34, fade(palette.light, 0.5))
    elif style == 1:
        for _ in range(22):
            c.circle(
                rng.uniform(0, c.width),
                rng.uniform(0, 1),
                rng.uniform(0.02, 0.08),
                fade(pale, rng.uniform(0.15, 0.4)),
            )
    elif style == 2:
        for _ in range(34):
            size = rng.uniform(0.008, 0.024)
            c.poly(
                star_points(rng.uniform(0, c.width), rng.uniform(0, 1), size, size * 0.35, 4),
                fade(palette.light, rng.uniform(0.4, 0.9)),
            )
    else:
        for index, level in enumerate((0.62, 0.74)):
            c.ellipse(x + (-0.5 + index) * 0.6, level + 0.42, 0.75, 0.5, fade(palette.land[index], 0.75))
        c.circle(x + rng.choice((-0.3, 0.3)), 0.2, 0.09, palette.light)
    c.glow(x, 0.45, 0.6, palette.light, 0.45)


def _person(s: Sitter, plan: _Plan) -> None:
    c, x, rng = s.canvas, s.x, s.rng
    skin = rng.choice(_SKINS)
    hair = plan.coat if plan.coat != _COATS["white"] or s.has("white") else (228, 222, 218)
    style = next((style for words, style in _HAIR if s.has(words)), "")
    style = style or rng.choice(("long", "bob", "curl") if plan.feminine else ("short", "curl", "short"))
    if not plan.feminine and style in ("long", "bob", "braid", "wavy") and rng.random() < 0.7:
        style = "short"
    wardrobe.hair_behind(s, hair, style)
    c.rect(x - 0.065, 0.55, x + 0.065, 0.74, mix(skin, (120, 60, 40), 0.16), 0.05)
    for side in (-1, 1):
        c.ellipse(x + side * 0.198, 0.45, 0.036, 0.05, mix(skin, (150, 70, 50), 0.12))
    jaw = 0.02 if plan.feminine else 0.0
    c.curve(
        [
            (x, 0.23),
            (x + 0.15, 0.28),
            (x + 0.198, 0.43),
            (x + 0.165 - jaw, 0.57),
            (x, 0.655),
            (x - 0.165 + jaw, 0.57),
            (x - 0.198, 0.43),
            (x - 0.15, 0.28),
        ],
        skin,
    )
    _features(s, skin, plan.feminine)
    wardrobe.hair_front(s, hair, style)
    if not plan.feminine and rng.random() < 0.4:
        wardrobe.beard(s, hair, rng.random() < 0.5)


def _features(s: Sitter, skin: Colour, feminine: bool) -> None:
    c, x, rng, ink = s.canvas, s.x, s.rng, (54, 42, 50)
    iris = rng.choice(((84, 60, 48), (70, 110, 90), (76, 110, 150), (60, 50, 60)))
    for side in (-1, 1):
        ex = x + side * 0.08
        c.ellipse(x + side * 0.115, 0.535, 0.036, 0.024, fade((235, 110, 110), 0.32))
        if s.has("sleepy"):
            c.arc(ex, 0.45, 0.03, 0.02, 0, 180, ink, 0.009)
        else:
            c.ellipse(ex, 0.455, 0.034, 0.036, (252, 252, 250))
            c.circle(ex, 0.459, 0.0235, iris)
            c.circle(ex, 0.459, 0.013, (30, 24, 30))
            c.circle(ex + 0.009, 0.449, 0.007, _WHITE)
            c.arc(ex, 0.452, 0.036, 0.036, 195, 345, ink, 0.008)
            if feminine:
                c.line([(ex + side * 0.031, 0.438), (ex + side * 0.048, 0.425)], ink, 0.007)
        lift = rng.uniform(-0.006, 0.008)
        c.line(
            [(ex - 0.036, 0.402 - lift * side), (ex, 0.39), (ex + 0.036, 0.402 + lift * side)],
            mix(ink, skin, 0.15),
            0.009 if feminine else 0.013,
        )
    c.arc(x, 0.508, 0.018, 0.014, 15, 165, mix(skin, (140, 60, 40), 0.45), 0.008)
    if rng.random() < 0.4:
        c.pie(x, 0.565, 0.046, 0.036, 0, 180, (168, 60, 66))
        c.pie(x, 0.566, 0.04, 0.012, 0, 180, _WHITE)
    else:
        c.arc(x, 0.56, 0.042, 0.026, 15, 165, (170, 74, 74), 0.01)
    if s.has("freckle|freckled"):
        for index in range(10):
            side = -1 if index % 2 else 1
            c.circle(
                x + side * rng.uniform(0.05, 0.13),
                rng.uniform(0.49, 0.53),
                0.0042,
                mix(skin, (150, 80, 40), 0.55),
            )


def _animal(s: Sitter, plan: _Plan) -> None:
    c, x, rng, coat = s.canvas, s.x, s.rng, plan.coat
    pale = mix(coat, _WHITE, 0.68)
    shade = mix(coat, (30, 20, 30), 0.25)
    c.rect(x - 0.1, 0.55, x + 0.1, 0.74, shade, 0.06)
    _ears(s, plan.creature, coat, shade)
    if plan.creature in ("cat", "fox"):
        for side in (-1, 1):
            c.poly(
                [
                    (x + side * 0.15, 0.5),
                    (x + side * 0.295, 0.565),
                    (x + side * 0.2, 0.585),
                    (x + side * 0.255, 0.635),
                    (x + side * 0.08, 0.64),
                ],
                coat,
            )
    c.ellipse(x, 0.465, 0.225, 0.2, coat)
    if plan.creature == "fox":
        for side in (-1, 1):
            c.curve(
                [
                    (x, 0.5),
                    (x + side * 0.1, 0.47),
                    (x + side * 0.215, 0.5),
                    (x + side * 0.15, 0.61),
                    (x, 0.665),
                ],
                pale,
            )
    elif plan.creature == "owl":
        for side in (-1, 1):
            c.circle(x + side * 0.09, 0.43, 0.1, pale)
    else:
        c.ellipse(x, 0.56, 0.115, 0.088, pale)
    if plan.creature == "cat" and rng.random() < 0.75:
        for dx in (-0.055, 0, 0.055):
            c.poly(
                [
                    (x + dx - 0.013, 0.27 + abs(dx) * 0.2),
                    (x + dx + 0.013, 0.27 + abs(dx) * 0.2),
                    (x + dx * 0.8, 0.36),
                ],
                shade,
            )
        for side in (-1, 1):
            for row in (0.45, 0.49):
                c.poly(
                    [
                        (x + side * 0.223, row - 0.012),
                        (x + side * 0.223, row + 0.012),
                        (x + side * 0.165, row),
                    ],
                    shade,
                )
    elif plan.creature in ("cat", "dog") and rng.random() < 0.6:
        c.ellipse(x + 0.088, 0.43, 0.075, 0.082, fade(shade, 0.7))
    _muzzle(s, plan.creature)


def _ears(s: Sitter, creature: str, coat: Colour, shade: Colour) -> None:
    c, x, pink = s.canvas, s.x, (246, 170, 168)
    for side in (-1, 1):
        if creature in ("cat", "fox", "owl"):
            tall = {"cat": 0.155, "fox": 0.125, "owl": 0.21}[creature]
            c.curve(
                [
                    (x + side * 0.075, 0.305),
                    (x + side * 0.15, tall + 0.05),
                    (x + side * 0.205, tall),
                    (x + side * 0.222, tall + 0.12),
                    (x + side * 0.213, 0.42),
                ],
                coat,
            )
            if creature != "owl":
                c.poly(
                    [(x + side * 0.12, 0.3), (x + side * 0.192, tall + 0.045), (x + side * 0.2, 0.345)], pink
                )
        elif creature == "rabbit":
            c.ellipse(x + side * 0.1, 0.17, 0.05, 0.165, coat)
            c.ellipse(x + side * 0.1, 0.18, 0.025, 0.125, pink)
        elif creature == "dog":
            c.curve(
                [
                    (x + side * 0.14, 0.28),
                    (x + side * 0.235, 0.31),
                    (x + side * 0.285, 0.46),
                    (x + side * 0.24, 0.57),
                    (x + side * 0.195, 0.48),
                ],
                shade,
            )
        else:
            radius = 0.1 if creature == "mouse" else 0.072
            c.circle(x + side * 0.17, 0.3, radius, coat)
            c.circle(x + side * 0.17, 0.3, radius * 0.58, pink)


def _muzzle(s: Sitter, creature: str) -> None:
    c, x, rng, ink = s.canvas, s.x, s.rng, (48, 38, 46)
    iris = rng.choice(((112, 176, 92), (230, 176, 60), (92, 160, 190), (196, 120, 60)))
    slit = creature in ("cat", "fox")
    for side in (-1, 1):
        ex = x + side * 0.09
        c.ellipse(ex, 0.44, 0.048, 0.052, ink)
        c.ellipse(ex, 0.44, 0.042, 0.046, iris)
        c.ellipse(ex, 0.442, 0.023 if slit else 0.03, 0.039 if slit else 0.034, (28, 22, 28))
        c.circle(ex + 0.016, 0.422, 0.012, _WHITE)
        c.circle(ex - 0.012, 0.46, 0.006, fade(_WHITE, 0.8))
        c.ellipse(x + side * 0.14, 0.515, 0.034, 0.02, fade((245, 120, 130), 0.35))
    if creature == "owl":
        c.poly([(x - 0.03, 0.485), (x + 0.03, 0.485), (x, 0.55)], (240, 170, 60))
        return
    nose = (226, 118, 130) if creature in ("cat", "rabbit", "mouse") else ink
    c.curve([(x - 0.032, 0.508), (x, 0.5), (x + 0.032, 0.508), (x, 0.538)], nose)
    c.line([(x, 0.535), (x, 0.555)], ink, 0.006)
    c.arc(x - 0.028, 0.555, 0.028, 0.024, 0, 165, ink, 0.008)
    c.arc(x + 0.028, 0.555, 0.028, 0.024, 15, 180, ink, 0.008)
    if creature in ("cat", "rabbit", "mouse"):
        for side in (-1, 1):
            for start, end in ((0.535, 0.515), (0.55, 0.552), (0.565, 0.59)):
                c.line([(x + side * 0.105, start), (x + side * 0.27, end)], fade(_WHITE, 0.85), 0.0045)


def _robot(s: Sitter) -> None:
    c, x, palette = s.canvas, s.x, s.palette
    metal = mix(palette.land[0], (235, 240, 245), 0.62)
    edge = mix(metal, palette.dark, 0.35)
    c.rect(x - 0.06, 0.6, x + 0.06, 0.75, edge, 0.02)
    c.line([(x, 0.25), (x, 0.16)], edge, 0.014)
    c.glow(x, 0.145, 0.09, palette.accent, 0.9)
    c.circle(x, 0.145, 0.028, palette.accent)
    for side in (-1, 1):
        c.rect(x + side * 0.235 - 0.03, 0.38, x + side * 0.235 + 0.03, 0.53, palette.second, 0.02)
    c.rect(x - 0.225, 0.24, x + 0.225, 0.65, metal, 0.1)
    c.rect(x - 0.175, 0.32, x + 0.175, 0.54, mix(palette.dark, (20, 24, 40), 0.5), 0.07)
    smile = mix(palette.accent, _WHITE, 0.2)
    for side in (-1, 1):
        c.glow(x + side * 0.08, 0.415, 0.08, smile, 0.7)
        c.ellipse(x + side * 0.08, 0.415, 0.028, 0.034, smile)
    c.arc(x, 0.46, 0.05, 0.035, 20, 160, smile, 0.011)
    for dx in (-0.06, -0.02, 0.02, 0.06):
        c.circle(x + dx, 0.595, 0.011, edge)
