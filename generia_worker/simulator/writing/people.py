"""Writes the cast of a world and each of its characters."""

from __future__ import annotations

import random
import re
from itertools import pairwise

from generia_worker.simulator.vocabulary import vocabularies
from generia_worker.simulator.vocabulary.types import Role
from generia_worker.simulator.writing.context import Context, Document, Slots, name_of, names_in
from generia_worker.simulator.writing.template import capital
from generia_worker.simulator.writing.visuals import species_of
from generia_worker.text import clip

_MAX_BATCH = 60


def write_cast(context: Context) -> Document:
    """Return a batch of concepts (`cast`), none of which is like an earlier one."""
    brief = context.brief
    count = min(brief.number("count", brief.number("users_count", 5)), _MAX_BATCH)
    existing = brief.items("existing_characters")
    users, posts = max(brief.number("users_count", count), 1), brief.number("posts_count", count * 3)
    done = len(existing)
    names = new_names(context, names_in(existing), count)
    roles = _roles(context)
    characters = []
    for index, (name, feminine) in enumerate(names):
        rng = context.rng("concept", name)
        role = roles[(done + index) % len(roles)].of(feminine)
        slots = context.slots(rng)
        traits = _traits(context, rng, feminine)
        drive = context.fill(rng.choice(context.vocabulary.people.drives), slots, feminine)
        begun, ended = posts * (done + index) // users, posts * (done + index + 1) // users
        characters.append(
            {
                "id": f"c{done + index + 1}",
                "concept": f"{name} — {role}. {capital(', '.join(traits))}. {drive}",
                "concept_short": f"{name} — {role}",
                "role_in_world": capital(role),
                "posts_count": max(ended - begun, 0),
                "personality_traits": traits,
                "interests": rng.sample(context.hobbies(), 3),
            }
        )
    return {"characters": characters, **_ties(context, [name for name, _ in names])}


def _ties(context: Context, names: list[str]) -> Document:
    """Return what connects the characters of a batch."""
    rng = context.rng("ties", *names)
    people, world = context.vocabulary.people, context.vocabulary.world
    slots = context.slots(rng)
    connections = []
    for first, second in pairwise(names):
        kind, text = rng.choice(people.connections)
        described = context.fill(text, context.slots(rng))
        connections.append(
            {
                "character1_name": first,
                "character2_name": second,
                "connection_type": kind,
                "description": described,
            }
        )
    stories = []
    for title, text, genre in rng.sample(people.stories, 3):
        place = rng.choice(context.places())
        story = context.fill(text, {**context.slots(rng), "place": place})
        ids = [f"c{len(context.brief.items('existing_characters')) + i + 1}" for i in range(len(names))]
        some = rng.sample(ids, min(3, len(ids)))
        stories.append(
            {
                "characters_ids": some,
                "title": title,
                "story": story,
                "location": place.forms["nom"],
                "genre": genre,
            }
        )
    told = world.interpretation if context.gist.clause else world.interpretation_phrase
    return {
        "world_interpretation": context.fill(rng.choice(told), slots),
        "character_connections": connections[:8],
        "common_stories_and_events": stories,
        "generated_characters_description": f"{', '.join(names)}. {rng.choice(world.cast_summary)}",
    }


def _roles(context: Context) -> list[Role]:
    """Return the occupations of the world in its own order: those of its themes come more often at first."""
    rng = context.world_rng("roles")
    own = [row for theme in context.gist.themes for row in theme.roles]
    common = list(context.vocabulary.people.roles)
    rng.shuffle(own)
    rng.shuffle(common)
    mixed: list[Role] = []
    while own or common:
        mixed += own[:3] + common[:1]
        own, common = own[3:], common[1:]
    return mixed


def first_names(context: Context) -> dict[str, bool]:
    """Return all first names of the world's language and themes; the value says whether it is a woman's."""
    themed = [row for theme in context.vocabulary.themes for row in theme.first_names]
    known = [*themed, *context.vocabulary.people.first_names]
    return {row.of(feminine): feminine for row in known for feminine in (False, True)}


def new_names(context: Context, taken: list[str], count: int) -> list[tuple[str, bool]]:
    """Return names that nobody in the world has yet, and whether they are women's; no first name comes twice."""
    rng = context.world_rng("names")
    themed = [name for theme in context.gist.themes for row in theme.first_names for name in row]
    common = [name for row in context.vocabulary.people.first_names for name in row]
    rng.shuffle(themed)
    rng.shuffle(common)
    pool: list[str] = []
    while themed or common:
        pool += themed[:2] + common[:1]
        themed, common = themed[2:], common[1:]
    used = {word.casefold() for name in taken for word in [name, *name.split()]}
    free = [name for name in pool if not {name.casefold(), *name.casefold().split()} & used]
    genders = first_names(context)
    chosen = [(_full_name(context, name, genders[name]), genders[name]) for name in free[:count]]
    for number in range(count - len(chosen)):
        # A world larger than the vocabulary: numbered cousins keep the names apart.
        name = pool[number % len(pool)]
        chosen.append(
            (f"{_full_name(context, name, genders[name])} {len(taken) + number + 1}", genders[name])
        )
    return chosen


def _full_name(context: Context, first: str, feminine: bool) -> str:
    rng = context.world_rng("full name", first)
    people = context.vocabulary.people
    themed = [row for theme in context.gist.themes for row in theme.surnames]
    last = rng.choice([*themed, *themed, *people.surnames]).of(feminine)
    draw = rng.random()
    if draw < 0.12:
        title = rng.choice(people.titles).of(feminine)
        return f"{title} {first} {last}"
    if draw < 0.24:
        return f"{first} {rng.choice(people.epithets)}"
    return f"{first} {last}"


def short_name(context: Context, name: str) -> str:
    """Return how friends call somebody: the first name, where the vocabulary knows it."""
    names = first_names(context)
    return next((word for word in name.split() if word in names), name)


def is_feminine(context: Context, name: str) -> bool:
    """Tell whether a name is a woman's: by the vocabulary, otherwise by its ending."""
    genders = first_names(context)
    for length in (2, 1):
        words = name.split()
        for start in range(len(words)):
            found = genders.get(" ".join(words[start : start + length]))
            if found is not None:
                return found
    ending = context.vocabulary.names.feminine
    return ending is not None and bool(ending.search(name.strip().partition(" ")[0]))


def _traits(context: Context, rng: random.Random, feminine: bool) -> list[str]:
    return [row.of(feminine) for row in rng.sample(context.vocabulary.people.traits, 3)]


def catchphrase(context: Context, name: str) -> str:
    """Return what this character likes to say, the same in every text."""
    return context.world_rng("catch", name).choice(context.vocabulary.people.catchphrases)


def role_of(context: Context, character: Document) -> tuple[str, str]:
    """Return a character's occupation in the world's language and, where the vocabulary has it, in English."""
    short = str(character.get("concept_short") or "")
    name = name_of(short)
    role = short[len(name) :].strip(" —–-:,.") if short.startswith(name) else ""
    role = role or str(character.get("role_in_world") or "")
    for row in _roles(context):
        if role.casefold() in (row.he.casefold(), row.she.casefold()):
            return role, row.english
    return role or context.vocabulary.people.roles[0].he, "a friendly inhabitant"


def handle(context: Context, name: str) -> str:
    """Return a handle made of a name: Latin letters, digits and underscores."""
    letters = {key: latin for known in vocabularies().values() for key, latin in known.names.latin.items()}
    latin = "".join(letters.get(letter, letter) for letter in name.casefold())
    words = re.findall(r"[a-z0-9]+", latin) or ["someone"]
    rng = context.world_rng("handle", name)
    kept = [word for word in words if word not in context.vocabulary.names.skipped][:2] or words[:1]
    shape = rng.randrange(3)
    if shape == 0:
        return "_".join(kept)[:30]
    if shape == 1:
        return "".join(kept)[:26] + str(rng.randint(2, 99))
    return f"{kept[-1]}_{kept[0]}"[:30]


def write_character(context: Context) -> Document:
    """Return the details of one character (`character`)."""
    brief = context.brief
    concept = brief.mapping("concept")
    name = name_of(concept) or new_names(context, names_in(brief.items("others")), 1)[0][0]
    feminine = is_feminine(context, name)
    people = context.vocabulary.people
    rng = context.rng("character", name)
    role, role_english = role_of(context, concept)
    slots: Slots = {
        **context.slots(rng),
        "name": short_name(context, name),
        "role": role,
    }
    interests = [str(item) for item in concept.get("interests") or [] if isinstance(item, str)][:5]
    interests = interests or rng.sample(context.hobbies(), 3)
    slots["hobby"] = interests[0]
    traits = [str(item) for item in concept.get("personality_traits") or [] if isinstance(item, str)][:3]
    traits = (traits + _traits(context, rng, feminine))[:3]
    spoken: Slots = {**slots, "catch": catchphrase(context, name).rstrip(".")}
    spoken |= {f"trait{index + 1}": trait for index, trait in enumerate(traits)}

    def say(templates: tuple[str, ...]) -> str:
        return context.fill(rng.choice(templates), spoken, feminine)

    style, style_english = context.style()
    looks = say(people.looks)
    bio = say(people.bios)
    if context.gist.maths and len(bio) < 160:
        bio += " $\\nabla \\cdot \\text{♥} > 0$"
    return {
        "username": handle(context, name),
        "display_name": name,
        "bio": clip(bio, 200),
        "background_story": say(people.backgrounds),
        "personality": capital(say(people.personalities)),
        "appearance": looks,
        "interests": interests,
        "speaking_style": say(people.styles),
        "common_topics": [*interests[:2], str(slots["place"].forms["nom"])],  # type: ignore[union-attr]
        "avatar_description": looks,
        "avatar_style": style,
        "relationships": _relationships(context, rng, name),
        "secret": say(people.secrets),
        "daily_routine": say(people.routines),
        "avatar_prompt": _avatar_prompt(context, name, feminine, role_english, style_english),
    }


def _relationships(context: Context, rng: random.Random, name: str) -> list[Document]:
    others = [other for other in names_in(context.brief.items("others")) if other != name]
    found = []
    for other in rng.sample(others, min(3, len(others))):
        kind, text = rng.choice(context.vocabulary.people.relations)
        described = context.fill(text, context.slots(rng))
        found.append({"character": other, "relationship_type": kind, "description": described})
    return found


def creature_of(context: Context, name: str) -> str:
    """Return what a character is: mostly a creature that the prompt speaks of, sometimes a human."""
    creatures = species_of(context.gist.prompt)
    rng = context.world_rng("creature", name)
    return rng.choice(creatures) if creatures and rng.random() < 0.8 else ""


def _avatar_prompt(context: Context, name: str, feminine: bool, role: str, style: str) -> str:
    rng = context.world_rng("avatar", name)
    creature = creature_of(context, name)
    who = (
        f"a friendly {creature} character, {role}"
        if creature
        else f"a friendly {'woman' if feminine else 'man'}, {role}"
    )
    hair = rng.choice(["curly", "long", "short", "bobbed", "wavy", "braided", "ruffled"])
    colour = rng.choice(["red", "black", "brown", "blond", "white", "grey", "orange"])
    extra = rng.choice(
        ["round glasses", "a warm scarf", "a flower", "a hat", "a bow tie", "freckles", "headphones"]
    )
    coat = "fur" if creature else f"{hair} hair"
    return (
        f"Portrait, head and shoulders: {who}, {colour} {coat}, with {extra}, gentle smile, {style}, no text"
    )
