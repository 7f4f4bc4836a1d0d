"""Keeps what pictures were ordered, not their bytes: a picture is drawn again, the same, whenever it is asked for."""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

from generia_worker.simulator.dice import digest
from generia_worker.simulator.drawing import draw_picture
from generia_worker.simulator.state import Recent, Simulator

_REMEMBERED_ORDERS = 20_000
_CACHED_BYTES = 32_000_000
_CONTENT_TYPES = {"PNG": "image/png", "JPG": "image/jpeg", "WEBP": "image/webp"}
_PRERENDERED_PROMPT = "wide landscape with hills at dawn"


@dataclass(frozen=True, slots=True)
class PictureOrder:
    """Everything that decides a picture's bytes."""

    prompt: str
    key: str
    width: int
    height: int
    format: str
    corrupt: bool = False
    mislabelled: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture's bytes, and what they are said to be."""

    data: bytes
    content_type: str


class _ByteCache:
    """The latest pictures, up to a number of bytes."""

    def __init__(self) -> None:
        self._items: OrderedDict[PictureOrder, bytes] = OrderedDict()
        self._size = 0

    def get(self, order: PictureOrder) -> bytes | None:
        data = self._items.get(order)
        if data is not None:
            self._items.move_to_end(order)
        return data

    def put(self, order: PictureOrder, data: bytes) -> None:
        if order in self._items:
            return
        self._items[order] = data
        self._size += len(data)
        while self._size > _CACHED_BYTES:
            _, old = self._items.popitem(last=False)
            self._size -= len(old)


class Gallery:
    """The pictures of one simulator. Drawing happens on a few threads, so that the event loop stays free."""

    #: Shared by all galleries of the process: a simulator has as many painters as the machine has cores, up to four.
    _painters = ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1), thread_name_prefix="painter")

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._orders: Recent[tuple[float, PictureOrder, str]] = Recent(_REMEMBERED_ORDERS)
        self._cache = _ByteCache()

    def add(self, order: PictureOrder, request: str) -> str:
        """Note what a request ordered and return the UUID of the picture."""
        image_uuid = str(UUID(digest("image", order.key)))
        self._orders.put(image_uuid, (monotonic(), order, request))
        return image_uuid

    def renew(self, image_uuid: str) -> None:
        """Let the picture's address be as of now: an answer holds a fresh one each time."""
        found = self._orders.get(image_uuid)
        if found is not None:
            self._orders.put(image_uuid, (monotonic(), *found[1:]))

    async def picture(self, image_uuid: str) -> Picture | None:
        """Return a picture, or None when nobody ordered it or its address has expired."""
        found = self._orders.get(image_uuid)
        if found is None:
            return None
        added, order, request = found
        self._simulator.serve(request)
        behaviour = self._simulator.behaviour
        if behaviour.url_expires_s is not None and monotonic() - added > behaviour.url_expires_s:
            return None
        wanted = order
        if behaviour.prerendered:
            wanted = PictureOrder(_PRERENDERED_PROMPT, "prerendered", order.width, order.height, order.format)
        data = self._cache.get(wanted)
        if data is None:
            loop = asyncio.get_running_loop()
            data = await loop.run_in_executor(
                self._painters,
                draw_picture,
                wanted.prompt,
                wanted.key,
                wanted.width,
                wanted.height,
                wanted.format,
            )
            self._cache.put(wanted, data)
        if order.corrupt:
            data = _damaged(data)
        return Picture(data, "text/html" if order.mislabelled else _CONTENT_TYPES[order.format])


def _damaged(data: bytes) -> bytes:
    """Return a picture that still begins like one."""
    return data[: max(64, len(data) // 3)] + b"\x00<html>upstream error</html>"
