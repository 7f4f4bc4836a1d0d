"""A canvas on which the height is 1: shapes are drawn larger than wanted and scaled down, which smooths their edges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Ink = tuple[int, int, int] | tuple[int, int, int, int]
Point = tuple[float, float]

#: No drawing surface has a longer side than this; larger pictures are scaled up.
_MAX_SIDE = 1536
_SMOOTHING = 2.0


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Return a colour between two: 0 is the first, 1 the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def fade(colour: Colour, opacity: float) -> Ink:
    """Return a colour that lets through what is below."""
    return (*colour, round(255 * max(0.0, min(1.0, opacity))))


@lru_cache(maxsize=1)
def _halo() -> Image.Image:
    """A round mask, opaque in its middle."""
    return Image.radial_gradient("L").point([max(0, round(255 - level * 1.42)) for level in range(256)])


class Canvas:
    """A picture in the making. Coordinates are fractions of the height; `width` is the aspect ratio."""

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        scale = min(_SMOOTHING, _MAX_SIDE / max(width, height))
        self._pixels = (round(width * scale), round(height * scale))
        self.unit = self._pixels[1]
        self.width = width / height
        self.image = Image.new("RGB", self._pixels)
        self._pen = ImageDraw.Draw(self.image, "RGBA")

    def sky(self, *stops: Colour, top: float = 0.0, bottom: float = 1.0) -> None:
        """Fill a band with colours that run into each other from top to bottom."""
        first, last = round(top * self.unit), round(bottom * self.unit)
        height = max(1, last - first)
        column = Image.new("RGB", (1, len(stops)))
        column.putdata(stops)
        # Half a stop is cut off at both ends, where resizing would hold the colour.
        edge = 0.5 if len(stops) > 1 else 0
        tall = column.resize((1, height), Image.Resampling.BILINEAR, (0, edge, 1, len(stops) - edge))
        self.image.paste(tall.resize((self._pixels[0], height), Image.Resampling.NEAREST), (0, first))

    def glow(
        self, x: float, y: float, radius: float, colour: Colour, strength: float = 1.0, flat: float = 1.0
    ) -> None:
        """Add a soft light; `flat` below 1 makes it wider than high."""
        wide, high = round(2 * radius * self.unit), round(2 * radius * self.unit * flat)
        if wide < 2 or high < 2:
            return
        mask = _halo().resize((wide, high), Image.Resampling.BILINEAR)
        if strength < 1:
            mask = mask.point([round(level * strength) for level in range(256)])
        left, top = round(x * self.unit) - wide // 2, round(y * self.unit) - high // 2
        self.image.paste(colour, (left, top, left + wide, top + high), mask)

    def ellipse(self, x: float, y: float, rx: float, ry: float, ink: Ink) -> None:
        """Fill an ellipse around a point."""
        u = self.unit
        self._pen.ellipse(((x - rx) * u, (y - ry) * u, (x + rx) * u, (y + ry) * u), fill=ink)

    def circle(self, x: float, y: float, radius: float, ink: Ink) -> None:
        """Fill a circle."""
        self.ellipse(x, y, radius, radius, ink)

    def ring(self, x: float, y: float, radius: float, ink: Ink, thick: float) -> None:
        """Draw a circle's line."""
        u = self.unit
        box = ((x - radius) * u, (y - radius) * u, (x + radius) * u, (y + radius) * u)
        self._pen.ellipse(box, outline=ink, width=max(1, round(thick * u)))

    def rect(
        self, left: float, top: float, right: float, bottom: float, ink: Ink, round_by: float = 0
    ) -> None:
        """Fill a rectangle, with round corners where wanted."""
        u = self.unit
        box = (left * u, top * u, max(left, right) * u, max(top, bottom) * u)
        if round_by:
            self._pen.rounded_rectangle(box, radius=round_by * u, fill=ink)
        else:
            self._pen.rectangle(box, fill=ink)

    def poly(self, points: Sequence[Point], ink: Ink) -> None:
        """Fill a polygon."""
        self._pen.polygon([(x * self.unit, y * self.unit) for x, y in points], fill=ink)

    def line(self, points: Sequence[Point], ink: Ink, thick: float) -> None:
        """Draw a line with round ends."""
        u = self.unit
        width = max(1, round(thick * u))
        path = [(x * u, y * u) for x, y in points]
        self._pen.line(path, fill=ink, width=width, joint="curve")
        if width > 3 and (len(ink) == 3 or ink[3] == 255):
            for x, y in (path[0], path[-1]):
                self._pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=ink)

    def arc(
        self, x: float, y: float, rx: float, ry: float, start: float, end: float, ink: Ink, thick: float
    ) -> None:
        """Draw a part of an ellipse's line; angles in degrees, clockwise from the right."""
        steps = max(4, round(abs(end - start) / 8))
        angles = [math.radians(start + (end - start) * step / steps) for step in range(steps + 1)]
        self.line([(x + rx * math.cos(a), y + ry * math.sin(a)) for a in angles], ink, thick)

    def pie(self, x: float, y: float, rx: float, ry: float, start: float, end: float, ink: Ink) -> None:
        """Fill a slice of an ellipse, cut by its chord."""
        u = self.unit
        self._pen.chord(((x - rx) * u, (y - ry) * u, (x + rx) * u, (y + ry) * u), start, end, fill=ink)

    def curve(self, points: Sequence[Point], ink: Ink) -> None:
        """Fill a closed smooth shape that runs through the points."""
        self.poly(smooth(points), ink)

    def finish(self) -> Image.Image:
        """Return the picture in the size that was wanted."""
        if self._pixels == self._size:
            return self.image
        return self.image.resize(
            self._size, Image.Resampling.BILINEAR if self._grows else Image.Resampling.BOX
        )

    @property
    def _grows(self) -> bool:
        return self._pixels[0] % self._size[0] != 0


def smooth(points: Sequence[Point], steps: int = 8) -> list[Point]:
    """Return a closed Catmull-Rom curve through the points."""
    count = len(points)
    path: list[Point] = []
    for index in range(count):
        before, start, end, after = (points[(index + offset) % count] for offset in (-1, 0, 1, 2))
        for step in range(steps):
            t = step / steps
            path.append(
                (
                    _catmull(before[0], start[0], end[0], after[0], t),
                    _catmull(before[1], start[1], end[1], after[1], t),
                )
            )
    return path


def _catmull(before: float, start: float, end: float, after: float, t: float) -> float:
    return 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t * t
        + (3 * start - before - 3 * end + after) * t * t * t
    )


def star_points(
    x: float, y: float, outer: float, inner: float, rays: int, turn: float = -90.0
) -> list[Point]:
    """Return the corners of a star."""
    path = []
    for index in range(rays * 2):
        radius = outer if index % 2 == 0 else inner
        angle = math.radians(turn + 180 * index / rays)
        path.append((x + radius * math.cos(angle), y + radius * math.sin(angle)))
    return path
