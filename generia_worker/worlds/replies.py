"""What a character replies to a person who commented on its post: once, whatever dies in between."""

from __future__ import annotations

from generia_worker.errors import TransientError
from generia_worker.rpc.interaction_client import CommentRecord
from generia_worker.storage.database import Document
from generia_worker.text import clean, clip
from generia_worker.worlds.context import REPLIES, Outcome, Services, StepContext
from generia_worker.worlds.documents import COMMENT_MAX, ReplyToPerson
from generia_worker.worlds.generate import generate
from generia_worker.worlds.prompt_context import character_context, world_context
from generia_worker.worlds.reactions import POST_SHOWN, plain, required
from generia_worker.worlds.results import HEARD, CreatedCharacter, Heard, Replied, Topics, WrittenText
from generia_worker.worlds.steps import CHARACTER, PLAN, POST

#: Comments of the two before the one that is replied to that a character is shown, and how long a name may be.
_EARLIER, _NAME_MAX = 6, 100


def reply(ctx: StepContext, services: Services) -> Outcome:
    """Write what a character replies to a person's comment on its post, and put it there, once; nothing where the comment
    is gone.

    A service that ignores idempotency keys is looked at first, by every attempt but the first.
    """
    heard, service = Heard.model_validate(ctx.checkpoint(HEARD)), required(services)
    thread = service.latest(heard.post_id, ctx.world_id)
    place = next((at for at, one in enumerate(thread) if one.comment_id == heard.comment_id), None)
    if place is None:
        return Outcome(Replied(replies=0))
    character = services.results.of(ctx.world_id, CHARACTER.step(heard.character), CreatedCharacter)
    if character is None:
        raise TransientError(f"Character {heard.character} is being redone.")
    author, person = character.character_id, thread[place].user_id
    text, begun = ctx.checkpoint("reply"), True
    if text is None:
        # Of others nothing: what they wrote cannot spoil what this one is told, nor have it refused.
        between = [one for one in thread[:place] if one.user_id in (author, person)]
        variables = {
            "user_prompt": ctx.generation.prompt,
            "world": world_context(ctx),
            "character": character_context(character.detail),
            "post": _post(ctx, services, heard),
            "earlier": [_told(one) for one in between[-_EARLIER:]],
            "comment": _told(thread[place]),
        }
        found = generate(ctx, services, ReplyToPerson, "reply_to_person", variables, patient=True)
        text, begun = found.reply, False
        ctx.store(reply=text)
    if not (begun and (author, plain(text)) in {(one.user_id, plain(one.text)) for one in thread}):
        # The key is the comment's: whatever becomes of this step's row, no comment gets two replies.
        key = f"{REPLIES}.{heard.comment_id}"
        service.comment(author, heard.post_id, ctx.world_id, text, idempotency_key=key)
    return Outcome(Replied(replies=1))


def _post(ctx: StepContext, services: Services, heard: Heard) -> Document:
    """Return the post as its author knows it. Raises TransientError while it is being redone."""
    step = POST.step(heard.character, heard.post, in_round=heard.round)
    written = services.results.of(ctx.world_id, step, WrittenText)
    if written is None:
        raise TransientError(f"{step} is being redone.")
    plan = services.results.of(ctx.world_id, PLAN.within(step), Topics)
    topic = plan.posts[heard.post - 1].topic if plan and heard.post <= len(plan.posts) else ""
    return {"topic": topic, "text": clip(written.content, POST_SHOWN)}


def _told(comment: CommentRecord) -> dict[str, str]:
    """Return a comment as a prompt shows it: what a person wrote is data, cleaned and cut as that of a character."""
    author, text = clip(clean(comment.username), _NAME_MAX), clip(clean(comment.text), COMMENT_MAX)
    return {"author": author, "text": text}
