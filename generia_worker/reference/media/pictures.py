"""Uploaded pictures: what they really are, and smaller variants. What is said of a file is not believed."""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass

from PIL import Image, ImageOps

from generia_worker.errors import InvalidInputError
from generia_worker.rpc.media_types import ImageFormat, sniff_format

#: Longest side of each variant, in pixels.
VARIANTS = {"thumbnail": 256, "medium": 768}
#: A small file can unpack to gigabytes: nothing with more pixels is decoded.
MAX_PIXELS = 40_000_000
#: Decoding takes memory (4 bytes a pixel): pictures that are decoded at a time.
_DECODERS = threading.BoundedSemaphore(2)
_NAMES = {ImageFormat.PNG: "PNG", ImageFormat.JPEG: "JPEG", ImageFormat.WEBP: "WEBP"}


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture and its size in pixels."""

    data: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Inspected:
    """What a file turned out to be, and the variants that were asked for.

    A variant is None where the picture itself is no larger than it.
    """

    format: ImageFormat
    width: int
    height: int
    variants: dict[str, Picture | None]


def inspect(data: bytes, names: list[str]) -> Inspected:
    """Decode a whole picture and make those of the variants with these names that are smaller than it.

    Raises:
        InvalidInputError: the bytes are no PNG, JPEG or WEBP, are damaged, or unpack to too many pixels.
    """
    kind = sniff_format(data)
    if kind is None:
        message = "the uploaded file is no PNG, JPEG or WEBP picture"
        raise InvalidInputError(message, field="media_id")
    with _DECODERS:
        try:
            picture = _decode(data, kind)
        except InvalidInputError:
            raise
        except Exception as error:  # Pillow raises many kinds for damaged files
            message = "the uploaded picture is damaged and cannot be decoded"
            raise InvalidInputError(message, field="media_id") from error
        variants = {name: _variant(picture, kind, VARIANTS[name]) for name in names}
    return Inspected(kind, picture.width, picture.height, variants)


def _decode(data: bytes, kind: ImageFormat) -> Image.Image:
    with Image.open(io.BytesIO(data), formats=[_NAMES[kind]]) as image:
        if image.width * image.height > MAX_PIXELS:
            message = f"the picture has {image.width} x {image.height} pixels: at most {MAX_PIXELS} in all"
            raise InvalidInputError(message, field="media_id")
        if kind is not ImageFormat.PNG:
            return _loaded(image)
        # Decoding passes over a PNG's checksums, which browsers do not; what was verified cannot be decoded any more.
        image.verify()
    with Image.open(io.BytesIO(data), formats=[_NAMES[kind]]) as image:
        return _loaded(image)


def _loaded(image: Image.Image) -> Image.Image:
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    return image


def _variant(picture: Image.Image, kind: ImageFormat, longest: int) -> Picture | None:
    if max(picture.size) <= longest:
        return None
    small = picture.convert("RGB" if kind is ImageFormat.JPEG else _mode(picture))
    # Half the CPU of LANCZOS; at these reductions few eyes see a difference.
    small.thumbnail((longest, longest), Image.Resampling.HAMMING)
    target = io.BytesIO()
    small.save(target, format=_NAMES[kind], quality=85, icc_profile=picture.info.get("icc_profile"))
    return Picture(target.getvalue(), small.width, small.height)


def _mode(picture: Image.Image) -> str:
    """Return the mode to scale in: palettes do not scale, transparency is kept."""
    return "RGBA" if picture.has_transparency_data else "RGB"
