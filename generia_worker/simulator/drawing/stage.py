"""What the parts of a scene share."""

from __future__ import annotations

import random
from dataclasses import dataclass

from generia_worker.simulator.drawing.canvas import Canvas
from generia_worker.simulator.drawing.palettes import Palette


@dataclass
class Stage:
    """A scene in the making."""

    canvas: Canvas
    prompt: str
    palette: Palette
    rng: random.Random
    outdoors: bool = True
