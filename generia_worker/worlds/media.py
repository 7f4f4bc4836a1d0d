"""A picture from prompt to confirmed media: draw it, announce it, upload it, have it confirmed. Each once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generia_worker.errors import DamagedPictureError, PermanentError, TransientError
from generia_worker.providers.images import Picture
from generia_worker.rpc.media_types import ImageFormat, MediaType
from generia_worker.text import clip
from generia_worker.worlds.context import StepRun
from generia_worker.worlds.services import Tools

#: The image API takes no longer prompts.
_PROMPT_MAX = 2000
#: An upload address that expires sooner is asked for anew.
_MARGIN_S = 30
#: The first damage may have happened on the way.
_DAMAGED_DOWNLOADS = 2


@dataclass(frozen=True, slots=True)
class Motif:
    """What to draw, how large, and what for."""

    kind: str
    media_type: MediaType
    prompt: str
    style: str
    width: int
    height: int


def make_media(
    run: StepRun, tools: Tools, motif: Motif, character_id: str = "", *, then: Mapping[str, Any] | None = None
) -> str:
    """Return the media id of a confirmed picture; goes on where an earlier run of the step stopped.

    `then` are checkpoints of what the step does next, stored together with the confirmation.

    Raises:
        TransientError, PermanentError: of the image API, the media service or the upload.
        BudgetExceeded: the world's limits do not allow the call.
    """
    done = run.checkpoint(f"{motif.kind}_confirmed")
    if done is not None:
        if missing := {name: value for name, value in (then or {}).items() if run.checkpoint(name) is None}:
            run.store(**missing)
        return str(done)
    world_style = tools.parameters.get(run.world_id).get("image_prompts", {}).get("style_reference", "")
    prompt = tools.prompts.picture(motif.kind, motif.prompt, world_style or motif.style)
    picture = _picture(run, tools, motif, clip(prompt, _PROMPT_MAX))
    media_id = _upload(run, tools, motif, picture, character_id)
    try:
        tools.media.confirm(media_id)
    except PermanentError as error:
        # The store answered the upload, and the service does not find it as announced: it is uploaded again.
        raise TransientError(error.message) from None
    run.store(**{f"{motif.kind}_confirmed": media_id}, **(then or {}))
    return media_id


def _picture(run: StepRun, tools: Tools, motif: Motif, prompt: str) -> Picture:
    """Have the picture drawn once; one that arrives damaged a second time is drawn anew."""
    name = f"{motif.kind}_damaged"
    damaged = run.checkpoint(name) or 0
    purpose = f"{motif.kind}.image{damaged // _DAMAGED_DOWNLOADS}"
    try:
        return tools.paid.picture(run, purpose, prompt, motif.width, motif.height)
    except DamagedPictureError:
        run.store(**{name: damaged + 1})
        raise


def _upload(run: StepRun, tools: Tools, motif: Motif, picture: Picture, character_id: str) -> str:
    """Put the picture where the media service says; the media id is checkpointed before the first byte is sent."""
    name = f"{motif.kind}_upload"
    ticket = run.checkpoint(name)
    if (
        ticket is None
        or ticket["size"] != len(picture.data)
        or ticket["expires_at"] < time.time() + _MARGIN_S
    ):
        issued = tools.media.presign_upload(
            run.world_id,
            character_id or run.world_id,
            f"{motif.kind}{ImageFormat(picture.content_type).extension}",
            picture.content_type,
            len(picture.data),
            motif.media_type,
            idempotency_key=run.once_key(f"{motif.kind}.{len(picture.data)}"),
        )
        ticket = {
            "media_id": issued.media_id,
            "url": issued.upload_url,
            "expires_at": issued.expires_at,
            "size": len(picture.data),
        }
        run.store(**{name: ticket})
    _put(tools, ticket["url"], picture)
    return str(ticket["media_id"])


def _put(tools: Tools, url: str, picture: Picture) -> None:
    """Upload once. Raises TransientError: an `outage` when the store is away, which is no matter of this picture."""
    try:
        reply = tools.http.exchange(
            "PUT",
            url,
            headers={"Content-Type": picture.content_type},
            data=picture.data,
            deadline_s=tools.settings.rpc_timeout_s * 2,
            max_bytes=100_000,
        )
    except TransientError as error:
        raise TransientError(error.message, outage=True) from None
    if reply.status >= 300:
        message = f"The media store refused the upload with HTTP {reply.status}."
        raise TransientError(message, outage=reply.status >= 500 or reply.status == 429)
