"""The shapes of posts: how the facts of a topic are put together."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from generia_worker.simulator.vocabulary.types import Shape
from generia_worker.simulator.writing.context import Context, Slots
from generia_worker.simulator.writing.template import capital


@dataclass(frozen=True)
class Material:
    """What a post is made of."""

    context: Context
    rng: random.Random
    slots: Slots
    templates: Sequence[str]
    feminine: bool
    catchphrase: str

    def say(self, templates: Sequence[str]) -> str:
        """Return one of the templates, filled."""
        return self.fill(self.rng.choice(templates))

    def fill(self, template: str) -> str:
        """Return a filled template."""
        return self.context.fill(template, self.slots, self.feminine)

    def facts(self, count: int) -> list[str]:
        """Return the opening fact of the topic and so many others less one, in their order."""
        rest = list(range(1, len(self.templates)))
        chosen = sorted(self.rng.sample(rest, min(count - 1, len(rest))))
        return [self.fill(self.templates[index]) for index in [0, *chosen]]

    def aside(self, chance: float) -> list[str]:
        """Return a remark on another character, or nothing."""
        if not self.slots["other"] or self.rng.random() >= chance:
            return []
        return [self.say(self.context.vocabulary.posts.asides)]


def _story(m: Material) -> str:
    posts = m.context.vocabulary.posts
    opening = [m.say(posts.openers)] if m.rng.random() < 0.7 else []
    facts = m.facts(m.rng.randint(2, 4))
    body = " ".join([*opening, *facts])
    ending = " ".join([*m.aside(0.5), *([m.say(posts.closers)] if m.rng.random() < 0.8 else [])])
    return f"{body}\n\n{ending}" if ending and m.rng.random() < 0.5 else f"{body} {ending}".strip()


def _short(m: Material) -> str:
    # So short a text could come to two people at once: it bears a name.
    return " ".join(
        [*m.facts(m.rng.randint(1, 2)), *(m.aside(0.25) or [m.say(m.context.vocabulary.posts.signatures)])]
    )


def _diary(m: Material) -> str:
    return " ".join([m.say(m.context.vocabulary.posts.diary), *m.facts(3), *m.aside(0.4)])


def _list(m: Material) -> str:
    posts = m.context.vocabulary.posts
    numbered = [f"{index}. {fact}" for index, fact in enumerate(m.facts(4), start=1)]
    return "\n".join([m.say(posts.lists), *numbered, m.say(posts.closers)])


def _dialogue(m: Material) -> str:
    posts = m.context.vocabulary.posts
    if not m.slots["other"]:
        return _story(m)
    questions = m.rng.sample(posts.questions, 2)
    replies = m.rng.sample(posts.replies, 2)
    asked = [f"— {m.slots['other']}, {m.fill(questions[0])}?", f"— {m.fill(replies[0])}"]
    more = [f"— {capital(m.fill(questions[1]))}?", f"— {m.fill(replies[1])}"] if m.rng.random() < 0.5 else []
    return "\n".join([" ".join(m.facts(2)), *asked, *more])


def _poll(m: Material) -> str:
    posts = m.context.vocabulary.posts
    options = [m.fill(option) for option in m.rng.sample(posts.options, 3)]
    choices = [f"{mark} {capital(option)}" for mark, option in zip("🅰🅱🆎", options, strict=True)]
    return "\n".join([" ".join([m.say(posts.polls), *m.facts(2)]), *choices])


def _opinion(m: Material) -> str:
    posts = m.context.vocabulary.posts
    return " ".join([m.say(posts.opinions), *m.facts(3), *m.aside(0.3), m.say(posts.closers)])


def _thanks(m: Material) -> str:
    thanks = [m.say(m.context.vocabulary.posts.thanks)] if m.slots["other"] else []
    return "\n\n".join([" ".join(m.facts(2)), *thanks])


def _review(m: Material) -> str:
    return "\n\n".join([" ".join(m.facts(3)), m.say(m.context.vocabulary.posts.reviews)])


def _notice(m: Material) -> str:
    return " ".join([m.say(m.context.vocabulary.posts.notices), *m.facts(3)])


def _verse(m: Material) -> str:
    posts = m.context.vocabulary.posts
    signed = m.say(posts.signatures)
    return f"{m.say(posts.verses)}\n\n{m.facts(1)[0]} {signed}"


def _log(m: Material) -> str:
    hour, minute = m.rng.randint(6, 10), m.rng.choice([0, 5, 10, 15, 20])
    stamped = []
    for fact in m.facts(4):
        stamped.append(f"{hour:02d}:{minute:02d} {fact}")
        hour, minute = (hour + m.rng.randint(1, 3)) % 24, m.rng.choice([0, 7, 15, 30, 42, 55])
    return "\n".join(stamped)


SHAPES: dict[Shape, Callable[[Material], str]] = {
    "story": _story,
    "short": _short,
    "diary": _diary,
    "list": _list,
    "dialogue": _dialogue,
    "poll": _poll,
    "opinion": _opinion,
    "thanks": _thanks,
    "review": _review,
    "notice": _notice,
    "verse": _verse,
    "log": _log,
}
