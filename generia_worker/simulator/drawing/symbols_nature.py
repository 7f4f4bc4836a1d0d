"""Symbols for emblems: what lives, grows and shines."""

from __future__ import annotations

import math

from generia_worker.simulator.drawing.canvas import Canvas, Colour, mix, star_points
from generia_worker.simulator.drawing.palettes import Palette


def cat(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a cat."""
    for side in (-1, 1):
        c.poly(
            [
                (x + side * r * 0.98, y - r * 1.05),
                (x + side * r * 0.2, y - r * 0.55),
                (x + side * r * 0.95, y + r * 0.1),
            ],
            ink,
        )
        c.poly(
            [
                (x + side * r * 0.85, y - r * 0.8),
                (x + side * r * 0.42, y - r * 0.5),
                (x + side * r * 0.82, y - r * 0.12),
            ],
            p.accent,
        )
    c.ellipse(x, y + r * 0.12, r * 1.04, r * 0.86, ink)
    for side in (-1, 1):
        c.ellipse(x + side * r * 0.42, y, r * 0.17, r * 0.22, p.dark)
        c.circle(x + side * r * 0.42 + r * 0.05, y - r * 0.08, r * 0.06, ink)
        for lift in (0.0, 0.16):
            c.line(
                [
                    (x + side * r * 0.62, y + r * (0.36 + lift)),
                    (x + side * r * 1.3, y + r * (0.24 + 1.6 * lift)),
                ],
                p.dark,
                r * 0.035,
            )
    c.poly([(x - r * 0.13, y + r * 0.3), (x + r * 0.13, y + r * 0.3), (x, y + r * 0.45)], p.second)
    c.arc(x - r * 0.15, y + r * 0.46, r * 0.15, r * 0.13, 0, 170, p.dark, r * 0.045)
    c.arc(x + r * 0.15, y + r * 0.46, r * 0.15, r * 0.13, 10, 180, p.dark, r * 0.045)


def paw(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a paw."""
    c.curve(
        [
            (x, y - r * 0.1),
            (x + r * 0.6, y + r * 0.4),
            (x + r * 0.5, y + r * 0.9),
            (x, y + r * 0.75),
            (x - r * 0.5, y + r * 0.9),
            (x - r * 0.6, y + r * 0.4),
        ],
        ink,
    )
    for dx, dy in ((-0.8, -0.1), (-0.3, -0.65), (0.3, -0.65), (0.8, -0.1)):
        c.ellipse(x + dx * r, y + dy * r, r * 0.23, r * 0.31, ink if abs(dx) > 0.5 else p.accent)


def planet(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a planet."""
    c.arc(x, y, r * 1.35, r * 0.4, 180, 360, p.second, r * 0.14)
    c.circle(x, y, r * 0.8, ink)
    c.ellipse(x, y - r * 0.3, r * 0.72, r * 0.1, mix(ink, p.accent, 0.55))
    c.ellipse(x, y + r * 0.42, r * 0.62, r * 0.09, mix(ink, p.accent, 0.35))
    c.arc(x, y, r * 1.35, r * 0.4, 0, 180, p.second, r * 0.14)
    for dx, dy, size in ((-0.95, -0.85, 0.2), (0.95, -0.75, 0.14), (0.75, 0.95, 0.17)):
        c.poly(star_points(x + dx * r, y + dy * r, r * size, r * size * 0.35, 4), p.accent)


def moon(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a moon."""
    # Two circles meet in the tips: the outer one around the point, the inner one moved to the right.
    tip = math.degrees(math.acos((1 + 0.45**2 - 0.8**2) / (2 * 0.45)))
    inner_tip = math.degrees(math.atan2(math.sin(math.radians(tip)), math.cos(math.radians(tip)) - 0.45))
    outer = _turned(x, y, r, tip, 360 - tip)
    inner = _turned(x + r * 0.45, y, r * 0.8, 360 - inner_tip, inner_tip)
    c.poly(outer + inner, ink)
    for dx, dy, size in ((0.35, -0.1, 0.36), (0.9, 0.35, 0.2), (0.8, -0.7, 0.16)):
        c.poly(star_points(x + dx * r, y + dy * r, r * size, r * size * 0.42, 5), p.accent)


def _turned(x: float, y: float, r: float, start: float, end: float) -> list[tuple[float, float]]:
    angles = [math.radians(start + (end - start) * step / 48) for step in range(49)]
    return [(x + r * math.cos(angle), y + r * math.sin(angle)) for angle in angles]


def crystal(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a crystal."""
    top, bottom, left, right = (
        (x, y - r * 1.1),
        (x, y + r * 1.1),
        (x - r * 0.62, y - r * 0.2),
        (x + r * 0.62, y - r * 0.2),
    )
    c.poly([top, right, bottom, left], ink)
    c.poly([top, (x + r * 0.15, y - r * 0.1), bottom, left], mix(ink, p.accent, 0.4))
    c.poly([(x + r * 0.15, y - r * 0.1), right, bottom], mix(ink, p.second, 0.35))
    for dx, dy in ((-0.95, -0.7), (0.95, 0.6), (0.9, -0.9)):
        c.poly(star_points(x + dx * r, y + dy * r, r * 0.2, r * 0.06, 4), p.accent)


def leaf(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a leaf."""
    c.curve(
        [
            (x + r * 0.75, y - r * 1.0),
            (x + r * 0.75, y + r * 0.1),
            (x + r * 0.1, y + r * 0.75),
            (x - r * 0.6, y + r * 0.65),
            (x - r * 0.7, y),
            (x - r * 0.1, y - r * 0.75),
        ],
        ink,
    )
    c.line(
        [(x - r * 0.95, y + r * 1.05), (x - r * 0.2, y + r * 0.25), (x + r * 0.55, y - r * 0.75)],
        p.accent,
        r * 0.09,
    )
    for share in (0.15, 0.4, 0.62):
        bx, by = x - r * 0.5 + share * r, y + r * 0.55 - share * r * 1.2
        c.line([(bx, by), (bx + r * 0.42, by - r * 0.06)], p.accent, r * 0.05)
        c.line([(bx, by), (bx - r * 0.02, by - r * 0.42)], p.accent, r * 0.05)


def tree(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a tree."""
    c.poly([(x - r * 0.13, y + r), (x + r * 0.13, y + r), (x + r * 0.08, y), (x - r * 0.08, y)], p.accent)
    for dx, dy, size in ((0, -0.5, 0.55), (-0.48, -0.05, 0.42), (0.48, -0.05, 0.42), (0, 0.1, 0.4)):
        c.circle(x + dx * r, y + dy * r, size * r, ink)
    for dx, dy in ((-0.3, -0.4), (0.3, -0.1), (0.1, -0.7), (-0.55, 0.05)):
        c.circle(x + dx * r, y + dy * r, r * 0.1, p.second)


def cloud(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a cloud."""
    c.poly(star_points(x + r * 0.35, y - r * 0.35, r * 0.85, r * 0.6, 12), p.accent)
    c.circle(x + r * 0.35, y - r * 0.35, r * 0.52, p.second)
    for dx, dy, size in ((-0.6, 0.4, 0.38), (-0.1, 0.15, 0.5), (0.5, 0.35, 0.42)):
        c.circle(x + dx * r, y + dy * r, size * r, ink)
    c.rect(x - r * 0.7, y + r * 0.35, x + r * 0.7, y + r * 0.78, ink, r * 0.2)


def flake(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a flake."""
    for index in range(6):
        angle = math.radians(index * 60 - 90)
        dx, dy = math.cos(angle), math.sin(angle)
        c.line([(x, y), (x + dx * r * 1.1, y + dy * r * 1.1)], ink, r * 0.1)
        for side in (-1, 1):
            turned = angle + side * math.radians(50)
            for share, size in ((0.5, 0.34), (0.8, 0.24)):
                bx, by = x + dx * r * share, y + dy * r * share
                c.line(
                    [(bx, by), (bx + math.cos(turned) * r * size, by + math.sin(turned) * r * size)],
                    ink,
                    r * 0.07,
                )
    c.circle(x, y, r * 0.15, p.accent)


def mountain(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a mountain."""
    c.poly([(x + r * 0.5, y - r * 0.35), (x + r * 1.15, y + r * 0.75), (x - r * 0.2, y + r * 0.75)], p.accent)
    c.poly(
        [(x - r * 0.25, y - r * 0.75), (x + r * 0.65, y + r * 0.75), (x - r * 1.1, y + r * 0.75)],
        mix(ink, p.dark, 0.3),
    )
    c.poly(
        [
            (x - r * 0.25, y - r * 0.75),
            (x + r * 0.08, y - r * 0.2),
            (x - r * 0.2, y - r * 0.05),
            (x - r * 0.55, y - r * 0.22),
        ],
        ink,
    )
    c.poly(star_points(x + r * 0.55, y - r * 0.85, r * 0.28, r * 0.11, 5), p.second)


def sun(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a sun."""
    c.poly(star_points(x, y, r * 1.2, r * 0.78, 14), p.accent)
    c.circle(x, y, r * 0.66, ink)
    for side in (-1, 1):
        c.circle(x + side * r * 0.22, y - r * 0.08, r * 0.07, p.dark)
        c.circle(x + side * r * 0.38, y + r * 0.14, r * 0.1, p.second)
    c.arc(x, y + r * 0.08, r * 0.22, r * 0.18, 20, 160, p.dark, r * 0.06)


def fish(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a fish."""
    c.poly(
        [(x - r * 0.55, y), (x - r * 1.2, y - r * 0.55), (x - r * 1.0, y), (x - r * 1.2, y + r * 0.55)],
        p.accent,
    )
    c.ellipse(x + r * 0.15, y, r * 0.9, r * 0.55, ink)
    c.pie(x + r * 0.15, y, r * 0.9, r * 0.55, 120, 240, p.accent)
    c.circle(x + r * 0.65, y - r * 0.12, r * 0.1, p.dark)
    for dx, dy in ((1.0, -0.6), (1.15, -0.95), (0.85, -0.85)):
        c.ring(x + dx * r, y + dy * r, r * 0.11, ink, r * 0.04)


def shell(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a shell."""
    for index in range(7):
        angle = math.radians(-150 + index * 20)
        tip = (x + r * 1.1 * math.cos(angle), y + r * 0.6 + r * 1.35 * math.sin(angle))
        c.curve(
            [
                (x, y + r * 0.75),
                (tip[0] - r * 0.16, tip[1] + r * 0.05),
                tip,
                (tip[0] + r * 0.16, tip[1] + r * 0.05),
            ],
            ink if index % 2 else mix(ink, p.accent, 0.6),
        )
    c.rect(x - r * 0.32, y + r * 0.62, x + r * 0.32, y + r * 0.85, p.second, r * 0.1)
