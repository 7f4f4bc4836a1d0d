"""What characters make of each other's posts: written from the texts alone, and put under the posts once these are out."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel

from generia_worker.engine.specs import StepSpec
from generia_worker.errors import PermanentError
from generia_worker.rpc.interaction_client import InteractionClient
from generia_worker.rpc.wire import PAGE_MAX
from generia_worker.text import clip
from generia_worker.worlds.context import Outcome, Services, StepContext
from generia_worker.worlds.dates import said_at
from generia_worker.worlds.documents import Answers, CharacterDetail, Reactions
from generia_worker.worlds.generate import generate
from generia_worker.worlds.prompt_context import character_context, world_context
from generia_worker.worlds.results import (
    CharacterId,
    Delivered,
    NamedCharacter,
    Opinions,
    PostOf,
    PostTimes,
    PublishedPost,
    Replies,
    Reply,
    Said,
    Topics,
    WrittenText,
)
from generia_worker.worlds.steps import ANSWER, CHARACTER, PICTURE, PLAN, POST, REACT
from generia_worker.worlds.talk import AMOUNTS, Amount, readers

M = TypeVar("M", bound=BaseModel)

#: As much of a post, and as many comments on one's posts, as a character is shown.
POST_SHOWN, _COMMENTS_SHOWN = 300, 20
#: Comments of one post that are looked through for those that an earlier attempt made.
_LOOKED_THROUGH = 1000


# --- what is written -------------------------------------------------------------------------------------------------
def react(ctx: StepContext, services: Services) -> Outcome:
    """Write what a character makes of the posts that it is shown: which it likes, what it says under some of them."""
    required(services)  # before anything is paid
    posts, amount = _shown(ctx, services), _amount(ctx)
    if not posts:
        return Outcome(Opinions())
    variables = {
        "user_prompt": ctx.generation.prompt,
        "world": world_context(ctx),
        "character": character_context(ctx.result_of(CHARACTER).detail),
        "posts": list(posts.values()),
        "likes": min(amount.likes, len(posts)),
        "comments": min(amount.comments, len(posts)),
    }

    def check(found: Reactions) -> list[str]:
        named = [*found.likes, *(one.post for one in found.comments)]
        if any(name in posts for name in named):
            return []
        return [
            f"likes and comments name posts by their ids, such as {next(iter(posts))!r}: none of these is one"
        ]

    found = generate(ctx, services, Reactions, "react_to_posts", variables, patient=True, check=check)
    likes = [name for name in dict.fromkeys(found.likes) if name in posts]
    comments = _first_of_each(((one.post, one.text) for one in found.comments), posts)
    return Outcome(
        Opinions(
            likes=[PostOf(**_numbers(name)) for name in likes[: amount.likes]],
            comments=[Said(**_numbers(name), text=text) for name, text in comments[: amount.comments]],
        )
    )


def answer(ctx: StepContext, services: Services) -> Outcome:
    """Write what a character answers to comments on its posts; nothing, and no call, where there are none."""
    texts = _made(ctx, services, POST, WrittenText, ctx.character)
    heard = [
        (by, one)
        for (by, _), opinions in _made(ctx, services, REACT, Opinions).items()
        for one in opinions.comments
        if one.character == ctx.character and (ctx.character, one.post) in texts
    ][:_COMMENTS_SHOWN]
    if not heard:
        return Outcome(Replies())
    detail, names = ctx.result_of(CHARACTER).detail, _names(ctx, services)
    plan = ctx.part_of(PLAN, Topics, immutable=True)
    posts: dict[int, dict[str, Any]] = {}
    known: dict[str, tuple[int, int]] = {}
    for by, one in heard:
        text = clip(texts[ctx.character, one.post].content, POST_SHOWN)
        post = posts.setdefault(one.post, {**_topic(plan, one.post), "text": text, "comments": []})
        name = f"{by}-{one.post}"
        known[name] = (one.post, by)
        post["comments"].append({"comment": name, **_whose(detail, names.get(by, "")), "text": one.text})
    amount = _amount(ctx)
    variables = {
        "user_prompt": ctx.generation.prompt,
        "world": world_context(ctx),
        "character": character_context(detail),
        "posts": [posts[number] for number in sorted(posts)],
        "answers": min(amount.answers, len(known)),
    }
    found = generate(ctx, services, Answers, "answer_comments", variables, patient=True)
    answers = _first_of_each(((one.comment, one.text) for one in found.answers), known)
    return Outcome(
        Replies(
            answers=[
                Reply(post=known[name][0], to=known[name][1], text=text)
                for name, text in answers[: amount.answers]
            ]
        )
    )


def _first_of_each(said: Iterable[tuple[str, str]], known: Container[str]) -> list[tuple[str, str]]:
    """Return (id, text) of what was said to ids that are known: what comes first to each."""
    found: dict[str, str] = {}
    for name, text in said:
        if name in known:
            found.setdefault(name, text)
    return list(found.items())


def _amount(ctx: StepContext) -> Amount:
    return AMOUNTS[ctx.generation.reactions]


def _shown(ctx: StepContext, services: Services) -> dict[str, dict[str, Any]]:
    """Return the posts that this character is shown and that were written, by their ids."""
    own = ctx.round
    wanted = readers(f"{ctx.world_id}/{own.number}", own.shares or {}).get(ctx.character, ())
    texts = _made(ctx, services, POST, WrittenText)
    topics = _made(ctx, services, PLAN, Topics)
    detail, names = ctx.result_of(CHARACTER).detail, _names(ctx, services)
    found = {}
    for author, number in wanted:
        text, plan = texts.get((author, number)), topics.get((author, 0))
        if text is None or author not in names:
            continue
        name = f"{author}-{number}"
        found[name] = {
            "post": name,
            **_whose(detail, names[author]),
            **_topic(plan, number),
            "text": clip(text.content, POST_SHOWN),
        }
    return found


def _made(
    ctx: StepContext, services: Services, spec: StepSpec[Any], part: type[M], character: int | None = None
) -> dict[tuple[int, int], M]:
    """Return what steps of a kind have made in the round of this step, by the numbers of character and post (0: of the
    character itself).

    Read anew: what was made a moment ago is what is talked about.
    """
    found = services.results.all_of(
        ctx.world_id, spec.kind, part, character=character, in_round=ctx.step.round
    )
    return {(step.character or 0, step.post or 0): one for step, one in found.items()}


def _topic(plan: Topics | None, number: int) -> dict[str, Any]:
    """Return what a post was planned to be about."""
    known = plan is not None and number <= len(plan.posts)
    return {"topic": plan.posts[number - 1].topic} if plan and known else {}


def _names(ctx: StepContext, services: Services) -> dict[int, str]:
    """Return how the characters of the world are called, by their numbers."""
    found = services.results.all_of(ctx.world_id, CHARACTER.kind, NamedCharacter)
    return {step.character: made.detail.display_name for step, made in found.items() if step.character}


def _whose(detail: CharacterDetail, author: str) -> dict[str, Any]:
    """Return who an author is, and what it is to a character."""
    between = next(
        (one for one in detail.relationships if one.character.casefold() == author.casefold()), None
    )
    if between is None:
        return {"author": author}
    return {
        "author": author,
        "relationship": f"{between.relationship_type}: {between.description}".strip(": "),
    }


def _numbers(name: str) -> dict[str, int]:
    author, _, post = name.partition("-")
    return {"character": int(author), "post": int(post)}


# --- what is put under the posts -------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Act:
    """A like, or (with a text) a comment, of character number `by` under a post. `key` tells it from the others."""

    by: int
    post: int
    key: str
    text: str
    at: datetime | None


def deliver(ctx: StepContext, services: Services) -> Outcome:
    """Put what was said of a character's posts, and what it answered, under those that are out: each once.

    A service that ignores idempotency keys is looked at first, by every attempt but the first.
    """
    made = _made(ctx, services, PICTURE, PublishedPost, ctx.character)
    posts = {number: one.post_id for (_, number), one in made.items()}
    acts = [act for act in _acts(ctx, services) if act.post in posts]
    if not acts:
        return Outcome(Delivered(likes=0, comments=0))
    service = required(services)
    ids = services.results.all_of(ctx.world_id, CHARACTER.kind, CharacterId)
    people = {step.character: one.character_id for step, one in ids.items()}
    begun = ctx.checkpoint("delivering") is not None
    if not begun:
        ctx.store(delivering=True)
    there = {
        post: _comments(service, posts[post], ctx.world_id) for post in {act.post for act in acts} if begun
    }
    for act in acts:
        who, post_id = people[act.by], posts[act.post]
        if not act.text:
            if not (begun and service.likes(who, post_id)):
                service.like(who, post_id, ctx.world_id, at=act.at)
        elif (who, plain(act.text)) not in there.get(act.post, ()):
            key = ctx.idempotency_key(act.key)
            service.comment(who, post_id, ctx.world_id, act.text, idempotency_key=key, at=act.at)
    comments = sum(bool(act.text) for act in acts)
    return Outcome(Delivered(likes=len(acts) - comments, comments=comments))


def _acts(ctx: StepContext, services: Services) -> list[_Act]:
    """Return all that was said of this character's posts, and its answers, each after what it is about."""
    written = ctx.part_of(PLAN, PostTimes, immutable=True).written_at
    until = ctx.round.at

    def after(moment: datetime | None, *parts: object) -> datetime | None:
        return said_at("/".join(map(str, (ctx.world_id, *parts))), moment, until) if moment else None

    moments = dict(enumerate(written, start=1))
    likes: list[_Act] = []
    comments: dict[tuple[int, int], _Act] = {}
    for (by, _), found in _made(ctx, services, REACT, Opinions).items():
        for one in (one for one in found.likes if one.character == ctx.character):
            at = after(moments.get(one.post), "like", by, ctx.character, one.post)
            likes.append(_Act(by, one.post, f"like.{by}.{one.post}", "", at))
        for said in (one for one in found.comments if one.character == ctx.character):
            at = after(moments.get(said.post), "comment", by, ctx.character, said.post)
            comments[by, said.post] = _Act(by, said.post, f"comment.{by}.{said.post}", said.text, at)
    replies = services.results.of(ctx.world_id, ANSWER.within(ctx.step), Replies)
    answers = [
        _Act(
            ctx.character,
            one.post,
            f"answer.{one.to}.{one.post}",
            one.text,
            after(to.at, "answer", one.to, one.post),
        )
        for one in (replies.answers if replies else ())
        if (to := comments.get((one.to, one.post)))
    ]
    return [*_in_time(likes), *_in_time([*comments.values(), *answers])]


def _in_time(acts: Iterable[_Act]) -> list[_Act]:
    """Return acts by their times; those of a version before, which have none, as they come."""
    return sorted(acts, key=lambda act: act.at.timestamp() if act.at else 0.0)


def _comments(service: InteractionClient, post_id: str, world_id: str) -> set[tuple[str, str]]:
    """Return who said what under a post."""
    found: set[tuple[str, str]] = set()
    for offset in range(0, _LOOKED_THROUGH, PAGE_MAX):
        page = service.comments(post_id, world_id, PAGE_MAX, offset)
        found |= {(one.user_id, plain(one.text)) for one in page.comments}
        if offset + PAGE_MAX >= page.total:
            break
    return found


def plain(text: str) -> str:
    """Return a text as two of them are compared: a service may have changed its white space."""
    return " ".join(text.split())


def required(services: Services) -> InteractionClient:
    """Return the interaction service. Raises PermanentError where there is none."""
    if services.interactions is None:
        message = "Workers know no interaction service: set GENERIA_INTERACTION_SERVICE for them."
        raise PermanentError(message)
    return services.interactions
