"""The objects that posts are about."""

from __future__ import annotations

from generia_worker.simulator.drawing.canvas import Colour, fade, mix, star_points
from generia_worker.simulator.drawing.stage import Stage
from generia_worker.simulator.drawing.symbols import SYMBOLS
from generia_worker.simulator.drawing.words import says

_WHITE: Colour = (255, 255, 255)
_WARM: Colour = (255, 226, 150)


def show(stage: Stage, floor: float) -> None:
    """Show what the post is about: a thing beside the people, or in a bubble above them."""
    c, prompt, rng, palette = stage.canvas, stage.prompt, stage.rng, stage.palette
    x = rng.choice((0.2, 0.8)) * c.width
    for words, draw in THINGS:
        if says(prompt, words):
            draw(stage, x, floor)
            return
    shown = prompt.split(" with ")[-1].split(",")[0]
    for words, symbol in SYMBOLS:
        if says(shown, words):
            y = 0.34
            c.circle(x, y, 0.1, fade(_WHITE, 0.88))
            for dx, dy, radius in ((0.05, 0.13, 0.02), (0.085, 0.175, 0.012)):
                c.circle(x + (dx if x < c.width / 2 else -dx), y + dy, radius, fade(_WHITE, 0.88))
            symbol(c, x, y, 0.05, mix(palette.land[2], palette.dark, 0.3), palette)
            return


def _yarn(stage: Stage, x: float, y: float) -> None:
    c, tint = stage.canvas, stage.palette.second
    c.circle(x, y - 0.06, 0.08, tint)
    for start, end in ((200, 330), (210, 320), (220, 310)):
        c.arc(x, y - 0.06 + (330 - end) * 0.0012, 0.07, 0.06, start, end, mix(tint, _WHITE, 0.4), 0.006)
    c.arc(x, y - 0.06, 0.05, 0.07, 60, 200, mix(tint, _WHITE, 0.25), 0.006)
    c.line([(x + 0.05, y), (x + 0.12, y + 0.015), (x + 0.17, y - 0.005), (x + 0.23, y + 0.015)], tint, 0.008)


def _umbrella(stage: Stage, x: float, y: float) -> None:
    c, tint = stage.canvas, stage.palette.accent
    c.line([(x, y - 0.32), (x, y - 0.02)], stage.palette.dark, 0.008)
    c.pie(x, y - 0.22, 0.17, 0.14, 180, 360, tint)
    c.pie(x, y - 0.22, 0.07, 0.14, 180, 360, mix(tint, _WHITE, 0.35))
    c.arc(x + 0.015, y - 0.02, 0.015, 0.018, 0, 180, stage.palette.dark, 0.008)


def _bicycle(stage: Stage, x: float, y: float) -> None:
    c, tint, ink = stage.canvas, stage.palette.second, stage.palette.dark
    for dx in (-0.1, 0.1):
        c.ring(x + dx, y - 0.075, 0.075, ink, 0.008)
    c.line(
        [
            (x - 0.1, y - 0.075),
            (x - 0.03, y - 0.17),
            (x + 0.07, y - 0.17),
            (x, y - 0.075),
            (x - 0.1, y - 0.075),
        ],
        tint,
        0.01,
    )
    c.line([(x, y - 0.075), (x - 0.04, y - 0.2)], tint, 0.01)
    c.line([(x + 0.1, y - 0.075), (x + 0.06, y - 0.21), (x + 0.1, y - 0.225)], tint, 0.01)
    c.ellipse(x - 0.045, y - 0.205, 0.03, 0.01, ink)


def _steaming(stage: Stage, x: float, y: float) -> None:
    c, palette = stage.canvas, stage.palette
    c.ellipse(x, y - 0.1, 0.14, 0.028, mix(palette.accent, (110, 72, 48), 0.4))
    c.rect(x - 0.012, y - 0.1, x + 0.012, y + 0.02, mix(palette.accent, (110, 72, 48), 0.55))
    c.ring(x + 0.05, y - 0.15, 0.022, _WHITE, 0.009)
    c.curve(
        [(x - 0.05, y - 0.185), (x + 0.05, y - 0.185), (x + 0.036, y - 0.115), (x - 0.036, y - 0.115)], _WHITE
    )
    c.ellipse(x, y - 0.184, 0.045, 0.01, palette.second)
    for dx in (-0.02, 0.01):
        c.line(
            [
                (x + dx, y - 0.2),
                (x + dx + 0.012, y - 0.225),
                (x + dx - 0.006, y - 0.25),
                (x + dx + 0.006, y - 0.275),
            ],
            fade(_WHITE, 0.75),
            0.006,
        )


def _pie(stage: Stage, x: float, y: float) -> None:
    c, palette = stage.canvas, stage.palette
    c.rect(x - 0.012, y - 0.1, x + 0.012, y + 0.02, mix(palette.accent, (110, 72, 48), 0.55))
    c.ellipse(x, y - 0.1, 0.15, 0.028, mix(palette.accent, (110, 72, 48), 0.4))
    c.poly(
        [(x - 0.1, y - 0.15), (x + 0.1, y - 0.15), (x + 0.08, y - 0.105), (x - 0.08, y - 0.105)],
        mix(palette.land[1], _WHITE, 0.5),
    )
    c.pie(x, y - 0.15, 0.105, 0.055, 180, 360, (226, 168, 96))
    for dx in (-0.05, 0.0, 0.05):
        c.line([(x + dx - 0.014, y - 0.165), (x + dx + 0.014, y - 0.19)], (170, 110, 56), 0.007)


def _paper(stage: Stage, x: float, y: float) -> None:
    c, palette = stage.canvas, stage.palette
    c.rect(x - 0.15, y - 0.12, x + 0.15, y - 0.1, mix(palette.accent, (110, 72, 48), 0.5), 0.006)
    for dx in (-0.13, 0.115):
        c.rect(x + dx, y - 0.1, x + dx + 0.015, y + 0.02, mix(palette.accent, (110, 72, 48), 0.6))
    for index, tint in enumerate((palette.second, palette.land[1], palette.accent)):
        c.rect(x - 0.11, y - 0.148 - index * 0.027, x + 0.02, y - 0.122 - index * 0.027, tint, 0.005)
        c.rect(x + 0.0, y - 0.144 - index * 0.027, x + 0.018, y - 0.126 - index * 0.027, palette.light)
    c.poly([(x + 0.03, y - 0.125), (x + 0.12, y - 0.125), (x + 0.135, y - 0.2), (x + 0.05, y - 0.2)], _WHITE)
    for row in range(3):
        c.line(
            [(x + 0.055, y - 0.145 - row * 0.018), (x + 0.11, y - 0.145 - row * 0.018)],
            fade(palette.dark, 0.5),
            0.003,
        )


def _box(stage: Stage, x: float, y: float) -> None:
    c, box = stage.canvas, (212, 166, 108)
    c.rect(x - 0.11, y - 0.14, x + 0.11, y, box)
    c.rect(x - 0.015, y - 0.14, x + 0.015, y, mix(box, _WHITE, 0.35))
    for side in (-1, 1):
        c.poly(
            [
                (x + side * 0.11, y - 0.14),
                (x + side * 0.17, y - 0.19),
                (x + side * 0.05, y - 0.17),
                (x, y - 0.14),
            ],
            mix(box, (100, 66, 34), 0.2),
        )


def _sunspot(stage: Stage, x: float, y: float) -> None:
    c = stage.canvas
    c.poly([(x - 0.02, 0.2), (x + 0.08, 0.2), (x + 0.18, y), (x - 0.12, y)], fade((255, 240, 180), 0.25))
    c.ellipse(x + 0.03, y, 0.16, 0.035, fade((255, 240, 170), 0.85))
    c.poly(star_points(x + 0.03, y - 0.1, 0.03, 0.01, 4), fade(_WHITE, 0.9))


THINGS = (
    ("yarn", _yarn),
    ("umbrella", _umbrella),
    ("bicycle", _bicycle),
    ("(?:cup|mug|thermos|glass) of|tea|coffee|chocolate|milk|soup", _steaming),
    (r"pie|pudding|bun|\w*cake|\w*bread|cookies|loaf", _pie),
    ("cardboard box", _box),
    ("sunlight", _sunspot),
    (r"thes[ie]s|\w*book\w*|manuscript|sheet|(?:news)?paper|map|letter|guide|postcard|log", _paper),
)
