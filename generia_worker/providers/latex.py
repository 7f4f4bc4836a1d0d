r"""LaTeX inside JSON strings: undoes the damage of a model that forgot to double its backslashes.

`"\frac{a}{b}"` is valid JSON and means a form feed and `rac{a}{b}`; `"\alpha"` is no JSON at all. The repair works
on the text before it is parsed, string by string, and leaves a correctly escaped text byte for byte as it is:

- `\\`, `\"`, `\/` and `\uXXXX` are what they say; `\u` without four hex digits is LaTeX (`\underline`);
- `\b` and `\f` before a letter are LaTeX: posts hold no backspaces or form feeds into a post;
- `\t`, `\n` and `\r` are LaTeX when the full run of letters is a command whose rest is no word (`\times`, `\nabla`);
- where the rest may be a word (`\nu`: a newline and "u", `\to`: a tab and "o"), mathematics around it decides: LaTeX
  inside `$…$` and `\(…\)` unless other commands of the answer are escaped properly; inside `$$…$$` and `\[…\]`, where
  lines are broken, only if besides another backslash of the answer is certainly unescaped; a newline elsewhere;
- any other backslash is LaTeX (`\alpha`, `\(`, `\{`).

A `$` begins mathematics only if it is closed again and neither looks like a price ("$5 … $6", "5$ … 6$"). What stays
open to error is a real line break inside `$…$` before a lone "u", "i", "e" and the like, in an answer without commands.
"""

from __future__ import annotations

import re
from functools import partial

#: Commands whose rest after the escape's letter is no word of any language.
_CERTAIN = frozenset(
    (
        "tbinom text textbf textit textrm textsf textsc texttt textstyle tfrac therefore theta thickapprox thicksim "
        "tilde times triangle triangledown triangleleft triangleq triangleright twoheadrightarrow "
        "nabla natural nearrow neq newcommand newline newpage ngeq nleq nolimits nonumber notin nsubseteq nsupseteq "
        "ntriangleleft ntriangleright nwarrow nVdash nvdash nvDash "
        "rangle rbrace rbrack rceil rfloor rgroup rho right rightarrow rightarrowtail rightharpoonup "
        "rightleftarrows rightleftharpoons rightrightarrows rightsquigarrow rm rtimes rvert rVert restriction relax "
        "root risingdotseq"
    ).split()
)
#: Commands whose rest may be a word: only what is around them tells.
_IN_MATH = frozenset(
    (
        "tag tan tanh tau to top ncong ne neg nexists ngtr ni nleftarrow nless nmid not nparallel nprec nrightarrow "
        "nsim nsucc nu"
    ).split()
)
_STRING = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|[A-Za-z]+|.)", re.DOTALL)
_HEX = re.compile(r"u[0-9A-Fa-f]{4}")
_CONTROL = re.compile(r"[\x00-\x1f]")
_CONTROLS = {"\n": "\\n", "\t": "\\t"}
_PROPERLY_ESCAPED = re.compile(r"(?<!\\)(?:\\\\)+[A-Za-z]{2}")
_BREAK_BEFORE_DOLLAR = re.compile(r"\\[nrt](?=\$)")
_MATH = re.compile(
    r"""
    (?P<display> (?<!\\)\$\$ .{1,2000}? (?<!\\)\$\$ | \\{1,2}\[ .{1,2000}? \\{1,2}\] )
    | (?<![\\\w])\$ (?![\s$]) [^$]{1,300}? (?<![\s\\])\$ (?!\w)
    | \\{1,2}\( .{1,2000}? \\{1,2}\)
    """,
    re.DOTALL | re.VERBOSE,
)


def repair_strings(text: str) -> str:
    """Return JSON text with the strings repaired: LaTeX escaped, raw control characters escaped or dropped."""
    if "\\" in text:
        careful = _PROPERLY_ESCAPED.search(text) is not None
        certain = _STRING.sub(partial(_repair, inline=False, display=False), text)
        careless = certain != _without_apostrophes(text)
        text = _STRING.sub(partial(_repair, inline=not careful, display=careless and not careful), text)
    if _CONTROL.search(text):
        text = _STRING.sub(lambda string: _CONTROL.sub(lambda c: _CONTROLS.get(c[0], ""), string[0]), text)
    return text


def _without_apostrophes(text: str) -> str:
    """Return the text with `\\'` mended: a slip of another kind, which tells nothing about commands."""
    return _ESCAPE.sub(lambda escape: "'" if escape[1] == "'" else escape[0], text)


def _repair(string: re.Match[str], *, inline: bool, display: bool) -> str:
    """Return a string with its backslashes mended; `inline` and `display` say where doubtful commands count."""
    body = string[1]
    spans: list[tuple[int, int]] | None = None

    def mend(escape: re.Match[str]) -> str:
        nonlocal spans
        what = escape[1]
        if what == "'":
            return "'"
        if what in ('"', "\\", "/") or _HEX.fullmatch(what):
            return escape[0]
        if what[0] in "bfnrt" and not (what in _CERTAIN or (what[0] in "bf" and len(what) > 1)):
            if what not in _IN_MATH:
                return escape[0]
            if spans is None:
                spans = _mathematics(body, inline=inline, display=display)
            if not any(begin < escape.start() < end for begin, end in spans):
                return escape[0]
        return "\\" + escape[0]

    return f'"{_ESCAPE.sub(mend, body)}"'


def _mathematics(body: str, *, inline: bool, display: bool) -> list[tuple[int, int]]:
    """Return where the mathematics of a string begins and ends."""
    # The letter of an escaped line break is no letter that would make a dollar a price.
    masked = _BREAK_BEFORE_DOLLAR.sub("  ", body)
    return [span.span() for span in _MATH.finditer(masked) if (display if span["display"] else inline)]
