"""Likes and comments in a real browser: on cards, in the open post, for several people, and where there are none."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Route, expect

from tests.browser.conftest import Person
from tests.browser.test_page import serious


def heart(of: Locator) -> Locator:
    return of.get_by_role("button", name=re.compile("^Like it"))


def test_a_post_is_liked_and_talked_about(browser: Browser, made: tuple[Person, str]) -> None:
    person, world_id = made
    page = person.page
    # A post that no other test, and no earlier try of this one, has touched; it is the newest.
    caption = f"Nobody has seen this one yet: {uuid.uuid4()}"
    person.site.write(world_id, [caption])
    page.goto(f"/worlds/{world_id}")
    card = page.locator(".post", has_text=caption)
    expect(heart(card)).to_have_attribute("aria-pressed", "false")
    heart(card).click()
    expect(heart(card)).to_have_attribute("aria-pressed", "true")
    expect(heart(card)).to_have_text("1")
    expect(heart(card)).to_have_attribute("aria-busy", "false")
    page.reload()
    expect(heart(card)).to_have_attribute("aria-pressed", "true")
    card.get_by_role("link", name="0 comments").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Nobody has said anything yet.")).to_be_visible()
    dialog.get_by_label("Say something").fill("<b>How true!</b>")
    dialog.get_by_role("button", name="Comment").click()
    comment = dialog.locator(".comments li")
    expect(comment.locator(".comment-text")).to_have_text("<b>How true!</b>")
    expect(comment.locator("b")).not_to_be_empty()
    expect(dialog.get_by_label("Say something")).to_have_value("")
    assert not serious(page)
    dialog.get_by_role("button", name="Comment").click()
    expect(dialog.locator(".field-error", has_text="Write something")).to_be_visible()
    person.complaints = [one for one in person.complaints if "422" not in one]
    # Somebody else sees both, and their own heart is another.
    other = Person(browser, person.site)
    other.register()
    other.page.goto(page.url)
    seen = other.page.get_by_role("dialog")
    expect(seen.locator(".comment-text")).to_have_text("<b>How true!</b>")
    expect(heart(seen)).to_have_attribute("aria-pressed", "false")
    heart(seen).click()
    expect(heart(seen)).to_have_text("2")
    heart(seen).click()
    expect(heart(seen)).to_have_text("1")
    expect(heart(seen)).to_have_attribute("aria-busy", "false")
    other.close()
    page.keyboard.press("Escape")


def test_a_like_that_fails_is_not_shown_as_one(made: tuple[Person, str]) -> None:
    person, world_id = made
    page = person.page
    page.route("**/like", lambda route: route.abort())
    page.goto(f"/worlds/{world_id}")
    card = page.locator(".post").first
    before = heart(card).get_attribute("aria-pressed"), heart(card).inner_text()
    heart(card).click()
    expect(card.locator(".react-problem")).not_to_be_empty()
    assert (heart(card).get_attribute("aria-pressed"), heart(card).inner_text()) == before
    page.unroute("**/like")
    person.complaints = [one for one in person.complaints if "net::ERR_" not in one]


def test_a_comment_whose_answer_is_lost_is_sent_once(made: tuple[Person, str]) -> None:
    person, world_id = made
    page = person.page
    posts = person.context.request.get(f"/api/v1/worlds/{world_id}/posts").json()["posts"]
    path = f"/worlds/{world_id}/posts/{posts[-1]['post_id']}"
    lost: list[int] = []

    def lose(route: Route) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch().status)
            route.abort()
            return
        route.continue_()

    page.route("**/comments*", lose)
    page.goto(path)
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Say something").fill("Once")
    dialog.get_by_role("button", name="Comment").click()
    expect(dialog.get_by_role("alert").filter(has_text=re.compile(r"\w"))).to_be_visible()
    expect(dialog.get_by_label("Say something")).to_have_value("Once")
    dialog.get_by_role("button", name="Comment").click()
    expect(dialog.locator(".comment-text").get_by_text("Once", exact=True)).to_have_count(1)
    found = person.context.request.get(f"/api/v1{path}/comments?limit=100").json()
    assert (lost, [one["text"] for one in found["comments"]].count("Once")) == ([201], 1)
    page.unroute("**/comments*")
    page.keyboard.press("Escape")
    person.complaints = [one for one in person.complaints if "net::ERR_" not in one]


@pytest.mark.parametrize("there", [True, False])
def test_where_there_are_no_reactions_nothing_is_offered(made: tuple[Person, str], there: bool) -> None:
    person, world_id = made
    page = person.page

    def answer(route: Route) -> None:
        reply: Any = route.fetch()
        route.fulfill(response=reply, json=reply.json() | {"reactions": there})

    page.route("**/auth/session", answer)
    page.goto(f"/worlds/{world_id}")
    expect(page.locator(".post").first).to_be_visible()
    assert bool(page.locator(".react").count()) == there
    page.unroute("**/auth/session")


def test_whoever_comes_by_a_link_is_offered_them_too(browser: Browser, made: tuple[Person, str]) -> None:
    """The link of `generia up` logs in without the page's first question."""
    person = Person(browser, made[0].site)
    person.page.goto(made[0].site.login_link().replace("/#", f"/worlds/{made[1]}#"))
    expect(person.page.locator(".react").first).to_be_visible()
    person.close()
