"""Colours: palettes that are found by words of the prompt, and what the hour of the day does to them."""

from __future__ import annotations

import colorsys
import random
import re
from dataclasses import dataclass, replace

from generia_worker.simulator.drawing.canvas import Colour, mix
from generia_worker.simulator.drawing.words import count, says


@dataclass(frozen=True)
class Palette:
    """The colours of one picture. `sky` runs from top to bottom, `land` from far to near."""

    #: Words that ask for it, as `words` takes them.
    words: str
    sky: tuple[Colour, Colour, Colour]
    light: Colour
    land: tuple[Colour, Colour, Colour, Colour]
    accent: Colour
    second: Colour
    dark: Colour
    night: bool = False


def _c(text: str) -> Colour:
    return int(text[:2], 16), int(text[2:4], 16), int(text[4:6], 16)


def _palette(words: str, colours: str, night: bool = False) -> Palette:
    c = [_c(part) for part in colours.split()]
    return Palette(words, (c[0], c[1], c[2]), c[3], (c[4], c[5], c[6], c[7]), c[8], c[9], c[10], night)


PALETTES = (
    _palette(
        "honey|teal|warm|watercolor",
        "6fbfc0 c9e4cf fde3b0 fff6dc 8fc4b4 5ea79b 38807d 215a5d f2a541 e4673e 17373b",
    ),
    _palette(
        "lilac|peach|storybook|evening",
        "7f74c0 d29fc8 ffd0ab fff1d6 b48fc4 8b6cb2 624f90 40346a ff9e7a ffd166 2b2350",
    ),
    _palette(
        "mint|coral|paper|spring",
        "9adfd0 d4f2e2 fff1de fffbe8 8fd3bd 5cb39e 398c81 25645f ff7f6a ffc857 1d4646",
    ),
    _palette(
        "mustard|navy|poster|retro",
        "f6e8c4 f1d694 e8bb55 fff8e4 7d93ae 4b678f 2d4872 1b2f52 d1495b edae49 14233d",
    ),
    _palette(
        "rust|rusty|autumn|autumnal|gouache|brown|fall|falling leaves",
        "f7dcae f3bd7e e8925a fff0cf c2934f 8f7d3e 5c6b3a 374f2f d1603d f6c453 27331f",
    ),
    _palette(
        "indigo|gold|night|dreamy|moon|moonlit|moonlight",
        "131842 2c3178 6a57a5 fff2c9 41428f 2f3072 212257 15163d ffcf5c ff9d5c 0c0d28",
        True,
    ),
    _palette(
        "rose|pink|pastel|dawn",
        "9fc8f0 e4d2ee ffcdd4 fff3ea bfa9d8 9d8ec9 7876b4 54588f ff8fa3 ffd6a5 383a63",
    ),
    _palette(
        "turquoise|sand|sandy|sea|seaside|airy|blue|bluish|aqua",
        "4fc0de a3e0ea f9efd2 fffbe9 5ebcb9 2f9aa5 1c758a 12526b ffb65c ff6f59 0e3a4d",
    ),
    _palette(
        "neon|cyberpunk|violet|purple|futuristic",
        "130b30 3c1668 a52b74 ffd9f4 3f2073 2c165b 1d0e43 10082b 00e0ff ff4fd8 0a051d",
        True,
    ),
    _palette(
        "winter|wintry|snow|snowy|snowfall|snowflake|silver|silvery|ice|icy|white",
        "93bce4 cfe2f4 f9f2f2 ffffff cfe0f0 a8c3e0 7c9cc4 5070a0 e76f51 f4d35e 2b4468",
    ),
    _palette(
        "noir|fog|foggy|grey|detective|black",
        "39414f 69727f b3b5b4 f6e7c1 5f6874 474f5b 313842 1f252d f2c14e c44536 14181d",
    ),
    _palette(
        "forest|green|meadow|nature",
        "a9d8c0 dcedc8 fdf4d2 fffbe4 9ac99c 62a173 3b7a51 22543a f2b544 e07a5f 15372a",
    ),
    _palette(
        "desert|orange|sunset|golden",
        "5fb0c6 f5d9a6 f8b069 fff3d2 e8a661 cf8148 a9603b 7a4431 2a9d8f f4cf72 482a22",
    ),
    _palette(
        "candy|candies|red|magenta|sweet",
        "ffbfd8 ffdbe7 fff0e4 fffaf0 ffb1cd d8a2de a48fd9 7977c5 ff6b9a 5fd0e8 473d78",
    ),
)
#: What the hour does: how much of which colour is mixed in, and whether it is night.
_HOURS = (
    ("night|midnight|moonlit", _c("0b1038"), 0.62, True),
    ("dusk|twilight", _c("3b2f78"), 0.38, True),
    ("golden hour|sunset", _c("ff9d4a"), 0.24, False),
    ("early morning|dawn", _c("ffc7c2"), 0.22, False),
)


def choose(prompt: str, rng: random.Random) -> Palette:
    """Return the palette of a prompt: by the colours and the weather that it names, otherwise by chance."""
    palette = _named(prompt) or rng.choice(_fitting(prompt))
    palette = _turned(palette, rng.uniform(-0.022, 0.022))
    if palette.night:
        return palette
    for hours, colour, share, night in _HOURS:
        if says(prompt, hours):
            return _tinted(palette, colour, share, night)
    return palette


def _named(prompt: str) -> Palette | None:
    """Return the palette that a style names outright: the first known colour of “… and … palette”."""
    match = re.search(r"([\w ,]{3,60})\bpalette", prompt, re.IGNORECASE)
    words = re.findall(r"\w+", match[1].rpartition(",")[2].casefold()) if match else []
    return next((palette for word in words for palette in PALETTES if word in palette.words.split("|")), None)


def _fitting(prompt: str) -> list[Palette]:
    """Return the palettes of which the prompt holds most words; all of them when it holds none."""
    scores = [count(prompt, palette.words) for palette in PALETTES]
    return [palette for palette, score in zip(PALETTES, scores, strict=True) if score == max(scores)]


def _tinted(palette: Palette, colour: Colour, share: float, night: bool) -> Palette:
    top, middle, low = palette.sky
    land = palette.land
    return replace(
        palette,
        sky=(mix(top, colour, share), mix(middle, colour, share * 0.85), mix(low, colour, share * 0.6)),
        land=(
            mix(land[0], colour, share * 0.8),
            mix(land[1], colour, share * 0.75),
            mix(land[2], colour, share * 0.7),
            mix(land[3], colour, share * 0.65),
        ),
        dark=mix(palette.dark, colour, share * 0.4),
        night=night,
    )


def turn(colour: Colour, by: float) -> Colour:
    """Return a colour with its hue turned by a part of the circle."""
    hue, light, saturation = colorsys.rgb_to_hls(*(part / 255 for part in colour))
    red, green, blue = (round(part * 255) for part in colorsys.hls_to_rgb((hue + by) % 1, light, saturation))
    return red, green, blue


def _turned(palette: Palette, by: float) -> Palette:
    top, middle, low = (turn(colour, by) for colour in palette.sky)
    farthest, far, near, nearest = (turn(colour, by) for colour in palette.land)
    return replace(
        palette,
        sky=(top, middle, low),
        land=(farthest, far, near, nearest),
        accent=turn(palette.accent, by),
        second=turn(palette.second, by),
    )
