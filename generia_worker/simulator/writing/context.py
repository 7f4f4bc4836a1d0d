"""What every writer works with: the brief, what its prompt is about, and draws that can be repeated."""

from __future__ import annotations

import random
import re
from typing import Any

from generia_worker.simulator.dice import digest
from generia_worker.simulator.reading import Brief
from generia_worker.simulator.vocabulary.types import Translated, Word
from generia_worker.simulator.writing.gist import Gist, read_gist
from generia_worker.simulator.writing.template import fill

Document = dict[str, Any]
Slots = dict[str, str | Word]
_DASH = re.compile(r"\s+[—–-]\s+|:\s+|;\s+|,\s+")


class Context:
    """One text in the making. Draws with the same name and the same parts are the same in all texts of a world."""

    def __init__(self, brief: Brief, salt: Any = "") -> None:
        self.brief = brief
        self._salt = salt
        self.gist: Gist = read_gist(brief.prompt or self._world_text())
        self.vocabulary = self.gist.vocabulary

    def _world_text(self) -> str:
        world = self.brief.mapping("world")
        return " ".join(str(world.get(key, "")) for key in ("name", "description_short"))

    def rng(self, *parts: Any) -> random.Random:
        """Return a generator that depends on the seed, the prompt, the salt and these parts."""
        return random.Random(digest(self.brief.seed, self.gist.prompt, self._salt, *parts))

    def world_rng(self, *parts: Any) -> random.Random:
        """Return a generator like `rng`, which does not change when the same request is answered anew."""
        return random.Random(digest(self.brief.seed, self.gist.prompt, *parts))

    def places(self) -> list[Word]:
        """Return the places of the world, those of its main theme first."""
        return [word for theme in self.gist.themes for word in theme.places]

    def things(self) -> list[Word]:
        """Return the things of the world."""
        return [word for theme in self.gist.themes for word in theme.things]

    def foods(self) -> list[Word]:
        """Return the food of the world."""
        return [word for theme in self.gist.themes for word in theme.foods]

    def hobbies(self) -> list[str]:
        """Return what people of the world do for pleasure."""
        own = [hobby for theme in self.gist.themes for hobby in theme.hobbies]
        return [*own, *self.vocabulary.people.hobbies]

    def emoji(self, rng: random.Random) -> str:
        """Return an emoji that suits the world."""
        return rng.choice([one for theme in self.gist.themes for one in theme.emoji])

    def slots(self, rng: random.Random) -> Slots:
        """Return a full set of words for templates."""
        places = rng.sample(self.places(), 3) if len(self.places()) >= 3 else self.places() * 3
        conflicts = [line for theme in self.gist.themes for line in theme.conflicts]
        return {
            "world": self.world_name(),
            "phrase": self.gist.phrase,
            "clause": self.gist.clause,
            "place": places[0],
            "place1": places[0],
            "place2": places[1],
            "place3": places[2],
            "thing": rng.choice(self.things()),
            "food": rng.choice(self.foods()),
            "hobby": rng.choice(self.hobbies()),
            "conflict": rng.choice(conflicts),
            "n": str(rng.randint(2, 99)),
        }

    def world_name(self) -> str:
        """Return the name of the world: the one that is given, or one of its own."""
        given = self.brief.mapping("world").get("name")
        if isinstance(given, str) and given.strip():
            return given.strip()
        rng = self.world_rng("name")
        first = self.gist.themes[0].key in ("everyday", "own")
        words = self.gist.phrase.split()
        if first and len(words) <= 4 and len(self.gist.phrase) <= 40:
            return self.gist.phrase[0].upper() + self.gist.phrase[1:]
        return rng.choice(self.gist.themes[0].names)

    def style(self) -> Translated:
        """Return how pictures of this world look: in its language and in English."""
        return self.world_rng("style").choice(self.vocabulary.world.styles)

    def phrases(self) -> list[str]:
        """Return sentences of which anything can be filled that nobody foresaw."""
        rng = self.rng("phrases", self.brief.base)
        lore = [line for theme in self.gist.themes for line in theme.lore]
        return rng.sample(lore, min(4, len(lore)))

    def premise(self, rng: random.Random) -> str:
        """Return a remark on what the whole world rests on."""
        world = self.vocabulary.world
        premises = world.premises_clause if self.gist.clause else world.premises_phrase
        return self.fill(rng.choice(premises), {"clause": self.gist.clause, "phrase": self.gist.phrase})

    def fill(self, template: str, slots: Slots, feminine: bool = False) -> str:
        """Return a filled template."""
        return fill(template, slots, feminine)


def names_in(values: list[Any]) -> list[str]:
    """Return the names of characters out of a tag, whatever form it gives them in."""
    return list(dict.fromkeys(filter(None, map(name_of, values))))


def name_of(value: Any) -> str:
    """Return the name in a character, a concept or a line of text: what stands before the first dash or comma."""
    if isinstance(value, dict):
        for key in ("display_name", "name"):
            if isinstance(value.get(key), str) and value[key].strip():
                return str(value[key]).strip()
        value = value.get("concept_short") or value.get("concept")
    if not isinstance(value, str):
        return ""
    return _DASH.split(value.strip(), maxsplit=1)[0].strip()[:100]
