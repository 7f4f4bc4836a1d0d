"""What themes look like, in English, for the prompts of pictures; the same for all languages."""

from __future__ import annotations

import re
from typing import get_args

from generia_worker.simulator.vocabulary import vocabularies
from generia_worker.simulator.vocabulary.types import Creature

LANDSCAPES: dict[str, list[str]] = {
    "cats": [
        "green hills and a small town where cats stroll on the rooftops",
        "a cozy town at sunset with cats on the hills",
    ],
    "academia": [
        "an old university on a hill with towers and tall windows",
        "a campus with spires above autumn trees",
    ],
    "maths": [
        "geometric hills under a sky of circles and triangles",
        "terraced hills with a slender tower and a long bridge",
    ],
    "space": [
        "a planet's surface under a ringed giant and many stars",
        "a space station above a glowing planet, starry sky",
    ],
    "sea": ["a calm sea with a lighthouse and sailing ships", "islands in a turquoise sea with small boats"],
    "magic": [
        "an enchanted castle on a hill under a crescent moon",
        "a magic forest with glowing lights and a tall tower",
    ],
    "tech": ["a neon city skyline at night with flying lights", "a futuristic city with towers and bridges"],
    "nature": ["a deep forest with tall pines and misty mountains", "mountains, meadows and a winding river"],
    "food": [
        "rolling hills with a warm bakery village and smoking chimneys",
        "a market town among orchards at golden hour",
    ],
    "music": [
        "hills like waves of music with a small concert pavilion",
        "a city at dusk with lanterns and a stage",
    ],
    "medieval": ["a castle with banners on a mountain above a valley", "a walled medieval town among fields"],
    "mystery": [
        "a foggy city at night with lamp posts and a full moon",
        "a misty harbour town with a single lit window",
    ],
    "sky": [
        "floating islands in the clouds with waterfalls and balloons",
        "a sea of clouds at dawn with hot air balloons",
    ],
    "winter": ["a snowy village under northern lights", "snowy mountains with pines and small warm houses"],
    "village": ["a village among meadows with a windmill", "rolling fields with cottages and a river"],
    "underwater": [
        "an underwater city among corals and glowing jellyfish",
        "a coral valley under the sea with fish",
    ],
    "everyday": ["a cozy town by a river at golden hour", "rolling hills with a small town and a bridge"],
}
EMBLEMS: dict[str, list[str]] = {
    "cats": ["a cat head", "a paw print"],
    "academia": ["an open book with a star", "a mortarboard hat"],
    "maths": ["a geometric triangle inside a circle", "an infinity sign"],
    "space": ["a ringed planet", "a rocket with stars"],
    "sea": ["an anchor", "a sailing ship on waves"],
    "magic": ["a crescent moon with stars", "a crystal with sparkles"],
    "tech": ["a gear", "a robot head"],
    "nature": ["a green leaf", "a tree in a circle"],
    "food": ["a steaming cup", "a loaf and a wheat ear"],
    "music": ["a musical note", "a lyre"],
    "medieval": ["a shield with a crown", "a castle tower"],
    "mystery": ["a keyhole with a key", "an eye inside a star"],
    "sky": ["a hot air balloon", "a cloud with a sun"],
    "winter": ["a snowflake", "a mountain under a star"],
    "village": ["a small house with a heart", "a sun over a field"],
    "underwater": ["a fish in a ring of waves", "a shell"],
    "everyday": ["a lantern", "a small house under a star", "a heart with a star"],
}
#: Creatures that are also shown in pictures of a whole world.
_SHOWN: dict[Creature, str] = {"cat": "cats", "dog": "dogs", "robot": "robots"}
_COLOURS = (
    "honey teal lilac peach mint coral mustard navy rust orange green indigo gold rose blue turquoise sand red pink "
    "purple violet white black yellow brown silver grey"
).split()


def species_of(prompt: str) -> list[Creature]:
    """Return the creatures that the prompt speaks of, each as often as it does; empty: people."""
    return [name for name in get_args(Creature) for _ in range(_mentions(prompt, name))]


def _mentions(prompt: str, creature: Creature) -> int:
    """Return how often the prompt speaks of a creature, in whatever language."""
    patterns = [known.creatures[creature] for known in vocabularies().values() if creature in known.creatures]
    return sum(len(pattern.findall(prompt)) for pattern in patterns)


def subjects_of(prompt: str) -> list[str]:
    """Return what the prompt names that pictures can show, in English."""
    shown = [plural for creature, plural in _SHOWN.items() if _mentions(prompt, creature)]
    subjects = [subject for known in vocabularies().values() for subject in known.subjects.items()]
    named = {name for name, words in subjects if words.search(prompt)}
    return shown + [name for name in dict(subjects) if name in named]


def colours_of(style: str) -> list[str]:
    """Return the colours that a style names."""
    return [word for word in _COLOURS if re.search(rf"\b{word}\b", style)] or ["gold", "blue"]
