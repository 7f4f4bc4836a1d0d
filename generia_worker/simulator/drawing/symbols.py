"""Symbols for emblems, by the words that ask for them. Each is drawn around a point, within about the given radius."""

from __future__ import annotations

from collections.abc import Callable

from generia_worker.simulator.drawing import symbols_calculated as calculated
from generia_worker.simulator.drawing.canvas import Canvas, Colour
from generia_worker.simulator.drawing.palettes import Palette
from generia_worker.simulator.drawing.shapes import symbols

Symbol = Callable[[Canvas, float, float, float, Colour, Palette], None]


def _drawn(name: str) -> Symbol:
    def draw(c: Canvas, x: float, y: float, r: float, ink: Colour, palette: Palette) -> None:
        for shape in symbols()[name]:
            shape.draw(c, x, y, r, ink, palette)

    return draw


#: By words of the prompt, as `words` takes them; the first word in it wins.
SYMBOLS: tuple[tuple[str, Symbol], ...] = (
    ("paw", _drawn("paw")),
    ("cat|kitten|kitt(?:y|ies)|whisker", _drawn("cat")),
    ("book|library", _drawn("book")),
    (r"mortarboard|graduat\w*|academ\w*|universit\w*", _drawn("cap")),
    (r"triangle|geometr\w*|circle of", _drawn("geometry")),
    (r"infinity|math\w*", calculated.infinity),
    (r"planet\w*|saturn", _drawn("planet")),
    ("rocket|spaceship", _drawn("rocket")),
    ("anchor", _drawn("anchor")),
    (r"ship|sail\w*", _drawn("ship")),
    (r"crescent|moon\w*", calculated.moon),
    (r"crystal\w*|gem|magic\w*", _drawn("crystal")),
    (r"gear|cog|clock\w*", calculated.gear),
    (r"robot\w*|android", _drawn("robot")),
    ("leaf|leafy|leaves", _drawn("leaf")),
    ("tree|oak", _drawn("tree")),
    ("cup|mug|coffee|tea", _drawn("cup")),
    (r"loaf|\w*bread|wheat|baker\w*", _drawn("loaf")),
    ("musical|note", _drawn("note")),
    ("lyre|harp", _drawn("lyre")),
    (r"crown\w*|king|queen", _drawn("crown")),
    ("castle|tower|fort|fortress", _drawn("fort")),
    ("key|keyhole", _drawn("key")),
    ("eye", _drawn("eye")),
    ("balloon", _drawn("balloon")),
    (r"cloud\w*", _drawn("cloud")),
    (r"snowflake|frost\w*", calculated.flake),
    (r"mountain\w*|peak", _drawn("mountain")),
    (r"\w*house|home|cottage", calculated.home),
    ("heart", calculated.heart),
    ("sun", _drawn("sun")),
    (r"fish\w*", _drawn("fish")),
    ("shell", calculated.shell),
    ("lantern|lamp", _drawn("lantern")),
)
