"""What stands in landscapes and scenes: sky, weather, hills, plants, houses and small figures."""

from __future__ import annotations

import math
import random
from itertools import pairwise

from generia_worker.simulator.drawing.canvas import Canvas, Colour, Ink, Point, fade, mix, star_points
from generia_worker.simulator.drawing.palettes import Palette
from generia_worker.simulator.drawing.words import RAIN, SNOW, says


def stars(c: Canvas, rng: random.Random, count: int, bottom: float, colour: Colour) -> None:
    """Strew stars over the sky."""
    for _ in range(count):
        x, y, size = rng.uniform(0, c.width), rng.uniform(0, bottom), rng.uniform(0.001, 0.0035)
        c.circle(x, y, size, fade(colour, rng.uniform(0.5, 1)))
    for _ in range(count // 12):
        x, y = rng.uniform(0, c.width), rng.uniform(0, bottom)
        c.poly(star_points(x, y, 0.014, 0.003, 4), fade(colour, 0.9))


def sun_or_moon(
    c: Canvas, x: float, y: float, radius: float, palette: Palette, crescent: bool = False
) -> None:
    """Put the light of the day or of the night into the sky."""
    c.glow(x, y, radius * 4.2, palette.light, 0.55 if palette.night else 0.75)
    c.circle(x, y, radius, palette.light)
    if palette.night and crescent:
        c.circle(
            x + radius * 0.42, y - radius * 0.18, radius * 0.86, mix(palette.sky[0], palette.sky[1], 0.4)
        )
    elif palette.night:
        shade = mix(palette.light, palette.sky[1], 0.18)
        for dx, dy, size in ((-0.3, -0.2, 0.22), (0.28, 0.3, 0.3), (0.2, -0.42, 0.14), (-0.35, 0.4, 0.16)):
            c.circle(x + dx * radius, y + dy * radius, size * radius, shade)


def cloud(c: Canvas, x: float, y: float, size: float, ink: Ink) -> None:
    """Draw a flat-bottomed cloud."""
    colour: Colour = ink[0], ink[1], ink[2]
    for dx, dy, radius in ((-0.9, 0.0, 0.34), (-0.4, -0.22, 0.5), (0.25, -0.3, 0.6), (0.85, -0.05, 0.42)):
        c.pie(x + dx * size, y + dy * size + 0.2 * size, radius * size, radius * size, 160, 380, colour)
    c.rect(x - 1.2 * size, y + 0.02 * size, x + 1.24 * size, y + 0.22 * size, colour, 0.1 * size)


def clouds(c: Canvas, rng: random.Random, palette: Palette, count: int, bottom: float) -> None:
    """Let clouds drift over the sky."""
    for index in range(count):
        y = rng.uniform(0.08, bottom)
        tint = mix(
            palette.sky[1], (255, 255, 255) if not palette.night else palette.sky[2], rng.uniform(0.3, 0.65)
        )
        x = (index + rng.uniform(0.1, 0.9)) / count * c.width
        cloud(c, x, y, rng.uniform(0.035, 0.09), tint)


def birds(c: Canvas, rng: random.Random, colour: Colour, count: int, bottom: float) -> None:
    """Let a flock pass."""
    x, y = rng.uniform(0.2, c.width - 0.3), rng.uniform(0.1, bottom)
    for _ in range(count):
        bx, by, size = x + rng.uniform(-0.14, 0.14), y + rng.uniform(-0.06, 0.06), rng.uniform(0.008, 0.017)
        c.arc(bx - size, by, size, size * 0.7, 200, 350, colour, 0.003)
        c.arc(bx + size, by, size, size * 0.7, 190, 340, colour, 0.003)


def ridge(rng: random.Random, width: float, level: float, height: float, rough: float = 1.0) -> list[Point]:
    """Return the outline of hills from left to right."""
    waves = [
        (rng.uniform(0.5, 1.2) * rough, rng.uniform(0, 7), 1.0),
        (rng.uniform(1.6, 3) * rough, rng.uniform(0, 7), 0.4),
    ]
    waves.append((rng.uniform(4, 6) * rough, rng.uniform(0, 7), 0.12))
    total = sum(weight for _, _, weight in waves)
    points = []
    for step in range(97):
        x = width * step / 96
        wave = sum(weight * math.sin(freq * x * 3 + phase) for freq, phase, weight in waves) / total
        points.append((x, level - height * wave))
    return points


def peaks(rng: random.Random, width: float, level: float, height: float) -> list[Point]:
    """Return the outline of mountains, corner by corner."""
    points: list[Point] = [(-0.05, level)]
    x = -0.05
    while x < width + 0.2:
        rise = rng.uniform(0.5, 1) * height
        x += rng.uniform(0.1, 0.2)
        points.append((x, level - rise))
        x += rng.uniform(0.1, 0.2)
        points.append((x, level - rise * rng.uniform(0.1, 0.4)))
    return points


def fill_below(c: Canvas, outline: list[Point], ink: Ink) -> None:
    """Fill everything below an outline."""
    c.poly([*outline, (outline[-1][0], 1.05), (outline[0][0], 1.05)], ink)


def height_at(outline: list[Point], x: float) -> float:
    """Return how high an outline is at a place."""
    for (x1, y1), (x2, y2) in pairwise(outline):
        if x1 <= x <= x2:
            return y1 + (y2 - y1) * ((x - x1) / (x2 - x1) if x2 > x1 else 0)
    return outline[-1][1]


def pine(c: Canvas, x: float, y: float, size: float, colour: Colour, snow: bool = False) -> None:
    """Draw a fir tree whose foot is at the point."""
    c.rect(x - size * 0.05, y - size * 0.18, x + size * 0.05, y, mix(colour, (60, 40, 30), 0.5))
    for tier, (low, wide) in enumerate(((0.12, 0.32), (0.38, 0.26), (0.62, 0.19))):
        top = y - size * (low + 0.42)
        c.poly(
            [(x - size * wide, y - size * low), (x + size * wide, y - size * low), (x, top)],
            mix(colour, (255, 255, 255), 0.04 * tier),
        )
        if snow:
            c.poly(
                [
                    (x - size * wide * 0.45, top + size * 0.2),
                    (x + size * wide * 0.45, top + size * 0.2),
                    (x, top),
                ],
                (245, 249, 255),
            )


def tree(c: Canvas, x: float, y: float, size: float, leaf: Colour, rng: random.Random) -> None:
    """Draw a round tree whose foot is at the point."""
    trunk = mix(leaf, (70, 45, 35), 0.7)
    c.poly(
        [
            (x - size * 0.06, y),
            (x + size * 0.06, y),
            (x + size * 0.03, y - size * 0.5),
            (x - size * 0.03, y - size * 0.5),
        ],
        trunk,
    )
    c.circle(x, y - size * 0.66, size * 0.34, leaf)
    c.circle(x - size * 0.2, y - size * 0.54, size * 0.22, mix(leaf, (0, 0, 0), 0.08))
    c.circle(x + size * 0.2, y - size * 0.56, size * 0.24, mix(leaf, (0, 0, 0), 0.05))
    c.circle(
        x - size * rng.uniform(0.05, 0.12), y - size * 0.74, size * 0.19, mix(leaf, (255, 255, 255), 0.14)
    )


def house(c: Canvas, x: float, y: float, size: float, wall: Colour, roof: Colour, lit: Colour) -> None:
    """Draw a cottage whose foot is at the point."""
    c.rect(x - size * 0.4, y - size * 0.5, x + size * 0.4, y + size * 0.06, wall)
    c.rect(x + size * 0.14, y - size * 1.0, x + size * 0.26, y - size * 0.6, mix(roof, (0, 0, 0), 0.2))
    c.poly(
        [(x - size * 0.52, y - size * 0.48), (x + size * 0.52, y - size * 0.48), (x, y - size * 0.98)], roof
    )
    c.rect(x - size * 0.27, y - size * 0.36, x - size * 0.07, y - size * 0.14, lit)
    c.rect(
        x + size * 0.1,
        y - size * 0.34,
        x + size * 0.28,
        y + size * 0.06,
        mix(roof, (0, 0, 0), 0.35),
        size * 0.05,
    )


def tower(
    c: Canvas, x: float, y: float, wide: float, high: float, wall: Colour, roof: Colour, lit: Colour
) -> None:
    """Draw a tower with a pointed roof."""
    c.rect(x - wide / 2, y - high, x + wide / 2, y + 0.02, wall)
    c.rect(x + wide * 0.18, y - high, x + wide / 2, y + 0.02, mix(wall, (0, 0, 0), 0.1))
    c.poly([(x - wide * 0.68, y - high), (x + wide * 0.68, y - high), (x, y - high - wide * 1.5)], roof)
    for step in range(max(1, round(high / (wide * 0.9)))):
        top = y - high + wide * 0.35 + step * wide * 0.9
        if top + wide * 0.4 < y:
            c.rect(x - wide * 0.13, top, x + wide * 0.13, top + wide * 0.4, lit, wide * 0.12)


def castle(c: Canvas, x: float, y: float, size: float, palette: Palette, wall: Colour) -> None:
    """Draw a castle, or a university that would like to be one."""
    roof, lit = palette.second, palette.light
    for dx, wide, high in ((-0.62, 0.2, 0.62), (0.62, 0.2, 0.56), (-0.28, 0.24, 0.86), (0.3, 0.22, 0.78)):
        tower(c, x + dx * size, y, wide * size, high * size, mix(wall, (0, 0, 0), 0.06), roof, lit)
    c.rect(x - 0.6 * size, y - 0.44 * size, x + 0.6 * size, y + 0.03, wall)
    tower(
        c, x, y - 0.4 * size, 0.26 * size, 0.62 * size, mix(wall, (255, 255, 255), 0.08), palette.accent, lit
    )
    for index in range(7):
        left = x + (-0.52 + index * 0.165) * size
        c.rect(left, y - 0.34 * size, left + 0.06 * size, y - 0.2 * size, lit, 0.03 * size)
    c.rect(x - 0.09 * size, y - 0.2 * size, x + 0.09 * size, y + 0.03, mix(wall, (0, 0, 0), 0.5), 0.06 * size)


def balloon(c: Canvas, x: float, y: float, size: float, first: Colour, second: Colour) -> None:
    """Draw a hot air balloon."""
    c.line(
        [(x - size * 0.22, y + size * 0.4), (x - size * 0.1, y + size * 0.78)],
        mix(first, (0, 0, 0), 0.4),
        0.0025,
    )
    c.line(
        [(x + size * 0.22, y + size * 0.4), (x + size * 0.1, y + size * 0.78)],
        mix(first, (0, 0, 0), 0.4),
        0.0025,
    )
    c.curve(
        [
            (x, y - size * 0.55),
            (x + size * 0.5, y - size * 0.05),
            (x + size * 0.2, y + size * 0.45),
            (x - size * 0.2, y + size * 0.45),
            (x - size * 0.5, y - size * 0.05),
        ],
        first,
    )
    c.ellipse(x, y - size * 0.04, size * 0.2, size * 0.5, second)
    c.ellipse(x - size * 0.33, y - size * 0.05, size * 0.07, size * 0.34, fade(second, 0.7))
    c.ellipse(x + size * 0.33, y - size * 0.05, size * 0.07, size * 0.34, fade(second, 0.7))
    c.rect(
        x - size * 0.12,
        y + size * 0.76,
        x + size * 0.12,
        y + size * 0.92,
        mix(first, (60, 40, 30), 0.6),
        size * 0.03,
    )


def ship(c: Canvas, x: float, y: float, size: float, hull: Colour, sail: Colour) -> None:
    """Draw a sailing boat on the water line."""
    c.line([(x, y), (x, y - size)], hull, size * 0.035)
    c.poly(
        [
            (x + size * 0.05, y - size * 0.95),
            (x + size * 0.05, y - size * 0.18),
            (x + size * 0.6, y - size * 0.18),
        ],
        sail,
    )
    c.poly(
        [
            (x - size * 0.05, y - size * 0.8),
            (x - size * 0.05, y - size * 0.18),
            (x - size * 0.42, y - size * 0.18),
        ],
        mix(sail, hull, 0.15),
    )
    c.poly(
        [
            (x - size * 0.52, y - size * 0.1),
            (x + size * 0.62, y - size * 0.1),
            (x + size * 0.4, y + size * 0.1),
            (x - size * 0.36, y + size * 0.1),
        ],
        hull,
    )


def lighthouse(c: Canvas, x: float, y: float, size: float, palette: Palette) -> None:
    """Draw a lighthouse with its beam."""
    top = y - size
    c.poly(
        [(x, top - size * 0.05), (x - size * 1.7, top - size * 0.3), (x - size * 1.7, top + size * 0.22)],
        fade(palette.light, 0.28),
    )
    c.poly(
        [(x - size * 0.15, y), (x + size * 0.15, y), (x + size * 0.09, top), (x - size * 0.09, top)],
        (248, 244, 236),
    )
    for low, high in ((0.15, 0.35), (0.55, 0.75)):
        a, b = 0.15 - 0.06 * low, 0.15 - 0.06 * high
        c.poly(
            [
                (x - size * a, y - size * low),
                (x + size * a, y - size * low),
                (x + size * b, y - size * high),
                (x - size * b, y - size * high),
            ],
            palette.second,
        )
    c.rect(x - size * 0.11, top - size * 0.02, x + size * 0.11, top + size * 0.02, palette.dark)
    c.rect(x - size * 0.07, top - size * 0.14, x + size * 0.07, top, palette.light)
    c.poly(
        [(x - size * 0.11, top - size * 0.13), (x + size * 0.11, top - size * 0.13), (x, top - size * 0.26)],
        palette.second,
    )


def falling(c: Canvas, rng: random.Random, prompt: str, palette: Palette) -> None:
    """Let rain, snow, leaves or petals fall, as the prompt says."""
    if says(prompt, RAIN):
        for _ in range(70):
            x, y, length = rng.uniform(-0.05, c.width), rng.uniform(0, 1), rng.uniform(0.025, 0.055)
            c.line([(x, y), (x - length * 0.28, y + length)], fade((235, 245, 255), 0.45), 0.0022)
    elif says(prompt, SNOW):
        for _ in range(80):
            c.circle(
                rng.uniform(0, c.width),
                rng.uniform(0, 1),
                rng.uniform(0.003, 0.009),
                fade((255, 255, 255), 0.85),
            )
    elif says(prompt, "leaves|petal"):
        tints = (
            (palette.accent, palette.second) if says(prompt, "leaves") else ((255, 196, 214), (255, 226, 233))
        )
        for _ in range(26):
            x, y, size = rng.uniform(0, c.width), rng.uniform(0, 0.95), rng.uniform(0.008, 0.016)
            lean = rng.uniform(-1, 1)
            c.curve(
                [
                    (x - size, y - lean * size),
                    (x, y - size * 0.55),
                    (x + size, y + lean * size),
                    (x, y + size * 0.55),
                ],
                fade(rng.choice(tints), 0.9),
            )


def sitting_cat(
    c: Canvas, x: float, y: float, size: float, colour: Colour, rng: random.Random, eyes: Ink | None = None
) -> None:
    """Draw a cat that sits with its foot at the point, seen from the front or, without eyes, as a silhouette."""
    side = rng.choice((-1, 1))
    c.arc(
        x + side * size * 0.3,
        y - size * 0.1,
        size * 0.24,
        size * 0.2,
        60 if side > 0 else 120,
        -110 if side > 0 else 290,
        colour,
        size * 0.09,
    )
    c.curve(
        [
            (x - size * 0.3, y),
            (x - size * 0.26, y - size * 0.34),
            (x - size * 0.12, y - size * 0.62),
            (x + size * 0.12, y - size * 0.62),
            (x + size * 0.26, y - size * 0.34),
            (x + size * 0.3, y),
        ],
        colour,
    )
    head = y - size * 0.74
    for ear in (-1, 1):
        c.poly(
            [
                (x + ear * size * 0.25, head - size * 0.06),
                (x + ear * size * 0.05, head - size * 0.17),
                (x + ear * size * 0.22, head - size * 0.36),
            ],
            colour,
        )
    c.ellipse(x, head, size * 0.26, size * 0.22, colour)
    if eyes is None:
        return
    pale = mix(colour, (255, 255, 255), 0.6)
    c.ellipse(x, y - size * 0.26, size * 0.13, size * 0.22, fade(pale, 0.75))
    for ear in (-1, 1):
        c.poly(
            [
                (x + ear * size * 0.21, head - size * 0.12),
                (x + ear * size * 0.11, head - size * 0.17),
                (x + ear * size * 0.2, head - size * 0.28),
            ],
            (240, 160, 160),
        )
        c.circle(x + ear * size * 0.1, head - size * 0.01, size * 0.035, eyes)
        c.line(
            [(x + ear * size * 0.12, head + size * 0.08), (x + ear * size * 0.34, head + size * 0.05)],
            fade(pale, 0.9),
            size * 0.014,
        )
    c.ellipse(x, head + size * 0.065, size * 0.03, size * 0.022, (225, 120, 130))
