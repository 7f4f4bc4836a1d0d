"""Small things that a person stumbles over: addresses where nothing is, the place of the keyboard, bars over a post."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, expect

from tests.browser.conftest import Person, Site
from tests.browser.test_page import serious

PHONE: Any = {"width": 360, "height": 740}


def test_an_address_where_nothing_is(browser: Browser, site: Site) -> None:
    person = Person(browser, site, viewport=PHONE)
    page = person.page
    answer = page.goto("/nothing/here")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing here")
    assert not serious(page)
    person.register()
    page.goto("/worlds/00000000-0000-4000-8000-000000000000")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing here")
    expect(page).to_have_title("Nothing here · Generia")
    expect(page.locator(".tabs")).to_be_hidden()
    assert not serious(page)
    page.get_by_role("link", name="See all worlds").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Worlds")
    person.complaints = [c for c in person.complaints if "status of 404" not in c]
    person.close()


def test_an_empty_world_is_no_empty_feed(person: Person) -> None:
    person.register()
    person.site.behave(latency={"llm": {"fixed_s": 2}, "images": {"fixed_s": 1}})
    person.create(1, 1)
    expect(person.panel).to_be_visible()
    expect(person.page.locator(".feed-note")).to_be_visible()
    assert not serious(person.page)
    person.site.behave(latency={})
    person.wait_until_made()
    expect(person.page.get_by_role("feed", name="Posts")).to_be_visible()


def test_the_keyboard_keeps_its_place(browser: Browser, made: tuple[Person, str]) -> None:
    visitor = Person(browser, made[0].site)
    visitor.register()
    page = visitor.page
    page.goto(f"/worlds/{made[1]}")
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    # Past the faces with one key.
    expect(page.locator(".strip li")).to_have_count(3)
    skip = page.get_by_role("button", name="Skip to the posts")
    page.locator(".tabs a").last.focus()
    page.keyboard.press("Tab")
    expect(skip).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("article").first).to_be_focused()
    visitor.close()


def test_new_posts_stand_below_the_bars(browser: Browser, made: tuple[Person, str]) -> None:
    maker, world_id = made
    person = Person(browser, maker.site, viewport=PHONE)
    person.log_in_as(maker)
    page = person.page
    page.goto(f"/worlds/{world_id}")
    expect(page.locator(".post").first).to_be_visible()
    page.evaluate("() => scrollTo(0, 3000)")
    page.locator(".post").first.evaluate("(post) => post.scrollIntoView()")
    bar = page.locator(".tabs").bounding_box()
    post = page.locator(".post").first.bounding_box()
    assert bar is not None
    assert post is not None
    assert post["y"] >= bar["y"] + bar["height"]
    person.close()
