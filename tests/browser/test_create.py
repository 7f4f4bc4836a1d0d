"""The first page: nothing that was typed is lost, and numbers are what the person meant."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.browser.conftest import PASSWORD, PROMPT, Person, Site


@pytest.fixture
def page(person: Person) -> Page:
    """The first page of somebody who has just registered."""
    person.register()
    return person.page


def prompt_of(page: Page) -> str:
    return page.get_by_label("Your world, in").input_value()


def orders(page: Page) -> list[str]:
    """Return the bodies of the orders that are sent from now on, as a list that grows."""
    sent: list[str] = []

    def heard(request: Request) -> None:
        if request.method == "POST" and request.url.endswith("/api/v1/worlds"):
            sent.append(request.post_data or "")

    page.on("request", heard)
    return sent


def test_what_was_typed_outlives_pages_and_sessions(browser: Browser, site: Site) -> None:
    person = Person(browser, site)
    page, name = person.page, person.register()
    page.get_by_label("Your world, in").fill(PROMPT)
    page.get_by_role("slider", name="Characters").fill("2")
    page.get_by_role("slider", name="Posts").fill("3")
    page.get_by_text("Set a budget").click()
    page.get_by_label("Budget in dollars").fill("7")

    def all_is_there() -> None:
        expect(page.get_by_label("Your world, in")).to_have_value(PROMPT)
        expect(page.get_by_role("slider", name="Characters")).to_have_value("2")
        expect(page.get_by_role("textbox", name="Number of posts")).to_have_value("3")
        expect(page.get_by_label("Budget in dollars")).to_have_value("7")
        expect(page.get_by_label("Budget in dollars")).to_be_visible()

    page.get_by_role("link", name="All worlds", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Worlds")
    page.go_back()
    all_is_there()
    page.reload()
    all_is_there()
    person.context.clear_cookies()
    page.get_by_role("button", name="Create world").click()
    page.get_by_label("E-mail or user name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    all_is_there()
    person.site.behave(latency={})
    page.get_by_role("button", name="Create world").click()
    page.wait_for_url("**/worlds/*")
    # What was sent is no draft any more.
    page.get_by_role("link", name="New world").first.click()
    expect(page.get_by_label("Your world, in")).to_have_value("")
    # Nor does the next person find what this one typed.
    page.get_by_label("Your world, in").fill(PROMPT)
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    assert page.evaluate("() => sessionStorage.length") == 0
    person.complaints = [c for c in person.complaints if "status of 401" not in c]
    person.close()


def test_an_example_can_be_undone(page: Page) -> None:
    field = page.get_by_label("Your world, in")
    field.focus()
    page.keyboard.type("My own town")
    chip = page.locator(".chip").first
    chip.click()
    expect(field).to_have_value(chip.inner_text())
    page.keyboard.press("Control+z")
    expect(field).to_have_value("My own town")
    page.keyboard.press("Control+Shift+z")
    expect(field).to_have_value(chip.inner_text())


def test_a_text_that_is_too_long_is_kept_and_said(page: Page) -> None:
    sent = orders(page)
    field = page.get_by_label("Your world, in")
    # As the server counts: this is one character each.
    field.fill("🌍" * 10_000)
    expect(field).not_to_have_attribute("aria-invalid", "true")
    field.fill("x" * 101_999)
    error = page.locator(".create .field-error").first
    expect(error).to_have_text("91,999 characters too many: there is room for 10,000.")
    page.get_by_role("button", name="Create world").click()
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    assert len(prompt_of(page)) == 101_999
    assert not sent
    field.fill("x" * 10_001)
    expect(error).to_have_text("1 character too many: there is room for 10,000.")


def test_a_number_can_be_typed(page: Page) -> None:
    sent = orders(page)
    slider, typed = (
        page.get_by_role("slider", name="Posts"),
        page.get_by_role("textbox", name="Number of posts"),
    )
    typed.fill("133")
    expect(slider).to_have_value("133")
    expect(page.locator(".estimate")).to_contain_text("texts and")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(typed).to_have_value("134")
    page.get_by_label("Your world, in").fill(PROMPT)
    for wrong in ("251", "0", "", "1e2", "7.5"):
        typed.fill(wrong)
        page.get_by_role("button", name="Create world").click()
        expect(typed).to_be_focused()
        expect(typed).to_have_attribute("aria-invalid", "true")
        expect(page.locator(".slider .field-error").last).to_have_text("A whole number from 1 to 250.")
    assert not sent
    slider.fill("20")
    expect(typed).to_have_value("20")
    expect(typed).not_to_have_attribute("aria-invalid", "true")


def test_how_talkative_characters_are_is_a_word_that_is_ordered_and_estimated(page: Page) -> None:
    sent = orders(page)
    slider = page.get_by_role("slider", name="How talkative they are")
    expect(slider).to_have_attribute("aria-valuetext", "talkative")
    estimate = page.locator(".estimate")
    expect(estimate).to_contain_text("38 texts")
    slider.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuetext", "silent")
    expect(estimate).to_contain_text("28 texts")
    slider.press("End")
    expect(slider).to_have_attribute("aria-valuetext", "very talkative")
    page.get_by_label("Your world, in").fill(PROMPT)
    page.get_by_role("slider", name="Characters").fill("1")
    page.get_by_role("slider", name="Posts").fill("1")
    page.reload()
    expect(slider).to_have_attribute("aria-valuetext", "very talkative")
    page.get_by_role("button", name="Create world").click()
    expect(page).to_have_url(re.compile("/worlds/"))
    assert [json.loads(body)["reactions"] for body in sent] == ["many"]


def test_a_budget_is_an_amount(page: Page) -> None:
    sent = orders(page)
    page.get_by_label("Your world, in").fill(PROMPT)
    page.get_by_text("Set a budget").click()
    field = page.get_by_label("Budget in dollars")
    for wrong in ("1e999", "1,000", "-1", "0", "Infinity", "10001", "0x10"):
        field.fill("5")
        expect(field).not_to_have_attribute("aria-invalid", "true")
        field.fill(wrong)
        page.get_by_role("button", name="Create world").click()
        expect(field, wrong).to_have_attribute("aria-invalid", "true")
        assert not sent, wrong


def test_a_finger_that_scrolls_moves_no_slider(browser: Browser, site: Site) -> None:
    person = Person(browser, site, viewport={"width": 360, "height": 500}, has_touch=True, is_mobile=True)
    person.register()
    page, slider = person.page, person.page.get_by_role("slider", name="Posts")
    devices = person.context.new_cdp_session(page)

    def drag(across: float, down: float) -> None:
        slider.evaluate("(input) => input.scrollIntoView({ block: 'center' })")
        box = slider.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] * 0.6, box["y"] + box["height"] / 2
        devices.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for step in range(1, 11):
            point = {"x": x + across * step / 10, "y": y + down * step / 10}
            devices.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
        devices.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    page.evaluate("() => { window.moves = 0; addEventListener('scroll', () => moves++); }")
    drag(0, -120)
    page.wait_for_function("() => moves > 1")
    expect(slider).to_have_value("15")
    expect(page.get_by_role("textbox", name="Number of posts")).to_have_value("15")
    drag(60, 0)
    expect(slider).not_to_have_value("15")
    person.close()


def test_the_receipt_tells_what_came_of_another_try(person: Person) -> None:
    page = person.page
    person.register()
    person.site.behave(status_rates={"400": {"images": 1}})
    person.create(1, 2)
    expect(person.panel.get_by_role("heading", level=2).first).to_have_text("Finished, with failures")
    page.get_by_role("link", name="Receipt", exact=True).click()
    expect(page.locator(".receipt .failures")).to_be_visible()
    expect(page.locator(".receipt tbody tr", has_text="Avatars")).to_have_count(0)
    person.site.behave(latency={})
    page.locator(".receipt").get_by_role("button", name="Try again").click()
    expect(page.locator(".receipt [role=status]")).to_contain_text("tried again")
    # By itself, once the world has ended.
    expect(page.locator(".receipt tbody tr", has_text="Avatars")).to_have_count(1)
    expect(page.locator(".receipt .failures")).to_have_count(0)
    expect(page.locator(".receipt [role=status]")).to_have_count(0)
