"""Pictures: what kinds there are, what a file really is, where it is stored. Pure: looks at bytes, opens nothing."""

from __future__ import annotations

import re
from enum import IntEnum, StrEnum

from generia_worker.errors import InvalidInputError


class MediaType(IntEnum):
    """What a stored picture is for; the numbers are those of the media service's contract."""

    UNKNOWN = 0
    WORLD_HEADER = 1
    WORLD_ICON = 2
    CHARACTER_AVATAR = 3
    POST_IMAGE = 4

    @property
    def belongs_to_world(self) -> bool:
        """True for the pictures of the world itself."""
        return self in (MediaType.WORLD_HEADER, MediaType.WORLD_ICON)


class ImageFormat(StrEnum):
    """The formats that are stored; the value is the content type."""

    PNG = "image/png"
    JPEG = "image/jpeg"
    WEBP = "image/webp"

    @property
    def extension(self) -> str:
        """The usual ending of a file name, with its dot."""
        return {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}[self.value]


def sniff_format(data: bytes) -> ImageFormat | None:
    """Tell the format of a picture from its first bytes, whatever was announced; None for any other format."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return ImageFormat.PNG
    if data.startswith(b"\xff\xd8\xff"):
        return ImageFormat.JPEG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return ImageFormat.WEBP
    return None


_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_SAFE_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,8}")


def check_id(value: str, field: str) -> str:
    """Return `value` when it can be an id (64 letters, digits, `-` and `_` at most). Raises InvalidInputError."""
    if not _SAFE_ID.fullmatch(value):
        message = f"{field} must be 1 to 64 letters, digits, '-' or '_'"
        raise InvalidInputError(message, field=field)
    return value


def object_key(media_type: MediaType, world_id: str, character_id: str, media_id: str, extension: str) -> str:
    """Return the key of a picture in the bucket, as the platform lays them out. Raises InvalidInputError."""
    check_id(world_id, "world_id")
    check_id(media_id, "media_id")
    if not _SAFE_EXTENSION.fullmatch(extension):
        message = "filename must end in a plain extension such as .png"
        raise InvalidInputError(message, field="filename")
    if media_type is MediaType.UNKNOWN:
        message = "media_type must be given"
        raise InvalidInputError(message, field="media_type")
    if media_type.belongs_to_world:
        return f"{world_id}/world_data/{media_id}{extension}"
    check_id(character_id, "character_id")
    folder = "avatars" if media_type is MediaType.CHARACTER_AVATAR else "posts"
    return f"{world_id}/{character_id}/{folder}/{media_id}{extension}"
