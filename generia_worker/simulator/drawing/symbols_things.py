"""Symbols for emblems: what people have made."""

from __future__ import annotations

import math

from generia_worker.simulator.drawing.canvas import Canvas, Colour, mix, star_points
from generia_worker.simulator.drawing.palettes import Palette


def book(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a book."""
    for side in (-1, 1):
        c.poly(
            [
                (x, y + r * 0.85),
                (x + side * r * 1.15, y + r * 0.62),
                (x + side * r * 1.15, y - r * 0.25),
                (x, y),
            ],
            p.second,
        )
        c.curve(
            [
                (x, y + r * 0.75),
                (x + side * r * 0.55, y + r * 0.52),
                (x + side * r * 1.05, y + r * 0.55),
                (x + side * r * 1.05, y - r * 0.3),
                (x + side * r * 0.55, y - r * 0.33),
                (x, y - r * 0.1),
            ],
            ink,
        )
        for row in range(3):
            c.line(
                [
                    (x + side * r * 0.2, y + r * (0.14 + 0.18 * row)),
                    (x + side * r * 0.85, y + r * (0.02 + 0.18 * row)),
                ],
                mix(ink, p.dark, 0.35),
                r * 0.03,
            )
    c.poly(star_points(x, y - r * 0.72, r * 0.36, r * 0.15, 5), p.accent)


def cap(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a cap."""
    c.poly(
        [
            (x - r * 0.6, y),
            (x + r * 0.6, y),
            (x + r * 0.55, y + r * 0.6),
            (x, y + r * 0.75),
            (x - r * 0.55, y + r * 0.6),
        ],
        mix(ink, p.dark, 0.25),
    )
    c.poly([(x, y - r * 0.65), (x + r * 1.2, y - r * 0.1), (x, y + r * 0.4), (x - r * 1.2, y - r * 0.1)], ink)
    c.line([(x, y - r * 0.1), (x + r * 0.9, y + r * 0.1), (x + r * 0.9, y + r * 0.6)], p.accent, r * 0.07)
    c.circle(x + r * 0.9, y + r * 0.68, r * 0.13, p.accent)


def geometry(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a geometry."""
    c.ring(x, y, r * 1.05, ink, r * 0.09)
    c.line(
        [(x, y - r * 0.98), (x + r * 0.86, y + r * 0.5), (x - r * 0.86, y + r * 0.5), (x, y - r * 0.98)],
        p.accent,
        r * 0.1,
    )
    c.ring(x, y, r * 0.48, p.second, r * 0.08)
    c.circle(x, y, r * 0.12, ink)


def infinity(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw an infinity."""
    path = []
    for step in range(73):
        t = math.radians(step * 5)
        scale = 1.2 * r / (1 + math.sin(t) ** 2)
        path.append((x + scale * math.cos(t), y + scale * math.sin(t) * math.cos(t) * 1.3))
    c.line(path, ink, r * 0.26)
    c.poly(star_points(x, y - r * 0.75, r * 0.26, r * 0.09, 4), p.accent)


def rocket(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a rocket."""
    c.curve([(x - r * 0.22, y + r * 0.6), (x + r * 0.22, y + r * 0.6), (x, y + r * 1.25)], p.accent)
    for side in (-1, 1):
        c.poly(
            [
                (x + side * r * 0.3, y + r * 0.1),
                (x + side * r * 0.75, y + r * 0.75),
                (x + side * r * 0.28, y + r * 0.6),
            ],
            p.second,
        )
    c.curve(
        [
            (x, y - r * 1.1),
            (x + r * 0.38, y - r * 0.3),
            (x + r * 0.32, y + r * 0.62),
            (x - r * 0.32, y + r * 0.62),
            (x - r * 0.38, y - r * 0.3),
        ],
        ink,
    )
    c.circle(x, y - r * 0.25, r * 0.2, p.accent)
    c.circle(x, y - r * 0.25, r * 0.12, p.dark)


def anchor(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw an anchor."""
    c.ring(x, y - r * 0.8, r * 0.24, p.accent, r * 0.12)
    c.line([(x, y - r * 0.55), (x, y + r * 0.95)], ink, r * 0.17)
    c.line([(x - r * 0.5, y - r * 0.3), (x + r * 0.5, y - r * 0.3)], ink, r * 0.15)
    c.arc(x, y + r * 0.05, r * 0.9, r * 0.9, 15, 165, ink, r * 0.17)
    for side in (-1, 1):
        c.poly(
            [
                (x + side * r * 1.08, y - r * 0.05),
                (x + side * r * 1.05, y + r * 0.5),
                (x + side * r * 0.6, y + r * 0.22),
            ],
            ink,
        )


def ship(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a ship."""
    c.line([(x, y + r * 0.4), (x, y - r)], p.second, r * 0.08)
    c.curve(
        [
            (x + r * 0.08, y - r * 0.95),
            (x + r * 0.7, y - r * 0.2),
            (x + r * 0.8, y + r * 0.28),
            (x + r * 0.08, y + r * 0.28),
        ],
        ink,
    )
    c.poly(
        [(x - r * 0.08, y - r * 0.75), (x - r * 0.08, y + r * 0.28), (x - r * 0.7, y + r * 0.28)], p.accent
    )
    c.poly(
        [
            (x - r * 0.95, y + r * 0.4),
            (x + r * 0.95, y + r * 0.4),
            (x + r * 0.6, y + r * 0.8),
            (x - r * 0.6, y + r * 0.8),
        ],
        p.second,
    )
    for step in range(4):
        c.arc(x + (step - 1.5) * r * 0.56, y + r * 0.82, r * 0.28, r * 0.16, 0, 180, ink, r * 0.07)


def gear(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a gear."""
    teeth = []
    for index in range(10):
        for offset, radius in ((-11, 0.78), (-7, 1.08), (7, 1.08), (11, 0.78)):
            angle = math.radians(index * 36 + offset)
            teeth.append((x + radius * r * math.cos(angle), y + radius * r * math.sin(angle)))
    c.poly(teeth, ink)
    c.circle(x, y, r * 0.5, p.accent)
    c.circle(x, y, r * 0.26, p.dark)


def robot(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a robot."""
    c.line([(x, y - r * 0.6), (x, y - r * 1.05)], p.accent, r * 0.08)
    c.circle(x, y - r * 1.1, r * 0.14, p.second)
    for side in (-1, 1):
        c.rect(
            x + side * r * 0.95 - r * 0.12,
            y - r * 0.25,
            x + side * r * 0.95 + r * 0.12,
            y + r * 0.35,
            p.accent,
            r * 0.08,
        )
    c.rect(x - r * 0.9, y - r * 0.65, x + r * 0.9, y + r * 0.8, ink, r * 0.28)
    c.rect(x - r * 0.68, y - r * 0.4, x + r * 0.68, y + r * 0.2, p.dark, r * 0.2)
    for side in (-1, 1):
        c.circle(x + side * r * 0.34, y - r * 0.1, r * 0.16, p.accent)
    c.arc(x, y + r * 0.32, r * 0.34, r * 0.24, 20, 160, p.dark, r * 0.07)


def cup(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a cup."""
    c.ring(x + r * 0.72, y + r * 0.2, r * 0.34, ink, r * 0.13)
    c.curve(
        [
            (x - r * 0.8, y - r * 0.25),
            (x + r * 0.8, y - r * 0.25),
            (x + r * 0.6, y + r * 0.62),
            (x + r * 0.2, y + r * 0.85),
            (x - r * 0.2, y + r * 0.85),
            (x - r * 0.6, y + r * 0.62),
        ],
        ink,
    )
    c.ellipse(x, y - r * 0.28, r * 0.74, r * 0.16, p.second)
    c.ellipse(x, y + r * 0.95, r * 1.05, r * 0.12, p.accent)
    for dx in (-0.35, 0.0, 0.35):
        c.line(
            [
                (x + dx * r, y - r * 0.5),
                (x + (dx + 0.1) * r, y - r * 0.7),
                (x + (dx - 0.08) * r, y - r * 0.88),
                (x + (dx + 0.04) * r, y - r * 1.08),
            ],
            p.accent,
            r * 0.07,
        )


def loaf(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a loaf."""
    c.curve(
        [
            (x - r, y + r * 0.5),
            (x - r * 0.95, y - r * 0.1),
            (x - r * 0.4, y - r * 0.45),
            (x + r * 0.4, y - r * 0.45),
            (x + r * 0.95, y - r * 0.1),
            (x + r, y + r * 0.5),
            (x, y + r * 0.62),
        ],
        p.accent,
    )
    for dx in (-0.5, 0.0, 0.5):
        c.line([(x + dx * r - r * 0.1, y + r * 0.1), (x + dx * r + r * 0.12, y - r * 0.28)], ink, r * 0.1)
    c.line([(x, y - r * 0.5), (x, y - r * 1.1)], ink, r * 0.06)
    for side in (-1, 1):
        for row in range(3):
            c.ellipse(x + side * r * 0.13, y - r * (0.66 + 0.18 * row), r * 0.1, r * 0.07, ink)


def note(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a note."""
    for dx in (-0.55, 0.5):
        c.ellipse(x + dx * r - r * 0.12, y + r * 0.72, r * 0.33, r * 0.25, ink)
        c.line([(x + dx * r + r * 0.14, y + r * 0.68), (x + dx * r + r * 0.14, y - r * 0.8)], ink, r * 0.12)
    c.poly(
        [
            (x - r * 0.47, y - r * 0.95),
            (x + r * 0.7, y - r * 1.12),
            (x + r * 0.7, y - r * 0.75),
            (x - r * 0.47, y - r * 0.55),
        ],
        p.accent,
    )


def lyre(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a lyre."""
    for side in (-1, 1):
        c.arc(x + side * r * 0.02, y + r * 0.1, r * 0.72, r * 0.8, 90, 90 - side * 120, ink, r * 0.15)
        c.line([(x + side * r * 0.64, y - r * 0.3), (x + side * r * 0.8, y - r * 1.0)], ink, r * 0.14)
    c.line([(x - r * 0.8, y - r * 0.78), (x + r * 0.8, y - r * 0.78)], p.second, r * 0.12)
    for dx in (-0.3, -0.1, 0.1, 0.3):
        c.line([(x + dx * r, y - r * 0.75), (x + dx * r * 0.7, y + r * 0.85)], p.accent, r * 0.04)


def crown(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a crown."""
    c.poly(
        [
            (x - r, y + r * 0.6),
            (x - r * 1.05, y - r * 0.45),
            (x - r * 0.5, y + r * 0.05),
            (x, y - r * 0.85),
            (x + r * 0.5, y + r * 0.05),
            (x + r * 1.05, y - r * 0.45),
            (x + r, y + r * 0.6),
        ],
        ink,
    )
    c.rect(x - r, y + r * 0.5, x + r, y + r * 0.8, p.accent, r * 0.08)
    for dx, dy in ((-1.05, -0.52), (0, -0.95), (1.05, -0.52)):
        c.circle(x + dx * r, y + dy * r, r * 0.14, p.accent)
    for dx in (-0.55, 0, 0.55):
        c.circle(x + dx * r, y + r * 0.3, r * 0.1, p.second)


def fort(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a fort."""
    c.rect(x - r * 0.5, y - r * 0.4, x + r * 0.5, y + r * 0.95, ink)
    for index in range(4):
        left = x - r * 0.65 + index * r * 0.36
        c.rect(left, y - r * 0.72, left + r * 0.22, y - r * 0.3, ink)
    c.rect(x - r * 0.65, y - r * 0.48, x + r * 0.65, y - r * 0.25, ink)
    c.rect(x - r * 0.18, y + r * 0.4, x + r * 0.18, y + r * 0.96, p.dark, r * 0.15)
    c.rect(x - r * 0.1, y - r * 0.1, x + r * 0.1, y + r * 0.2, p.accent, r * 0.08)
    c.line([(x, y - r * 0.5), (x, y - r * 1.25)], p.second, r * 0.06)
    c.poly([(x, y - r * 1.25), (x + r * 0.5, y - r * 1.1), (x, y - r * 0.92)], p.accent)


def key(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a key."""
    c.ring(x, y - r * 0.6, r * 0.48, ink, r * 0.2)
    c.line([(x, y - r * 0.15), (x, y + r * 1.0)], ink, r * 0.2)
    c.line([(x, y + r * 0.9), (x + r * 0.42, y + r * 0.9)], ink, r * 0.17)
    c.line([(x, y + r * 0.58), (x + r * 0.32, y + r * 0.58)], ink, r * 0.17)
    c.poly(star_points(x, y - r * 0.6, r * 0.2, r * 0.09, 5), p.accent)


def eye(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw an eye."""
    c.poly(star_points(x, y, r * 1.25, r * 0.85, 12), p.accent)
    c.curve(
        [
            (x - r, y),
            (x - r * 0.5, y - r * 0.45),
            (x + r * 0.5, y - r * 0.45),
            (x + r, y),
            (x + r * 0.5, y + r * 0.45),
            (x - r * 0.5, y + r * 0.45),
        ],
        ink,
    )
    c.circle(x, y, r * 0.38, p.second)
    c.circle(x, y, r * 0.2, p.dark)
    c.circle(x + r * 0.1, y - r * 0.1, r * 0.07, ink)


def balloon(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a balloon."""
    for side in (-1, 1):
        c.line([(x + side * r * 0.4, y + r * 0.3), (x + side * r * 0.16, y + r * 0.82)], p.accent, r * 0.04)
    c.circle(x, y - r * 0.3, r * 0.8, ink)
    c.poly(
        [
            (x - r * 0.68, y + r * 0.1),
            (x + r * 0.68, y + r * 0.1),
            (x + r * 0.25, y + r * 0.55),
            (x - r * 0.25, y + r * 0.55),
        ],
        ink,
    )
    c.ellipse(x, y - r * 0.27, r * 0.28, r * 0.79, p.second)
    c.rect(x - r * 0.22, y + r * 0.8, x + r * 0.22, y + r * 1.1, p.accent, r * 0.06)


def home(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a home."""
    c.rect(x - r * 0.68, y - r * 0.1, x + r * 0.68, y + r * 0.9, ink)
    c.poly([(x - r * 1.0, y + r * 0.02), (x + r * 1.0, y + r * 0.02), (x, y - r * 0.85)], p.accent)
    c.rect(x - r * 0.2, y + r * 0.35, x + r * 0.2, y + r * 0.92, p.second, r * 0.16)
    _heart_shape(c, x, y - r * 0.28, r * 0.22, ink)
    c.poly(star_points(x + r * 0.75, y - r * 0.85, r * 0.24, r * 0.1, 5), ink)


def _heart_shape(c: Canvas, x: float, y: float, r: float, ink: Colour) -> None:
    path = []
    for step in range(60):
        t = math.radians(step * 6)
        px = 16 * math.sin(t) ** 3
        py = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        path.append((x + px * r / 16, y - py * r / 16))
    c.poly(path, ink)


def heart(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a heart."""
    _heart_shape(c, x, y, r * 1.15, p.second)
    _heart_shape(c, x, y - r * 0.02, r * 0.95, ink)
    c.poly(star_points(x, y - r * 0.08, r * 0.5, r * 0.21, 5), p.accent)


def lantern(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a lantern."""
    c.glow(x, y + r * 0.15, r * 1.5, p.accent, 0.7)
    c.arc(x, y - r * 0.75, r * 0.32, r * 0.35, 180, 360, ink, r * 0.08)
    c.poly(
        [
            (x - r * 0.4, y - r * 0.72),
            (x + r * 0.4, y - r * 0.72),
            (x + r * 0.62, y - r * 0.42),
            (x - r * 0.62, y - r * 0.42),
        ],
        ink,
    )
    c.poly(
        [
            (x - r * 0.56, y - r * 0.42),
            (x + r * 0.56, y - r * 0.42),
            (x + r * 0.44, y + r * 0.75),
            (x - r * 0.44, y + r * 0.75),
        ],
        p.accent,
    )
    c.curve(
        [(x, y - r * 0.2), (x + r * 0.2, y + r * 0.25), (x, y + r * 0.5), (x - r * 0.2, y + r * 0.25)], ink
    )
    c.rect(x - r * 0.56, y + r * 0.75, x + r * 0.56, y + r * 0.95, ink, r * 0.06)
