"""One post: its text with the prompt of its picture, then the picture and the publication."""

from __future__ import annotations

from typing import Any

from generia_worker.engine.step import Step, StepKind
from generia_worker.errors import PermanentError, TransientError
from generia_worker.rpc.media_types import MediaType
from generia_worker.worlds.characters import the_character
from generia_worker.worlds.context import StepRun
from generia_worker.worlds.generate import ask
from generia_worker.worlds.media import Motif, make_media
from generia_worker.worlds.post_documents import PostDraft
from generia_worker.worlds.prompt_context import (
    character_brief,
    others_of,
    pick,
    world_brief,
)
from generia_worker.worlds.services import Outcome, Tools

#: How many of the posts before this one the model is shown.
_EARLIER = 12
_LOOK_BACK = 100


def write_post(run: StepRun, tools: Tools) -> Outcome:
    """Write a post; one call yields its text and the prompt of its picture."""
    plan_step, character_step = Step(StepKind.PLAN, run.number), Step(StepKind.CHARACTER, run.number)
    made = run.ledger.made(run.world_id, plan_step, character_step)
    if plan_step not in made:
        message = f"The posts of character {run.number} are not planned."
        raise PermanentError(message)
    plan = made[plan_step]
    variables = {
        "user_prompt": run.generation.prompt,
        "world": world_brief(run, tools),
        "character": character_brief(the_character(run, made)["detail"]),
        "others": [
            pick(one, ("display_name", "username", "concept_short")) for one in others_of(run, run.number)
        ],
        "post": plan["posts"][run.post - 1],
        "earlier_posts": _earlier_posts(run, plan),
        "number": run.post,
        "total": len(plan["posts"]),
    }
    return Outcome(ask(run, tools, PostDraft, "write_post", variables).as_document())


def _earlier_posts(run: StepRun, plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what precedes this post: its text where it is written already, else what it was planned to be."""
    if run.post == 1:
        return []
    written = run.ledger.results(run.world_id, StepKind.POST, first=run.number, fields=("content",))
    earlier = []
    for number in range(max(1, run.post - _EARLIER), run.post):
        draft = written.get(Step(StepKind.POST, run.number, number), {})
        planned = pick(plan["posts"][number - 1], ("topic", "content_brief"))
        earlier.append({"content": draft["content"]} if draft else planned)
    return earlier


def publish_post(run: StepRun, tools: Tools) -> Outcome:
    """Draw a post's picture and publish both, once."""
    post_step, character_step = (
        Step(StepKind.POST, run.number, run.post),
        Step(StepKind.CHARACTER, run.number),
    )
    made = run.ledger.made(run.world_id, post_step, character_step)
    if post_step not in made:
        message = f"Post {run.post} of character {run.number} is not written."
        raise PermanentError(message)
    draft = made[post_step]
    character_id = str(the_character(run, made)["character_id"])
    size = tools.settings.post_image_size
    motif = Motif("post", MediaType.POST_IMAGE, draft["image_prompt"], draft["image_style"], size, size)
    redone = run.checkpoint("redo_of")
    begun = run.checkpoint("creating") is not None
    creating = {} if redone is not None else {"creating": True}
    media_id = make_media(run, tools, motif, character_id, then=creating)
    if redone is not None:
        tags = PostDraft.model_validate(draft).tags()
        tools.posts.update(redone, caption=draft["content"], media_id=media_id, tags=tags)
        return Outcome({"post_id": redone, "media_id": media_id})
    # An earlier try may have created it and not have lived to say so.
    post_id = _find(run, tools, character_id, media_id) if begun else None
    if post_id is None:
        tags = PostDraft.model_validate(draft).tags()
        key = run.once_key("create")
        created = tools.posts.create_ai(
            character_id, draft["content"], media_id, run.world_id, tags, idempotency_key=key
        )
        post_id = created.post_id
    return Outcome({"post_id": post_id, "media_id": media_id})


def _find(run: StepRun, tools: Tools, character_id: str, media_id: str) -> str | None:
    """Return the id of this character's post that shows this picture; its media id is part of the address."""
    offset = 0
    while True:
        page = tools.posts.character_posts(character_id, run.world_id, _LOOK_BACK, offset)
        for post in page.posts:
            if media_id in post.media_url:
                return post.post_id
        offset += _LOOK_BACK
        if offset >= page.total:
            return None
        if not page.posts:
            message = "The post service's list of posts ended early."
            raise TransientError(message)
