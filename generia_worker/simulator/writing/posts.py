"""Writes plans of posts and the posts themselves; a post knows its topic again by the topic's words."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from generia_worker.simulator.vocabulary.types import Posts, Shape, Topic, Word
from generia_worker.simulator.writing.context import Context, Document, Slots, name_of, names_in
from generia_worker.simulator.writing.people import catchphrase, creature_of, is_feminine, short_name
from generia_worker.simulator.writing.shapes import SHAPES, Material
from generia_worker.simulator.writing.template import capital, parse

_MAX_POSTS = 260
#: How far back its posts lie.
_DAYS_AGO = 14
#: How often somebody's first post of a day is on what happened.
_ON_THE_NEWS = 0.6
#: Shapes as often as they are wanted: stories carry a feed, verse is a spice.
_SHAPE_WEIGHTS: dict[Shape, int] = {
    "story": 6,
    "short": 4,
    "diary": 2,
    "list": 2,
    "dialogue": 2,
    "poll": 1,
    "opinion": 1,
    "thanks": 1,
}
_SHAPE_WEIGHTS |= {"review": 1, "notice": 1, "verse": 1, "log": 1}


def write_plan(context: Context) -> Document:
    """Return a batch of planned posts (`post_plan`) with topics that differ from each other and the earlier ones."""
    brief, posts = context.brief, context.vocabulary.posts
    name = name_of(brief.mapping("character")) or "?"
    feminine = is_feminine(context, name)
    earlier = {_topic_text(item).casefold() for item in brief.items("earlier")}
    count = min(brief.number("count", 3), _MAX_POSTS)
    rng = context.rng("plan", name, *sorted(earlier))
    slots: Slots = {**context.slots(rng), "name": short_name(context, name)}

    planned = []
    titles = _titles(context, rng, count, earlier, feminine)
    headline = str(brief.mapping("news").get("headline") or "")
    if headline and headline.casefold() not in earlier and rng.random() < _ON_THE_NEWS:
        titles[:1] = [(headline, tone, words) for _, tone, words in titles[:1]]
    days = sorted((rng.randint(0, _DAYS_AGO) for _ in titles), reverse=True)
    for (title, tone, words), days_ago in zip(titles, days, strict=True):

        def say(templates: tuple[str, ...], words: Slots = words) -> str:
            return context.fill(rng.choice(templates), {**slots, **words}, feminine)

        shape = rng.choices(list(_SHAPE_WEIGHTS), list(_SHAPE_WEIGHTS.values()))[0]
        planned.append(
            {
                "topic": title,
                "days_ago": days_ago,
                "hour": rng.randint(7, 22) if brief.mapping("news") else None,
                "content_brief": say(posts.briefs),
                "emotional_tone": tone,
                "post_type": posts.shapes[shape],
                "relevance_to_character": say(posts.relevances),
            }
        )
    return {
        "posts": planned,
        "narrative_arc": context.fill(rng.choice(posts.arcs), slots, feminine),
        "character_development": context.fill(rng.choice(posts.growths), slots, feminine),
        "posting_schedule": list(posts.schedules),
        "recurring_themes": [context.fill(line, slots) for line in rng.sample(posts.themes, 4)],
    }


def _topic_text(item: Any) -> str:
    return str(item.get("topic", "")) if isinstance(item, dict) else str(item)


def _fresh(context: Context, rng: random.Random) -> Slots:
    return {
        "place": rng.choice(context.places()),
        "thing": rng.choice(context.things()),
        "food": rng.choice(context.foods()),
        "hobby": rng.choice(context.hobbies()),
    }


def _titles(
    context: Context, rng: random.Random, count: int, earlier: set[str], feminine: bool
) -> list[tuple[str, str, Slots]]:
    """Return so many topics with their tones and words: every kind of topic once before any comes again."""
    keys = {"", *context.gist.keys}
    topics = [topic for topic in context.vocabulary.topics if topic.theme in keys]
    found: list[tuple[str, str, Slots]] = []
    taken = set(earlier)
    for _ in range(4 + 2 * (count + len(taken)) // max(len(topics), 1)):
        rng.shuffle(topics)
        for topic in topics:
            if len(found) == count:
                return found
            words = _fresh(context, rng)
            title = capital(context.fill(topic.title, words, feminine))
            if title.casefold() not in taken:
                taken.add(title.casefold())
                found.append((title, topic.tone, words))
    while len(found) < count:
        title = f"{capital(rng.choice(context.hobbies()))} № {len(taken) + 1}"
        taken.add(title.casefold())
        found.append((title, rng.choice(context.vocabulary.posts.moods), _fresh(context, rng)))
    return found


@dataclass(frozen=True)
class Known:
    """A topic that was recognised, with the words that its title holds."""

    topic: Topic
    slots: Slots


def recognise(context: Context, title: str) -> Known | None:
    """Find the topic whose title this is, and the words in it."""
    for topic in context.vocabulary.topics:
        found = parse(topic.title, title)
        if found is None:
            continue
        slots: Slots = {}
        for (slot, form), text in found.items():
            words = _vocabulary(context, slot)
            word = next((w for w in words if _form(w, form).casefold() == text.casefold()), None)
            if word is not None:
                slots[slot] = word
        if len(slots) == len(found):
            return Known(topic, slots)
    return None


def _vocabulary(context: Context, slot: str) -> list[Any]:
    themes = context.vocabulary.themes
    match slot:
        case "place":
            return context.places() + [word for theme in themes for word in theme.places]
        case "thing":
            return context.things() + [word for theme in themes for word in theme.things]
        case "food":
            return context.foods() + [word for theme in themes for word in theme.foods]
        case "hobby":
            return list(context.hobbies())
    return []


def _form(word: str | Word, form: str) -> str:
    return word if isinstance(word, str) else word.forms[form]


def write_post(context: Context) -> Document:
    """Return one post (`post`) on the topic that was planned."""
    brief, posts = context.brief, context.vocabulary.posts
    name = name_of(brief.mapping("character")) or "?"
    planned = brief.mapping("post")
    title = str(planned.get("topic") or context.gist.phrase)
    number = brief.number("number", 1)
    rng = context.rng("post", name, title, number)
    known = recognise(context, title)
    slots = {**context.slots(rng), **(known.slots if known else {})}
    others = [other for other in names_in(brief.items("others")) if other != name]
    other = rng.choice(others) if others else ""
    slots |= {
        "other": other,
        "name": name,
        "short": short_name(context, name),
        "topic": title.rstrip(".!?"),
        "n": str(number + rng.randint(0, 40)),
    }
    facts = known.topic.facts if known else posts.general
    material = Material(context, rng, slots, facts, is_feminine(context, name), catchphrase(context, name))
    shape = _shape(posts, str(planned.get("post_type") or ""), rng)
    content = SHAPES[shape](material)
    content = _finish(context, rng, material, content)
    time = rng.choice(posts.times)
    place = slots["place"]
    return {
        "content": content,
        "image_prompt": _image_prompt(context, name, slots, time.english, known, rng),
        "image_style": context.style().english,
        "hashtags": _hashtags(context, rng),
        "mood": str(planned.get("emotional_tone") or rng.choice(posts.moods)),
        "context": str(planned.get("content_brief") or title),
        "mentions": [other] if other and other in content else [],
        "location": place.forms["nom"] if isinstance(place, Word) else None,
        "time_of_day": time.text,
    }


def _shape(posts: Posts, wanted: str, rng: random.Random) -> Shape:
    for shape, label in posts.shapes.items():
        if wanted.casefold() in (label.casefold(), shape):
            return shape
    return rng.choices(list(_SHAPE_WEIGHTS), list(_SHAPE_WEIGHTS.values()))[0]


def _finish(context: Context, rng: random.Random, material: Material, content: str) -> str:
    """Add what characters add: a formula, a pet phrase, an emoji."""
    gap = "\n\n" if "\n" in content else " "
    if rng.random() < 0.16:
        content += gap + context.premise(rng)
    if rng.random() < 0.25:
        content += gap + material.catchphrase
    if context.gist.maths and rng.random() < 0.8:
        content += "\n\n" + rng.choice(context.vocabulary.posts.formulas)
    if rng.random() < 0.4:
        content += " " + context.emoji(rng)
    return content


def _hashtags(context: Context, rng: random.Random) -> list[str]:
    own = [tag for theme in context.gist.themes for tag in theme.tags]
    world = "".join(capital(word) for word in context.world_name().split() if word.isalnum())[:40]
    tags = rng.sample(own, min(2, len(own))) + rng.sample(context.vocabulary.posts.tags, rng.randint(0, 1))
    return list(dict.fromkeys([*([world] if world else []), *tags]))


def _image_prompt(
    context: Context, name: str, slots: Slots, light: str, known: Known | None, rng: random.Random
) -> str:
    creature = creature_of(context, name)
    place, thing, food = (slots[slot] for slot in ("place", "thing", "food"))
    in_title = known.slots if known else {}
    shown = food if "food" in in_title else thing
    who = f"a {creature}" if creature else "a person"
    crowd = rng.choice([f"{who} alone", f"{who} and a friend", f"{who} with a small crowd"])
    weather = rng.choice(
        ["", "", "light rain", "falling leaves", "soft snow", "drifting petals", "stars in the sky"]
    )
    english = [word.english for word in (place, shown) if isinstance(word, Word)]
    parts = [
        f"A scene: {english[0]}",
        f"{crowd} with {english[1]}",
        light,
        weather,
        context.style().english,
        "no text",
    ]
    return ", ".join(part for part in parts if part)
