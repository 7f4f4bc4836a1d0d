"""Furniture, lamps and what else stands in rooms and streets."""

from __future__ import annotations

from generia_worker.simulator.drawing.canvas import Colour, fade, mix
from generia_worker.simulator.drawing.stage import Stage

_WHITE: Colour = (255, 255, 255)
_WARM: Colour = (255, 226, 150)


def frames(stage: Stage, x: float, y: float) -> None:
    """Hang pictures on the wall."""
    c, rng, palette = stage.canvas, stage.rng, stage.palette
    for dx, dy, size in ((-0.11, 0.0, 0.075), (0.03, -0.03, 0.055), (0.13, 0.03, 0.045)):
        c.rect(
            x + dx - size,
            y + dy - size,
            x + dx + size,
            y + dy + size,
            mix(palette.accent, palette.dark, 0.35),
            0.006,
        )
        inner = size * 0.8
        c.rect(
            x + dx - inner, y + dy - inner, x + dx + inner, y + dy + inner, mix(palette.sky[1], _WHITE, 0.35)
        )
        c.pie(x + dx, y + dy + inner, inner, inner * rng.uniform(0.7, 1.2), 180, 360, palette.land[1])
        c.circle(x + dx + inner * 0.4, y + dy - inner * 0.4, inner * 0.22, palette.second)


def shelf(stage: Stage, x: float, y: float, wide: float, kind: str = "books") -> None:
    """Put up a shelf with books, jars or loaves."""
    c, rng, palette = stage.canvas, stage.rng, stage.palette
    left = x - wide / 2 + 0.015
    tints = (palette.accent, palette.second, palette.land[1], palette.land[2], palette.sky[0], palette.light)
    while left < x + wide / 2 - 0.05:
        tint = rng.choice(tints)
        if kind == "books":
            thick, tall = rng.uniform(0.014, 0.028), rng.uniform(0.06, 0.1)
            c.rect(left, y - tall, left + thick, y, tint)
            c.rect(left, y - tall * 0.8, left + thick, y - tall * 0.7, mix(tint, _WHITE, 0.5))
            left += thick + 0.002
        elif kind == "jars":
            c.rect(left, y - 0.065, left + 0.045, y, mix(tint, _WHITE, 0.25), 0.012)
            c.rect(left + 0.006, y - 0.082, left + 0.039, y - 0.06, mix(tint, palette.dark, 0.4), 0.004)
            left += rng.uniform(0.055, 0.07)
        else:
            c.pie(
                left + 0.03, y, 0.034, 0.05, 180, 360, mix((214, 150, 84), palette.accent, rng.random() * 0.4)
            )
            left += 0.07
    c.rect(x - wide / 2, y, x + wide / 2, y + 0.018, mix(palette.accent, palette.dark, 0.5), 0.004)


def bookcase(stage: Stage, left: float, top: float, wide: float, high: float) -> None:
    """Fill a part of the wall with books from top to bottom."""
    c, palette = stage.canvas, stage.palette
    wood = mix(palette.accent, palette.dark, 0.6)
    c.rect(left, top, left + wide, top + high, wood, 0.008)
    rows = 5
    for row in range(rows):
        upper = top + 0.02 + row * (high - 0.02) / rows
        c.rect(
            left + 0.015,
            upper,
            left + wide - 0.015,
            upper + (high - 0.02) / rows - 0.02,
            mix(wood, palette.dark, 0.5),
        )
        shelf(stage, left + wide / 2, upper + (high - 0.02) / rows - 0.02, wide - 0.03)


def ladder(stage: Stage, x: float, y: float) -> None:
    """Lean a ladder on the shelves."""
    c, wood = stage.canvas, mix(stage.palette.light, stage.palette.accent, 0.5)
    for dx in (0.0, 0.09):
        c.line([(x + dx, y), (x + dx + 0.05, 0.16)], wood, 0.011)
    for step in range(7):
        share = step / 7 + 0.08
        c.line(
            [(x + 0.05 * share, y - share * (y - 0.16)), (x + 0.09 + 0.05 * share, y - share * (y - 0.16))],
            wood,
            0.009,
        )


def hanging_lamp(stage: Stage, x: float, y: float) -> None:
    """Hang a lamp from the ceiling."""
    c, palette = stage.canvas, stage.palette
    c.glow(x, y + 0.05, 0.26, _WARM, 0.5)
    c.line([(x, 0), (x, y)], palette.dark, 0.004)
    c.poly([(x - 0.02, y), (x + 0.02, y), (x + 0.06, y + 0.05), (x - 0.06, y + 0.05)], palette.second)
    c.pie(x, y + 0.05, 0.03, 0.024, 0, 180, (255, 246, 214))


def plant(stage: Stage, x: float, y: float, size: float) -> None:
    """Set a potted plant on the floor."""
    c, palette = stage.canvas, stage.palette
    leaf = mix(palette.land[2], (70, 140, 80), 0.5)
    for lean in (-0.42, -0.22, 0.0, 0.22, 0.42):
        tip = (x + lean * size, y - size * (1.0 - abs(lean) * 0.7))
        c.curve(
            [
                (x, y - size * 0.3),
                (x + lean * size * 0.4 - size * 0.07, y - size * 0.6),
                tip,
                (x + lean * size * 0.6 + size * 0.07, y - size * 0.5),
            ],
            mix(leaf, _WHITE, abs(lean) * 0.3),
        )
    c.poly(
        [
            (x - size * 0.18, y - size * 0.32),
            (x + size * 0.18, y - size * 0.32),
            (x + size * 0.13, y),
            (x - size * 0.13, y),
        ],
        palette.accent,
    )
    c.rect(
        x - size * 0.2,
        y - size * 0.36,
        x + size * 0.2,
        y - size * 0.29,
        mix(palette.accent, _WHITE, 0.2),
        size * 0.02,
    )


def rug(stage: Stage, x: float, y: float) -> None:
    """Lay a round rug."""
    c, palette = stage.canvas, stage.palette
    for share, tint in (
        (1.0, palette.second),
        (0.82, palette.light),
        (0.7, palette.accent),
        (0.4, mix(palette.light, palette.accent, 0.4)),
    ):
        c.ellipse(x, y, 0.42 * share, 0.075 * share, mix(tint, palette.dark, 0.12))


def desk(stage: Stage, x: float, y: float) -> None:
    """Set up a desk with books on it."""
    c, palette = stage.canvas, stage.palette
    wood = mix(palette.accent, (110, 72, 48), 0.55)
    c.rect(x - 0.17, y - 0.17, x + 0.17, y - 0.145, mix(wood, _WHITE, 0.15), 0.006)
    for dx in (-0.15, 0.13):
        c.rect(x + dx, y - 0.145, x + dx + 0.022, y + 0.02, wood)
    for index, tint in enumerate((palette.second, palette.land[1], palette.light)):
        c.rect(x - 0.13, y - 0.195 - index * 0.024, x - 0.03, y - 0.172 - index * 0.024, tint, 0.004)
    c.pie(x + 0.08, y - 0.19, 0.03, 0.05, 0, 180, _WHITE)


def flask(stage: Stage, x: float, y: float, size: float, tint: Colour) -> None:
    """Stand a bubbling flask on a bench."""
    c = stage.canvas
    c.glow(x, y - size * 0.35, size * 0.9, tint, 0.5)
    glass = fade(_WHITE, 0.55)
    c.rect(x - size * 0.1, y - size, x + size * 0.1, y - size * 0.5, glass)
    c.circle(x, y - size * 0.34, size * 0.34, glass)
    c.pie(x, y - size * 0.34, size * 0.29, size * 0.29, 0, 180, tint)
    for dx, dy, radius in ((0.05, 1.12, 0.05), (-0.06, 1.28, 0.035), (0.03, 1.42, 0.025)):
        c.circle(x + dx * size, y - dy * size, radius * size * 1.6, fade(tint, 0.7))


def facade(stage: Stage, left: float, top: float, wide: float, bottom: float, tint: Colour) -> None:
    """Build the front of a town house."""
    c, rng, palette = stage.canvas, stage.rng, stage.palette
    right = left + wide
    c.rect(left, top, right, bottom, tint)
    roof = mix(palette.second, palette.dark, 0.35)
    if rng.random() < 0.5:
        c.poly([(left - 0.012, top), (right + 0.012, top), (left + wide / 2, top - wide * 0.5)], roof)
    else:
        c.poly(
            [
                (left - 0.012, top),
                (right + 0.012, top),
                (right - 0.03, top - 0.09),
                (left + 0.03, top - 0.09),
            ],
            roof,
        )
    lit = _WARM if palette.night else mix(palette.sky[0], _WHITE, 0.35)
    frame = mix(tint, _WHITE, 0.6)
    columns = 2 if wide < 0.23 else 3
    for row in range(int((bottom - 0.2 - top) / 0.13)):
        for column in range(columns):
            x = left + wide * (column + 0.5) / columns
            y = top + 0.05 + row * 0.13
            c.rect(x - 0.026, y - 0.006, x + 0.026, y + 0.072, frame, 0.004)
            glass = lit if not palette.night or rng.random() < 0.6 else mix(palette.sky[0], palette.dark, 0.4)
            c.rect(x - 0.02, y, x + 0.02, y + 0.066, glass)
            if rng.random() < 0.35:
                c.rect(
                    x - 0.03, y + 0.068, x + 0.03, y + 0.084, mix(palette.accent, palette.land[2], 0.3), 0.005
                )
    c.rect(
        left + wide * 0.1,
        bottom - 0.14,
        left + wide * 0.58,
        bottom - 0.02,
        mix(lit, palette.accent, 0.25),
        0.006,
    )
    stripes = 5
    for index in range(stripes):
        x = left + wide * (0.06 + 0.56 * index / stripes)
        c.poly(
            [
                (x, bottom - 0.17),
                (x + wide * 0.56 / stripes, bottom - 0.17),
                (x + wide * 0.56 / stripes, bottom - 0.125),
                (x, bottom - 0.125),
            ],
            palette.second if index % 2 else palette.light,
        )
    c.rect(left + wide * 0.68, bottom - 0.15, left + wide * 0.92, bottom, mix(tint, palette.dark, 0.5), 0.012)


def street_lamp(stage: Stage, x: float, y: float, high: float = 0.46) -> None:
    """Stand a lamp post in the street."""
    c, palette = stage.canvas, stage.palette
    iron = mix(palette.dark, palette.land[3], 0.3)
    c.glow(x, y - high, 0.2 if palette.night else 0.11, _WARM, 0.85)
    c.rect(x - 0.006, y - high + 0.03, x + 0.006, y, iron)
    c.rect(x - 0.02, y - 0.03, x + 0.02, y, iron, 0.006)
    c.poly(
        [
            (x - 0.022, y - high - 0.03),
            (x + 0.022, y - high - 0.03),
            (x + 0.014, y - high + 0.035),
            (x - 0.014, y - high + 0.035),
        ],
        (255, 240, 190),
    )
    c.poly([(x - 0.03, y - high - 0.028), (x + 0.03, y - high - 0.028), (x, y - high - 0.062)], iron)


def fountain(stage: Stage, x: float, y: float) -> None:
    """Let a fountain play."""
    c, palette = stage.canvas, stage.palette
    stone, water = mix(palette.light, palette.land[1], 0.35), mix(palette.sky[0], _WHITE, 0.5)
    for side in (-1, 1):
        for reach in (0.05, 0.1, 0.15):
            c.arc(
                x + side * reach,
                y - 0.1,
                reach,
                0.17,
                180 if side > 0 else 270,
                270 if side > 0 else 360,
                fade(water, 0.8),
                0.007,
            )
            c.arc(
                x + side * reach,
                y - 0.1,
                reach,
                0.17,
                270 if side > 0 else 180,
                360 if side > 0 else 270,
                fade(water, 0.8),
                0.007,
            )
    c.rect(x - 0.02, y - 0.2, x + 0.02, y - 0.05, stone)
    c.ellipse(x, y - 0.05, 0.26, 0.04, stone)
    c.ellipse(x, y - 0.055, 0.235, 0.03, water)
    c.rect(x - 0.26, y - 0.05, x + 0.26, y + 0.01, mix(stone, palette.dark, 0.12), 0.02)


def stall(stage: Stage, x: float, y: float) -> None:
    """Put up a market stall."""
    c, rng, palette = stage.canvas, stage.rng, stage.palette
    wood = mix(palette.accent, (110, 72, 48), 0.5)
    for dx in (-0.14, 0.125):
        c.rect(x + dx, y - 0.34, x + dx + 0.015, y, wood)
    c.rect(x - 0.16, y - 0.14, x + 0.16, y, wood, 0.006)
    for index in range(9):
        c.circle(
            x - 0.13 + index * 0.033,
            y - 0.15,
            0.018,
            rng.choice((palette.accent, palette.second, palette.land[1], palette.light)),
        )
    for index in range(6):
        left = x - 0.18 + index * 0.06
        tint = palette.second if index % 2 else palette.light
        c.poly(
            [
                (left + 0.01 * (3 - index), y - 0.42),
                (left + 0.06 + 0.01 * (2 - index), y - 0.42),
                (left + 0.06, y - 0.32),
                (left, y - 0.32),
            ],
            tint,
        )
        c.pie(left + 0.03, y - 0.32, 0.03, 0.025, 0, 180, tint)


def tram(stage: Stage, x: float, y: float) -> None:
    """Bring a tram."""
    c, palette = stage.canvas, stage.palette
    c.rect(x - 0.32, y - 0.3, x + 0.32, y - 0.03, palette.second, 0.04)
    c.rect(x - 0.32, y - 0.14, x + 0.32, y - 0.1, palette.light)
    for index in range(5):
        left = x - 0.28 + index * 0.115
        c.rect(
            left,
            y - 0.26,
            left + 0.095,
            y - 0.16,
            _WARM if palette.night else mix(palette.sky[0], _WHITE, 0.4),
            0.012,
        )
    for dx in (-0.2, 0.2):
        c.circle(x + dx, y - 0.03, 0.035, palette.dark)
    c.line([(x, y - 0.3), (x + 0.04, y - 0.36)], palette.dark, 0.006)
    c.line([(-0.1, y - 0.36), (c.width + 0.1, y - 0.36)], fade(palette.dark, 0.6), 0.003)


def bench(stage: Stage, x: float, y: float) -> None:
    """Set a bench in the park."""
    c, wood = stage.canvas, mix(stage.palette.accent, (110, 72, 48), 0.55)
    for row in (0.15, 0.115, 0.075):
        c.rect(x - 0.14, y - row, x + 0.14, y - row + 0.022, wood, 0.006)
    for dx in (-0.12, 0.105):
        c.rect(x + dx, y - 0.15, x + dx + 0.014, y, stage.palette.dark)


def carousel(stage: Stage, x: float, y: float) -> None:
    """Build a carousel."""
    c, palette = stage.canvas, stage.palette
    for index in range(6):
        left = x - 0.24 + index * 0.08
        c.poly(
            [(x, y - 0.5), (left, y - 0.34), (left + 0.08, y - 0.34)],
            palette.second if index % 2 else palette.light,
        )
    c.rect(x - 0.25, y - 0.345, x + 0.25, y - 0.31, palette.accent, 0.012)
    for index in range(7):
        px = x - 0.21 + index * 0.07
        c.rect(px - 0.003, y - 0.31, px + 0.003, y - 0.02, palette.light)
        if index % 2:
            c.ellipse(px, y - 0.14, 0.035, 0.022, mix(palette.sky[1], _WHITE, 0.5))
            c.ellipse(px + 0.03, y - 0.17, 0.014, 0.02, mix(palette.sky[1], _WHITE, 0.5))
    c.ellipse(x, y - 0.01, 0.27, 0.035, mix(palette.accent, palette.dark, 0.3))
    c.circle(x, y - 0.51, 0.018, palette.accent)


def flowers(stage: Stage, count: int, top: float) -> None:
    """Strew flowers over the grass."""
    c, rng, palette = stage.canvas, stage.rng, stage.palette
    for _ in range(count):
        x, y = rng.uniform(0, c.width), rng.uniform(top, 0.99)
        size = 0.006 + 0.012 * (y - top)
        tint = rng.choice((palette.accent, palette.second, palette.light, (255, 170, 190)))
        c.line([(x, y), (x, y + size * 3)], palette.land[2], 0.003)
        for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            c.circle(x + dx * size, y + dy * size, size * 0.8, tint)
        c.circle(x, y, size * 0.6, (255, 226, 120))
