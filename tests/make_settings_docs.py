"""Writes down every setting, from its source: `python -m tests.make_settings_docs` after a change of settings.py.

Writes `.env.example` and, in the page of the settings, what stands between the two markers. A test fails when either is
stale.
"""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from generia_worker.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "generia_worker" / "settings" / "settings.py"
PAGE = SOURCE.parent / "README.md"
ENV_EXAMPLE = ROOT / ".env.example"
BEGIN = "<!-- settings: made by python -m tests.make_settings_docs -->"
END = "<!-- end of settings -->"
_SECTION = re.compile(r"\s*# --- (.+?) -+$")
_COMMENT = re.compile(r"\s*#: (.+)$")
_HEADER = """\
# Every setting of Generia with its default. Copy this file to .env and uncomment what you want to change; the environment
# wins over .env. An empty value means the default. Units are in the names: _S seconds, _USD dollars.
# Made by: python -m tests.make_settings_docs
"""


@dataclass
class Group:
    """Settings that share one comment, in the order of the source."""

    comment: str
    names: list[str] = field(default_factory=list)


@dataclass
class Section:
    """A part of the settings with its title."""

    title: str
    groups: list[Group] = field(default_factory=list)


def read_sections() -> list[Section]:
    """Read the sections, their comments and the names below them from the source of the settings."""
    source = SOURCE.read_text(encoding="utf-8")
    tree = ast.parse(source)
    settings = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Settings")
    first_lines = {
        node.lineno: node.target.id
        for node in settings.body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and node.target.id in Settings.model_fields
    }
    sections: list[Section] = []
    comment: list[str] = []
    lines = source.splitlines()
    for number in range(settings.lineno, max(first_lines) + 1):
        line = lines[number - 1]
        if match := _SECTION.match(line):
            sections.append(Section(match[1]))
        elif match := _COMMENT.match(line):
            comment.append(match[1])
        elif number in first_lines:
            groups = sections[-1].groups
            if comment or not groups:
                groups.append(Group(" ".join(comment)))
                comment = []
            groups[-1].names.append(first_lines[number])
    return sections


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + name.upper()


def default_text(name: str) -> str:
    """Return a setting's default as it is written in the environment; empty for none."""
    value: Any = Settings.model_fields[name].default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def env_example() -> str:
    """Return the text of `.env.example`."""
    parts = [_HEADER]
    for section in read_sections():
        parts.append(f"\n# --- {section.title} ---\n")
        for group in section.groups:
            parts.append("".join(f"# {line}\n" for line in _wrapped(group.comment)))
            parts += [f"#{variable(name)}={default_text(name)}\n" for name in group.names]
    return "".join(parts)


def _wrapped(text: str, width: int = 110) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def tables() -> str:
    """Return the page's tables, one a section; settings that share a comment share a row."""
    parts = []
    for section in read_sections():
        parts.append(f"\n**{_capital(section.title)}**\n\n")
        parts.append("| variable | default | meaning |\n| --- | --- | --- |\n")
        for group in section.groups:
            names = "<br>".join(f"`{variable(name)}`" for name in group.names)
            defaults = "<br>".join(
                f"`{default_text(name)}`" if default_text(name) else "(empty)" for name in group.names
            )
            parts.append(f"| {names} | {defaults} | {group.comment.replace('|', chr(92) + '|')} |\n")
    return "".join(parts) + "\n"


def _capital(title: str) -> str:
    """Return a title with a capital, but for words like gRPC that have theirs elsewhere."""
    return title if title[1:2].isupper() else title[:1].upper() + title[1:]


def page_with_tables(text: str) -> str:
    """Return the page with the tables between its markers. Raises ValueError where a marker is missing."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        message = f"{PAGE} must hold both markers: {BEGIN} and {END}"
        raise ValueError(message)
    return f"{head}{BEGIN}\n{tables()}{END}{tail}"


def main() -> None:
    """Write both files."""
    ENV_EXAMPLE.write_text(env_example(), encoding="utf-8")
    PAGE.write_text(page_with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"{ENV_EXAMPLE.name} and {PAGE.relative_to(ROOT)} are up to date.\n")


if __name__ == "__main__":
    main()
