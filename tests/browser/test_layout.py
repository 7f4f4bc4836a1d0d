"""Where things stand while a world is being made: progress and posts are seen, and nothing jumps."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.conftest import Person, Site

DESK: Any = {"width": 1440, "height": 900}
PHONE: Any = {"width": 390, "height": 844}
SLOW = {"llm": {"fixed_s": 0.4}, "images": {"fixed_s": 0.8}}


def box(locator: Locator) -> dict[str, float]:
    found = locator.bounding_box()
    assert found is not None
    return {
        "top": found["y"],
        "bottom": found["y"] + found["height"],
        "ratio": found["width"] / found["height"],
    }


def test_posts_are_seen_as_they_arrive(browser: Browser, site: Site) -> None:
    person = Person(browser, site, viewport=DESK)
    page = person.page
    person.register()
    site.behave(latency=SLOW)
    person.create(5, 12)
    expect(page.locator(".post").first).to_be_visible()
    expect(page.locator(".strip li").first).to_be_visible()
    assert page.evaluate("() => scrollY") == 0
    assert box(person.panel)["bottom"] <= DESK["height"]
    feed = box(page.locator(".post").first)
    # Who writes, and most of the picture.
    assert feed["top"] <= DESK["height"] / 2
    # Progress is told by the list of the beginning or by the bars in its place, and by nothing else.
    expect(person.panel.locator(".bars")).to_be_visible()
    expect(person.panel.locator(".opening")).to_be_hidden()
    expect(person.panel.get_by_role("list")).to_have_count(0)
    site.behave(latency={})
    person.wait_until_made()
    person.close()


@pytest.mark.parametrize(
    "size", [DESK, PHONE, {"width": 1024, "height": 768}], ids=["desk", "phone", "tablet"]
)
def test_the_tabs_keep_their_place(browser: Browser, site: Site, size: Any) -> None:
    person = Person(browser, site, viewport=size)
    page = person.page
    person.register()
    # The prompt is the name until there is another one: a long one takes more lines.
    site.behave(latency={"llm": {"fixed_s": 1}, "images": {"fixed_s": 1}})
    world_id = person.create(
        1, 2, "A lighthouse whose keepers are all retired pirates, each with a grudge and a parrot"
    )
    seen = {box(page.locator(".tabs"))["top"]}
    cover = page.locator(".cover")
    expect(page.locator(".panel-frame")).to_be_visible()
    seen.add(box(page.locator(".tabs"))["top"])
    assert abs(box(cover)["ratio"] - 2) < 0.02
    expect(page.locator(".cover img")).to_have_class(re.compile("is-in"))
    seen.add(box(page.locator(".tabs"))["top"])
    site.behave(latency={})
    person.wait_until_made()
    for part in ("", "/characters", "/about", "/receipt"):
        page.goto(f"/worlds/{world_id}{part}")
        expect(page.locator(".world-facts")).not_to_be_empty()
        expect(page.locator(".world-body > *")).to_be_visible()
        seen.add(box(page.locator(".tabs"))["top"])
        assert abs(box(cover)["ratio"] - 2) < 0.02
    assert max(seen) - min(seen) <= 1, seen
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    person.close()
