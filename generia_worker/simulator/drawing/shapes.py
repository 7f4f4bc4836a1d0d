"""Drawings as data: a shape a line, as `symbols.toml` explains."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import NamedTuple

from generia_worker.errors import ConfigurationError
from generia_worker.simulator.drawing.canvas import Canvas, Colour, Point, mix, star_points
from generia_worker.simulator.drawing.palettes import Palette

_COLOURS = ("ink", "accent", "second", "light", "dark")


class _Pen(NamedTuple):
    """A shape's colour and place, with the size of the whole drawing."""

    canvas: Canvas
    colour: Colour
    points: list[Point]
    size: float

    def rect(self, corner: float = 0) -> None:
        (left, top), (right, bottom) = self.points
        # A mirrored rectangle has its corners the other way round.
        self.canvas.rect(min(left, right), top, max(left, right), bottom, self.colour, corner * self.size)

    def poly(self) -> None:
        self.canvas.poly(self.points, self.colour)

    def curve(self) -> None:
        self.canvas.curve(self.points, self.colour)

    def line(self, thick: float) -> None:
        self.canvas.line(self.points, self.colour, thick * self.size)

    def circle(self, radius: float) -> None:
        self.canvas.circle(*self.points[0], radius * self.size, self.colour)

    def ellipse(self, rx: float, ry: float) -> None:
        self.canvas.ellipse(*self.points[0], rx * self.size, ry * self.size, self.colour)

    def ring(self, radius: float, thick: float) -> None:
        self.canvas.ring(*self.points[0], radius * self.size, self.colour, thick * self.size)

    def arc(self, rx: float, ry: float, start: float, end: float, thick: float) -> None:
        size = self.size
        self.canvas.arc(*self.points[0], rx * size, ry * size, start, end, self.colour, thick * size)

    def pie(self, rx: float, ry: float, start: float, end: float) -> None:
        self.canvas.pie(*self.points[0], rx * self.size, ry * self.size, start, end, self.colour)

    def star(self, outer: float, inner: float, rays: float) -> None:
        path = star_points(*self.points[0], outer * self.size, inner * self.size, int(rays))
        self.canvas.poly(path, self.colour)

    def glow(self, radius: float, strength: float) -> None:
        self.canvas.glow(*self.points[0], radius * self.size, self.colour, strength)


#: How each shape is drawn, how many points it has (0: any number from two on), and how many numbers follow them.
_SHAPES: dict[str, tuple[Callable[..., None], int, Sequence[int]]] = {
    "poly": (_Pen.poly, 0, (0,)),
    "curve": (_Pen.curve, 0, (0,)),
    "line": (_Pen.line, 0, (1,)),
    "rect": (_Pen.rect, 2, (0, 1)),
    "circle": (_Pen.circle, 1, (1,)),
    "ellipse": (_Pen.ellipse, 1, (2,)),
    "ring": (_Pen.ring, 1, (2,)),
    "arc": (_Pen.arc, 1, (5,)),
    "pie": (_Pen.pie, 1, (4,)),
    "star": (_Pen.star, 1, (3,)),
    "glow": (_Pen.glow, 1, (2,)),
}


@dataclass(frozen=True)
class Shape:
    """One line of a drawing."""

    name: str
    colour: str
    points: tuple[Point, ...]
    numbers: tuple[float, ...]
    mirrored: bool

    def draw(self, c: Canvas, x: float, y: float, r: float, ink: Colour, palette: Palette) -> None:
        """Draw the shape around a point, with what is 1 in its line as long as `r`."""
        for side in (-1, 1) if self.mirrored else (1,):
            points = [(x + r * side * px, y + r * py) for px, py in self.points]
            _SHAPES[self.name][0](_Pen(c, _colour(self.colour, ink, palette), points, r), *self.numbers)


def _colour(name: str, ink: Colour, palette: Palette) -> Colour:
    """Return a colour by its name, or `first:second:share` mixed."""
    first, _, more = name.partition(":")
    colours = {key: ink if key == "ink" else getattr(palette, key) for key in _COLOURS}
    if not more:
        return colours[first]
    second, _, share = more.partition(":")
    return mix(colours[first], colours[second], float(share))


def parse_shape(line: str) -> Shape:
    """Read a line. Raises ValueError."""
    words = line.split()
    mirrored = words[0] == "mirrored"
    name, colour, *rest = words[mirrored:]
    if name not in _SHAPES:
        message = f"{name} is none of {', '.join(_SHAPES)}"
        raise ValueError(message)
    if not set(colour.split(":")[:2]) <= set(_COLOURS):
        message = f"{colour} is no mixture of {', '.join(_COLOURS)}"
        raise ValueError(message)
    points = tuple(
        (float(px), float(py)) for px, _, py in (word.partition(",") for word in rest if "," in word)
    )
    numbers = tuple(float(word) for word in rest if "," not in word)
    _, wanted, following = _SHAPES[name]
    if (len(points) != wanted and (wanted or len(points) < 2)) or len(numbers) not in following:
        message = f"{name} takes {wanted or 'two or more'} points and {following[-1]} numbers"
        raise ValueError(message)
    return Shape(name, colour, points, numbers, mirrored)


def parse_drawings(text: str) -> dict[str, tuple[Shape, ...]]:
    """Read drawings by their names.

    Raises:
        ConfigurationError: a line is malformed.
    """
    drawings = {}
    for name, drawing in tomllib.loads(text).items():
        shapes = []
        for line in drawing.strip().splitlines():
            try:
                shapes.append(parse_shape(line))
            except ValueError as error:
                message = f"drawing {name}, “{line}”: {error}"
                raise ConfigurationError(message) from error
        drawings[name] = tuple(shapes)
    return drawings


@cache
def symbols() -> dict[str, tuple[Shape, ...]]:
    """Return the symbols of emblems."""
    return parse_drawings(resources.files(__package__).joinpath("symbols.toml").read_text(encoding="utf-8"))
