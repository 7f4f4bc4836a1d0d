"""Writes what happened on a day of a world that lives on."""

from __future__ import annotations

from generia_worker.simulator.vocabulary.types import Word
from generia_worker.simulator.writing.context import Context, Document
from generia_worker.simulator.writing.template import capital


def write_news(context: Context) -> Document:
    """Return a `day_news`: a story of the world's themes and places, another one each day while there are some."""
    brief = context.brief
    told = [str(item.get("headline", "")) for item in brief.items("chronicle") if isinstance(item, dict)]
    rng = context.rng("news", brief.text("day"), *told)
    stories = list(context.vocabulary.people.stories)
    rng.shuffle(stories)
    fresh = [story for story in stories if not any(line.startswith(story[0]) for line in told)]
    title, text, _ = (fresh or stories)[0]
    place = rng.choice(context.places())
    slots = {**context.slots(rng), "place": place}
    where = f" · {capital(place.forms['nom'])}" if isinstance(place, Word) else ""
    return {"headline": f"{title}{where}", "what_happened": context.fill(text, slots)}
