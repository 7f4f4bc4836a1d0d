"""Symbols for emblems, by the words that ask for them. Each is drawn around a point, within about the given radius."""

from __future__ import annotations

from collections.abc import Callable

from generia_worker.simulator.drawing import symbols_nature as nature
from generia_worker.simulator.drawing import symbols_things as things
from generia_worker.simulator.drawing.canvas import Canvas, Colour
from generia_worker.simulator.drawing.palettes import Palette

Symbol = Callable[[Canvas, float, float, float, Colour, Palette], None]

#: By words of the prompt; the first word in it wins.
SYMBOLS: tuple[tuple[str, Symbol], ...] = (
    (r"\bpaw", nature.paw),
    (r"\bcats?\b|kitt|whisker", nature.cat),
    (r"\bbooks?\b|library", things.book),
    (r"mortarboard|graduat|academ|universit", things.cap),
    (r"triangle|geometr|circle of", things.geometry),
    (r"infinity|math", things.infinity),
    (r"planet|saturn", nature.planet),
    (r"rocket|spaceship", things.rocket),
    (r"anchor", things.anchor),
    (r"\bships?\b|sail", things.ship),
    (r"crescent|\bmoon", nature.moon),
    (r"crystal|gem\b|magic", nature.crystal),
    (r"\bgears?\b|cog|clock", things.gear),
    (r"robot|android", things.robot),
    (r"\bleaf|leaves", nature.leaf),
    (r"\btrees?\b|\boak\b", nature.tree),
    (r"\bcup\b|\bmug\b|coffee|\btea\b", things.cup),
    (r"loaf|bread|wheat|baker", things.loaf),
    (r"musical|\bnotes?\b", things.note),
    (r"lyre|harp", things.lyre),
    (r"crown|king|queen", things.crown),
    (r"castle|tower|fort", things.fort),
    (r"\bkeys?\b|keyhole", things.key),
    (r"\beyes?\b", things.eye),
    (r"balloon", things.balloon),
    (r"cloud", nature.cloud),
    (r"snowflake|frost", nature.flake),
    (r"mountain|\bpeak", nature.mountain),
    (r"house|home|cottage", things.home),
    (r"heart", things.heart),
    (r"\bsun\b", nature.sun),
    (r"\bfish", nature.fish),
    (r"\bshell", nature.shell),
    (r"lantern|lamp", things.lantern),
)
