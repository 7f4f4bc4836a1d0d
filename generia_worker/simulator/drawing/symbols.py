"""Symbols for emblems, by the words that ask for them. Each is drawn around a point, within about the given radius."""

from __future__ import annotations

from collections.abc import Callable

from generia_worker.simulator.drawing import symbols_nature as nature
from generia_worker.simulator.drawing import symbols_things as things
from generia_worker.simulator.drawing.canvas import Canvas, Colour
from generia_worker.simulator.drawing.palettes import Palette

Symbol = Callable[[Canvas, float, float, float, Colour, Palette], None]

#: By words of the prompt, as `words` takes them; the first word in it wins.
SYMBOLS: tuple[tuple[str, Symbol], ...] = (
    ("paw", nature.paw),
    ("cat|kitten|kitt(?:y|ies)|whisker", nature.cat),
    ("book|library", things.book),
    (r"mortarboard|graduat\w*|academ\w*|universit\w*", things.cap),
    (r"triangle|geometr\w*|circle of", things.geometry),
    (r"infinity|math\w*", things.infinity),
    (r"planet\w*|saturn", nature.planet),
    ("rocket|spaceship", things.rocket),
    ("anchor", things.anchor),
    (r"ship|sail\w*", things.ship),
    (r"crescent|moon\w*", nature.moon),
    (r"crystal\w*|gem|magic\w*", nature.crystal),
    (r"gear|cog|clock\w*", things.gear),
    (r"robot\w*|android", things.robot),
    ("leaf|leafy|leaves", nature.leaf),
    ("tree|oak", nature.tree),
    ("cup|mug|coffee|tea", things.cup),
    (r"loaf|\w*bread|wheat|baker\w*", things.loaf),
    ("musical|note", things.note),
    ("lyre|harp", things.lyre),
    (r"crown\w*|king|queen", things.crown),
    ("castle|tower|fort|fortress", things.fort),
    ("key|keyhole", things.key),
    ("eye", things.eye),
    ("balloon", things.balloon),
    (r"cloud\w*", nature.cloud),
    (r"snowflake|frost\w*", nature.flake),
    (r"mountain\w*|peak", nature.mountain),
    (r"\w*house|home|cottage", things.home),
    ("heart", things.heart),
    ("sun", nature.sun),
    (r"fish\w*", nature.fish),
    ("shell", nature.shell),
    ("lantern|lamp", things.lantern),
)
