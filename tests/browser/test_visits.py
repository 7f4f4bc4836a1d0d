"""What is new in a world since somebody was there."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Browser, expect

from tests.browser.conftest import LAPTOP, Person
from tests.browser.test_page import serious


def test_what_is_new_since_the_last_visit_is_told(browser: Browser, made: tuple[Person, str]) -> None:
    maker, world_id = made
    reader = Person(browser, maker.site, viewport=LAPTOP)
    reader.log_in_as(maker)
    page = reader.page
    news, marks = page.locator(".feed-news"), page.locator(".post-new")
    page.goto(f"/worlds/{world_id}")
    expect(page.locator(".post").first).to_be_visible()
    # Nothing is new to who has never been there.
    expect(news).to_be_hidden()
    expect(marks).to_have_count(0)
    page.get_by_role("link", name="All worlds", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Worlds")
    maker.site.write(world_id, ["The first new one", "The second new one"])
    page.go_back()
    expect(news).to_have_text("2 new posts since you were here")
    expect(marks).to_have_count(2)
    expect(page.locator(".post", has=marks).first).to_contain_text("The second new one")
    assert not serious(page)
    # Neither a dialog nor another part of the world is a visit; to load the page again is one.
    page.locator(".post-picture").first.click()
    reader.close_post(page.get_by_role("button", name="Close").click)
    expect(news).to_be_visible()
    page.reload()
    expect(page.locator(".post").first).to_be_visible()
    expect(news).to_be_hidden()
    # Whoever uses this browser as somebody else was never there.
    visits = json.loads(page.evaluate("() => localStorage.getItem('visits')"))
    assert [list(worlds) for worlds in visits.values()] == [[world_id]]
    reader.close()


def test_more_than_a_page_of_news_is_at_least_that(browser: Browser, made: tuple[Person, str]) -> None:
    maker, world_id = made
    reader = Person(browser, maker.site, viewport=LAPTOP)
    reader.log_in_as(maker)
    page = reader.page
    page.goto(f"/worlds/{world_id}")
    expect(page.locator(".post").first).to_be_visible()
    page.goto("/account")
    maker.site.write(world_id, [f"News {number}" for number in range(25)])
    page.goto(f"/worlds/{world_id}")
    expect(page.locator(".feed-news")).to_have_text(re.compile("^At least 20 new posts"))
    reader.posts()
    expect(page.locator(".feed-news")).to_have_text("25 new posts since you were here")
    # What lies there and is not ours is no visit.
    page.evaluate("() => localStorage.setItem('visits', '[1')")
    page.goto("/account")
    page.evaluate("() => localStorage.setItem('visits', '[1')")
    page.goto(f"/worlds/{world_id}")
    expect(page.locator(".post").first).to_be_visible()
    expect(page.locator(".feed-news")).to_be_hidden()
    reader.close()
