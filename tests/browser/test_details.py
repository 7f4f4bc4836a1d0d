"""Small things that a person stumbles over: addresses where nothing is, the place of the keyboard, bars over a post."""

from __future__ import annotations

import uuid
from typing import Any

from playwright.sync_api import Browser, Route, expect

from generia_worker.gateway.dependencies import connect_services
from tests.browser.conftest import LAPTOP, Person, Site
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
    living = page.request.get(f"/api/v1/worlds/{made[1]}/characters?limit=60").json()["characters"]
    expect(page.locator(".strip li")).to_have_count(len(living))
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


def test_a_hashtag_leads_to_its_posts(made: tuple[Person, str]) -> None:
    maker, world_id = made
    maker.site.big_world(world_id, characters=1, posts=3)
    page = maker.page
    posts = maker.context.request.get(f"/api/v1/worlds/{world_id}/posts?limit=100").json()["posts"]
    with_tag = sum("harbour" in [tag.strip("#").casefold() for tag in post["tags"]] for post in posts)
    assert 3 <= with_tag < len(posts)
    page.goto(f"/worlds/{world_id}")
    page.locator(".tags a", has_text="#harbour").first.click()
    expect(page.get_by_role("heading", level=2, name="#harbour")).to_be_visible()
    expect(page.locator(".tag-part .post").first).to_be_visible()
    assert len(maker.posts()) == with_tag
    assert page.locator(".tabs [aria-current]").count() == 0
    assert not serious(page)
    page.reload()
    expect(page.locator(".tag-part .post").first).to_be_visible()
    assert len(maker.posts()) == with_tag
    page.goto(f"/worlds/{world_id}/tags/{'no%2Fsuch.tag%3F'}")
    expect(page.get_by_role("heading", level=2, name="#no/such.tag?")).to_be_visible()
    expect(page.locator(".feed-note")).to_have_text("No post has this tag.")
    assert not serious(page)
    # What only looked like a link is none.
    page.goto(f"/worlds/{world_id}/characters")
    page.locator(".person a").first.click()
    plain = page.locator(".tags.is-plain li").first
    expect(plain).to_be_visible()
    assert plain.evaluate("(item) => getComputedStyle(item).color") == page.locator(
        ".character .quiet"
    ).first.evaluate("(text) => getComputedStyle(text).color")


def test_whom_a_character_knows_is_a_map_and_a_list(browser: Browser, made: tuple[Person, str]) -> None:
    maker, world_id = made
    path = f"/worlds/{world_id}/characters"
    living = maker.context.request.get(f"/api/v1{path}").json()["characters"]
    nasty = "<img src=x onerror=alert(1)> & a name that is longer than there is room for on any map"
    known: list[Any] = [
        {"character": f" {living[0]['display_name'].upper()} ", "relationship_type": "<b>old friend</b>"},
        {"character": nasty, "relationship_type": nasty, "description": nasty},
        *({"character": f"Nobody {n}", "relationship_type": "rival"} for n in range(12)),
        {"character": living[1]["display_name"], "description": "They met at sea."},
    ]
    # What a service of others lets through names nobody.
    wrong: list[Any] = [
        None,
        "Bob",
        7,
        {"relationship_type": "friend"},
        {"character": ["x"]},
        {"character": " "},
    ]
    services = connect_services(maker.site.settings)
    ids = [
        services.characters.create(
            world_id, "Ина Волна", {"relationships": found}, idempotency_key=uuid.uuid4().hex
        ).id
        for found in (wrong + known, wrong, known[:2])
    ]
    services.close()
    person = Person(browser, maker.site, viewport=PHONE, color_scheme="dark")
    person.log_in_as(maker)
    page = person.page
    page.goto(f"{path}/{ids[0]}")
    drawn, listed = page.locator(".knows-one"), page.locator(".relations li")
    name = page.locator(".character h1")
    expect(page.locator(".knows a")).to_have_count(1)
    # The character itself, and the first twelve; the list has all, and leads to those who live here.
    expect(drawn).to_have_count(13)
    expect(page.locator(".knows-lines line")).to_have_count(13)
    expect(page.get_by_text("and 3 more, in the list")).to_be_visible()
    expect(listed).to_have_count(15)
    expect(drawn.nth(0).locator(".initials")).to_have_text("ИВ")
    expect(drawn.nth(1).locator(".knows-name")).to_have_text(living[0]["display_name"])
    expect(drawn.nth(1).locator(".knows-type")).to_have_text("<b>old friend</b>")
    expect(drawn.nth(1).locator("img.is-in")).to_be_visible()
    expect(drawn.nth(2).locator(".knows-name")).to_have_text(nasty)
    expect(page.locator(".relations").get_by_role("link")).to_have_count(2)
    expect(listed.last).to_have_text(f"{living[1]['display_name']}They met at sea.")
    for width in (PHONE["width"], LAPTOP["width"]):
        page.set_viewport_size({"width": width, "height": 740})
        boxes = [one.bounding_box() for one in drawn.all()]
        assert _overlapping(boxes) == []
        assert not serious(page)
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    drawn.nth(1).get_by_text("old friend").scroll_into_view_if_needed()
    page.locator(".knows a").click()
    expect(name).to_have_text(living[0]["display_name"])
    # The people of the simulator know each other.
    expect(page.locator(".knows a")).to_have_count(2)
    listed.first.get_by_role("link").click()
    expect(name).not_to_have_text(living[0]["display_name"])
    page.goto(f"{path}/{ids[1]}")
    expect(name).to_have_text("Ина Волна")
    expect(page.locator(".relations")).to_have_count(0)
    page.goto(f"{path}/{ids[2]}")
    expect(drawn).to_have_count(3)
    expect(page.get_by_text("more, in the list")).to_have_count(0)
    person.close()


def _overlapping(boxes: list[Any]) -> list[Any]:
    """Return the pairs of boxes that cover each other."""
    return [
        (one, other)
        for at, one in enumerate(boxes)
        for other in boxes[:at]
        if abs(2 * (one["x"] - other["x"]) + one["width"] - other["width"]) < one["width"] + other["width"]
        and abs(2 * (one["y"] - other["y"]) + one["height"] - other["height"])
        < one["height"] + other["height"]
    ]


def test_simulated_dollars_are_said_to_be(browser: Browser, made: tuple[Person, str]) -> None:
    maker, world_id = made
    person = Person(browser, maker.site)
    person.log_in_as(maker)
    page = person.page
    page.goto(f"/worlds/{world_id}/receipt")
    expect(page.locator(".receipt-total")).to_contain_text("(simulated)")
    page.goto("/")
    expect(page.locator(".estimate")).to_contain_text("(simulated)")

    def real(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(json={**answer.json(), "simulated": False})

    page.route("**/api/v1/auth/session", real)
    page.goto(f"/worlds/{world_id}/receipt")
    expect(page.locator(".receipt-total")).to_contain_text("$")
    expect(page.locator(".is-simulated")).to_have_count(0)
    person.close()


def test_a_visitor_sees_no_receipt(browser: Browser, made: tuple[Person, str]) -> None:
    visitor = Person(browser, made[0].site)
    visitor.register()
    page = visitor.page
    page.goto(f"/worlds/{made[1]}/receipt")
    expect(page.locator(".world-body")).to_have_text("Only who made this world sees what it cost.")
    assert not [call for call in visitor.calls if call.endswith("/receipt") and call.startswith("/api/")]
    assert not serious(page)
    visitor.close()


def test_the_keyboard_stays_in_the_open_drawer(browser: Browser, made: tuple[Person, str]) -> None:
    person = Person(browser, made[0].site, viewport=PHONE)
    person.log_in_as(made[0])
    page = person.page
    page.goto(f"/worlds/{made[1]}")
    expect(page.locator(".post").first).to_be_visible()
    page.get_by_role("button", name="Menu").click()
    expect(page.locator(".side .brand")).to_be_focused()
    for _ in range(page.locator(".side a, .side button, .side select").count() + 6):
        page.keyboard.press("Tab")
        assert not page.evaluate("() => Boolean(document.activeElement.closest('main'))")
    assert not serious(page)
    page.keyboard.press("Escape")
    page.locator(".tabs a").nth(1).focus()
    expect(page.locator(".tabs a").nth(1)).to_be_focused()
    person.close()


def test_more_of_a_world_is_made_where_it_stands(browser: Browser, person: Person) -> None:
    person.register()
    person.site.behave(latency={})
    world_id = person.create(2, 2)
    person.wait_until_made()
    page = person.page
    page.get_by_text("More of this world").click()
    page.get_by_role("slider", name="New characters").fill("1")
    page.get_by_role("slider", name="New posts").fill("0")
    page.get_by_role("slider", name="New characters").fill("0")
    page.get_by_role("button", name="Make more").click()
    expect(page.get_by_text("Choose characters, posts or both.")).to_be_visible()
    estimate = page.locator(".more-form .estimate")
    expect(estimate).to_be_empty()
    page.get_by_role("slider", name="New characters").fill("1")
    page.get_by_role("slider", name="New posts").fill("3")
    expect(estimate).to_contain_text("4 pictures")
    expect(estimate).to_contain_text("(simulated)")
    assert not serious(page)
    page.get_by_role("button", name="Make more").click()
    expect(person.panel).to_be_visible()
    person.wait_until_made()
    expect(page.locator(".world-facts")).to_have_text("3 characters · 5 posts")
    assert len(person.posts()) == 5
    visitor = Person(browser, person.site)
    visitor.register()
    visitor.page.goto(f"/worlds/{world_id}")
    expect(visitor.page.locator(".world-facts")).to_have_text("3 characters · 5 posts")
    expect(visitor.page.get_by_text("More of this world")).to_be_hidden()
    visitor.close()


def test_a_world_lives_on_day_by_day(person: Person) -> None:
    person.register()
    person.site.behave(latency={})
    world_id = person.create(2, 2)
    person.wait_until_made()
    page = person.page
    page.get_by_text("Let it live on").click()
    expect(page.get_by_text("It begins at once.")).to_be_visible()
    page.get_by_role("slider", name="Posts a day").fill("2")
    assert not serious(page)
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.get_by_role("button", name="Change")).to_be_visible()
    for _ in range(100):  # the page need not be open for it
        if page.request.get(f"/api/v1/worlds/{world_id}").json()["posts_count"] == 4:
            break
        page.wait_for_timeout(300)
    page.reload()
    expect(page.locator(".world-facts")).to_have_text("2 characters · 4 posts")
    page.get_by_text("Let characters reply to people").click()
    expect(page.get_by_text("Each reply costs you a little.")).to_be_visible()
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_text("Name what all replies may cost together.")).to_be_visible()
    page.get_by_label("Dollars in all").fill("0.5")
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_text("Up to 100 comments a day are replied to.")).to_be_visible()
    assert not serious(page)
    assert page.request.get(f"/api/v1/worlds/{world_id}/replies").json()["on"]
    page.get_by_role("button", name="Switch off").click()
    expect(page.get_by_text("It is switched off.")).to_be_visible()
    page.goto(f"/worlds/{world_id}/about")
    expect(page.get_by_role("heading", name="Chronicle")).to_be_visible()
    page.goto(f"/worlds/{world_id}")
    page.get_by_text("Let it live on").click()
    expect(page.get_by_text("1 day so far")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("It is paused.")).to_be_visible()
    page.get_by_role("button", name="End it").click()
    expect(page.get_by_text("It has ended.")).to_be_visible()


def test_every_state_of_a_world_in_the_making_is_for_everybody(person: Person) -> None:
    page = person.page
    person.register()
    # Ten pictures, two at a time: on a busy machine each look takes seconds, and the world is not to end meanwhile.
    person.site.behave(latency={"llm": {"fixed_s": 1}, "images": {"fixed_s": 8}})
    person.create(2, 6)
    expect(person.panel.locator(".opening")).to_be_visible()
    assert not serious(page)
    expect(person.panel.locator(".bars")).to_be_visible()
    assert not serious(page)
    person.panel.get_by_role("button", name="Cancel").click()
    assert not serious(page)
    person.panel.get_by_role("button", name="Stop").click()
    expect(person.panel.get_by_role("heading", level=2)).to_have_text("Stopped")
    assert not serious(page)
    person.site.behave(status_rates={"400": {"images": 1}})
    person.panel.get_by_role("button", name="Go on with it").click()
    expect(person.panel.locator(".failures")).to_be_visible()
    assert not serious(page)
    for path in ("/account", "/worlds?search=nothing-like-this", "/worlds?which=mine"):
        page.goto(path, wait_until="networkidle")
        assert not serious(page), path
