"""What all landscapes are built of."""

from __future__ import annotations

import random

from generia_worker.simulator.drawing import nature
from generia_worker.simulator.drawing.canvas import Canvas, Colour, Point, mix
from generia_worker.simulator.drawing.palettes import Palette
from generia_worker.simulator.drawing.words import SNOW, STARS, says

_WHITE: Colour = (255, 255, 255)


class View:
    """One landscape in the making."""

    def __init__(self, canvas: Canvas, prompt: str, palette: Palette, rng: random.Random) -> None:
        self.c, self.prompt, self.palette, self.rng = canvas, prompt, palette, rng

    def says(self, words: str) -> bool:
        """True when the prompt holds one of the words."""
        return says(self.prompt, words)

    def heavens(self, horizon: float) -> None:
        """Fill the sky down to the horizon, with sun or moon, clouds and what flies."""
        c, rng, palette = self.c, self.rng, self.palette
        c.sky(*palette.sky, bottom=max(horizon, 0.7))
        if palette.night or self.says(STARS):
            nature.stars(c, rng, 110, horizon, palette.light)
        x = rng.uniform(0.18, 0.82) * c.width
        nature.sun_or_moon(c, x, rng.uniform(0.2, 0.36), rng.uniform(0.06, 0.1), palette, rng.random() < 0.5)
        if self.says("northern lights|aurora"):
            for index in range(5):
                c.glow(c.width * (0.1 + 0.2 * index), 0.24, 0.3, (120, 240, 190), 0.3, 0.7)
        nature.clouds(c, rng, palette, rng.randint(3, 5), horizon * 0.55)
        if not palette.night:
            nature.birds(c, rng, mix(palette.dark, palette.sky[1], 0.3), rng.randint(4, 7), 0.35)
        if self.says("balloon"):
            for _ in range(3):
                tint = rng.choice((palette.accent, palette.second, palette.land[1]))
                nature.balloon(
                    c,
                    rng.uniform(0.15, c.width - 0.15),
                    rng.uniform(0.14, 0.4),
                    rng.uniform(0.07, 0.13),
                    tint,
                    mix(tint, _WHITE, 0.55),
                )

    def hills(self, levels: tuple[float, ...], height: float = 0.07) -> list[list[Point]]:
        """Draw hills one behind the other, with haze between them."""
        outlines = []
        for index, level in enumerate(levels):
            colour = self.palette.land[min(index, 3)]
            outline = nature.ridge(self.rng, self.c.width, level, height * (1 + 0.1 * index), 0.8)
            nature.fill_below(self.c, outline, colour)
            if index < len(levels) - 1:
                self.c.glow(
                    self.c.width / 2,
                    level + 0.16,
                    self.c.width * 0.6,
                    mix(colour, self.palette.sky[2], 0.6),
                    0.35,
                    0.16,
                )
            outlines.append(outline)
        return outlines

    def woods(self, outline: list[Point], count: int, size: float, colour: Colour) -> None:
        """Plant trees along an outline, in groves."""
        rng = self.rng
        snow = self.says(f"{SNOW}|winter|wintry")
        pines = snow or self.says(r"pine|fir|mountain\w*|misty") or rng.random() < 0.4
        for _ in range(count):
            x = rng.uniform(0, self.c.width)
            y = nature.height_at(outline, x) + size * 0.12
            tall = size * rng.uniform(0.7, 1.2)
            if pines:
                nature.pine(self.c, x, y, tall, colour, snow)
            else:
                nature.tree(self.c, x, y, tall, mix(colour, self.palette.accent, rng.uniform(0, 0.25)), rng)

    def hamlet(
        self, outline: list[Point], count: int, size: float, centre: float, spread: float = 0.3
    ) -> None:
        """Build a group of cottages."""
        rng, palette = self.rng, self.palette
        spots = sorted(rng.uniform(-spread, spread) for _ in range(count))
        for spot in spots:
            x = centre + spot
            wall = mix(palette.light, palette.land[0], rng.uniform(0.1, 0.45))
            if palette.night:
                wall = mix(wall, palette.sky[0], 0.55)
            roof = mix(
                rng.choice((palette.accent, palette.second)), palette.dark, 0.15 if not palette.night else 0.4
            )
            lit = (255, 214, 120) if palette.night else mix(palette.sky[0], palette.dark, 0.4)
            nature.house(
                self.c,
                x,
                nature.height_at(outline, x) + size * 0.1,
                size * rng.uniform(0.8, 1.2),
                wall,
                roof,
                lit,
            )

    def foreground(self, outline: list[Point]) -> None:
        """Set cats, people or grass against the light, nearest to the eye."""
        c, rng, palette = self.c, self.rng, self.palette
        ink = palette.dark
        if self.says("cat"):
            for _ in range(rng.randint(3, 5)):
                x = rng.uniform(0.12, c.width - 0.12)
                nature.sitting_cat(
                    c, x, nature.height_at(outline, x) + 0.02, rng.uniform(0.1, 0.17), ink, rng
                )
        for _ in range(90):
            x = rng.uniform(0, c.width)
            y = nature.height_at(outline, x) + 0.01
            lean = rng.uniform(-0.012, 0.012)
            c.poly(
                [(x - 0.003, y), (x + 0.003, y), (x + lean, y - rng.uniform(0.015, 0.04))], palette.land[3]
            )
        for _ in range(14):
            x, y = rng.uniform(0, c.width), rng.uniform(0.93, 0.99)
            c.circle(
                x, y, rng.uniform(0.005, 0.01), rng.choice((palette.accent, palette.second, palette.light))
            )
