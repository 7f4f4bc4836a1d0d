"""Pictures of posts: a place, somebody in it, and the thing that the post is about."""

from __future__ import annotations

import random

from generia_worker.simulator.drawing import interiors, landscape, nature, objects, props
from generia_worker.simulator.drawing.canvas import Canvas, Colour, fade, mix
from generia_worker.simulator.drawing.figures import crowd
from generia_worker.simulator.drawing.palettes import Palette
from generia_worker.simulator.drawing.stage import Stage
from generia_worker.simulator.drawing.words import first_said, says

_WHITE: Colour = (255, 255, 255)


def draw(canvas: Canvas, prompt: str, palette: Palette, rng: random.Random) -> None:
    """Draw the scene of a prompt."""
    stage = Stage(canvas, prompt, palette, rng)
    place = first_said(stage.prompt, PLACES) or rng.choice((_street, _park, interiors.room))
    floor = place(stage)
    objects.show(stage, floor)
    crowd(stage, floor)
    nature.falling(canvas, rng, stage.prompt if stage.outdoors else "", palette)
    if palette.night:
        canvas.glow(canvas.width / 2, 0.6, 0.75, palette.light, 0.1)


def _sky(stage: Stage, horizon: float) -> None:
    """Fill the sky over an open place."""
    c, palette, rng = stage.canvas, stage.palette, stage.rng
    c.sky(*palette.sky, bottom=max(horizon, 0.6))
    if palette.night or says(stage.prompt, "star"):
        nature.stars(c, rng, 60, horizon, palette.light)
    big = says(stage.prompt, "big moon")
    nature.sun_or_moon(
        c,
        rng.uniform(0.2, 0.8) * c.width,
        rng.uniform(0.16, 0.28),
        0.14 if big else rng.uniform(0.05, 0.08),
        palette,
        rng.random() < 0.4,
    )
    nature.clouds(c, rng, palette, 3, horizon * 0.5)
    if not palette.night:
        nature.birds(c, rng, mix(palette.dark, palette.sky[1], 0.35), 4, 0.3)


def _street(stage: Stage) -> float:
    c, palette, rng = stage.canvas, stage.palette, stage.rng
    _sky(stage, 0.7)
    x = -0.06
    while x < c.width:
        wide, top = rng.uniform(0.19, 0.27), rng.uniform(0.24, 0.42)
        tint = mix(
            rng.choice((palette.accent, palette.second, palette.land[0], palette.light, palette.land[1])),
            palette.sky[2],
            0.3,
        )
        props.facade(stage, x, top, wide, 0.8, mix(tint, palette.dark, 0.45) if palette.night else tint)
        x += wide
    stone = (
        mix(palette.land[0], palette.light, 0.4)
        if not palette.night
        else mix(palette.land[2], palette.sky[2], 0.25)
    )
    c.sky(stone, mix(stone, palette.dark, 0.25), top=0.79)
    for _ in range(40):
        px, py = rng.uniform(0, c.width), rng.uniform(0.81, 0.99)
        c.ellipse(px, py, 0.026, 0.007, fade(palette.dark, 0.09))
    if says(stage.prompt, "fountain"):
        props.fountain(stage, 0.5 * c.width, 0.84)
    if says(stage.prompt, "market|marketplace|stall"):
        for spot in (0.2, 0.8):
            props.stall(stage, spot * c.width, 0.84)
    if says(stage.prompt, "tram"):
        props.tram(stage, rng.uniform(0.3, 0.7) * c.width, 0.82)
    for spot in (0.1, 0.9):
        props.street_lamp(stage, spot * c.width, 0.86)
    return 0.93


def _park(stage: Stage) -> float:
    c, palette, rng = stage.canvas, stage.palette, stage.rng
    _sky(stage, 0.66)
    far = nature.ridge(rng, c.width, 0.58, 0.05)
    nature.fill_below(c, far, palette.land[0])
    near = nature.ridge(rng, c.width, 0.68, 0.03)
    for _ in range(9):
        x = rng.uniform(0, c.width)
        nature.tree(
            c,
            x,
            nature.height_at(near, x) + 0.03,
            rng.uniform(0.2, 0.32),
            mix(palette.land[1], palette.land[2], rng.random()),
            rng,
        )
    nature.fill_below(c, near, palette.land[1])
    c.curve(
        [
            (0.42 * c.width, 0.68),
            (0.52 * c.width, 0.68),
            (0.62 * c.width, 0.82),
            (0.9 * c.width, 1.1),
            (0.15 * c.width, 1.1),
            (0.36 * c.width, 0.82),
        ],
        mix(palette.light, palette.accent, 0.2),
    )
    if says(stage.prompt, "carousel"):
        props.carousel(stage, 0.5 * c.width, 0.72)
    if says(stage.prompt, "fractal|alley|garden|flower|catnip"):
        props.flowers(stage, 60, 0.72)
    props.bench(stage, rng.choice((0.2, 0.8)) * c.width, 0.84)
    nature.tree(c, rng.choice((0.06, 0.94)) * c.width, 0.9, 0.62, palette.land[2], rng)
    props.flowers(stage, 24, 0.78)
    return 0.93


def _bridge(stage: Stage) -> float:
    c, palette, rng = stage.canvas, stage.palette, stage.rng
    _sky(stage, 0.6)
    town = nature.ridge(rng, c.width, 0.58, 0.03)
    for _ in range(10):
        x = rng.uniform(0, c.width)
        wall = mix(palette.light, palette.land[0], rng.uniform(0.2, 0.6))
        lit = (255, 214, 120) if palette.night else mix(palette.sky[0], palette.dark, 0.4)
        nature.house(
            c,
            x,
            nature.height_at(town, x) + 0.02,
            rng.uniform(0.12, 0.18),
            mix(wall, palette.dark, 0.4 if palette.night else 0),
            mix(palette.second, palette.accent, rng.random()),
            lit,
        )
    nature.fill_below(c, town, palette.land[1])
    c.sky(mix(palette.sky[0], palette.light, 0.25), mix(palette.land[2], palette.sky[0], 0.5), top=0.63)
    for _ in range(50):
        x, y = rng.uniform(0, c.width), rng.uniform(0.65, 0.98)
        c.line([(x, y), (x + rng.uniform(0.02, 0.07), y)], fade(palette.light, 0.4), 0.004)
    stone = (
        mix(palette.land[0], palette.light, 0.5)
        if not palette.night
        else mix(palette.land[1], palette.light, 0.2)
    )
    c.rect(0, 0.83, c.width, 1.02, stone)
    for x in (0.25, 0.75):
        c.pie(x * c.width, 1.05, 0.2, 0.16, 180, 360, mix(palette.land[2], palette.sky[0], 0.3))
    c.rect(0, 0.8, c.width, 0.835, mix(stone, palette.dark, 0.25))
    for spot in (0.12, 0.88):
        props.street_lamp(stage, spot * c.width, 0.82, 0.36)
    return 0.86


def _roof(stage: Stage) -> float:
    c, palette, rng = stage.canvas, stage.palette, stage.rng
    _sky(stage, 0.7)
    for layer, (low, high) in enumerate(((0.2, 0.36), (0.1, 0.24))):
        x = -0.05
        while x < c.width:
            wide, tall = rng.uniform(0.1, 0.18), rng.uniform(low, high)
            colour = mix(palette.land[1 + layer], palette.sky[2], 0.3 - 0.15 * layer)
            c.rect(x, 0.86 - tall, x + wide, 1, colour)
            c.poly(
                [(x - 0.012, 0.86 - tall), (x + wide + 0.012, 0.86 - tall), (x + wide / 2, 0.8 - tall)],
                mix(colour, palette.second, 0.35),
            )
            for row in range(2):
                for column in range(2):
                    if rng.random() < 0.6:
                        left, top = x + wide * (0.24 + 0.34 * column), 0.89 - tall + 0.06 * row
                        c.rect(left, top, left + 0.025, top + 0.034, fade((255, 220, 130), 0.9), 0.004)
            x += wide
    tiles = mix(palette.second, palette.dark, 0.3)
    c.poly([(0, 0.84), (c.width, 0.8), (c.width, 1.05), (0, 1.05)], tiles)
    for row in range(4):
        for column in range(round(15 * c.width)):
            x = column / 15 + (0.033 if row % 2 else 0)
            c.arc(
                x,
                0.845 - 0.04 * x / c.width + row * 0.05,
                0.034,
                0.03,
                0,
                180,
                fade(palette.dark, 0.3),
                0.005,
            )
    brick = mix(palette.accent, palette.dark, 0.35)
    side = rng.choice((0.14, 0.86)) * c.width
    c.rect(side - 0.06, 0.6, side + 0.06, 0.86, brick)
    c.rect(side - 0.075, 0.58, side + 0.075, 0.62, mix(brick, _WHITE, 0.2), 0.006)
    for index in range(3):
        c.circle(
            side + 0.02 * index, 0.53 - 0.06 * index, 0.03 + 0.012 * index, fade(_WHITE, 0.4 - 0.09 * index)
        )
    return 0.87


def _shore(stage: Stage) -> float:
    c, palette, rng = stage.canvas, stage.palette, stage.rng
    _sky(stage, 0.52)
    c.sky(mix(palette.sky[0], palette.land[0], 0.4), palette.land[1], top=0.5, bottom=0.8)
    for _ in range(46):
        x, y = rng.uniform(0, c.width), rng.uniform(0.52, 0.76)
        c.line([(x, y), (x + rng.uniform(0.02, 0.08), y)], fade(palette.light, 0.45), 0.004)
    for _ in range(2):
        nature.ship(
            c,
            rng.uniform(0.2, 0.8) * c.width,
            rng.uniform(0.54, 0.62),
            rng.uniform(0.1, 0.2),
            palette.dark,
            mix(palette.light, palette.accent, rng.random() * 0.4),
        )
    if rng.random() < 0.5:
        nature.lighthouse(c, 0.88 * c.width, 0.56, 0.24, palette)
        c.ellipse(0.88 * c.width, 0.575, 0.14, 0.03, palette.land[3])
    sand = mix(palette.light, palette.accent, 0.32)
    c.curve(
        [
            (-0.2, 0.8),
            (0.3 * c.width, 0.75),
            (0.7 * c.width, 0.81),
            (c.width + 0.2, 0.76),
            (c.width + 0.2, 1.2),
            (-0.2, 1.2),
        ],
        mix(sand, _WHITE, 0.5),
    )
    c.curve(
        [
            (-0.2, 0.82),
            (0.3 * c.width, 0.775),
            (0.7 * c.width, 0.83),
            (c.width + 0.2, 0.785),
            (c.width + 0.2, 1.2),
            (-0.2, 1.2),
        ],
        mix(sand, palette.land[3], 0.4 if palette.night else 0),
    )
    return 0.93


def _far_view(stage: Stage) -> float:
    """Let the painter of landscapes make the ground for space, deserts under water and the like."""
    landscape.draw(stage.canvas, stage.prompt, stage.palette, stage.rng)
    return 0.95


#: By words of the prompt; the first word in it wins.
PLACES = (
    ("librar(?:y|ies)|librarian|bookshelves|bookshop|archive", interiors.library),
    ("lecture|blackboard|classroom|school", interiors.lecture),
    ("laborator(?:y|ies)|flasks", interiors.laboratory),
    ("baker(?:y|ies)|cafe|cafeteria|canteen|kitchen|tavern|bar|tea room|shop", interiors.cafe),
    ("boxes", interiors.boxes),
    ("workshop|forge|garage|engine room|clock tower", interiors.workshop),
    (
        "windowsill|room|attic|study|museum|hall|hallway|cabin|house interior|office|studio|carriage|compartment",
        interiors.room,
    ),
    ("rooftop|roof", _roof),
    ("bridge|river|riverside|promenade|canal", _bridge),
    ("sea|seaside|beach|pier|harbou?r|ship deck|shore|seashore|lighthouse|island", _shore),
    (
        r"underwater|corals|planet\w*|space\w*|orbit\w*|moon base|observation|floating|castle|forest clearing"
        r"|mountain\w*|glacier",
        _far_view,
    ),
    ("park|garden|meadow|orchard|clearing|glade|field|avenue|hill|hillside", _park),
    ("square|street|market|marketplace|courtyard|town|cit(?:y|ies)|alley|tram|station|gate", _street),
)
