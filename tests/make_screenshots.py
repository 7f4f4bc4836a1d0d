"""Makes the pictures of the pages anew: `python -m tests.make_screenshots`, with Chromium on PATH; takes some minutes.

A stack with the simulator makes worlds (English, Russian, one in LaTeX, one with failures); what is shown is found as a
person finds it.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from generia_worker.cli import programs
from generia_worker.embedded.stack import Stack
from generia_worker.gateway.tokens import local_login_token
from generia_worker.settings import Settings
from tests.browser import chromium

FOLDER = Path(__file__).resolve().parent.parent / "generia_worker" / "web" / "screenshots"
DESK: Any = {"width": 1280, "height": 860}
WIDE: Any = {"width": 1900, "height": 560}
PHONE: Any = {"width": 390, "height": 760}
ENGLISH = "A lighthouse whose keepers are all retired pirates"
RUSSIAN = "Мир, в котором за академическим руководителем ходит толпа студентов-котиков"
FORMULAS = "Город математиков, все пишут посты с формулами в LaTeX"
#: A world whose making can be watched, and one that is made at once.
SLOW = {"llm": {"fixed_s": 0.6}, "images": {"fixed_s": 1.2}}
PATIENCE_MS = 120_000


def main() -> None:
    """Make all pictures."""
    # Two pictures at a time: posts come one after the other.
    asked = Settings(_env_file=None, image_concurrency=2)
    parts = programs.programs(asked, flower=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(programs.with_addresses(asked), Path(folder), parts) as stack,
        sync_playwright() as playwright,
    ):
        expect.set_options(timeout=PATIENCE_MS)
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.ARGUMENTS)
        _watch(browser, stack.settings)
        _read(browser, stack.settings)
        _operate(browser, stack.settings)
        browser.close()


def _watch(browser: Browser, settings: Settings) -> None:
    with _page(browser, settings, viewport=DESK) as page:
        _behave(page, settings, SLOW)
        _create(page, ENGLISH, "Create world", 5, 15)
        expect(page.locator(".post").nth(2)).to_be_attached()
        _save("making", page)
        expect(page.locator(".panel-frame")).to_have_count(0)
    with _page(browser, settings, viewport=PHONE, device_scale_factor=2) as page:
        left = _shot(page)
        page.goto("/worlds")
        page.locator(".card-name").first.click()
        expect(page.locator(".post").first).to_be_visible()
        page.wait_for_load_state("networkidle")
        right = _shot(page)
        both = Image.new("RGB", (left.width + right.width + 40, left.height), "white")
        both.paste(left, (0, 0))
        both.paste(right, (left.width + 40, 0))
        both.save(FOLDER / "phone.webp", quality=82, method=6)
    with _page(browser, settings, viewport=DESK, color_scheme="dark") as page:
        page.goto("/worlds")
        page.locator(".card-name").first.click()
        expect(page.locator(".post").first).to_be_visible()
        _save("feed-dark", page)


def _read(browser: Browser, settings: Settings) -> None:
    for name, prompt in (("russian", RUSSIAN), ("formulas", FORMULAS)):
        with _page(browser, settings, viewport=DESK, locale="ru-RU") as page:
            _behave(page, settings, {})
            _create(page, prompt, "Создать мир", 4, 12)
            expect(page.locator(".world-facts")).to_contain_text("12 постов")
            expect(page.locator(".panel-frame")).to_have_count(0)
            if name == "formulas":
                # Its words, with the end of its picture above them.
                page.locator(".post-text", has=page.locator("math")).first.evaluate(
                    "(words) => scrollTo(0, words.getBoundingClientRect().top + scrollY - 360)"
                )
            _save(name, page)


def _operate(browser: Browser, settings: Settings) -> None:
    """Steps that failed, in Flower."""
    with _page(browser, settings, viewport=DESK) as page:
        _behave(page, settings, {}, forbidden_words=["Post 2 of 3"])
        _create(page, ENGLISH, "Create world", 3, 9)
        expect(page.locator(".failures")).to_contain_text("3")
    context = browser.new_context(
        viewport=WIDE,
        http_credentials={
            "username": settings.flower_user,
            "password": settings.flower_password.get_secret_value(),
        },
    )
    page = context.new_page()
    while True:
        page.goto(f"http://{settings.flower_bind}/tasks")
        page.get_by_role("searchbox").fill("state:FAILURE")
        page.wait_for_timeout(1000)
        if page.locator("#tasks-table tbody tr", has_text="FAILURE").count() == 3:
            break
    page.get_by_role("searchbox").blur()
    _save("flower", page)
    context.close()


@contextmanager
def _page(browser: Browser, settings: Settings, **options: Any) -> Iterator[Page]:
    """The page of the person at the command line, who has just logged in."""
    context = browser.new_context(base_url=settings.gateway_url, reduced_motion="reduce", **options)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"/#login={local_login_token(settings)}")
    expect(page.locator(".estimate strong").first).to_be_visible()
    yield page
    context.close()


def _behave(page: Page, settings: Settings, latency: dict[str, Any], **more: Any) -> None:
    simulator = settings.llm_base_url.removesuffix("/api/v1")
    answer = page.context.request.put(f"{simulator}/_sim/behaviour", data={"latency": latency, **more})
    assert answer.ok, answer.text()


def _create(page: Page, prompt: str, button: str, characters: int, posts: int) -> None:
    page.locator("textarea").fill(prompt)
    page.locator("#slider-characters_count").fill(str(characters))
    page.locator("#slider-posts_count").fill(str(posts))
    page.get_by_role("button", name=button).click()
    page.wait_for_url("**/worlds/*")


def _shot(page: Page) -> Image.Image:
    """A picture of what is seen, once its pictures are there."""
    page.wait_for_function(
        "() => [...document.images].filter((i) => i.src && i.getBoundingClientRect().top < innerHeight)"
        ".every((i) => i.complete)"
    )
    page.wait_for_timeout(600)
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def _save(name: str, page: Page) -> None:
    _shot(page).save(FOLDER / f"{name}.webp", quality=82, method=6)


if __name__ == "__main__":
    main()
