"""Likes and comments in a real browser: on cards, in the open post, for several people, and where there are none."""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Route, expect

from generia_worker.gateway.dependencies import connect_services
from tests.browser.conftest import LAPTOP, Person
from tests.browser.test_page import serious

PHONE: Any = {"width": 360, "height": 740}


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
    person.close_post()


@contextlib.contextmanager
def two_at_one_post(
    browser: Browser, made: tuple[Person, str], sentences: int = 0, window: Any = LAPTOP
) -> Iterator[tuple[Person, Person, Any]]:
    """Yield two people who have the same new post open, the first in this window, and the post.

    Their pages wait for the clock of the test.
    """
    maker, world_id = made
    caption = (
        f"What do you think of it? {uuid.uuid4()} "
        + "The tide came in, and nobody had seen it go. " * sentences
    )
    maker.site.write(world_id, [caption])
    post = maker.context.request.get(f"/api/v1/worlds/{world_id}/posts?limit=1").json()["posts"][0]
    path = f"/worlds/{world_id}/posts/{post['post_id']}"
    reader = Person(browser, maker.site, viewport=window)
    other = Person(browser, maker.site, viewport=LAPTOP)
    reader.log_in_as(maker)
    for person, address in ((reader, path), (other, maker.site.login_link().replace("/#", f"{path}#"))):
        person.page.clock.install()
        person.page.goto(address)
        expect(person.page.get_by_text("Nobody has said anything yet.")).to_be_visible()
    yield reader, other, post
    other.close()
    reader.close()


def say(person: Person, text: str) -> None:
    person.page.get_by_label("Say something").fill(text)
    person.page.get_by_role("button", name="Comment").click()
    expect(person.page.get_by_label("Say something")).to_have_value("")


def character_says(person: Person, post: Any, text: str, days_ago: int = 0) -> None:
    """Let the character who wrote a post say something under it, so many days ago."""
    services = connect_services(person.site.settings)
    assert services.interactions is not None
    services.interactions.comment(
        post["character_id"],
        post["post_id"],
        post["world_id"],
        text,
        idempotency_key=uuid.uuid4().hex,
        at=datetime.now(UTC) - timedelta(days=days_ago),
    )
    services.close()


def a_while(person: Person) -> None:
    """Let so much time pass that an open post asks what is new."""
    person.page.clock.fast_forward(15_000)


@pytest.mark.parametrize(
    ("sentences", "window"), [(0, LAPTOP), (20, LAPTOP), (20, PHONE)], ids=["short", "long", "phone"]
)
def test_what_others_say_meanwhile_is_shown_and_nothing_moves(
    browser: Browser, made: tuple[Person, str], sentences: int, window: Any
) -> None:
    with two_at_one_post(browser, made, sentences, window) as (reader, other, _):
        page = reader.page
        dialog, own = page.get_by_role("dialog"), page.get_by_label("Say something")
        own.fill("I was about to say")
        own.evaluate("(input) => input.setSelectionRange(2, 5)")

        def place() -> Any:
            """Return where the form stands, and how large the dialog is, once all has been drawn."""
            page.evaluate(
                "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
            )
            return [own.bounding_box(), dialog.bounding_box()]

        # What is scrolled stands on whole pixels; a comment takes 45 of them.
        before = [pytest.approx(box, abs=2) for box in place()]
        for n in (1, 2, 3):
            say(other, f"Thought {n}")
            a_while(reader)
            expect(dialog.locator(".comment-text")).to_have_text([f"Thought {m + 1}" for m in range(n)])
            assert place() == before
        expect(dialog.get_by_role("status").filter(has_text="1 new comment")).to_have_count(1)
        expect(dialog.get_by_role("link", name="3 comments")).to_have_text("3")
        expect(own).to_be_focused()
        expect(own).to_have_value("I was about to say")
        assert own.evaluate("(input) => [input.selectionStart, input.selectionEnd]") == [2, 5]
        assert not serious(page)
        reader.close_post()
        # A post that is closed costs nothing.
        asked = len(reader.calls)
        for _ in range(3):
            a_while(reader)
        page.evaluate("() => fetch('/livez')")
        assert [call for call in reader.calls[asked:] if "comments" in call] == []


def test_a_comment_stands_once_and_in_its_place(browser: Browser, made: tuple[Person, str]) -> None:
    with two_at_one_post(browser, made) as (reader, other, post):
        comments = reader.page.locator(".comment-text")
        say(other, "First")

        def late(route: Route) -> None:
            """One's own is read by the page before it is told that it was stored."""
            if route.request.method != "POST":
                route.continue_()
                return
            stored = route.fetch()
            a_while(reader)
            expect(comments).to_have_text(["First", "Second"])
            route.fulfill(response=stored)

        reader.page.route("**/comments*", late)
        say(reader, "Second")
        # What a character says has a date of its world: before what stands there already.
        character_says(reader, post, "As I always said", days_ago=400)
        say(reader, "Third")
        for person in (reader, other):
            a_while(person)
            expect(person.page.locator(".comment-text")).to_have_text(
                ["As I always said", "First", "Second", "Third"]
            )
            expect(person.page.get_by_role("dialog").get_by_role("link", name="4 comments")).to_be_visible()


def test_what_is_said_while_a_post_is_read_is_counted_too(browser: Browser, made: tuple[Person, str]) -> None:
    """A page that reads twice, since a comment stands before others, counts what it shows."""
    with two_at_one_post(browser, made) as (reader, _, post):
        page = reader.page
        say(reader, "First")
        answers: list[int] = []

        def between(route: Route) -> None:
            answer = route.fetch()
            answers.append(answer.json()["total"])
            if answers == [2]:
                character_says(reader, post, "Meanwhile")
            route.fulfill(response=answer)

        character_says(reader, post, "As I always said", days_ago=400)
        page.route("**/comments?*", between)
        a_while(reader)
        expect(page.locator(".comment-text")).to_have_text(["As I always said", "First", "Meanwhile"])
        expect(page.get_by_role("dialog").get_by_role("link", name="3 comments")).to_be_visible()
        assert answers[:2] == [2, 3]
        page.unroute("**/comments?*")


def test_what_is_said_while_a_post_is_read_stands_after_what_is_read(
    browser: Browser, made: tuple[Person, str]
) -> None:
    with two_at_one_post(browser, made) as (reader, other, _):
        page = reader.page
        say(reader, "First")
        say(other, "Meanwhile")
        answers: list[int] = []

        def overtaken(route: Route) -> None:
            answer = route.fetch()
            answers.append(answer.json()["total"])
            if answers == [2]:
                say(reader, "Second")
            route.fulfill(response=answer)

        page.route("**/comments?*", overtaken)
        a_while(reader)
        expect(page.locator(".comment-text")).to_have_text(["First", "Meanwhile", "Second"])
        expect(page.get_by_role("dialog").get_by_role("link", name="3 comments")).to_be_visible()
        assert answers[0] == 2
        page.unroute("**/comments?*")


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
    person.close_post()
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
