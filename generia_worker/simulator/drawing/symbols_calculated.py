"""Symbols for emblems whose outlines are calculated; the others are data (`symbols.toml`)."""

from __future__ import annotations

import math

from generia_worker.simulator.drawing.canvas import Canvas, Colour, mix, star_points
from generia_worker.simulator.drawing.palettes import Palette


def infinity(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw an infinity."""
    path = []
    for step in range(73):
        t = math.radians(step * 5)
        scale = 1.2 * r / (1 + math.sin(t) ** 2)
        path.append((x + scale * math.cos(t), y + scale * math.sin(t) * math.cos(t) * 1.3))
    c.line(path, ink, r * 0.26)
    c.poly(star_points(x, y - r * 0.75, r * 0.26, r * 0.09, 4), p.accent)


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


def heart(c: Canvas, x: float, y: float, r: float, ink: Colour, p: Palette) -> None:
    """Draw a heart."""
    _heart_shape(c, x, y, r * 1.15, p.second)
    _heart_shape(c, x, y - r * 0.02, r * 0.95, ink)
    c.poly(star_points(x, y - r * 0.08, r * 0.5, r * 0.21, 5), p.accent)


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
