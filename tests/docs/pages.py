"""The pages of the repository (every `*.md` but the changelog), and what is found in them.

A page says what is compared with the code by a comment: the table below `<!-- table: NAME -->`, the fenced block below
`<!-- block: NAME -->`. Headings may be worded as they like.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Not pages of ours: what tools and virtual environments leave in a checkout, and what happened long ago.
_NOT_OURS = {".git", ".venv", "venv", "build", "dist", "node_modules", ".pytest_cache", ".hypothesis"}
_HISTORY = "CHANGELOG.md"
_MARKER = re.compile(r"^<!-- (table|block): (.+?) -->$", re.MULTILINE)
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_RULE = re.compile(r"\|( -+ \|)+")


@dataclass(frozen=True)
class Page:
    """One Markdown file; `name` is its path from the repository's root."""

    name: str
    text: str

    @property
    def folder(self) -> Path:
        """The folder that its links are relative to."""
        return (ROOT / self.name).parent

    @property
    def prose(self) -> str:
        """The text without its fenced blocks."""
        return _FENCE.sub("", self.text)

    @property
    def codes(self) -> list[str]:
        """What stands between backticks in a line."""
        return codes_in(self.prose)

    def blocks(self, kind: str) -> list[str]:
        """Return the fenced blocks of a kind."""
        return [body for found, body in _FENCE.findall(self.text) if found == kind]

    def links(self) -> list[str]:
        """Return the targets of its links and pictures."""
        return re.findall(r"\]\(([^)\s]+)\)", self.prose)

    def anchors(self) -> set[str]:
        """Return the fragments that its headings can be reached by."""
        titles = re.findall(r"^#+ (.+)$", self.prose, re.MULTILINE)
        return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}

    def marked(self) -> list[tuple[str, str, str]]:
        """Return (kind, name, what follows it) of each marker."""
        return [
            (found[1], found[2], self.text[found.end() :].lstrip("\n"))
            for found in _MARKER.finditer(self.text)
        ]


@cache
def pages() -> tuple[Page, ...]:
    """Return all pages, by name."""
    found = []
    for path in sorted(ROOT.rglob("*.md")):
        name = path.relative_to(ROOT)
        if not _NOT_OURS & set(name.parts) and name.as_posix() != _HISTORY:
            found.append(Page(name.as_posix(), path.read_text(encoding="utf-8")))
    return tuple(found)


def page(name: str) -> Page:
    """Return the page with this path."""
    return next(one for one in pages() if one.name == name)


def codes_in(text: str) -> list[str]:
    """Return what stands between backticks in a line of a text."""
    return re.findall(r"`([^`\n]+)`", text)


# --- tables and blocks -------------------------------------------------------------------------------------------
def tables(name: str) -> list[list[list[str]]]:
    """Return the rows, without their heads, of every table that is marked with this name."""
    return [
        rows(rest)
        for one in pages()
        for kind, marked, rest in one.marked()
        if (kind, marked) == ("table", name)
    ]


def table(name: str) -> list[list[str]]:
    """Return the rows of the one table that is marked with this name."""
    found = tables(name)
    assert len(found) == 1, f"there are {len(found)} tables with <!-- table: {name} -->"
    return found[0]


def first_codes(name: str) -> list[str]:
    """Return what stands between backticks in the first column of a table."""
    return [code for row in table(name) for code in codes_in(row[0])]


def rows(text: str) -> list[list[str]]:
    """Return the cells of the table that a text begins with, without its head; none where it begins with something else."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("|"):
            break
        lines.append(line)
    if len(lines) < 2 or not _RULE.fullmatch(lines[1]):
        return []
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def block(name: str) -> str:
    """Return the body of the one fenced block that is marked with this name."""
    found = [
        match[2]
        for one in pages()
        for kind, marked, rest in one.marked()
        if (kind, marked) == ("block", name) and (match := _FENCE.match(rest))
    ]
    assert len(found) == 1, f"there are {len(found)} blocks with <!-- block: {name} -->"
    return str(found[0])


# --- references --------------------------------------------------------------------------------------------------
@cache
def symbols(path: Path) -> frozenset[str]:
    """Return the names that a module defines at its top."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return frozenset(names)


def is_reference(code: str) -> bool:
    """True for what is written like a path of this repository, with or without a ::symbol (but no `NAME.j2`)."""
    folders = tuple(f"{path.name}/" for path in ROOT.iterdir() if path.is_dir())
    files = {path.name for path in ROOT.iterdir() if path.is_file()}
    named = code.startswith(folders) or code.partition("::")[0] in files
    return named and not re.search(r"[A-Z]{3,}\.", code)


def problem_with(reference: str) -> str | None:
    """Say what is wrong with a reference; None when it leads somewhere."""
    path, _, symbol = reference.partition("::")
    target = ROOT / path
    if not target.exists():
        return f"{path} does not exist"
    if symbol and symbol not in symbols(target):
        return f"{path} does not define {symbol}"
    return None
