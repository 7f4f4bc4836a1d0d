"""What portraits wear: clothes, hair, beards, hats and glasses."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from generia_worker.simulator.drawing.canvas import Canvas, Colour, fade, mix, star_points
from generia_worker.simulator.drawing.palettes import Palette
from generia_worker.simulator.drawing.words import says

_WHITE: Colour = (255, 255, 255)


@dataclass(frozen=True)
class Sitter:
    """Whoever is being drawn: where, from which words, in which colours."""

    canvas: Canvas
    text: str
    palette: Palette
    rng: random.Random
    x: float

    def has(self, words: str) -> bool:
        """True when the prompt holds one of the words."""
        return says(self.text, words)


def shoulders(s: Sitter, cloth: Colour) -> None:
    """Draw the upper body."""
    c, x = s.canvas, s.x
    c.curve(
        [
            (x - 0.13, 0.69),
            (x - 0.3, 0.755),
            (x - 0.37, 0.9),
            (x - 0.4, 1.12),
            (x + 0.4, 1.12),
            (x + 0.37, 0.9),
            (x + 0.3, 0.755),
            (x + 0.13, 0.69),
        ],
        cloth,
    )
    dark, pale = mix(cloth, s.palette.dark, 0.35), mix(cloth, _WHITE, 0.75)
    style = s.rng.randrange(4)
    if s.has("gown|dean|wizard|professor|supervisor|jacket|suit"):
        style = 1
    if style == 0:
        c.arc(x, 0.7, 0.13, 0.075, 5, 175, dark, 0.028)
        for row in (0.86, 0.93):
            c.arc(x, row - 0.1, 0.37, 0.12, 20, 160, fade(pale, 0.55), 0.016)
    elif style == 1:
        c.poly([(x - 0.1, 0.69), (x + 0.1, 0.69), (x, 0.93)], pale)
        c.poly(
            [(x - 0.03, 0.74), (x + 0.03, 0.74), (x + 0.022, 0.9), (x, 0.93), (x - 0.022, 0.9)],
            s.palette.second,
        )
        for side in (-1, 1):
            c.poly(
                [
                    (x + side * 0.1, 0.685),
                    (x + side * 0.2, 0.8),
                    (x + side * 0.02, 1.0),
                    (x + side * 0.012, 0.94),
                ],
                dark,
            )
    elif style == 2:
        c.arc(x, 0.69, 0.12, 0.06, 0, 180, pale, 0.035)
        for row in range(3):
            c.circle(x, 0.82 + row * 0.07, 0.012, pale)
    else:
        for side in (-1, 1):
            c.poly([(x, 0.76), (x + side * 0.15, 0.69), (x + side * 0.13, 0.79)], pale)
        for dx, dy in ((-0.2, 0.86), (0.2, 0.86), (-0.08, 0.93), (0.1, 0.95), (-0.28, 0.96), (0.29, 0.97)):
            c.circle(x + dx, dy, 0.017, fade(pale, 0.7))


def dress(s: Sitter, furry: bool) -> None:
    """Add glasses, a hat, a scarf and the like, as the prompt says; a hat sometimes of its own accord."""
    _neck(s)
    if s.has("glasses|loupe|monocle|spectacles"):
        _glasses(s)
    for words, hat in HATS:
        if s.has(words):
            hat(s)
            return
    if s.has("flower"):
        _flower(s)
    elif s.has(r"headphone|music\w*"):
        _headphones(s)
    elif not furry and s.rng.random() < 0.18:
        s.rng.choice((_beret, _bobble))(s)


def _neck(s: Sitter) -> None:
    c, x, tint = s.canvas, s.x, s.palette.second
    if s.has("bow[ -]tie"):
        for side in (-1, 1):
            c.poly([(x, 0.725), (x + side * 0.085, 0.68), (x + side * 0.085, 0.775)], tint)
        c.circle(x, 0.727, 0.023, mix(tint, s.palette.dark, 0.3))
    elif s.has("scarf|scarves"):
        dark = mix(tint, s.palette.dark, 0.22)
        c.rect(x + 0.05, 0.72, x + 0.13, 0.96, dark, 0.02)
        for row in (0.79, 0.85, 0.91):
            c.rect(x + 0.05, row, x + 0.13, row + 0.02, mix(tint, _WHITE, 0.55))
        c.rect(x - 0.16, 0.665, x + 0.16, 0.765, tint, 0.048)
        c.arc(x, 0.68, 0.14, 0.05, 20, 160, dark, 0.008)
    elif s.has("necklace|bell|medal"):
        c.arc(x, 0.69, 0.1, 0.09, 10, 170, (222, 178, 74), 0.011)
        c.circle(x, 0.79, 0.028, (240, 200, 90))


def _glasses(s: Sitter) -> None:
    c, x = s.canvas, s.x
    frame = mix(s.palette.dark, s.palette.accent, 0.2)
    for side in (-1, 1):
        c.circle(x + side * 0.087, 0.452, 0.064, fade(_WHITE, 0.2))
        c.ring(x + side * 0.087, 0.452, 0.068, frame, 0.011)
        c.line([(x + side * 0.153, 0.445), (x + side * 0.2, 0.432)], frame, 0.01)
    c.arc(x, 0.45, 0.024, 0.02, 190, 350, frame, 0.01)


def _mortarboard(s: Sitter) -> None:
    c, x, cloth = s.canvas, s.x, mix(s.palette.dark, s.palette.land[2], 0.25)
    c.curve(
        [(x - 0.17, 0.3), (x - 0.15, 0.2), (x, 0.17), (x + 0.15, 0.2), (x + 0.17, 0.3), (x, 0.335)],
        mix(cloth, (0, 0, 0), 0.2),
    )
    c.poly([(x, 0.08), (x + 0.3, 0.18), (x, 0.275), (x - 0.3, 0.18)], cloth)
    c.line([(x, 0.178), (x + 0.21, 0.215), (x + 0.215, 0.34)], s.palette.accent, 0.012)
    c.circle(x + 0.215, 0.355, 0.022, s.palette.accent)


def _brimmed(s: Sitter) -> None:
    c, x, straw = s.canvas, s.x, (235, 196, 116) if s.has(r"straw|garden\w*") else s.palette.accent
    c.curve([(x - 0.17, 0.3), (x - 0.15, 0.14), (x, 0.1), (x + 0.15, 0.14), (x + 0.17, 0.3)], straw)
    c.rect(x - 0.168, 0.235, x + 0.168, 0.285, s.palette.second, 0.008)
    c.ellipse(x, 0.295, 0.31, 0.042, mix(straw, _WHITE, 0.12))


def _cap(s: Sitter) -> None:
    c, x, cloth = s.canvas, s.x, s.palette.land[2]
    c.curve(
        [(x - 0.21, 0.3), (x - 0.18, 0.18), (x, 0.13), (x + 0.18, 0.18), (x + 0.21, 0.3), (x, 0.315)], cloth
    )
    c.rect(x - 0.2, 0.27, x + 0.2, 0.315, mix(cloth, s.palette.dark, 0.4), 0.01)
    c.pie(x, 0.31, 0.19, 0.055, 0, 180, s.palette.dark)
    c.poly(star_points(x, 0.22, 0.035, 0.015, 5), s.palette.accent)


def _pointed(s: Sitter) -> None:
    c, x, cloth = s.canvas, s.x, s.palette.land[3]
    c.curve(
        [
            (x - 0.18, 0.29),
            (x - 0.08, 0.12),
            (x + 0.05, -0.03),
            (x + 0.1, 0.0),
            (x + 0.12, 0.14),
            (x + 0.18, 0.29),
        ],
        cloth,
    )
    c.ellipse(x, 0.293, 0.29, 0.04, mix(cloth, _WHITE, 0.1))
    c.rect(x - 0.165, 0.235, x + 0.165, 0.272, s.palette.accent)
    for dx, dy, size in ((-0.02, 0.16, 0.03), (0.06, 0.08, 0.02), (0.08, 0.19, 0.018)):
        c.poly(star_points(x + dx, dy, size, size * 0.42, 5), s.palette.light)


def _crown(s: Sitter) -> None:
    c, x, gold = s.canvas, s.x, (246, 202, 84)
    c.poly(
        [
            (x - 0.15, 0.29),
            (x - 0.17, 0.13),
            (x - 0.08, 0.2),
            (x, 0.1),
            (x + 0.08, 0.2),
            (x + 0.17, 0.13),
            (x + 0.15, 0.29),
        ],
        gold,
    )
    for dx, dy in ((-0.17, 0.13), (0, 0.1), (0.17, 0.13)):
        c.circle(x + dx, dy, 0.02, s.palette.second)
    c.rect(x - 0.15, 0.26, x + 0.15, 0.295, mix(gold, (150, 90, 20), 0.35), 0.01)


def _beret(s: Sitter) -> None:
    c, x, cloth = s.canvas, s.x, s.palette.second
    c.curve(
        [
            (x - 0.19, 0.29),
            (x - 0.25, 0.22),
            (x - 0.08, 0.12),
            (x + 0.13, 0.14),
            (x + 0.19, 0.27),
            (x, 0.315),
        ],
        cloth,
    )
    c.line([(x + 0.02, 0.14), (x + 0.04, 0.1)], cloth, 0.016)
    c.arc(x, 0.26, 0.17, 0.05, 20, 160, mix(cloth, s.palette.dark, 0.35), 0.016)


def _bobble(s: Sitter) -> None:
    c, x, wool = s.canvas, s.x, s.palette.accent
    c.curve([(x - 0.2, 0.3), (x - 0.17, 0.16), (x, 0.1), (x + 0.17, 0.16), (x + 0.2, 0.3)], wool)
    c.circle(x, 0.09, 0.045, mix(wool, _WHITE, 0.6))
    c.rect(x - 0.215, 0.255, x + 0.215, 0.325, mix(wool, _WHITE, 0.4), 0.03)


def _helmet(s: Sitter) -> None:
    c, x = s.canvas, s.x
    c.circle(x, 0.43, 0.305, fade(mix(s.palette.sky[0], _WHITE, 0.6), 0.22))
    c.ring(x, 0.43, 0.305, mix(s.palette.light, _WHITE, 0.3), 0.016)
    c.arc(x, 0.43, 0.25, 0.25, 200, 245, fade(_WHITE, 0.8), 0.014)
    c.rect(x - 0.2, 0.69, x + 0.2, 0.745, mix(s.palette.light, s.palette.dark, 0.2), 0.025)


def _hood(s: Sitter) -> None:
    c, x, cloth = s.canvas, s.x, s.palette.land[3]
    c.arc(x, 0.45, 0.235, 0.28, 140, 400, cloth, 0.055)


def _toque(s: Sitter) -> None:
    c, x = s.canvas, s.x
    for dx, dy, radius in ((-0.1, 0.15, 0.085), (0.0, 0.11, 0.1), (0.1, 0.15, 0.085)):
        c.circle(x + dx, dy, radius, (250, 250, 248))
    c.rect(x - 0.14, 0.17, x + 0.14, 0.3, (250, 250, 248))
    c.rect(x - 0.15, 0.25, x + 0.15, 0.305, (228, 230, 234), 0.01)


HATS = (
    (r"mortarboard|graduat\w*|dean", _mortarboard),
    (r"wizard|witch|mage|sorcer\w*", _pointed),
    (r"king|queen|prince|princess|crown\w*", _crown),
    ("astronaut|cosmonaut|space suit|helmet", _helmet),
    (r"captain|conductor|uniform\w*|patrol\w*|little cap|police\w*|sailor", _cap),
    (r"baker\w*|chef|cook|pastry", _toque),
    ("beret|painter|poet|poetess", _beret),
    (r"hooded|cloak\w*|detective hood", _hood),
    ("straw hat|a hat|gardener|explorer|fedora|detective", _brimmed),
    ("woolly|knitted|winter hat", _bobble),
)


def _flower(s: Sitter) -> None:
    c, x, y = s.canvas, s.x + 0.17, 0.29
    for index in range(5):
        angle = math.radians(index * 72 - 90)
        c.circle(
            x + 0.034 * math.cos(angle),
            y + 0.034 * math.sin(angle),
            0.026,
            mix(s.palette.accent, _WHITE, 0.25),
        )
    c.circle(x, y, 0.022, s.palette.light)


def _headphones(s: Sitter) -> None:
    c, x, tint = s.canvas, s.x, s.palette.accent
    c.arc(x, 0.43, 0.235, 0.235, 190, 350, s.palette.dark, 0.024)
    for side in (-1, 1):
        c.rect(x + side * 0.235 - 0.035, 0.39, x + side * 0.235 + 0.035, 0.52, tint, 0.03)


def hair_behind(s: Sitter, hair: Colour, style: str) -> None:
    """Draw the hair that falls behind the face."""
    c, x, dark = s.canvas, s.x, mix(hair, (20, 10, 20), 0.2)
    if style in ("long", "wavy"):
        c.curve(
            [
                (x, 0.17),
                (x + 0.2, 0.24),
                (x + 0.25, 0.45),
                (x + 0.27, 0.72),
                (x + 0.17, 0.84),
                (x, 0.8),
                (x - 0.17, 0.84),
                (x - 0.27, 0.72),
                (x - 0.25, 0.45),
                (x - 0.2, 0.24),
            ],
            dark,
        )
    elif style == "bob":
        c.curve(
            [
                (x, 0.17),
                (x + 0.2, 0.23),
                (x + 0.26, 0.42),
                (x + 0.25, 0.6),
                (x + 0.12, 0.66),
                (x - 0.12, 0.66),
                (x - 0.25, 0.6),
                (x - 0.26, 0.42),
                (x - 0.2, 0.23),
            ],
            dark,
        )
    elif style == "curl":
        for index in range(15):
            angle = math.radians(150 + index * 17.2)
            c.circle(x + 0.2 * math.cos(angle), 0.38 + 0.19 * math.sin(angle), 0.075, dark)
    elif style == "braid":
        c.circle(x, 0.36, 0.215, dark)
        for side in (-1, 1):
            for knot in range(6):
                c.circle(
                    x + side * (0.215 + 0.008 * knot),
                    0.48 + 0.058 * knot,
                    0.043 - 0.002 * knot,
                    dark if knot % 2 else hair,
                )
    else:
        c.ellipse(x, 0.37, 0.21, 0.19, dark)


def hair_front(s: Sitter, hair: Colour, style: str) -> None:
    """Draw the hair over the forehead."""
    c, x, rng = s.canvas, s.x, s.rng
    if style == "bald":
        return
    if style == "curl":
        for dx, dy in (
            (-0.17, 0.31),
            (-0.11, 0.255),
            (-0.03, 0.235),
            (0.05, 0.235),
            (0.12, 0.26),
            (0.17, 0.315),
        ):
            c.circle(x + dx, dy, 0.062, hair)
        return
    part = rng.choice((-1, 1)) * 0.07
    c.curve(
        [
            (x + part, 0.3),
            (x - 0.1, 0.345),
            (x - 0.2, 0.42),
            (x - 0.222, 0.36),
            (x - 0.17, 0.22),
            (x, 0.165),
            (x + 0.17, 0.22),
            (x + 0.222, 0.36),
            (x + 0.2, 0.42),
            (x + 0.12, 0.34),
        ],
        hair,
    )
    c.arc(x, 0.36, 0.15, 0.15, 225, 290, fade(mix(hair, _WHITE, 0.5), 0.5), 0.014)
    if style == "short":
        for step in range(5):
            px = x - 0.12 + step * 0.06
            c.poly([(px - 0.035, 0.21), (px + 0.035, 0.21), (px + rng.uniform(-0.02, 0.03), 0.15)], hair)


def beard(s: Sitter, hair: Colour, full: bool) -> None:
    """Draw a beard or a moustache."""
    c, x = s.canvas, s.x
    if full:
        c.curve(
            [
                (x - 0.185, 0.5),
                (x - 0.1, 0.545),
                (x, 0.53),
                (x + 0.1, 0.545),
                (x + 0.185, 0.5),
                (x + 0.14, 0.65),
                (x, 0.73),
                (x - 0.14, 0.65),
            ],
            hair,
        )
        c.arc(x, 0.575, 0.04, 0.02, 10, 170, (160, 70, 70), 0.012)
    for side in (-1, 1):
        c.curve(
            [(x, 0.53), (x + side * 0.05, 0.525), (x + side * 0.095, 0.555), (x + side * 0.04, 0.56)],
            mix(hair, (20, 10, 10), 0.12),
        )
