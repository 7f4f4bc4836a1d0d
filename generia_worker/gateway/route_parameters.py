"""Parameters of routes: ids in paths, and pages."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from generia_worker.client.order import WORLD_ID_PATTERN
from generia_worker.http import paths as paths  # knows `{…:id}`
from generia_worker.rpc.wire import OFFSET_MAX, PAGE_DEFAULT, PAGE_MAX

WorldId = Annotated[str, Path(pattern=WORLD_ID_PATTERN, description="The id of the world.")]
CharacterId = Annotated[str, Path(pattern=WORLD_ID_PATTERN, description="The id of the character.")]
PostId = Annotated[str, Path(pattern=WORLD_ID_PATTERN, description="The id of the post.")]
MediaId = Annotated[str, Path(pattern=WORLD_ID_PATTERN, description="The id of the picture.")]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="How many at most.")]
Offset = Annotated[int, Query(ge=0, le=OFFSET_MAX, description="How many to pass over.")]
DEFAULT_LIMIT = PAGE_DEFAULT
