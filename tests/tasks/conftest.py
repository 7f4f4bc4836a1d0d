"""What the tests of tasks share: canvases that are noted in place of being sent."""

from __future__ import annotations

from typing import Any

import pytest
from celery import chord
from celery.canvas import Signature, _chain, group


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[Signature]:
    """Every canvas that is published; no broker gets any."""
    sent: list[Signature] = []

    def note(self: Signature, *_: Any, **__: Any) -> None:
        sent.append(self)

    for kind in (Signature, _chain, chord, group):
        monkeypatch.setattr(kind, "apply_async", note)
    return sent
