"""Rooms for the pictures of posts."""

from __future__ import annotations

from generia_worker.simulator.drawing import props
from generia_worker.simulator.drawing.canvas import Colour, fade, mix
from generia_worker.simulator.drawing.stage import Stage
from generia_worker.simulator.drawing.words import RAIN, SNOW, says

_WHITE: Colour = (255, 255, 255)


def _wall(stage: Stage, floor: float = 0.76) -> float:
    """Build a room: wall, floor, skirting; return where people stand."""
    c, palette, rng = stage.canvas, stage.palette, stage.rng
    stage.outdoors = False
    wall = mix(palette.land[0], palette.light, 0.35)
    if palette.night:
        wall = mix(palette.land[0], palette.sky[2], 0.35)
    c.sky(mix(wall, _WHITE, 0.1), wall, bottom=floor)
    stripe = fade(mix(wall, palette.land[1], 0.5), 0.35)
    if rng.random() < 0.5:
        for index in range(round(14 * c.width)):
            c.rect(index / 14, 0, index / 14 + 0.03, floor, stripe)
    else:
        for row in range(9):
            for column in range(round(10 * c.width)):
                c.circle((column + 0.5 * (row % 2) + 0.3) / 10, row * 0.09 + 0.04, 0.008, stripe)
    wood = (
        mix(palette.accent, palette.land[3], 0.5)
        if not palette.night
        else mix(palette.land[2], palette.accent, 0.2)
    )
    c.sky(mix(wood, _WHITE, 0.12), mix(wood, palette.dark, 0.25), top=floor)
    for index in range(7):
        x = (index / 6 - 0.5) * 2.6 + 0.5
        c.line(
            [(0.5 * c.width + (x - 0.5) * 0.45, floor), (0.5 * c.width + (x - 0.5) * 1.2, 1.02)],
            fade(palette.dark, 0.16),
            0.004,
        )
    c.rect(0, floor - 0.022, c.width, floor, mix(wall, palette.dark, 0.3))
    return 0.9


def _window(stage: Stage, x: float, y: float, wide: float, high: float) -> None:
    """Cut a window into the wall, with the weather in it."""
    c, palette, rng = stage.canvas, stage.palette, stage.rng
    frame = mix(palette.light, _WHITE, 0.4)
    c.rect(x - wide / 2 - 0.02, y - high / 2 - 0.02, x + wide / 2 + 0.02, y + high / 2 + 0.02, frame, 0.012)
    steps = 8
    for step in range(steps):
        share = step / (steps - 1)
        colour = mix(palette.sky[0], palette.sky[2], share)
        c.rect(
            x - wide / 2,
            y - high / 2 + high * step / steps,
            x + wide / 2,
            y - high / 2 + high * (step + 1) / steps,
            colour,
        )
    c.circle(x + wide * rng.uniform(-0.25, 0.25), y - high * 0.18, wide * 0.1, palette.light)
    for index in range(5):
        px = x - wide / 2 + wide * (index + 0.5) / 5
        tall = high * rng.uniform(0.12, 0.32)
        c.rect(
            px - wide * 0.1,
            y + high / 2 - tall,
            px + wide * 0.1,
            y + high / 2,
            mix(palette.land[1], palette.land[2], rng.random()),
        )
    if says(stage.prompt, f"{RAIN}|{SNOW}"):
        for _ in range(16):
            px, py = x + wide * rng.uniform(-0.46, 0.46), y + high * rng.uniform(-0.45, 0.4)
            if says(stage.prompt, SNOW):
                c.circle(px, py, 0.005, _WHITE)
            else:
                c.line([(px, py), (px - 0.006, py + 0.022)], fade(_WHITE, 0.7), 0.003)
    c.rect(x - 0.006, y - high / 2, x + 0.006, y + high / 2, frame)
    c.rect(x - wide / 2, y - 0.006, x + wide / 2, y + 0.006, frame)
    c.rect(x - wide / 2 - 0.04, y + high / 2 + 0.015, x + wide / 2 + 0.04, y + high / 2 + 0.04, frame, 0.008)
    cloth = palette.second
    for side in (-1, 1):
        edge = x + side * (wide / 2 + 0.035)
        c.curve(
            [
                (edge + side * 0.035, y - high / 2 - 0.05),
                (edge - side * wide * 0.2, y - high / 2 - 0.05),
                (edge - side * wide * 0.06, y + high * 0.15),
                (edge - side * 0.01, y + high / 2 + 0.05),
                (edge + side * 0.04, y + high / 2 + 0.05),
            ],
            fade(cloth, 0.92),
        )
    c.rect(
        x - wide / 2 - 0.09,
        y - high / 2 - 0.075,
        x + wide / 2 + 0.09,
        y - high / 2 - 0.05,
        mix(cloth, palette.dark, 0.4),
        0.01,
    )


def room(stage: Stage) -> float:
    """Furnish a living room; return where people stand."""
    floor = _wall(stage)
    c, rng = stage.canvas, stage.rng
    side = rng.choice((0.3, 0.7))
    _window(stage, side * c.width, 0.3, 0.36, 0.36)
    props.frames(stage, (1 - side) * c.width, 0.25)
    props.shelf(stage, (1 - side) * c.width, 0.47, 0.34)
    props.plant(stage, (0.07 if side < 0.5 else 0.93) * c.width, 0.8, 0.24)
    props.hanging_lamp(stage, 0.5 * c.width, 0.2)
    props.rug(stage, 0.5 * c.width, 0.92)
    return floor


def library(stage: Stage) -> float:
    """Fill a library; return where people stand."""
    floor = _wall(stage, 0.78)
    c = stage.canvas
    for index in range(3):
        props.bookcase(stage, (0.02 + index * 0.335) * c.width, 0.08, 0.29 * c.width, 0.7)
    props.hanging_lamp(stage, 0.335 * c.width, 0.16)
    props.hanging_lamp(stage, 0.67 * c.width, 0.2)
    props.ladder(stage, 0.74 * c.width, 0.8)
    props.rug(stage, 0.5 * c.width, 0.93)
    return floor


def lecture(stage: Stage) -> float:
    """Set up a lecture hall; return where people stand."""
    floor = _wall(stage, 0.8)
    c, palette, rng = stage.canvas, stage.palette, stage.rng
    x, chalk = 0.5 * c.width, (240, 244, 238)
    c.rect(x - 0.4, 0.1, x + 0.4, 0.52, mix(palette.accent, (90, 60, 40), 0.6), 0.012)
    c.rect(x - 0.38, 0.12, x + 0.38, 0.5, mix(palette.land[3], (30, 60, 50), 0.5))
    c.line([(x - 0.32, 0.44), (x - 0.32, 0.18)], fade(chalk, 0.8), 0.005)
    c.line([(x - 0.34, 0.42), (x - 0.04, 0.42)], fade(chalk, 0.8), 0.005)
    curve = [(x - 0.32 + step * 0.013, 0.42 - 0.2 * (step / 20) ** 2) for step in range(20)]
    c.line(curve, palette.accent, 0.007)
    for row in range(4):
        left = x + 0.03
        for _ in range(5):
            wide = rng.uniform(0.02, 0.07)
            c.line(
                [(left, 0.19 + row * 0.07), (left + wide, 0.19 + row * 0.07 + rng.uniform(-0.01, 0.01))],
                fade(chalk, 0.75),
                0.006,
            )
            left += wide + 0.02
            if left > x + 0.3:
                break
    c.ring(x - 0.12, 0.24, 0.05, fade(palette.second, 0.9), 0.006)
    c.rect(x - 0.4, 0.515, x + 0.4, 0.535, mix(palette.accent, (90, 60, 40), 0.6))
    for side in (0.06, 0.94):
        props.plant(stage, side * c.width, 0.82, 0.22)
    props.desk(stage, x + rng.choice((-0.25, 0.25)), 0.83)
    return floor


def cafe(stage: Stage) -> float:
    """Open a café; return where people stand."""
    floor = _wall(stage, 0.78)
    c, palette = stage.canvas, stage.palette
    _window(stage, 0.3 * c.width, 0.3, 0.42, 0.34)
    for row, level in enumerate((0.2, 0.36, 0.52)):
        props.shelf(stage, 0.78 * c.width, level, 0.32, "jars" if row != 1 else "loaves")
    counter = mix(palette.second, palette.dark, 0.15)
    c.rect(0.56 * c.width, 0.6, c.width, 0.84, counter, 0.012)
    c.rect(0.54 * c.width, 0.58, c.width, 0.62, mix(counter, _WHITE, 0.35), 0.01)
    for index in range(5):
        x = (0.6 + index * 0.09) * c.width
        c.ellipse(x, 0.572, 0.034, 0.02, mix(palette.accent, (190, 120, 60), 0.4))
    for x in (0.18, 0.5, 0.82):
        props.hanging_lamp(stage, x * c.width, 0.13)
    return floor


def laboratory(stage: Stage) -> float:
    """Set up a laboratory; return where people stand."""
    floor = _wall(stage, 0.78)
    c, palette, rng = stage.canvas, stage.palette, stage.rng
    _window(stage, 0.72 * c.width, 0.28, 0.34, 0.3)
    props.shelf(stage, 0.28 * c.width, 0.25, 0.4, "jars")
    c.rect(0.1 * c.width, 0.62, 0.9 * c.width, 0.65, mix(palette.light, palette.land[1], 0.3), 0.01)
    for x in (0.14, 0.84):
        c.rect(x * c.width, 0.65, (x + 0.02) * c.width, 0.83, mix(palette.land[2], palette.dark, 0.3))
    for index in range(6):
        tint = rng.choice((palette.accent, palette.second, palette.sky[0], palette.land[1]))
        props.flask(stage, (0.18 + index * 0.13) * c.width, 0.62, rng.uniform(0.09, 0.15), tint)
    return floor


def boxes(stage: Stage) -> float:
    """Pile up boxes; return where people stand."""
    floor = _wall(stage)
    c, palette, rng = stage.canvas, stage.palette, stage.rng
    _window(stage, 0.5 * c.width, 0.27, 0.34, 0.3)
    for level, count in ((0.82, 7), (0.68, 5), (0.56, 3)):
        for index in range(count):
            x = (0.06 + (index + 0.5) / count * 0.88) * c.width
            if abs(x - 0.5 * c.width) < 0.17:
                continue
            size = rng.uniform(0.1, 0.14)
            box = mix((206, 160, 104), palette.accent, rng.uniform(0, 0.25))
            c.rect(x - size / 2, level - size, x + size / 2, level, box)
            c.rect(x - size * 0.07, level - size, x + size * 0.07, level, mix(box, _WHITE, 0.25))
            c.poly(
                [
                    (x - size / 2, level - size),
                    (x - size * 0.7, level - size * 1.2),
                    (x - size * 0.1, level - size),
                ],
                mix(box, (90, 60, 30), 0.25),
            )
    return floor


def workshop(stage: Stage) -> float:
    """Furnish a workshop; return where people stand."""
    floor = _wall(stage)
    c, palette = stage.canvas, stage.palette
    for x in (0.25, 0.75):
        props.shelf(stage, x * c.width, 0.3, 0.36, "jars")
    _window(stage, 0.5 * c.width, 0.24, 0.2, 0.24)
    props.hanging_lamp(stage, 0.5 * c.width, 0.42)
    props.desk(stage, 0.3 * c.width, 0.82)
    c.circle(0.8 * c.width, 0.55, 0.09, mix(palette.light, _WHITE, 0.3))
    c.ring(0.8 * c.width, 0.55, 0.095, palette.second, 0.016)
    c.line([(0.8 * c.width, 0.49), (0.8 * c.width, 0.55), (0.8 * c.width + 0.04, 0.57)], palette.dark, 0.009)
    return floor
