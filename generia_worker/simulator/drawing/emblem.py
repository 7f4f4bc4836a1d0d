"""Icons: a symbol in the middle of a medallion."""

from __future__ import annotations

import math
import random

from generia_worker.simulator.drawing.canvas import Canvas, Colour, fade, mix, star_points
from generia_worker.simulator.drawing.palettes import Palette
from generia_worker.simulator.drawing.symbols import SYMBOLS, Symbol
from generia_worker.simulator.drawing.words import first_said

_WHITE: Colour = (255, 255, 255)


def draw(canvas: Canvas, prompt: str, palette: Palette, rng: random.Random) -> None:
    """Draw the emblem of a prompt."""
    x = canvas.width / 2
    _ground(canvas, x, palette, rng)
    disc = mix(palette.land[3], palette.dark, 0.25)
    _frame(canvas, x, palette, rng, disc)
    ink = mix(palette.light, _WHITE, 0.25)
    canvas.glow(x, 0.48, 0.34, mix(disc, palette.sky[1], 0.6), 0.5)
    _symbol(prompt, rng)(canvas, x, 0.5, 0.2, ink, palette)
    _sparkles(canvas, x, palette, rng)


def _symbol(prompt: str, rng: random.Random) -> Symbol:
    return first_said(prompt, SYMBOLS) or rng.choice([symbol for _, symbol in SYMBOLS])


def _ground(c: Canvas, x: float, palette: Palette, rng: random.Random) -> None:
    """Fill what lies around the medallion."""
    c.sky(*palette.sky)
    style = rng.randrange(3)
    tint = fade(mix(palette.sky[1], _WHITE, 0.5), 0.35)
    if style == 0:
        for index in range(16):
            a, b = math.radians(index * 22.5), math.radians(index * 22.5 + 11)
            c.poly(
                [
                    (x, 0.5),
                    (x + 1.2 * math.cos(a), 0.5 + 1.2 * math.sin(a)),
                    (x + 1.2 * math.cos(b), 0.5 + 1.2 * math.sin(b)),
                ],
                tint,
            )
    elif style == 1:
        for row in range(9):
            for column in range(round(9 * c.width)):
                c.circle((column + 0.5 * (row % 2)) * 0.125, row * 0.125, 0.012, tint)
    else:
        for radius in (0.46, 0.54, 0.62, 0.7):
            c.ring(x, 0.5, radius, tint, 0.02)
    c.glow(x, 0.5, 0.62, palette.light, 0.5)


def _frame(c: Canvas, x: float, palette: Palette, rng: random.Random, disc: Colour) -> None:
    """Draw the medallion: a shadow, a rim and the disc."""
    c.glow(x, 0.55, 0.6, palette.dark, 0.4)
    shape = rng.randrange(4)
    rim = palette.accent
    if shape == 0:
        c.circle(x, 0.5, 0.4, rim)
        c.circle(x, 0.5, 0.37, palette.light)
        c.circle(x, 0.5, 0.355, disc)
    elif shape == 1:
        for index in range(24):
            angle = math.radians(index * 15)
            c.circle(x + 0.375 * math.cos(angle), 0.5 + 0.375 * math.sin(angle), 0.052, rim)
        c.circle(x, 0.5, 0.375, rim)
        c.circle(x, 0.5, 0.345, disc)
    elif shape == 2:
        c.curve(_shield(x, 0.43), rim)
        c.curve(_shield(x, 0.4), palette.light)
        c.curve(_shield(x, 0.385), disc)
        return
    else:
        c.poly(star_points(x, 0.5, 0.42, 0.385, 32), rim)
        c.circle(x, 0.5, 0.36, disc)
    c.ring(x, 0.5, 0.325, fade(palette.light, 0.55), 0.006)
    for index in range(28):
        angle = math.radians(index * 360 / 28)
        c.circle(x + 0.307 * math.cos(angle), 0.5 + 0.307 * math.sin(angle), 0.0055, palette.second)


def _shield(x: float, size: float) -> list[tuple[float, float]]:
    shape = (
        (0, -0.9),
        (0.55, -0.86),
        (0.93, -0.7),
        (0.94, -0.1),
        (0.7, 0.55),
        (0, 1.06),
        (-0.7, 0.55),
        (-0.94, -0.1),
        (-0.93, -0.7),
        (-0.55, -0.86),
    )
    return [(x + px * size, 0.48 + py * size) for px, py in shape]


def _sparkles(c: Canvas, x: float, palette: Palette, rng: random.Random) -> None:
    for _ in range(7):
        angle, distance = rng.uniform(0, 6.28), rng.uniform(0.44, 0.56)
        size = rng.uniform(0.012, 0.026)
        c.poly(
            star_points(
                x + distance * math.cos(angle), 0.5 + distance * math.sin(angle), size, size * 0.28, 4
            ),
            fade(palette.light, 0.9),
        )
