"""Parts of paths that several routes have."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from generia_worker.client.order import USER_ID_PATTERN, WORLD_ID_PATTERN
from generia_worker.http import paths as paths  # knows `{…:id}`

WorldId = Annotated[
    str,
    Path(
        pattern=WORLD_ID_PATTERN,
        description="The id of the world.",
        examples=["ee2c2007-2979-4c80-b314-d54692dd627c"],
    ),
]
UserId = Annotated[
    str,
    Path(
        pattern=USER_ID_PATTERN,
        description="The id of a person.",
        examples=["0b6f0f5b2a8d4c0f9c1d2e3f4a5b6c7d"],
    ),
]
