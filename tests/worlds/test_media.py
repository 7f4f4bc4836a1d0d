"""Pictures that are made side by side."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from generia_worker.errors import TransientError
from generia_worker.rpc.media_types import MediaType
from generia_worker.worlds import media
from generia_worker.worlds.media import ImageSpec, make_side_by_side

COVER, ICON = (ImageSpec(kind, MediaType.WORLD_HEADER, "a cat", "", 512, 256) for kind in ("cover", "icon"))
NOBODY: Any = None


def test_pictures_are_made_at_one_time_and_come_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(2, timeout=10)

    def make(_ctx: Any, _services: Any, spec: ImageSpec) -> str:
        together.wait()
        return f"id of {spec.kind}"

    monkeypatch.setattr(media, "make_media", make)
    assert make_side_by_side(NOBODY, NOBODY, (COVER, ICON)) == ["id of cover", "id of icon"]


def test_when_one_fails_the_other_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    failed, made = threading.Event(), []

    def make(_ctx: Any, _services: Any, spec: ImageSpec) -> str:
        if spec is COVER:
            failed.set()
            raise TransientError("502")
        assert failed.wait(10)
        made.append(spec.kind)
        return "m1"

    monkeypatch.setattr(media, "make_media", make)
    with pytest.raises(TransientError, match="502"):
        make_side_by_side(NOBODY, NOBODY, (COVER, ICON))
    assert made == ["icon"]
