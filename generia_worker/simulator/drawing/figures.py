"""The people, cats and other folk of scenes: small friendly figures."""

from __future__ import annotations

import re

from generia_worker.simulator.drawing import nature
from generia_worker.simulator.drawing.canvas import Colour, mix
from generia_worker.simulator.drawing.stage import Stage
from generia_worker.simulator.drawing.words import says

_WHITE: Colour = (255, 255, 255)
_SKINS: tuple[Colour, ...] = ((255, 220, 192), (240, 196, 160), (204, 148, 108), (146, 98, 70))
_HAIRS: tuple[Colour, ...] = ((70, 48, 40), (196, 96, 52), (232, 190, 110), (60, 56, 66), (170, 166, 170))
_FURS: tuple[Colour, ...] = (
    (236, 150, 76),
    (120, 118, 130),
    (72, 66, 78),
    (244, 238, 228),
    (150, 104, 74),
    (206, 170, 130),
)
_EARS = ("cat", "fox", "rabbit", "bear", "dog", "mouse")


def crowd(stage: Stage, floor: float) -> None:
    """Put the folk of the prompt on the floor, the further ones first."""
    rng, c = stage.rng, stage.canvas
    found = re.search(r"\ba (cat|dog|fox|rabbit|bear|mouse|owl|robot)\b", stage.prompt, re.IGNORECASE)
    creature = found[1].lower() if found else ""
    count = 1
    if says(stage.prompt, "friend|two|pair|couple"):
        count = 2
    if says(stage.prompt, "crowd|crowded|group|people|students|everybody"):
        count = rng.randint(4, 6)
    size = {1: 0.42, 2: 0.38}.get(count, 0.3)
    centre = rng.uniform(0.36, 0.64) * c.width if count == 1 else 0.5 * c.width
    spread = 0.0 if count == 1 else 0.13 if count == 2 else 0.36
    spots = [centre + (2 * index / max(count - 1, 1) - 1) * spread for index in range(count)]
    for index in sorted(range(count), key=lambda i: i % 2, reverse=True):
        lift = 0.035 * (index % 2)
        human = not creature or (count > 2 and index == count // 2)
        _figure(stage, spots[index], floor - lift, size * rng.uniform(0.92, 1.08), "" if human else creature)
    if says(stage.prompt, "cats") and creature != "cat":
        for _ in range(3):
            nature.sitting_cat(
                c, rng.uniform(0.1, 0.9) * c.width, floor + 0.03, 0.14, rng.choice(_FURS), rng, (40, 34, 40)
            )


def _figure(stage: Stage, x: float, y: float, size: float, creature: str) -> None:
    c = stage.canvas
    c.ellipse(x, y + 0.004, size * 0.24, size * 0.045, (*stage.palette.dark, 70))
    if creature == "robot":
        _robot(stage, x, y, size)
        return
    rng, palette = stage.rng, stage.palette
    cloth = rng.choice(
        (
            palette.accent,
            palette.second,
            palette.land[2],
            mix(palette.accent, palette.land[3], 0.5),
            palette.sky[0],
        )
    )
    skin = rng.choice(_FURS) if creature else rng.choice(_SKINS)
    leg = mix(cloth, palette.dark, 0.6)
    for side in (-1, 1):
        c.rect(
            x + side * size * 0.075 - size * 0.045,
            y - size * 0.2,
            x + side * size * 0.075 + size * 0.045,
            y,
            leg,
            size * 0.03,
        )
        c.ellipse(x + side * size * 0.085, y - size * 0.01, size * 0.07, size * 0.028, palette.dark)
    if creature in ("cat", "fox", "dog", "mouse"):
        tail = -1 if rng.random() < 0.5 else 1
        c.line(
            [
                (x + tail * size * 0.12, y - size * 0.2),
                (x + tail * size * 0.27, y - size * 0.24),
                (x + tail * size * 0.32, y - size * 0.4),
            ],
            skin,
            size * 0.05,
        )
    wave = rng.random() < 0.35
    for side in (-1, 1):
        hand = (
            (x + side * size * 0.27, y - size * 0.7)
            if wave and side > 0
            else (x + side * size * 0.2, y - size * 0.26)
        )
        c.line([(x + side * size * 0.12, y - size * 0.5), hand], mix(cloth, palette.dark, 0.12), size * 0.075)
        c.circle(*hand, size * 0.04, skin)
    c.curve(
        [
            (x - size * 0.1, y - size * 0.57),
            (x + size * 0.1, y - size * 0.57),
            (x + size * 0.18, y - size * 0.34),
            (x + size * 0.19, y - size * 0.15),
            (x - size * 0.19, y - size * 0.15),
            (x - size * 0.18, y - size * 0.34),
        ],
        cloth,
    )
    if rng.random() < 0.4:
        c.rect(
            x - size * 0.11,
            y - size * 0.585,
            x + size * 0.11,
            y - size * 0.525,
            rng.choice((palette.second, palette.light)),
            size * 0.03,
        )
    _head(stage, x, y - size * 0.72, size * 0.17, skin, creature)


def _head(stage: Stage, x: float, y: float, r: float, skin: Colour, creature: str) -> None:
    c, rng = stage.canvas, stage.rng
    hair = rng.choice(_HAIRS)
    if creature in _EARS:
        _ears(stage, x, y, r, skin, creature)
    elif not creature and rng.random() < 0.5:
        c.curve(
            [
                (x - r * 1.05, y - r * 0.2),
                (x, y - r * 1.15),
                (x + r * 1.05, y - r * 0.2),
                (x + r * 1.1, y + r * 0.9),
                (x - r * 1.1, y + r * 0.9),
            ],
            hair,
        )
    c.ellipse(x, y, r * (1.08 if creature else 0.95), r, skin)
    if creature:
        c.ellipse(x, y + r * 0.38, r * 0.5, r * 0.38, mix(skin, _WHITE, 0.65))
        c.ellipse(x, y + r * 0.2, r * 0.12, r * 0.09, (90, 54, 60))
    else:
        c.pie(x, y - r * 0.12, r * 1.0, r * 0.95, 180, 360, hair)
        c.ellipse(x + r * rng.uniform(-0.4, 0.4), y - r * 0.2, r * 0.55, r * 0.3, hair)
    for side in (-1, 1):
        c.circle(x + side * r * 0.38, y + r * 0.06, r * 0.1, (44, 36, 44))
        c.ellipse(x + side * r * 0.6, y + r * 0.36, r * 0.17, r * 0.1, (240, 120, 120, 90))
    c.arc(x, y + r * 0.36, r * 0.24, r * 0.2, 20, 160, (150, 70, 76), r * 0.08)
    if rng.random() < 0.16:
        for side in (-1, 1):
            c.ring(x + side * r * 0.38, y + r * 0.06, r * 0.26, stage.palette.dark, r * 0.06)


def _ears(stage: Stage, x: float, y: float, r: float, skin: Colour, creature: str) -> None:
    c = stage.canvas
    for side in (-1, 1):
        if creature in ("cat", "fox"):
            c.poly(
                [
                    (x + side * r * 1.02, y - r * 1.35),
                    (x + side * r * 0.2, y - r * 0.8),
                    (x + side * r * 1.05, y - r * 0.1),
                ],
                skin,
            )
            c.poly(
                [
                    (x + side * r * 0.92, y - r * 1.08),
                    (x + side * r * 0.5, y - r * 0.8),
                    (x + side * r * 0.94, y - r * 0.4),
                ],
                (244, 168, 166),
            )
        elif creature == "rabbit":
            c.ellipse(x + side * r * 0.42, y - r * 1.4, r * 0.24, r * 0.75, skin)
            c.ellipse(x + side * r * 0.42, y - r * 1.35, r * 0.11, r * 0.55, (244, 168, 166))
        elif creature == "dog":
            c.ellipse(x + side * r * 1.0, y + r * 0.05, r * 0.3, r * 0.62, mix(skin, (40, 30, 30), 0.3))
        else:
            c.circle(x + side * r * 0.75, y - r * 0.75, r * (0.5 if creature == "mouse" else 0.36), skin)
            c.circle(x + side * r * 0.75, y - r * 0.75, r * 0.22, (244, 168, 166))


def _robot(stage: Stage, x: float, y: float, size: float) -> None:
    c, palette = stage.canvas, stage.palette
    metal = mix(palette.land[0], (236, 240, 246), 0.6)
    dark = mix(metal, palette.dark, 0.5)
    for side in (-1, 1):
        c.rect(
            x + side * size * 0.09 - size * 0.04,
            y - size * 0.2,
            x + side * size * 0.09 + size * 0.04,
            y,
            dark,
            size * 0.03,
        )
        c.line(
            [(x + side * size * 0.18, y - size * 0.48), (x + side * size * 0.26, y - size * 0.28)],
            dark,
            size * 0.06,
        )
        c.circle(x + side * size * 0.27, y - size * 0.25, size * 0.045, palette.accent)
    c.rect(x - size * 0.18, y - size * 0.55, x + size * 0.18, y - size * 0.15, metal, size * 0.06)
    c.circle(x, y - size * 0.38, size * 0.06, palette.accent)
    c.line([(x, y - size * 0.9), (x, y - size * 1.0)], dark, size * 0.02)
    c.circle(x, y - size * 1.01, size * 0.035, palette.second)
    c.rect(x - size * 0.21, y - size * 0.9, x + size * 0.21, y - size * 0.58, metal, size * 0.08)
    c.rect(
        x - size * 0.15,
        y - size * 0.83,
        x + size * 0.15,
        y - size * 0.66,
        mix(palette.dark, (20, 24, 40), 0.5),
        size * 0.05,
    )
    for side in (-1, 1):
        c.circle(x + side * size * 0.07, y - size * 0.75, size * 0.032, palette.accent)
