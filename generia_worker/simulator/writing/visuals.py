"""What themes look like, in English, for the prompts of pictures; the same for all languages."""

from __future__ import annotations

import re

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
SPECIES = {
    "cats": "cat",
    "tech": "robot",
    "dogs": "dog",
    "foxes": "fox",
    "rabbits": "rabbit",
    "bears": "bear",
}
#: Creatures that the prompt may name, by the beginnings of words in either language.
_CREATURES = {
    "cat": r"кот(?!ор|ел|л)|кош[кае]|котик|котён|котен|cats?\b|kitt",
    "dog": r"собак|пёс|псы|псов|щен[ко]|dogs?\b|pupp",
    "fox": r"лис[аыу]?\b|лисиц|лисён|лисят|fox",
    "rabbit": r"кроли|зай[цч]|зайк|rabbit|bunn|hare\b",
    "bear": r"медвед|медвеж|bear",
    "robot": r"робот|андроид|киборг|robot|android|cyborg",
    "owl": r"\bсов[аыу]?\b|совы|совён|\bowl",
    "mouse": r"мыш[иьк]|мышей|mouse|mice",
}
#: What else a prompt may name that pictures can show.
_SUBJECTS = {
    "cats": _CREATURES["cat"],
    "dogs": _CREATURES["dog"],
    "robots": _CREATURES["robot"],
    "students": r"студент|student",
    "ships": r"корабл|парус|\bship|pirat|пират",
    "dragons": r"дракон|dragon",
    "clocks": r"\bчас(?:ы|ов|ам)|clock",
    "trains": r"поезд|паровоз|вокзал|train",
    "castle": r"зам(?:ок|ке|ка)\b|castle",
    "mountains": r"гор[аыуе]\b|mountain",
    "forest": r"\bлес|forest|wood",
    "sea": r"\bмор[еяюс]|океан|\bsea\b|ocean",
    "city": r"город|city|town",
    "stars": r"звёзд|звезд|star",
    "snow": r"снег|снеж|зим[аыне]|snow|winter",
    "rain": r"дожд|\brain",
    "books": r"книг|библиотек|book|librar",
    "flowers": r"цвет(?:ок|ы|ов|оч)|flower|garden|\bсад",
    "balloons": r"воздушн\w+ шар|balloon",
    "robot town": r"киберпанк|cyberpunk",
    "bakery": r"пекар|булоч|хлеб|baker|bread",
    "music": r"музык|music",
}
_COLOURS = (
    "honey teal lilac peach mint coral mustard navy rust orange green indigo gold rose blue turquoise sand red pink "
    "purple violet white black yellow brown silver grey"
).split()


def species_of(prompt: str) -> list[str]:
    """Return the creatures that the prompt speaks of, each as often as it does; empty: people."""
    return [name for name, pattern in _CREATURES.items() for _ in re.findall(pattern, prompt, re.IGNORECASE)]


def subjects_of(prompt: str) -> list[str]:
    """Return what the prompt names that pictures can show, in English."""
    return [name for name, pattern in _SUBJECTS.items() if re.search(pattern, prompt, re.IGNORECASE)]


def colours_of(style: str) -> list[str]:
    """Return the colours that a style names."""
    return [word for word in _COLOURS if re.search(rf"\b{word}\b", style)] or ["gold", "blue"]
