"""Validation of what callers send. Every refusal names the field."""

from __future__ import annotations

import base64
import binascii
import json
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from urllib.parse import urlsplit

from generia_worker.errors import InvalidInputError
from generia_worker.rpc.media_types import check_id
from generia_worker.rpc.users import from_wire
from generia_worker.rpc.wire import OFFSET_MAX, PAGE_DEFAULT, PAGE_MAX
from generia_worker.text import check_plain

JSON_MAX_BYTES = 512 * 1024
TAGS_MAX, TAG_LENGTH_MAX = 30, 100
_CLOCKS_DIFFER = timedelta(minutes=5)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def refuse(field: str, problem: str) -> NoReturn:
    """Raise InvalidInputError that names the field."""
    raise InvalidInputError(f"{field} {problem}", field=field)


def optional_id(value: str, field: str) -> str:
    """Return an id, or an empty string for none. Raises InvalidInputError."""
    return check_id(value, field) if value else ""


def user_id(value: str, field: str, *, optional: bool = False) -> str:
    """Return the id under which a person is stored; an empty string for nobody, where that is allowed.

    Raises InvalidInputError.
    """
    return from_wire(optional_id(value, field) if optional else check_id(value, field))


def text(value: str, field: str, *, least: int = 0, most: int, one_line: bool = False) -> str:
    """Return the text as it is when its length is within bounds and nothing in it is a control character.

    Raises InvalidInputError.
    """
    try:
        check_plain(value, one_line=one_line)
    except ValueError as error:
        refuse(field, str(error))
    if len(value.strip()) < least:
        refuse(field, f"must have at least {least} characters" if least > 1 else "must not be empty")
    if len(value) > most:
        refuse(field, f"has {len(value)} characters: at most {most} are allowed")
    return value


def number(value: int, field: str, least: int, most: int) -> int:
    """Return a number that is within bounds. Raises InvalidInputError."""
    if not least <= value <= most:
        refuse(field, f"must be from {least} to {most}, not {value}")
    return value


def past(value: str, field: str, now: datetime) -> datetime:
    """Return a moment in the past; one shortly after `now` is taken for now: clocks differ. Raises InvalidInputError."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        refuse(field, "must be a time in ISO 8601")
    if moment.tzinfo is None:
        refuse(field, "must have an offset from UTC")
    if moment > now + _CLOCKS_DIFFER:
        refuse(field, "must not be in the future")
    if moment < _LONG_AGO:
        refuse(field, f"must not be before {_LONG_AGO:%Y}")
    return min(moment.astimezone(UTC), now)


def page(limit: int, offset: int = 0) -> tuple[int, int]:
    """Return the limit (absent, that is 0: the default) and offset of a page. Raises InvalidInputError."""
    bounded = number(limit, "limit", 1, PAGE_MAX) if limit else PAGE_DEFAULT
    return bounded, number(offset, "offset", 0, OFFSET_MAX)


def tags(values: Iterable[str]) -> list[str]:
    """Return the tags as they are. Raises InvalidInputError."""
    found = [text(value, "tags", least=1, most=TAG_LENGTH_MAX) for value in values]
    number(len(found), "tags", 0, TAGS_MAX)
    return found


def _no_constant(name: str) -> NoReturn:
    message = f"{name} is no JSON"
    raise ValueError(message)


def json_object(value: str, field: str) -> str:
    """Return JSON text as it is when it holds an object of bounded size. Raises InvalidInputError."""
    if len(value.encode()) > JSON_MAX_BYTES:
        refuse(field, f"must have at most {JSON_MAX_BYTES} bytes")
    try:
        document: Any = json.loads(value, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        refuse(field, "must be valid JSON")
    if not isinstance(document, dict):
        refuse(field, "must be a JSON object")
    return value


def web_address(value: str, field: str) -> str:
    """Return an http or https URL, or an empty string for none. Raises InvalidInputError."""
    if not value:
        return ""
    try:
        parts = urlsplit(text(value, field, most=2048))
    except ValueError:
        refuse(field, "must be a valid URL")
    if parts.scheme not in ("http", "https") or not parts.netloc or any(c.isspace() for c in value):
        refuse(field, "must be an http:// or https:// URL")
    return value


def filename(value: str) -> tuple[str, str]:
    """Return a file's name and its extension in small letters, with the dot. Raises InvalidInputError."""
    text(value, "filename", least=1, most=255)
    if "/" in value or "\\" in value or ".." in value or any(unicodedata.category(c) == "Cc" for c in value):
        refuse("filename", "must be a plain file name without folders and control characters")
    _, dot, ending = value.rpartition(".")
    if not dot:
        refuse("filename", "must end in .png, .jpg, .jpeg or .webp")
    return value, f".{ending.lower()}"


def to_cursor(created_at: datetime, item_id: str) -> str:
    """Return where a page ends, as text that callers hand back."""
    plain = json.dumps([int(created_at.timestamp() * 1000), item_id])
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def from_cursor(cursor: str) -> tuple[datetime, str]:
    """Read a cursor back. Raises InvalidInputError."""
    try:
        plain = base64.urlsafe_b64decode(text(cursor, "cursor", most=200) + "=" * (-len(cursor) % 4))
        milliseconds, item_id = json.loads(plain)
        if type(milliseconds) is not int or not isinstance(item_id, str):
            raise TypeError
        return datetime.fromtimestamp(milliseconds / 1000, UTC), check_id(item_id, "cursor")
    except (binascii.Error, ValueError, TypeError, OverflowError, OSError, RecursionError):
        refuse("cursor", "is not one that this service gave")


def iso(moment: datetime) -> str:
    """Return a time as ISO 8601 in UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
