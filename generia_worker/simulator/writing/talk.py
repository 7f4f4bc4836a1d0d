"""Writes what people say of each other's posts: of what a post is about, to its author, as it stands between the two."""

from __future__ import annotations

import random
import re
from typing import Any

from generia_worker.simulator.writing.context import Context, Document, Slots, name_of
from generia_worker.simulator.writing.people import catchphrase, is_feminine, short_name
from generia_worker.simulator.writing.posts import recognise
from generia_worker.text import clip

_MOST = 60
#: A sentence of a guest, and as much of it as is quoted.
_SENTENCE, _QUOTED = re.compile(r"[^.!?…\n]+[.!?…]*"), 80
#: How often a comment says what its author is to the other one, where they are something to each other; and how often an
#: answer does.
_TIED, _TIED_ANSWER = 0.85, 0.4
_CATCHPHRASE, _FORMULA = 0.15, 0.4


def write_reactions(context: Context) -> Document:
    """Return which posts a character likes, and what it says under some, first of people it knows (`reactions`)."""
    brief = context.brief
    name = name_of(brief.mapping("character")) or "?"
    posts = [one for one in brief.items("posts") if isinstance(one, dict) and one.get("post")]
    rng = context.rng("reactions", name)
    order = rng.sample(posts, len(posts))
    # One of each author before the second of anybody; of those, people it knows come first.
    met: dict[str, int] = {}
    ranked = []
    for one in order:
        author = str(one.get("author", ""))
        met[author] = met.get(author, 0) + 1
        ranked.append((met[author], not one.get("relationship"), one))
    chosen = [one for *_, one in sorted(ranked, key=lambda row: row[:2])]
    wanted = min(brief.number("comments", 2), _MOST)
    templates = _in_turn(rng, context.vocabulary.talk.comments, wanted)
    comments = [
        {
            "post": str(one["post"]),
            "text": _say(context, rng, template, name, one, str(one.get("topic") or ""), _TIED),
        }
        for one, template in zip(chosen[:wanted], templates, strict=False)
    ]
    liked = rng.sample(posts, min(brief.number("likes", 3), len(posts), _MOST))
    return {"likes": [str(one["post"]) for one in liked], "comments": comments}


def write_answers(context: Context) -> Document:
    """Return what an author answers to comments on its posts (`answers`)."""
    brief = context.brief
    name = name_of(brief.mapping("character")) or "?"
    heard = [
        (one, str(post.get("topic") or ""))
        for post in brief.items("posts")
        if isinstance(post, dict)
        for one in post.get("comments") or []
        if isinstance(one, dict) and one.get("comment")
    ]
    rng = context.rng("answers", name, *(one["comment"] for one, _ in heard))
    chosen = rng.sample(heard, min(brief.number("answers", 2), len(heard), _MOST))
    templates = _in_turn(rng, context.vocabulary.talk.answers, len(chosen))
    return {
        "answers": [
            {
                "comment": str(one["comment"]),
                "text": _say(context, rng, template, name, one, topic, _TIED_ANSWER),
            }
            for (one, topic), template in zip(chosen, templates, strict=True)
        ]
    }


def write_reply(context: Context) -> Document:
    """Return what an author replies to a guest who commented on its post (`reply`): to what that comment says."""
    brief = context.brief
    name, comment = name_of(brief.mapping("character")) or "?", brief.mapping("comment")
    text, topic = str(comment.get("text") or ""), str(brief.mapping("post").get("topic") or "")
    asked = [one for one in _SENTENCE.findall(text) if one.endswith("?")]
    said = clip(" ".join((asked or [text])[0].split()), _QUOTED).strip(' .,;:!?«»“”"') or context.gist.phrase
    talk, rng = context.vocabulary.talk, context.rng("reply", name, text)
    template = rng.choice(talk.replies_to_questions if asked else talk.replies)
    return {"reply": _say(context, rng, template, name, {"author": comment.get("author")}, topic, 0.0, said)}


def _in_turn(rng: random.Random, templates: tuple[str, ...], count: int) -> list[str]:
    """Return so many templates: each of them once before any comes again."""
    found: list[str] = []
    while len(found) < count:
        found += rng.sample(templates, len(templates))
    return found[:count]


def _say(
    context: Context,
    rng: random.Random,
    template: str,
    name: str,
    to: dict[str, Any],
    topic: str,
    tied: float,
    said: str = "",
) -> str:
    """Fill a template with what the post is about and whom it is said to, and go on as it stands between the two."""
    known = recognise(context, topic) if topic else None
    feminine = is_feminine(context, name)
    slots: Slots = {
        **context.slots(rng),
        **(known.slots if known else {}),
        "name": short_name(context, str(to.get("author") or "?")),
        "topic": topic.rstrip(".!?") or context.gist.phrase,
        "said": said,
    }
    parts = [context.fill(template, slots, feminine)]
    between = str(to.get("relationship") or "")
    ties = [tie.text for tie in context.vocabulary.talk.ties if between.startswith(tie.kind)]
    if ties and rng.random() < tied:
        parts.append(context.fill(rng.choice(ties), slots, feminine))
    if rng.random() < _CATCHPHRASE:
        parts.append(catchphrase(context, name))
    if context.gist.maths and rng.random() < _FORMULA:
        parts.append(rng.choice(context.vocabulary.posts.formulas))
    return " ".join(parts)
