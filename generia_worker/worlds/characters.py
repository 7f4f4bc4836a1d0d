"""One character: its detail, its place in the character service, the plan of its posts, its face."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime

from generia_worker.errors import InvalidAnswerError
from generia_worker.rpc.media_types import MediaType
from generia_worker.worlds.context import Outcome, Services, StepContext
from generia_worker.worlds.dates import written_at, written_between, written_on_day
from generia_worker.worlds.documents import CharacterDetail, PlannedPost, PostPlan
from generia_worker.worlds.generate import generate
from generia_worker.worlds.media import ImageSpec, make_media
from generia_worker.worlds.prompt_context import (
    cast_so_far,
    character_context,
    common_ground,
    earlier_topics,
    lately,
    news_of_the_day,
    others_of,
    unseen,
    world_context,
)
from generia_worker.worlds.results import Avatar, CreatedCharacter, DatedPlan, NamedCharacter
from generia_worker.worlds.steps import CHARACTER

#: Rounds of planning beyond those that a model which answers exactly would need.
_SPARE_ROUNDS = 3


def create_character(ctx: StepContext, services: Services) -> Outcome:
    """Write a character out and create it in the character service, once."""
    detail = _detail(ctx, services)
    if ctx.redo_of is not None:
        meta = detail.as_document()
        services.characters.update(ctx.redo_of, display_name=detail.display_name, meta=meta)
        return Outcome(CreatedCharacter(detail=detail, character_id=ctx.redo_of))
    # (A version before stored it apart from the result.)
    character_id = ctx.checkpoint("character_id")
    if character_id is None:
        character_id = services.characters.create(
            ctx.world_id,
            detail.display_name,
            detail.as_document(),
            idempotency_key=ctx.idempotency_key("create"),
        ).id
    return Outcome(CreatedCharacter(detail=detail, character_id=character_id))


def _detail(ctx: StepContext, services: Services) -> CharacterDetail:
    """Return the character as it was written, once."""
    stored = ctx.checkpoint("detail")
    if stored is not None:
        return CharacterDetail.model_validate(stored)
    connections, stories = common_ground(ctx, ctx.character)
    variables = {
        "user_prompt": ctx.generation.prompt,
        "world": world_context(ctx),
        "concept": cast_so_far(ctx)[ctx.character].model_dump(mode="json"),
        "others": others_of(ctx, ctx.character),
        "connections": connections,
        "stories": stories,
    }
    written = generate(ctx, services, CharacterDetail, "create_character", variables, patient=True)
    detail = _with_own_username(ctx, written)
    ctx.store(detail=detail.as_document())
    return detail


def _with_own_username(ctx: StepContext, detail: CharacterDetail) -> CharacterDetail:
    """Return a character of a later round with a handle that nobody has who was there before."""
    if ctx.round.number == 1:
        return detail
    known = ctx.services.results.all_of(ctx.world_id, CHARACTER.kind, NamedCharacter)
    taken = {one.detail.username.casefold() for step, one in known.items() if step != ctx.step}
    names = itertools.chain(
        [detail.username], (f"{detail.username}{number}" for number in itertools.count(2))
    )
    return detail.model_copy(update={"username": next(one for one in names if one.casefold() not in taken)})


def plan_posts(ctx: StepContext, services: Services) -> Outcome:
    """Plan exactly as many posts as the character was given, in batches; what is missing or double is asked for again.

    Raises:
        InvalidAnswerError: the model does not come up with enough different posts.
    """
    shares = ctx.round.shares or {}
    wanted, size = shares[ctx.character], services.settings.plan_batch_size
    character = character_context(ctx.result_of(CHARACTER).detail)
    _, stories = common_ground(ctx, ctx.character)
    before, recent, news = earlier_topics(ctx), lately(ctx), news_of_the_day(ctx)
    posts: list[PlannedPost] = []
    first: PostPlan | None = None
    rounds = -(-wanted // size)
    for turn in range(rounds + _SPARE_ROUNDS):
        count = min(size, wanted - len(posts))
        variables = {
            "user_prompt": ctx.generation.prompt,
            "world": world_context(ctx),
            "character": character,
            "others": others_of(ctx, ctx.character),
            "stories": stories,
            "count": count,
            "earlier": [post.topic for post in (*before, *posts)],
            "lately": recent,
            "news": news,
        }
        answer = generate(
            ctx,
            services,
            PostPlan,
            "plan_posts",
            variables,
            purpose=f"plan{turn}",
            planned=turn < rounds,
            patient=True,
            counts={"posts": count},
        )
        first = first or answer
        posts += unseen(answer.posts, [*before, *posts], _identity)[:count]
        if len(posts) == wanted:
            plan = first.model_copy(update={"posts": posts})
            return Outcome(DatedPlan(**dict(plan), written_at=_dates(ctx, posts)))
    message = f"The model planned {len(posts)} different posts where {wanted} were asked for."
    raise InvalidAnswerError(message)


def _dates(ctx: StepContext, posts: Sequence[PlannedPost]) -> list[datetime]:
    one, days_ago = ctx.round, [post.days_ago for post in posts]
    if one.number == 1:
        return written_at(f"{ctx.world_id}/{ctx.character}", one.at, days_ago)
    since = ctx.generation.rounds[one.number - 2].at
    if one.day is not None:
        return written_on_day(
            f"{ctx.world_id}/{ctx.character}@{one.number}", since, one.at, [post.hour for post in posts]
        )
    return written_between(f"{ctx.world_id}/{ctx.character}@{one.number}", since, one.at, days_ago)


def _identity(post: PlannedPost) -> str:
    """Two posts are the same when topic and brief are."""
    return " ".join(f"{post.topic} {post.content_brief}".casefold().split())


def draw_avatar(ctx: StepContext, services: Services) -> Outcome:
    """Draw a character's face and give it to the character."""
    character = ctx.result_of(CHARACTER)
    detail, size = character.detail, services.settings.avatar_size
    spec = ImageSpec(
        "avatar", MediaType.CHARACTER_AVATAR, detail.avatar_prompt, detail.avatar_style, size, size
    )
    media_id = make_media(ctx, services, spec, character.character_id)
    services.characters.update(character.character_id, avatar_media_id=media_id)
    return Outcome(Avatar(media_id=media_id))
