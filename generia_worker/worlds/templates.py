"""Renders the templates of `prompts/`: what the model is told. A person may edit them without touching code.

Each template has a `system` and a `user` block. All templates are checked when they are loaded: a missing file, a syntax
error or a variable that is never set stops the program with the file's name and line. What a person or a model wrote is
always a value, never part of a template.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import DictLoader, StrictUndefined, Template, TemplateError, TemplateSyntaxError, Undefined, nodes
from jinja2.sandbox import SandboxedEnvironment

from generia_worker.errors import ConfigurationError

_ENDING = ".j2"
_WORLD = ("user_prompt", "world")
_POSTS = (*_WORLD, "character", "others")

#: Every template with its blocks and the variables that it may use.
TEMPLATES: Mapping[str, tuple[tuple[str, ...], frozenset[str]]] = {
    "describe_world": (("system", "user"), frozenset({"user_prompt", "users_count", "posts_count", "name"})),
    "illustrate_world": (("system", "user"), frozenset(_WORLD)),
    "cast_characters": (
        ("system", "user"),
        frozenset({*_WORLD, "count", "users_count", "posts_count", "existing"}),
    ),
    "create_character": (
        ("system", "user"),
        frozenset({*_WORLD, "concept", "others", "connections", "stories"}),
    ),
    "plan_posts": (("system", "user"), frozenset({*_POSTS, "stories", "count", "earlier", "lately", "news"})),
    "write_post": (("system", "user"), frozenset({*_POSTS, "post", "earlier_posts", "number", "total"})),
    "react_to_posts": (("system", "user"), frozenset({*_WORLD, "character", "posts", "likes", "comments"})),
    "answer_comments": (("system", "user"), frozenset({*_WORLD, "character", "posts", "answers"})),
    "reply_to_person": (
        ("system", "user"),
        frozenset({*_WORLD, "character", "post", "earlier", "comment"}),
    ),
    "tell_news": (("system", "user"), frozenset({*_WORLD, "day", "chronicle", "lately", "people"})),
    "reask": (("user",), frozenset({"problems"})),
    "answer_schema": (("system",), frozenset({"schema"})),
    "draw_picture": (("user",), frozenset({"kind", "subject", "style"})),
}


def as_data(value: Any) -> str:
    """Return a value as JSON that cannot close the tag around it."""
    if isinstance(value, Undefined):
        str(value)  # raises with the name of what is missing
    return json.dumps(value, ensure_ascii=False).replace("</", "<\\/")


class Prompts:
    """The templates of one folder, loaded and checked."""

    def __init__(self, directory: Path | None = None) -> None:
        """Load the templates of `directory`, else the ones that come with the package.

        Raises:
            ConfigurationError: a template is missing, malformed or names an unknown variable; says file and line.
        """
        sources = {name: _read(name, directory) for name in TEMPLATES}
        self._environment = SandboxedEnvironment(
            loader=DictLoader(sources),
            undefined=StrictUndefined,
            autoescape=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["data"] = as_data
        for name, source in sources.items():
            self._check(name, source)

    def render(self, template: str, **variables: Any) -> tuple[str, str]:
        """Return the system and the user message of one step."""
        return self._block(template, "system", variables), self._block(template, "user", variables)

    def reask(self, problems: Iterable[str]) -> str:
        """Return the message that shows the model what was wrong with its answer."""
        return self._block("reask", "user", {"problems": list(problems)[:20]})

    def schema_instruction(self, schema: Mapping[str, Any]) -> str:
        """Return what servers without structured output are told about the shape of the answer."""
        return self._block("answer_schema", "system", {"schema": schema})

    def picture(self, kind: str, subject: str, style: str) -> str:
        """Return the prompt of a picture: of a cover, an icon, an avatar or a post."""
        return self._block("draw_picture", "user", {"kind": kind, "subject": subject, "style": style})

    def _block(self, name: str, block: str, variables: Mapping[str, Any]) -> str:
        template: Template = self._environment.get_template(name)
        context = template.new_context(dict(variables))
        try:
            return "".join(template.blocks[block](context)).strip()
        except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
            message = f"prompts/{name}{_ENDING} cannot be filled in: {error}"
            raise ConfigurationError(message) from None

    def _check(self, name: str, source: str) -> None:
        blocks, allowed = TEMPLATES[name]
        try:
            tree = self._environment.parse(source)
        except TemplateSyntaxError as error:
            raise ConfigurationError(
                f"prompts/{name}{_ENDING}, line {error.lineno}: {error.message}"
            ) from None
        for other in tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
            target = getattr(getattr(other, "template", None), "value", "another template")
            message = f"prompts/{name}{_ENDING}, line {other.lineno}: '{target}' cannot be drawn in here."
            raise ConfigurationError(message)
        present = {block.name for block in tree.find_all(nodes.Block)}
        for block in blocks:
            if block not in present:
                raise ConfigurationError(f"prompts/{name}{_ENDING}: the block '{block}' is missing.")
        local = {found.name for found in tree.find_all(nodes.Name) if found.ctx in ("store", "param")}
        for found in tree.find_all(nodes.Name):
            if found.ctx == "load" and found.name not in allowed | local | {"loop"}:
                known = ", ".join(sorted(allowed))
                message = f"prompts/{name}{_ENDING}, line {found.lineno}: unknown variable '{found.name}'. Known: {known}."
                raise ConfigurationError(message)
        for used in tree.find_all((nodes.Filter, nodes.Test)):
            kind, known_names = ("filter", self._environment.filters)
            if isinstance(used, nodes.Test):
                kind, known_names = ("test", self._environment.tests)
            if used.name not in known_names:
                message = f"prompts/{name}{_ENDING}, line {used.lineno}: unknown {kind} '{used.name}'."
                raise ConfigurationError(message)


def _read(name: str, directory: Path | None) -> str:
    folder = resources.files("prompts") if directory is None else directory
    try:
        return (folder / f"{name}{_ENDING}").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"The template prompts/{name}{_ENDING} cannot be read ({type(error).__name__})."
        raise ConfigurationError(message) from None
