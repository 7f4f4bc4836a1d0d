"""One post: its text with the prompt of its picture, then the picture and the publication."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from generia_worker.errors import TransientError
from generia_worker.rpc.media_types import MediaType
from generia_worker.worlds.context import Outcome, Services, StepContext
from generia_worker.worlds.documents import PostDraft
from generia_worker.worlds.generate import generate
from generia_worker.worlds.media import ImageSpec, make_media
from generia_worker.worlds.prompt_context import character_context, others_of, pick, world_context
from generia_worker.worlds.results import CharacterId, DatedPlan, PostTimes, PublishedPost, WrittenText
from generia_worker.worlds.steps import CHARACTER, PLAN, POST

#: How many of the posts before this one the model is shown.
_EARLIER = 12
#: A page of the post service's list.
_PAGE = 100
_OTHERS_FIELDS = ("display_name", "username", "concept_short")


def write_post(ctx: StepContext, services: Services) -> Outcome:
    """Write a post; one call yields its text and the prompt of its picture."""
    plan = ctx.result_of(PLAN)
    others = others_of(ctx, ctx.character)
    variables = {
        "user_prompt": ctx.generation.prompt,
        "world": world_context(ctx),
        "character": character_context(ctx.result_of(CHARACTER).detail),
        "others": [{name: one[name] for name in _OTHERS_FIELDS if one.get(name)} for one in others],
        "post": _planned(ctx, plan),
        "earlier_posts": _earlier_posts(ctx, services, plan),
        "number": ctx.post,
        "total": len(plan.posts),
    }
    return Outcome(generate(ctx, services, PostDraft, "write_post", variables, patient=True))


def _planned(ctx: StepContext, plan: DatedPlan) -> dict[str, Any]:
    """Return what was planned of this post, and when it is written."""
    planned = plan.posts[ctx.post - 1].model_dump(mode="json", exclude={"days_ago", "hour"})
    moment = _written_at(ctx, plan)
    return planned | ({"written_at": f"{moment:%A, %Y-%m-%d %H:%M}"} if moment else {})


def _written_at(ctx: StepContext, plan: DatedPlan | PostTimes) -> datetime | None:
    """Return when this post was written; None in a plan of a version before."""
    return plan.written_at[ctx.post - 1] if plan.written_at else None


def _earlier_posts(ctx: StepContext, services: Services, plan: DatedPlan) -> list[dict[str, Any]]:
    """Return what precedes this post: its text where it is written already, else what it was planned to be."""
    own_round = ctx.round.number
    if ctx.post == 1 and own_round == 1:
        return []
    written = services.results.all_of(ctx.world_id, POST.kind, WrittenText, character=ctx.character)
    earlier = [{"content": text.content} for step, text in written.items() if step.round < own_round]
    for number in range(max(1, ctx.post - _EARLIER), ctx.post):
        text = written.get(POST.step(ctx.character, number, in_round=own_round))
        planned = pick(plan.posts[number - 1], ("topic", "content_brief"))
        earlier.append({"content": text.content} if text else planned)
    return earlier[-_EARLIER:]


def publish_post(ctx: StepContext, services: Services) -> Outcome:
    """Draw a post's picture and publish both, once."""
    draft = ctx.result_of(POST)
    character_id = ctx.part_of(CHARACTER, CharacterId, immutable=True).character_id
    size = services.settings.post_image_size
    spec = ImageSpec("post", MediaType.POST_IMAGE, draft.image_prompt, draft.image_style, size, size)
    if ctx.redo_of is not None:
        media_id = make_media(ctx, services, spec, character_id)
        services.posts.update(ctx.redo_of, caption=draft.content, media_id=media_id, tags=draft.tags())
        return Outcome(PublishedPost(post_id=ctx.redo_of, media_id=media_id))
    begun = ctx.checkpoint("creating") is not None
    media_id = make_media(ctx, services, spec, character_id, then={"creating": True})
    # An earlier attempt may have created it and not have lived to say so.
    post_id = _find(ctx, services, character_id, media_id, draft.content) if begun else None
    if post_id is None:
        created = services.posts.create_ai(
            character_id,
            draft.content,
            media_id,
            ctx.world_id,
            draft.tags(),
            written_at=_written_at(ctx, ctx.part_of(PLAN, PostTimes, immutable=True)),
            idempotency_key=ctx.idempotency_key("create"),
        )
        post_id = created.post_id
    return Outcome(PublishedPost(post_id=post_id, media_id=media_id))


def _find(ctx: StepContext, services: Services, character_id: str, media_id: str, caption: str) -> str | None:
    """Return the id of this character's post that shows this picture; its media id is part of the address.

    Raises TransientError when that cannot be told now.
    """
    offset, doubtful = 0, False
    while True:
        page = services.posts.character_posts(character_id, ctx.world_id, _PAGE, offset)
        for post in page.posts:
            if media_id in post.media_url:
                return post.post_id
            # A post service whose media service is away knows no addresses.
            doubtful |= not post.media_url and post.caption.split() == caption.split()
        offset += _PAGE
        if offset >= page.total:
            if doubtful:
                message = "The post service cannot say which pictures its posts show: the media service may be away."
                raise TransientError(message, outage=True)
            return None
        if not page.posts:
            message = "The post service's list of posts ended early."
            raise TransientError(message)
