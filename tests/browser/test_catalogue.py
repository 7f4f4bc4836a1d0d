"""All worlds: found, narrowed, put in order; and the place in them is found again."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from pymongo import MongoClient

from generia_worker.rpc.world_client import search_words
from tests.browser.conftest import LAPTOP, Person, Site
from tests.browser.test_page import serious

MANY = 60


@pytest.fixture(scope="module")
def worlds(shared_site: Site) -> Iterator[list[str]]:
    """The names of many worlds of somebody else, the newest first; the last one has the most members."""
    settings = shared_site.settings
    now = datetime.now(UTC)
    documents: list[dict[str, Any]] = []
    for number in range(MANY):
        name, prompt = f"Harbour {number}", f"Город номер {number}, где живут маяки"
        documents.append(
            {
                "_id": str(uuid.uuid4()),
                "name": name,
                "description": "",
                "prompt": prompt,
                "creator_id": "somebody",
                "params": None,
                "status": "active",
                "users_count": 3,
                "posts_count": 5,
                "image_key": None,
                "icon_key": None,
                "members_count": number,
                "popularity": number,
                "words": search_words(name, prompt, "", None),
                "order": {"state": "none", "users_count": 3, "posts_count": 5, "budget": None},
                **dict.fromkeys(
                    ("created_at", "updated_at"), now + timedelta(hours=1) - timedelta(seconds=number)
                ),
            }
        )
    with MongoClient[Any](settings.mongo_uri.get_secret_value()) as mongo:
        database = mongo[settings.mongo_database]
        database["worlds"].insert_many(documents)
        database["world_generation_status"].insert_many(
            {"_id": one["_id"], "status": "cancelled"} for one in documents
        )
        yield [one["name"] for one in documents]
        for name in ("worlds", "world_generation_status"):
            database[name].delete_many({"_id": {"$in": [one["_id"] for one in documents]}})


@pytest.fixture
def page(person: Person) -> Page:
    """The page of somebody who has just registered."""
    person.register()
    return person.page


def names(page: Page) -> list[str]:
    return page.locator(".card-name").all_inner_texts()


def test_worlds_are_found(page: Page, worlds: list[str]) -> None:
    page.goto("/worlds")
    expect(page.locator(".card")).to_have_count(24)
    assert names(page) == worlds[:24]
    search = page.get_by_role("searchbox", name="Search worlds")
    search.fill("маяк 17")
    expect(page.locator(".card")).to_have_count(1)
    assert names(page) == ["Harbour 17"]
    expect(page.get_by_role("status").first).to_have_text("1 world")
    assert page.url.endswith("search=%D0%BC%D0%B0%D1%8F%D0%BA+17")
    page.reload()
    expect(page.locator(".card")).to_have_count(1)
    expect(search).to_have_value("маяк 17")
    search.fill('.*"$where')
    expect(page.locator(".page [role=status]")).to_contain_text("No world fits.")
    assert not serious(page)
    # The field that is left for the link asks for nothing: the answer would put another link in place of the pressed one.
    with_slow_hand = page.get_by_role("link", name="Show all")
    with_slow_hand.hover()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.mouse.down()
    expect(search).not_to_be_focused()
    search.dispatch_event("change")
    page.evaluate("() => fetch('/favicon.svg')")
    assert [url.rpartition("/")[2] for url in asked] == ["favicon.svg"]
    page.mouse.up()
    expect(page.locator(".card")).to_have_count(24)
    expect(search).to_have_value("")


def test_worlds_are_narrowed_and_put_in_order(person: Person, worlds: list[str]) -> None:
    person.register()
    page = person.page
    person.site.behave(latency={"llm": {"fixed_s": 3}, "images": {"fixed_s": 1}})
    page.goto("/worlds?order=popular")
    expect(page.get_by_role("combobox", name="Order")).to_have_value("popular")
    expect(page.locator(".card")).to_have_count(24)
    assert names(page)[:3] == worlds[::-1][:3]
    page.get_by_role("combobox", name="Order").select_option("newest")
    expect(page.locator(".card-name").first).to_have_text(worlds[0])
    page.get_by_role("radio", name="Mine").check()
    expect(page.locator(".page [role=status]")).to_contain_text("No world fits.")
    world_id = person.create(1, 1)
    page.goto("/worlds?which=mine")
    expect(page.locator(".card")).to_have_count(1)
    # At the side as well, however many newer ones others have made.
    expect(page.locator(".side-worlds a")).to_have_count(1)
    expect(page.locator(".side-worlds a")).to_have_attribute("href", f"/worlds/{world_id}")
    page.get_by_role("radio", name="Being made").focus()
    page.keyboard.press("Space")
    expect(page.locator(f".card-name[href='/worlds/{world_id}']")).to_be_visible()
    assert not set(names(page)) & set(worlds)
    person.site.behave(latency={})
    page.goto(f"/worlds/{world_id}")
    person.wait_until_made()
    page.goto("/worlds?which=being_made")
    expect(page.locator(".page [role=status]")).not_to_have_text("Loading …")
    expect(page.locator(f".card-name[href='/worlds/{world_id}']")).to_have_count(0)


def test_what_fits_on_one_page_is_asked_for_once(browser: Browser, made: tuple[Person, str]) -> None:
    reader = Person(browser, made[0].site, viewport=LAPTOP)
    reader.log_in_as(made[0])
    reader.page.goto("/worlds?which=mine")
    expect(reader.page.locator(f".card-name[href='/worlds/{made[1]}']")).to_be_visible()
    # Whatever the list asked for besides was asked for before this.
    reader.page.evaluate("() => fetch('/favicon.svg')")
    assert len([url for url in reader.calls if "order=newest" in url and "mine=true" in url]) == 1
    reader.close()


def test_nothing_is_asked_for_once_one_logs_out(person: Person) -> None:
    person.register()
    page = person.page
    held: list[Route] = []

    def log_out(route: Route) -> None:
        answer = route.fetch()
        held[0].fulfill(status=401, json={"code": "login_needed", "detail": "Log in."})
        route.fulfill(response=answer)

    page.route(re.compile(r"/api/v1/worlds\?.*order=newest"), lambda route: held.append(route))
    page.route("**/api/v1/auth/logout", log_out)
    with page.expect_request(re.compile(r"order=newest")):
        page.goto("/worlds")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_going_back_finds_the_place_after_show_more(page: Page, worlds: list[str]) -> None:
    page.goto("/worlds")
    more = page.get_by_role("button", name="Show more")
    more.click()
    expect(page.locator(".card")).to_have_count(48)
    card = page.locator(".card-name", has_text=worlds[44])
    card.scroll_into_view_if_needed()
    place = page.evaluate("() => scrollY")
    assert place > 500
    # Not a click of the mouse: that would scroll first.
    card.evaluate("(link) => link.click()")
    expect(page.get_by_role("heading", level=1)).to_have_text(worlds[44])
    page.go_back()
    expect(page.locator(".card")).to_have_count(48)
    page.wait_for_function(f"() => Math.abs(scrollY - {place}) < 40")
    # A new visit begins at the beginning.
    page.get_by_role("link", name="All worlds", exact=True).click()
    expect(page.locator(".card")).to_have_count(24)


def test_the_first_page_shows_worlds_to_look_into(browser: Browser, site: Site, worlds: list[str]) -> None:
    person = Person(browser, site, viewport=LAPTOP)
    person.register()
    page = person.page
    few = page.get_by_role("region", name="Worlds to look into")
    expect(few.locator(".card")).to_have_count(5)
    assert names(page) == worlds[::-1][:5]
    assert not serious(page)
    few.get_by_role("link", name=worlds[-1]).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(worlds[-1])
    person.close()
