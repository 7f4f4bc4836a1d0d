"""Parts of paths that several routes have."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from generia_worker.client.order import WORLD_ID_PATTERN
from generia_worker.http import paths as paths  # knows `{…:id}`

WorldId = Annotated[
    str,
    Path(
        pattern=WORLD_ID_PATTERN,
        description="The id of the world.",
        examples=["ee2c2007-2979-4c80-b314-d54692dd627c"],
    ),
]
