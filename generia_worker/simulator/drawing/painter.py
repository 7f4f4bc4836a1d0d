"""Decides what kind of picture a prompt wants, has it drawn, and encodes it."""

from __future__ import annotations

import io
import random

from PIL import Image

from generia_worker.simulator.drawing import emblem, landscape, palettes, portrait, scene
from generia_worker.simulator.drawing.canvas import Canvas
from generia_worker.simulator.drawing.words import first_said, says

_KINDS = (
    ("emblem|icon|logo|badge|crest|coat of arms|symbol", "emblem"),
    ("portrait|avatar|head and shoulders|headshot|close-up of a face", "portrait"),
    ("wide landscape|landscape|panorama|cover|header|banner|vista", "landscape"),
    ("scene", "scene"),
)
_FORMATS = {"PNG": "PNG", "JPG": "JPEG", "WEBP": "WEBP"}
_OPTIONS: dict[str, dict[str, int]] = {
    "PNG": {"compress_level": 3},
    "JPG": {"quality": 88},
    "WEBP": {"quality": 82, "method": 1},
}
_WIDE = 1.6
_PAINTERS = {
    "emblem": emblem.draw,
    "portrait": portrait.draw,
    "landscape": landscape.draw,
    "scene": scene.draw,
}


def kind_of(prompt: str, width: int, height: int) -> str:
    """Return the kind of picture: by the first telling word of the prompt, otherwise by the aspect ratio."""
    return first_said(prompt, _KINDS) or ("landscape" if width / height >= _WIDE else "scene")


def paint(prompt: str, key: str, width: int, height: int) -> Image.Image:
    """Return the picture of a prompt; the same prompt, key and size give the same picture."""
    rng = random.Random(f"{prompt}\x1f{key}")
    palette = palettes.choose(prompt, rng)
    canvas = Canvas(width, height)
    _PAINTERS[kind_of(prompt, width, height)](canvas, prompt, palette, rng)
    image = canvas.finish()
    if says(prompt, "pixel art|8-bit"):
        small = image.resize((max(1, width // 8), max(1, height // 8)), Image.Resampling.BOX)
        image = small.resize((width, height), Image.Resampling.NEAREST)
    return image


def draw_picture(prompt: str, key: str, width: int, height: int, image_format: str) -> bytes:
    """Return the picture of a prompt as a file of this size and format (PNG, JPG, WEBP)."""
    out = io.BytesIO()
    paint(prompt, key, width, height).save(out, _FORMATS[image_format], **_OPTIONS[image_format])
    return out.getvalue()
