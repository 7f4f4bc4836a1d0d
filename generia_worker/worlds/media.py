"""A picture from prompt to confirmed media: draw it, announce it, upload it, have it confirmed. Each once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

from generia_worker.errors import DamagedPictureError, NotFoundError, PermanentError, TransientError
from generia_worker.providers.images import Picture
from generia_worker.rpc.media_types import ImageFormat, MediaType
from generia_worker.text import clip
from generia_worker.worlds.context import Services, StepContext

#: The image API takes no longer prompts.
_PROMPT_MAX = 2000
#: The first damage may have happened on the way.
_DAMAGED_DOWNLOADS = 2


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """What to draw, how large (in pixels), and what for; `kind` is cover, icon, avatar or post."""

    kind: str
    media_type: MediaType
    prompt: str
    style: str
    width: int
    height: int


def make_media(
    ctx: StepContext,
    services: Services,
    spec: ImageSpec,
    character_id: str = "",
    *,
    then: Mapping[str, Any] | None = None,
) -> str:
    """Return the media id of a confirmed picture; goes on where an earlier attempt at the step stopped.

    `then` are checkpoints of what the step does next, stored together with the confirmation.

    Raises:
        TransientError, PermanentError: of the image API, the media service or the upload.
        BudgetExceeded: the world's limits do not allow the call.
    """
    done = ctx.checkpoint(f"{spec.kind}_confirmed")
    if done is not None:
        if missing := {name: value for name, value in (then or {}).items() if ctx.checkpoint(name) is None}:
            ctx.store(**missing)
        return str(done)
    world = services.parameters.get(ctx.world_id)
    world_style = world.image_prompts.style_reference if world and world.image_prompts else ""
    prompt = services.prompts.picture(spec.kind, spec.prompt, world_style or spec.style)
    picture = _picture(ctx, services, spec, clip(prompt, _PROMPT_MAX))
    media_id = _upload(ctx, services, spec, picture, character_id)
    try:
        services.media.confirm(media_id)
    except NotFoundError:
        raise
    except PermanentError as error:
        # The store answered the upload, and the service does not find it as announced: it is uploaded again.
        raise TransientError(error.message) from None
    ctx.store(**{f"{spec.kind}_confirmed": media_id}, **(then or {}))
    return media_id


def make_side_by_side(ctx: StepContext, services: Services, specs: Sequence[ImageSpec]) -> list[str]:
    """Return the media ids of several pictures, each as `make_media` makes it, at one time.

    All of them are waited for, also when one fails: what was paid is recorded. Raises what `make_media` raises, of the
    first that failed.
    """
    with ThreadPoolExecutor(len(specs), "pictures") as pool:
        made = [pool.submit(copy_context().run, make_media, ctx, services, spec) for spec in specs]
    return [one.result() for one in made]


def _picture(ctx: StepContext, services: Services, spec: ImageSpec, prompt: str) -> Picture:
    """Have the picture drawn once; one that arrives damaged a second time is drawn again."""
    name = f"{spec.kind}_damaged"
    damaged = ctx.checkpoint(name) or 0
    purpose = f"{spec.kind}.image{damaged // _DAMAGED_DOWNLOADS}"
    try:
        return services.calls.picture(
            ctx.image_call(purpose, planned=not damaged), prompt, spec.width, spec.height
        )
    except DamagedPictureError:
        ctx.store(**{name: damaged + 1})
        raise


def _upload(
    ctx: StepContext, services: Services, spec: ImageSpec, picture: Picture, character_id: str
) -> str:
    """Put the picture where the media service says; return its media id, which the next attempt is told again."""
    size = len(picture.data)
    ticket = services.media.presign_upload(
        ctx.world_id,
        character_id or ctx.world_id,
        f"{spec.kind}{ImageFormat(picture.content_type).extension}",
        picture.content_type,
        size,
        spec.media_type,
        idempotency_key=ctx.idempotency_key(f"{spec.kind}.{size}"),
    )
    _put(services, ticket.upload_url, picture)
    return ticket.media_id


def _put(services: Services, url: str, picture: Picture) -> None:
    """Upload once. Raises TransientError: an `outage` when the store is away, which is no matter of this picture."""
    try:
        reply = services.http.exchange(
            "PUT",
            url,
            headers={"Content-Type": picture.content_type},
            data=picture.data,
            deadline_s=services.settings.rpc_timeout_s * 2,
            max_bytes=100_000,
        )
    except TransientError as error:
        raise TransientError(error.message, outage=True) from None
    if reply.status >= 300:
        message = f"The media store refused the upload with HTTP {reply.status}."
        raise TransientError(message, outage=reply.status >= 500 or reply.status == 429)
