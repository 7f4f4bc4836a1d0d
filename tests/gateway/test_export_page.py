"""The page of an exported world: whole, and text of a model stays text."""

from __future__ import annotations

import re
from typing import Any

import pytest

from generia_worker.gateway import export_page

NASTY = '<script>alert(1)</script><img src=x onerror=alert(2)> & "quotes"'


def whole(**more: Any) -> dict[str, Any]:
    """A world of one character and one post, in which every text is hostile."""
    picture = "images/posts/p1.jpg"
    return {
        "world": {
            "id": "w1",
            "name": NASTY,
            "prompt": NASTY,
            "description": NASTY,
            "image_url": "images/cover.jpg",
            "icon_url": "",
            "params": {"description": f"{NASTY}\n\nSecond.", "theme": NASTY, "history": 7, "culture": ["x"]},
        },
        "status": None,
        "chronicle": [{"day": "2026-12-01", "headline": NASTY, "what_happened": NASTY}],
        "characters": [
            {
                "id": "c1",
                "display_name": NASTY,
                "avatar_url": "",
                "meta": {"bio": NASTY, "username": "@ada", "interests": [NASTY, 3], "secret": "kept"},
            }
        ],
        "posts": [
            {
                "id": "p1",
                "character_id": "c1",
                "display_name": NASTY,
                "avatar_url": "",
                "media_url": picture,
                "caption": NASTY,
                "tags": ["#tea", NASTY],
                "created_at": "2025-05-26T21:41:22.698Z",
                "likes_count": 2,
                "comments_count": 1,
                "comments": [
                    {"username": NASTY, "text": NASTY, "created_at": "2025-05-27T21:41:22.698Z"},
                ],
            }
        ],
    } | more


def test_text_is_text() -> None:
    page = export_page.index_html(whole())
    assert "<script" not in page
    assert "<img src=x" not in page
    assert page.count("&lt;script&gt;") > 10
    assert "Second." in page
    assert 'src="images/posts/p1.jpg"' in page
    assert "26 May 2025" in page


def test_whom_a_character_knows_is_told_and_leads_there() -> None:
    known = [
        {"character": " ADA ", "relationship_type": NASTY, "description": NASTY},
        {"character": "Bob", "relationship_type": None},
        {"character": " "},
        {"relationship_type": "friend"},
        "Cleo",
        None,
    ]
    people = [
        {"id": f"c{n}", "display_name": "Ada", "avatar_url": "", "meta": {"relationships": found}}
        for n, found in enumerate((known, "Bob"))
    ]
    page = export_page.index_html(whole(characters=people))
    items = re.findall(r"<li dir=[^>]*>(.*?)</li>", page.partition('class="relations"')[2])
    assert len(items) == 2
    assert items[0].startswith('<a href="#c-c0">ADA</a> · &lt;script&gt;')
    assert items[0].count("&lt;script&gt;") == 2
    assert items[1] == "<strong>Bob</strong>"
    assert page.count("Who is who to them") == 1


def test_an_empty_world_has_a_page() -> None:
    nothing = whole(characters=[], posts=[], chronicle=[])
    nothing["world"] |= {"params": None, "name": "", "image_url": ""}
    page = export_page.index_html(nothing)
    assert "Nobody has posted here." in page
    assert "0 characters · 0 posts" in page
    assert "Chronicle" not in page


def test_the_frame_speaks_the_language_of_the_world() -> None:
    russian = whole()
    russian["world"] |= {"language": "ru"}
    page = export_page.index_html(russian)
    assert '<html lang="ru">' in page
    for words in (
        "1 персонаж · 1 пост",
        "Лента",
        "Всё началось с одной фразы",
        "Тема",
        "26.05.2025, 21:41",
        "Хроника",
        "01.12.2026",
    ):
        assert words in page
    assert not re.search(r">[^<]*(Feed|Theme|About|Characters|Chronicle)[^<]*<", page)
    assert 'lang=""' not in page


def test_a_language_without_texts_has_an_english_frame() -> None:
    german = whole()
    german["world"] |= {"language": 'de"><x'}
    page = export_page.index_html(german)
    assert '<html lang="en">' in page
    assert 'dir="auto" lang="de&#34;&gt;&lt;x"' in page
    assert "1 character · 1 post" in page


def test_nothing_is_loaded_from_elsewhere() -> None:
    page, style = export_page.index_html(whole()), export_page.style_css()
    assert "http:" not in page.replace("http-equiv", "")
    assert "https:" not in page
    assert "url(" not in style
    assert "@import" not in style


@pytest.mark.parametrize("text", ["$x$", "\\(x\\)", "\\[x\\]"])
def test_scripts_come_with_formulas_only(text: str) -> None:
    assert set(export_page.files(whole())) == {"index.html", "style.css"}
    formulas = whole()
    formulas["posts"][0]["caption"] = text
    files = export_page.files(formulas)
    scripts = re.findall(r'<script defer src="([^"]+)"></script>', files["index.html"])
    assert scripts == ["temml.min.js", "formulas.js", "export.js"]
    assert set(files) == {"index.html", "style.css", *scripts, "temml-LICENSE.txt"}
    assert "; script-src 'self' file:" in files["index.html"]


def test_a_formula_of_several_lines_is_one() -> None:
    lines = whole()
    lines["world"]["params"]["description"] = "First.\n$$\nx = 1\n$$\nLast."
    page = export_page.index_html(lines)
    for paragraph in ("First.", "$$ x = 1 $$", "Last."):
        assert f'<p dir="auto" lang="">{paragraph}</p>' in page
