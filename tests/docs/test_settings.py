"""The page of the settings and `.env.example` are what the settings themselves give."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from generia_worker.settings import Settings
from tests import make_settings_docs as docs
from tests.docs.pages import pages, rows


def variables() -> set[str]:
    """Return the environment variable of every setting."""
    return {docs.variable(name) for name in Settings.model_fields}


def page_tables() -> list[list[str]]:
    """Return the rows of the tables that are made."""
    text = docs.PAGE.read_text(encoding="utf-8").partition(docs.BEGIN)[2].partition(docs.END)[0]
    heads = re.finditer(r"^\| variable ", text, re.MULTILINE)
    return [row for head in heads for row in rows(text[head.start() :])]


def test_generated_parts_are_fresh() -> None:
    remedy = "stale: run python -m tests.make_settings_docs"
    page = docs.PAGE.read_text(encoding="utf-8")
    assert docs.ENV_EXAMPLE.read_text(encoding="utf-8") == docs.env_example(), f".env.example is {remedy}"
    assert docs.page_with_tables(page) == page, f"{docs.PAGE} is {remedy}"


def test_every_setting_has_a_comment() -> None:
    sections = docs.read_sections()
    named = [name for part in sections for group in part.groups for name in group.names]
    assert named == list(Settings.model_fields)
    for part in sections:
        for group in part.groups:
            assert group.comment, f"{group.names[0]} has no '#:' comment"


def test_the_tables_name_exactly_the_settings_and_their_defaults() -> None:
    shown: dict[str, str] = {}
    for names, defaults, _ in page_tables():
        values = [value.strip("`") for value in defaults.split("<br>")]
        shown |= dict(zip([name.strip("`") for name in names.split("<br>")], values, strict=True))
    expected = {docs.variable(name): docs.default_text(name) or "(empty)" for name in Settings.model_fields}
    assert shown == expected


def test_every_setting_stands_in_some_page() -> None:
    named = {name for page in pages() for name in re.findall(r"\bGENERIA_[A-Z0-9_]+\b", page.text)}
    assert named == variables()


def test_the_example_loads_as_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = docs.ENV_EXAMPLE.read_text(encoding="utf-8").splitlines()
    assert all(not line or line.startswith("#") for line in lines), "everything is commented out"
    Path(".env").write_text(
        "\n".join(line.removeprefix("#") for line in lines if line.startswith("#GENERIA_"))
    )
    assert Settings() == Settings(_env_file=None)
    assert {line[1:].partition("=")[0] for line in lines if line.startswith("#GENERIA_")} == variables()
