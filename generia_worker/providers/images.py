"""Pictures: one attempt at one Runware task, fetched by its UUID when it was made before."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import logging
import re
import uuid
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

from generia_worker.errors import DamagedPictureError, TransientError
from generia_worker.observability import metrics
from generia_worker.providers.http import HttpPool, HttpReply
from generia_worker.providers.llm import REQUEST_HEADER
from generia_worker.providers.refusals import code_of, read_json, refusal, said
from generia_worker.providers.usage import dollars

log = logging.getLogger(__name__)

#: What the API takes of a prompt, in characters.
_PROMPT_MIN, _PROMPT_MAX = 2, 3000
#: Codes of failures of the provider itself, which come with HTTP 400 as wrong requests do.
_PASSING = re.compile(
    r"(?i)^(?!invalid|unsupported|missing).*(failed|failure|timeout|overload|unavailable|internal)"
)
#: What is taken as a picture.
_FORMATS = ("PNG", "JPEG", "WEBP")
#: Pillow's name of a format → its content type. MPO is what Pillow calls a JPEG with further pictures in it.
_CONTENT_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "MPO": "image/jpeg", "WEBP": "image/webp"}
#: Pictures of other sizes are cut when no side is shorter (in pixels), and they hold no more pixels.
_SIDE_MIN, _PIXELS_MAX = 64, 4096 * 4096
_QUALITY = 92


def task_uuid(*parts: str) -> str:
    """Return a UUID (in v4 form, as the API asks) that is always the same for the same parts."""
    digest = bytearray(hashlib.sha256("\x1f".join(parts).encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x40
    digest[8] = digest[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(digest)))


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """What to draw: sides in pixels, multiples of 64."""

    task_uuid: str
    prompt: str
    width: int
    height: int
    request_id: str


@dataclass(frozen=True, slots=True)
class ImageReceipt:
    """What was drawn: an address that expires, or the bytes. `cost_usd` is None where the answer carries none."""

    task_uuid: str
    image_uuid: str
    url: str | None
    data: bytes | None
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was decoded once: its bytes, what these are whatever was announced, its size in pixels."""

    data: bytes
    content_type: str
    width: int
    height: int


class ImageClient:
    """Makes one attempt at an image task; who calls decides about another."""

    def __init__(
        self,
        pool: HttpPool,
        *,
        base_url: str,
        api_key: str,
        model: str,
        output_format: str,
        timeout_s: float,
        max_bytes: int,
    ) -> None:
        self.model = model
        self._pool = pool
        self._base_url = base_url
        self._api_key = api_key
        self._output_format = output_format
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes

    @metrics.timed("images")
    def draw(self, request: ImageRequest) -> ImageReceipt:
        """Draw a picture; one that was drawn under the same taskUUID before is fetched and not paid again.

        Raises:
            TransientError: another attempt may succeed; `outcome_unknown` when this one may have been billed.
            PermanentError: the request is refused; `fatal_to_world` for a wrong key or no credit.
        """
        prompt = request.prompt.ljust(_PROMPT_MIN, ".")[:_PROMPT_MAX]
        task = {
            "taskType": "imageInference",
            "taskUUID": request.task_uuid,
            "model": self.model,
            "positivePrompt": prompt,
            "width": request.width,
            "height": request.height,
            "numberResults": 1,
            "outputType": "URL",
            "outputFormat": self._output_format,
            "includeCost": True,
            "deliveryMethod": "sync",
        }
        reply, value = self._post(task, request.request_id)
        errors = _mine(value, "errors", request.task_uuid)
        if any(error.get("code") == "conflictTaskUUID" for error in errors):
            try:
                return self.fetch(request.task_uuid)
            except TransientError as error:
                error.outcome_unknown = True  # it was drawn, and billed
                raise
        return self._receipt(reply, value, request.task_uuid)

    def fetch(self, uid: str) -> ImageReceipt:
        """Return a picture that was drawn before, with a fresh address. Raises as `draw` does."""
        reply, value = self._post({"taskType": "getResponse", "taskUUID": uid}, uid)
        return self._receipt(reply, value, uid)

    def download(self, receipt: ImageReceipt, width: int, height: int) -> Picture:
        """Return the picture itself, decoded once to be sure that it is one; one of another size is scaled and cropped.

        Raises:
            DamagedPictureError: it is damaged, or far too small or too large.
            TransientError: it cannot be had now.
        """
        data = receipt.data
        if data is None:
            reply = self._pool.exchange(
                "GET",
                receipt.url or "",
                deadline_s=self._timeout_s,
                max_bytes=self._max_bytes,
                named_by=self._base_url,
            )
            if reply.status != 200:
                message = f"The picture cannot be downloaded: HTTP {reply.status}."
                raise TransientError(message)
            data = reply.body
        return _decode(data, width, height)

    def _post(self, task: dict[str, Any], request_id: str) -> tuple[HttpReply, Any]:
        headers = {
            "Authorization": f"Bearer {self._api_key}",
            REQUEST_HEADER: request_id.encode("ascii", "replace").decode(),
        }
        limit = self._max_bytes * 2
        reply = self._pool.exchange(
            "POST", self._base_url, headers=headers, json=[task], deadline_s=self._timeout_s, max_bytes=limit
        )
        return reply, read_json(reply.body)

    def _receipt(self, reply: HttpReply, value: Any, uid: str) -> ImageReceipt:
        for item in _mine(value, "data", uid):
            url, data = item.get("imageURL"), _bytes_of(item)
            if data is not None or (isinstance(url, str) and url.startswith(("http://", "https://"))):
                return ImageReceipt(
                    task_uuid=uid,
                    image_uuid=str(item.get("imageUUID", ""))[:100],
                    url=url if data is None else None,
                    data=data,
                    cost_usd=dollars(item.get("cost")),
                )
        errors = _mine(value, "errors", uid) or (value.get("errors") if isinstance(value, dict) else None)
        detail = said({"errors": errors}) if errors else said(value)
        passing = any(_PASSING.search(str(error.get("code"))) for error in _mine(value, "errors", uid))
        if reply.status != 200 and not (reply.status == 400 and passing):
            keys = "RUNWARE_API_KEY or GENERIA_IMAGE_API_KEY"
            raise refusal("image", reply.status, detail, reply, keys, code=code_of(value))
        if any(item.get("status") == "processing" for item in _mine(value, "data", uid)):
            # Begun by an owner that is gone. It takes as long as it takes: looking again is no attempt.
            message = "The picture is still being drawn."
            raise TransientError(message, outcome_unknown=True, outage=True)
        message = f"The image provider sent no picture{f': {detail}' if detail else '.'}"
        # A 200 without our picture: it may have been drawn and can be fetched by its taskUUID.
        raise TransientError(message, outcome_unknown=not errors)


def _mine(value: Any, key: str, uid: str) -> list[dict[str, Any]]:
    """Return the parts of an answer that belong to one task; either key may be missing, the order is any."""
    items = value.get(key) if isinstance(value, dict) else None
    if not isinstance(items, list):
        return []
    return [item for item in items if isinstance(item, dict) and item.get("taskUUID") == uid]


def _bytes_of(item: dict[str, Any]) -> bytes | None:
    text = item.get("imageBase64Data") or item.get("imageDataURI")
    if not isinstance(text, str):
        return None
    try:
        return base64.b64decode(text.rpartition(",")[2], validate=True)
    except (binascii.Error, ValueError):
        return None


def _decode(data: bytes, width: int, height: int) -> Picture:
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            size, content_type = image.size, _CONTENT_TYPES[image.format or ""]
            if size == (width, height):
                # Of a JPEG an eighth is enough: all of its data is read for that, and damage shows there.
                image.draft("L", (width // 8, height // 8))
                image.load()
            elif min(size) >= _SIDE_MIN and size[0] * size[1] <= _PIXELS_MAX:
                # Some models draw in one size only. It was paid for, and what is asked for again comes the same.
                log.info("A picture of %dx%d came in place of one of %dx%d: it is cut.", *size, width, height)
                data = _cut(image, width, height)
                size = width, height
    except UnidentifiedImageError:
        message = "The image provider sent something that is no picture."
        raise DamagedPictureError(message) from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        message = "The image provider sent a damaged picture."
        raise DamagedPictureError(message) from None
    if size != (width, height):
        message = f"The image provider sent a picture of {size[0]}x{size[1]} in place of {width}x{height}."
        raise DamagedPictureError(message)
    return Picture(data, content_type, width, height)


def _cut(image: Image.Image, width: int, height: int) -> bytes:
    """Return a picture scaled to cover this size, its middle, in its own format."""
    name = "JPEG" if image.format == "MPO" else image.format
    fitted = ImageOps.fit(image.convert("RGB" if name == "JPEG" else "RGBA"), (width, height))
    out = io.BytesIO()
    fitted.save(out, name, quality=_QUALITY)
    return out.getvalue()
