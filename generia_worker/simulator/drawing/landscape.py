"""Covers: wide landscapes in layers, from the sky to the foreground."""

from __future__ import annotations

import random

from generia_worker.simulator.drawing import nature
from generia_worker.simulator.drawing.canvas import Canvas, Colour, fade, mix
from generia_worker.simulator.drawing.palettes import Palette
from generia_worker.simulator.drawing.view import View

_WHITE: Colour = (255, 255, 255)


def draw(canvas: Canvas, prompt: str, palette: Palette, rng: random.Random) -> None:
    """Draw the landscape of a prompt."""
    view = View(canvas, prompt, palette, rng)
    for words, paint in KINDS:
        if view.says(words):
            paint(view)
            return
    rng.choice((_country, _mountains, _town))(view)


def _country(view: View) -> None:
    view.heavens(0.6)
    outlines = view.hills((0.56, 0.66, 0.78, 0.93))
    view.woods(outlines[1], 16, 0.07, mix(view.palette.land[1], view.palette.land[2], 0.7))
    view.hamlet(outlines[2], 6, 0.1, view.rng.uniform(0.3, 0.7) * view.c.width)
    view.woods(outlines[2], 8, 0.12, view.palette.land[3])
    view.foreground(outlines[3])


def _castle(view: View) -> None:
    view.heavens(0.6)
    c, rng, palette = view.c, view.rng, view.palette
    far = nature.ridge(rng, c.width, 0.58, 0.06)
    nature.fill_below(c, far, palette.land[0])
    x = rng.uniform(0.38, 0.62) * c.width
    mound = [(step / 40 * c.width, 0.72 - 0.2 * _bump(step / 40 * c.width - x, 0.42)) for step in range(41)]
    nature.castle(
        c, x, 0.555, 0.34, palette, mix(palette.light, palette.land[1], 0.35 if not palette.night else 0.7)
    )
    nature.fill_below(c, mound, palette.land[1])
    view.woods(mound, 18, 0.075, mix(palette.land[1], palette.land[2], 0.8))
    outlines = [nature.ridge(rng, c.width, level, 0.05) for level in (0.8, 0.93)]
    nature.fill_below(c, outlines[0], palette.land[2])
    view.hamlet(outlines[0], 5, 0.09, rng.choice((0.2, 0.8)) * c.width, 0.25)
    nature.fill_below(c, outlines[1], palette.land[3])
    view.foreground(outlines[1])


def _bump(distance: float, reach: float) -> float:
    share = max(0.0, 1 - (distance / reach) ** 2)
    return share * share * (3 - 2 * share)


def _mountains(view: View) -> None:
    view.heavens(0.6)
    c, rng, palette = view.c, view.rng, view.palette
    for index, (level, height) in enumerate(((0.66, 0.4), (0.74, 0.3))):
        outline = nature.peaks(rng, c.width, level, height)
        colour = mix(palette.land[index], palette.sky[2], 0.25 - 0.2 * index)
        nature.fill_below(c, outline, colour)
        for before, top, after in zip(outline, outline[1:], outline[2:], strict=False):
            if top[1] < before[1] and top[1] < after[1] and level - top[1] > height * 0.55:
                left = (top[0] + (before[0] - top[0]) * 0.3, top[1] + (before[1] - top[1]) * 0.3)
                right = (top[0] + (after[0] - top[0]) * 0.3, top[1] + (after[1] - top[1]) * 0.3)
                dip = (top[0] + 0.01, top[1] + (max(left[1], right[1]) - top[1]) * 0.7)
                c.poly([top, left, dip, right], mix(_WHITE, colour, 0.15))
    outlines = view.hills((0.76, 0.86, 0.95), 0.04)
    view.woods(outlines[0], 24, 0.09, mix(palette.land[1], palette.land[2], 0.7))
    view.hamlet(outlines[1], 4, 0.1, rng.uniform(0.3, 0.7) * c.width)
    view.woods(outlines[1], 12, 0.16, palette.land[3])
    view.foreground(outlines[2])


def _forest(view: View) -> None:
    view.heavens(0.7)
    c, rng, palette = view.c, view.rng, view.palette
    for index, level in enumerate((0.58, 0.68, 0.8)):
        outline = nature.ridge(rng, c.width, level, 0.05)
        colour = mix(palette.land[index], palette.sky[2], 0.3 - 0.12 * index)
        view.woods(outline, 34 - 8 * index, 0.14 + 0.07 * index, colour)
        nature.fill_below(c, outline, colour)
        c.glow(c.width / 2, level + 0.12, c.width * 0.6, palette.sky[2], 0.3, 0.14)
    last = nature.ridge(rng, c.width, 0.92, 0.04)
    nature.fill_below(c, last, palette.land[3])
    for _ in range(26):
        c.glow(rng.uniform(0, c.width), rng.uniform(0.55, 0.95), 0.02, palette.light, 0.9)
    view.foreground(last)


def _sea(view: View) -> None:
    horizon = 0.58
    view.heavens(horizon)
    c, rng, palette = view.c, view.rng, view.palette
    c.sky(mix(palette.land[0], palette.sky[2], 0.35), palette.land[1], palette.land[2], top=horizon)
    for _ in range(3):
        x, wide = rng.uniform(0, c.width), rng.uniform(0.12, 0.3)
        island = [
            (x - wide, horizon),
            (x - wide * 0.4, horizon - 0.06),
            (x, horizon - 0.085),
            (x + wide * 0.5, horizon - 0.04),
            (x + wide, horizon),
        ]
        c.poly(island, mix(palette.land[1], palette.sky[2], 0.3))
    for _ in range(120):
        y = horizon + 0.4 * rng.random() ** 1.6
        x, wide = rng.uniform(0, c.width), 0.01 + 0.08 * (y - horizon)
        c.line([(x - wide, y), (x + wide, y)], fade(palette.light, 0.3), 0.0025 + 0.006 * (y - horizon))
    for _ in range(rng.randint(2, 4)):
        y = rng.uniform(horizon + 0.04, 0.8)
        hull = mix(palette.dark, palette.accent, 0.3)
        nature.ship(
            c,
            rng.uniform(0.15, c.width - 0.3),
            y,
            0.08 + (y - horizon) * 0.5,
            hull,
            mix(palette.light, palette.accent, rng.uniform(0, 0.3)),
        )
    x = c.width * rng.choice((0.12, 0.88))
    cliff = [
        (x - 0.4, 1.0),
        (x - 0.26, 0.8),
        (x - 0.1, 0.73),
        (x + 0.12, 0.74),
        (x + 0.28, 0.84),
        (x + 0.42, 1.0),
    ]
    nature.lighthouse(c, x, 0.75, 0.36, palette)
    c.curve([*cliff, (x, 1.3)], palette.land[3])
    shore = nature.ridge(rng, c.width, 0.95, 0.025)
    nature.fill_below(c, shore, mix(palette.dark, palette.land[3], 0.5))
    view.foreground(shore)


def _skyline(view: View, neon: bool) -> None:
    view.heavens(0.7)
    c, rng, palette = view.c, view.rng, view.palette
    c.glow(c.width / 2, 0.78, c.width * 0.7, palette.sky[2] if not neon else palette.second, 0.6, 0.4)
    for layer, (low, high, gap) in enumerate(((0.22, 0.5, 0.05), (0.18, 0.38, 0.065), (0.1, 0.24, 0.085))):
        colour = mix(palette.land[layer + 1], palette.sky[2], 0.34 - 0.16 * layer)
        x = -0.02
        while x < c.width:
            wide, tall = gap * rng.uniform(0.8, 1.6), rng.uniform(low, high)
            top = 0.9 - tall
            c.rect(x, top, x + wide, 1, colour)
            _roof(view, x, wide, top, colour)
            _windows(view, x, wide, top, layer, neon)
            x += wide + rng.uniform(-0.004, 0.012)
    street = nature.ridge(rng, c.width, 0.94, 0.012)
    nature.fill_below(c, street, palette.dark)
    if neon:
        for _ in range(10):
            x, y = rng.uniform(0, c.width), rng.uniform(0.3, 0.6)
            tint = rng.choice((palette.accent, palette.second))
            c.line([(x, y), (x + rng.uniform(0.05, 0.12), y - 0.008)], fade(tint, 0.8), 0.004)
    view.foreground(street)


def _roof(view: View, x: float, wide: float, top: float, colour: Colour) -> None:
    draw = view.rng.random()
    if draw < 0.25:
        view.c.poly([(x, top), (x + wide, top), (x + wide / 2, top - wide * 0.6)], colour)
    elif draw < 0.4:
        view.c.line([(x + wide / 2, top), (x + wide / 2, top - 0.06)], colour, 0.004)
    elif draw < 0.55:
        view.c.pie(x + wide / 2, top, wide / 2, wide / 2, 180, 360, colour)


def _windows(view: View, x: float, wide: float, top: float, layer: int, neon: bool) -> None:
    rng, palette = view.rng, view.palette
    tint = rng.choice((palette.accent, palette.second, palette.light)) if neon else palette.light
    step, size = 0.024 + 0.004 * layer, 0.007 + 0.002 * layer
    columns = max(1, int((wide - 0.012) / step))
    margin = (wide - columns * step) / 2
    for row in range(int((0.9 - top) / (step * 1.2))):
        for column in range(columns):
            if rng.random() < (0.5 if palette.night else 0.3):
                left, y = x + margin + column * step + (step - size) / 2, top + 0.016 + row * step * 1.2
                view.c.rect(left, y, left + size, y + size * 1.4, fade(tint, rng.uniform(0.45, 0.95)))


def _city(view: View) -> None:
    _skyline(view, view.says("neon|cyberpunk|futuristic"))


def _town(view: View) -> None:
    view.heavens(0.6)
    c, rng, palette = view.c, view.rng, view.palette
    outlines = [nature.ridge(rng, c.width, level, 0.045) for level in (0.58, 0.68, 0.8, 0.94)]
    for index, outline in enumerate(outlines[:3]):
        nature.fill_below(c, outline, palette.land[index])
        size = 0.085 + 0.035 * index
        count = (16, 12, 7)[index]
        view.hamlet(outline, count, size, c.width / 2, c.width * 0.46)
        if index < 2:
            view.woods(outline, 7, size, mix(palette.land[index], palette.land[2], 0.7))
    if view.says("river|riverside|bridge|canal"):
        _river(view)
    nature.fill_below(c, outlines[3], palette.land[3])
    view.foreground(outlines[3])


def _river(view: View) -> None:
    c, palette = view.c, view.palette
    middle = view.rng.uniform(0.35, 0.6) * c.width
    water = mix(palette.sky[0], palette.light, 0.35)
    c.curve(
        [
            (middle - 0.03, 0.72),
            (middle + 0.06, 0.8),
            (middle - 0.12, 0.9),
            (middle - 0.3, 1.1),
            (middle + 0.4, 1.1),
            (middle + 0.22, 0.9),
            (middle + 0.2, 0.79),
        ],
        water,
    )
    stone = mix(palette.light, palette.land[2], 0.5)
    c.arc(middle + 0.05, 0.885, 0.23, 0.1, 180, 360, stone, 0.04)


def _space(view: View) -> None:
    c, rng, palette = view.c, view.rng, view.palette
    c.sky(
        mix(palette.dark, (5, 6, 25), 0.5),
        mix(palette.sky[0], palette.dark, 0.45),
        mix(palette.sky[1], palette.dark, 0.3),
    )
    for _ in range(5):
        tint = rng.choice((palette.accent, palette.second, palette.sky[2]))
        c.glow(rng.uniform(0, c.width), rng.uniform(0, 0.7), rng.uniform(0.2, 0.5), tint, 0.22)
    nature.stars(c, rng, 170, 0.9, palette.light)
    x, y, radius = rng.uniform(0.25, 0.7) * c.width, rng.uniform(0.28, 0.4), rng.uniform(0.15, 0.22)
    _planet(view, x, y, radius, palette.accent, True)
    _planet(view, (x + c.width * 0.4) % c.width, rng.uniform(0.15, 0.5), radius * 0.35, palette.second, False)
    for index, level in enumerate((0.74, 0.84, 0.94)):
        outline = nature.ridge(rng, c.width, level, 0.05)
        colour = mix(palette.land[index + 1], palette.dark, 0.25)
        nature.fill_below(c, outline, colour)
        if index == 1:
            for dome in (0.25, 0.42, 0.7):
                base = nature.height_at(outline, dome * c.width) + 0.015
                c.pie(dome * c.width, base, 0.07, 0.08, 180, 360, mix(palette.light, colour, 0.25))
                c.pie(dome * c.width, base, 0.045, 0.05, 180, 360, fade(palette.accent, 0.6))
    view.foreground(outline)


def _planet(view: View, x: float, y: float, radius: float, colour: Colour, ringed: bool) -> None:
    c = view.c
    c.glow(x, y, radius * 1.7, colour, 0.4)
    if ringed:
        c.arc(x, y, radius * 1.75, radius * 0.42, 180, 360, fade(view.palette.light, 1), radius * 0.09)
    c.circle(x, y, radius, colour)
    for index, share in enumerate((-0.45, -0.05, 0.4)):
        half = (1 - share * share) ** 0.5
        c.ellipse(
            x,
            y + share * radius,
            half * radius * 0.97,
            radius * 0.09,
            mix(colour, _WHITE if index % 2 else view.palette.dark, 0.18),
        )
    if ringed:
        c.arc(x, y, radius * 1.75, radius * 0.42, 0, 180, view.palette.light, radius * 0.09)


def _clouds(view: View) -> None:
    view.heavens(1.0)
    c, rng, palette = view.c, view.rng, view.palette
    c.sky(*palette.sky)
    x = rng.uniform(0.2, 0.8) * c.width
    nature.sun_or_moon(c, x, 0.3, 0.09, palette)
    if palette.night:
        nature.stars(c, rng, 90, 0.7, palette.light)
    for spot, level, size in ((0.22, 0.56, 0.2), (0.62, 0.44, 0.28), (0.88, 0.64, 0.15)):
        _island(view, (spot + rng.uniform(-0.05, 0.05)) * c.width, level, size)
    for _ in range(3):
        tint = rng.choice((palette.accent, palette.second))
        nature.balloon(
            c,
            rng.uniform(0.1, c.width - 0.1),
            rng.uniform(0.15, 0.5),
            rng.uniform(0.07, 0.12),
            tint,
            mix(tint, _WHITE, 0.6),
        )
    for index, level in enumerate((0.8, 0.88, 0.97)):
        tint = mix(palette.sky[2], _WHITE if not palette.night else palette.sky[1], 0.35 + 0.2 * index)
        for step in range(15):
            c.circle(
                step / 14 * c.width + rng.uniform(-0.05, 0.05),
                level + rng.uniform(0, 0.04),
                rng.uniform(0.07, 0.13),
                tint,
            )
        c.rect(0, level + 0.05, c.width, 1.05, tint)


def _island(view: View, x: float, y: float, size: float) -> None:
    c, rng, palette = view.c, view.rng, view.palette
    c.poly(
        [
            (x - size, y),
            (x + size, y),
            (x + size * 0.5, y + size * 0.4),
            (x + size * 0.12, y + size * 0.95),
            (x - size * 0.3, y + size * 0.5),
        ],
        mix(palette.land[3], palette.accent, 0.12),
    )
    c.ellipse(x, y, size, size * 0.16, palette.land[1])
    flat = [(x - size, y), (x + size, y)]
    for _ in range(5):
        nature.tree(
            c,
            x + rng.uniform(-0.8, 0.8) * size,
            y + 0.01,
            size * 0.45,
            mix(palette.land[2], palette.land[1], rng.random()),
            rng,
        )
    view.hamlet(flat, 3, size * 0.34, x, size * 0.5)


def _underwater(view: View) -> None:
    c, rng, palette = view.c, view.rng, view.palette
    c.sky(
        mix(palette.sky[1], (120, 230, 235), 0.5),
        mix(palette.land[1], (20, 120, 160), 0.5),
        mix(palette.land[3], (8, 40, 80), 0.6),
    )
    for _ in range(7):
        x = rng.uniform(-0.1, c.width)
        c.poly(
            [(x, -0.02), (x + 0.07, -0.02), (x + 0.35, 0.95), (x + 0.1, 0.95)], fade((255, 255, 255), 0.07)
        )
    for index, level in enumerate((0.76, 0.86, 0.95)):
        outline = nature.ridge(rng, c.width, level, 0.05)
        colour = mix(palette.land[index + 1], (10, 50, 90), 0.4)
        nature.fill_below(c, outline, colour)
        for _ in range(9):
            x = rng.uniform(0, c.width)
            _coral(
                view,
                x,
                nature.height_at(outline, x) + 0.02,
                0.06 + 0.03 * index,
                rng.choice((palette.accent, palette.second, (255, 140, 160))),
            )
    for _ in range(16):
        _fish(view, rng.uniform(0.05, c.width), rng.uniform(0.15, 0.75), rng.uniform(0.02, 0.045))
    for _ in range(40):
        c.ring(
            rng.uniform(0, c.width),
            rng.uniform(0.05, 0.9),
            rng.uniform(0.004, 0.013),
            fade((255, 255, 255), 0.6),
            0.002,
        )


def _coral(view: View, x: float, y: float, size: float, colour: Colour) -> None:
    for lean in (-0.5, -0.2, 0.1, 0.45):
        top = (x + lean * size, y - size * view.rng.uniform(0.8, 1.4))
        view.c.line([(x, y), (x + lean * size * 0.7, y - size * 0.5), top], colour, size * 0.14)
        view.c.circle(*top, size * 0.1, mix(colour, _WHITE, 0.2))


def _fish(view: View, x: float, y: float, size: float) -> None:
    side = view.rng.choice((-1, 1))
    colour = view.rng.choice((view.palette.accent, view.palette.second, view.palette.light))
    view.c.poly(
        [
            (x - side * size * 0.8, y),
            (x - side * size * 1.5, y - size * 0.5),
            (x - side * size * 1.5, y + size * 0.5),
        ],
        colour,
    )
    view.c.ellipse(x, y, size, size * 0.55, colour)
    view.c.circle(x + side * size * 0.55, y - size * 0.1, size * 0.11, view.palette.dark)


KINDS = (
    ("underwater|corals|coral (?:valley|reef)|under the sea", _underwater),
    (r"space\w*|planet\w*|galax\w*|cosmic|orbit\w*", _space),
    ("floating island|sea of clouds|sky island|in the clouds", _clouds),
    ("neon|skyline|cyberpunk|futuristic|metropolis|foggy city", _city),
    ("sea|ocean|lighthouse|harbou?r|island|beach|ship|coast|coastal", _sea),
    ("castle|universit(?:y|ies)|campus|academ(?:y|ies)|palace|tower|spires|school", _castle),
    ("forest(?! green)|forested|wood|jungle", _forest),
    (r"mountain\w*|peaks|alps|snowy", _mountains),
    ("town|village|street|market|marketplace|cit(?:y|ies)|rooftops", _town),
    ("hills|hillside|meadow|field|country|countryside|valley", _country),
)
