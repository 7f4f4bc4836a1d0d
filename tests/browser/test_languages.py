"""The page in the reader's language, beside worlds in theirs."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from generia_worker.gateway.export_page.texts import PLURALS
from generia_worker.gateway.static_files import WEB
from tests.browser.conftest import LAPTOP, PASSWORD, Person, Site
from tests.browser.test_page import serious
from tests.gateway.test_texts import CATEGORIES

RUSSIAN_PROMPT = "Город математиков, все пишут посты с формулами"
#: Every text and label that is shown, but for those of worlds and people, which stand in elements with their own language.
_SHOWN = r"""() => {
  const own = (element) => element.closest("[lang]:not(html)") || element.closest("math, .side-name, .brand");
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!element.closest("script, style, noscript, option") && !own(element)) found.push(walker.currentNode.data);
  }
  for (const element of document.querySelectorAll("[aria-label], [title], [placeholder], [alt], [aria-valuetext]"))
    for (const name of ["aria-label", "title", "placeholder", "alt", "aria-valuetext"])
      if (element.hasAttribute(name) && !element.hasAttribute("lang")) found.push(element.getAttribute(name));
  found.push(document.title.replace(document.querySelector("h1")?.textContent, ""));
  return found.map((text) => text.trim()).filter(Boolean);
}"""


class Reader(Person):
    """Somebody whose browser has languages."""

    def __init__(self, browser: Browser, site: Site, *languages: str) -> None:
        super().__init__(browser, site, viewport=LAPTOP, locale=languages[0])
        self.context.add_init_script(
            f"Object.defineProperty(navigator, 'languages', {{ get: () => {json.dumps(languages)} }});"
        )


@pytest.fixture(scope="module")
def russian_world(browser: Browser, shared_site: Site) -> Iterator[tuple[Person, str]]:
    """Somebody with a finished Russian world of 6 characters, and its id."""
    shared_site.behave(latency={})
    person = Person(browser, shared_site, viewport=LAPTOP)
    person.register()
    world_id = person.create(6, 12, RUSSIAN_PROMPT)
    person.wait_until_made()
    yield person, world_id
    person.close()


def test_a_russian_browser_gets_a_russian_page(
    browser: Browser, site: Site, russian_world: tuple[Person, str]
) -> None:
    maker, world_id = russian_world
    reader = Reader(browser, site, "uk-UA", "ru-RU", "en")
    page = reader.page
    page.goto("/")
    expect(page.get_by_role("heading", level=2)).to_have_text("Войти")
    assert page.evaluate("() => document.documentElement.lang") == "ru"
    page.get_by_label("Почта или имя пользователя").fill("никто")
    page.get_by_label("Пароль").fill("wrong password")
    page.get_by_role("button", name="Войти").click()
    expect(page.get_by_role("alert")).to_have_text("Неверное имя или пароль.")
    page.get_by_role("button", name="Создать учётную запись").click()
    page.get_by_label("Имя пользователя").fill("a")
    page.get_by_label("Электронная почта").fill("никто")
    page.get_by_label("Пароль").fill("мало")
    page.get_by_role("button", name="Зарегистрироваться").click()
    errors = page.locator(".field-error:not(:empty)")
    expect(errors.first).to_contain_text("От 2 до 32 знаков")
    assert not [
        text
        for text in errors.all_inner_texts()
        if re.search("[a-z]{3}", text.replace("ada@example.org", ""))
    ]
    reader.log_in_as(maker)
    page.goto(f"/worlds/{world_id}")
    expect(page.locator(".world-facts")).to_have_text("6 персонажей · 12 постов")
    # The world is Russian as well: nothing on it is said to be of another language.
    assert page.locator("h1").get_attribute("lang") == "ru"
    expect(page.locator(".post-time").first).to_have_text(re.compile("назад|только что|вчера"))
    page.get_by_role("link", name="Расходы").click()
    expect(page.locator(".receipt-total strong")).to_have_text(re.compile(r"0,\d+\s\$"))
    page.goto("/")
    expect(page.locator(".estimate")).to_contain_text("текст")
    typed = page.get_by_role("textbox", name="Число постов")
    typed.fill("0")
    page.get_by_role("button", name="Создать мир").click()
    page.get_by_label("Ваш мир в одной-двух фразах").fill("мало")
    page.get_by_role("button", name="Создать мир").click()
    expect(page.locator(".create .field-error").first).to_have_text("Чуть подробнее: не меньше 10 знаков.")
    assert not serious(page)
    reader.complaints = [c for c in reader.complaints if "status of 4" not in c]
    reader.close()


def test_a_russian_world_in_an_english_frame(
    browser: Browser, site: Site, russian_world: tuple[Person, str]
) -> None:
    maker, world_id = russian_world
    reader = Reader(browser, site, "en-GB")
    reader.log_in_as(maker)
    page = reader.page
    page.goto(f"/worlds/{world_id}")
    expect(page.locator(".world-facts")).to_have_text("6 characters · 12 posts")
    assert page.evaluate("() => document.documentElement.lang") == "en"
    for content in (
        "h1",
        ".world-short",
        ".post-text",
        ".post-name",
        ".strip a > span:last-child",
        ".tags li",
    ):
        expect(page.locator(content).first).to_have_attribute("lang", "ru")
    page.get_by_role("link", name="About", exact=True).click()
    expect(page.locator(".about blockquote")).to_have_attribute("lang", "ru")
    page.goto("/worlds")
    expect(page.locator(".card-name", has_text=re.compile("[а-я]")).first).to_have_attribute("lang", "ru")
    reader.close()


def test_an_english_world_in_a_russian_frame(browser: Browser, made: tuple[Person, str]) -> None:
    maker, world_id = made
    reader = Reader(browser, maker.site, "ru")
    reader.log_in_as(maker)
    page = reader.page
    page.goto(f"/worlds/{world_id}")
    expect(page.locator(".world-facts")).to_have_text("3 персонажа · 7 постов")
    for content in ("h1", ".world-short", ".post-text"):
        expect(page.locator(content).first).to_have_attribute("lang", "en")
    page.locator(".post-picture").first.click()
    expect(page.locator(".dialog-words .post-text")).to_have_attribute("lang", "en")
    expect(page.get_by_role("button", name="Закрыть")).to_be_visible()
    reader.close()


def test_the_choice_of_a_language_is_kept(browser: Browser, site: Site) -> None:
    reader = Reader(browser, site, "de-AT")
    page = reader.page
    page.goto("/#invitation=a-code")
    # There are no German texts.
    expect(page.get_by_role("heading", level=2)).to_have_text("Create an account")
    page.get_by_role("combobox", name="Language").select_option("ru")
    # Nothing is lost with it: the invitation is still there.
    expect(page.get_by_role("heading", level=2)).to_have_text("Создать учётную запись")
    page.reload()
    expect(page.get_by_role("heading", level=2)).to_have_text("Войти")
    page.get_by_role("button", name="Создать учётную запись").click()
    name = f"Анна_{uuid.uuid4().int % 10**8}"
    page.get_by_label("Имя пользователя").fill(name)
    page.get_by_label("Электронная почта").fill(f"{name.removeprefix('Анна_')}@example.org")
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Зарегистрироваться").click()
    expect(page.locator(".side-person .side-name")).to_have_text(name)
    page.get_by_label("Ваш мир в одной-двух фразах").fill(RUSSIAN_PROMPT)
    page.get_by_role("combobox", name="Язык").select_option("en")
    expect(page.get_by_role("heading", level=1)).to_have_text("What world shall it be?")
    expect(page.get_by_label("Your world, in")).to_have_value(RUSSIAN_PROMPT)
    expect(page.get_by_role("combobox", name="Language")).to_be_focused()
    page.goto("/worlds")
    expect(page.get_by_role("heading", level=1)).to_have_text("Worlds")
    # The name logs in, in whatever case.
    page.get_by_role("button", name="Log out").click()
    page.get_by_label("E-mail or user name").fill(name.lower())
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".side-person .side-name")).to_have_text(name)
    reader.close()


@pytest.mark.parametrize(
    ("code", "field", "said"),
    [
        ("budget_without_prices", "budget", "Бюджет здесь не соблюсти"),
        ("allowance_exceeded", None, "больше, чем разрешено на сегодня"),
    ],
)
def test_a_refused_order_is_told_in_the_readers_language(
    browser: Browser, made: tuple[Person, str], code: str, field: str | None, said: str
) -> None:
    reader = Reader(browser, made[0].site, "ru-RU")
    reader.log_in_as(made[0])
    page = reader.page
    errors = [{"field": field, "message": "English", "code": code}] if field else []
    body = {"title": "No", "status": 422, "detail": "English", "code": code, "errors": errors}
    page.route("**/api/v1/worlds", lambda route: route.fulfill(status=422, json=body))
    page.goto("/")
    page.get_by_label("Ваш мир").fill(RUSSIAN_PROMPT)
    page.get_by_role("button", name="Создать мир").click()
    wrong = (
        page.get_by_role("alert").filter(has_text=said)
        if field is None
        else page.locator(".budget .field-error")
    )
    expect(wrong).to_contain_text(said)
    expect(wrong.locator("[lang=en]")).to_have_count(0)
    # It is seen: what was folded is open.
    expect(wrong).to_be_visible()
    reader.complaints = [one for one in reader.complaints if "422" not in one]
    reader.close()


@pytest.mark.parametrize("language", sorted(PLURALS))
def test_plural_categories_are_those_of_browsers(page: Page, language: str) -> None:
    rules = f"new Intl.PluralRules('{language}')"
    assert set(page.evaluate(f"() => {rules}.resolvedOptions().pluralCategories")) == CATEGORIES[language]
    found = page.evaluate(f"() => Array.from({{ length: 1200 }}, (_, n) => {rules}.select(n))")
    assert found == [PLURALS[language](n) for n in range(1200)]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page."""
    page = browser.new_page()
    yield page
    page.close()


def marked(route: Route) -> None:
    """Answer with the texts, each of their words in brackets: what is shown without was said beside the texts."""

    def mark(message: Any) -> Any:
        if isinstance(message, dict):
            return {form: mark(text) for form, text in message.items()}
        pieces = re.split(r"(\{(?!name\})\w+\})", message)
        return "".join(
            piece if re.fullmatch(r"\{(?!name).*", piece) else f"⟦{piece}⟧" for piece in pieces if piece
        )

    texts = json.loads((WEB / "texts" / "en.json").read_text(encoding="utf-8"))
    route.fulfill(json={name: mark(message) for name, message in texts.items()})


def beside(page: Page) -> list[str]:
    """Return what is shown and does not come from the texts: words, but for names, units and addresses."""
    left = []
    for shown in page.evaluate(_SHOWN):
        text = re.sub(r"⟦[^⟦⟧]*⟧", "", shown)
        text = re.sub(
            r"\b(Generia|sec|min|hr|ada-\w+(@example\.org)?|(minute|second|hour|day)s? ago|yesterday)\b",
            "",
            text,
        )
        text = re.sub(r"\b[A-Z][a-z]+ \d+, \d{4}(, \S+\s[AP]M)?", "", text)
        if re.search(r"[A-Za-z]{2}", text):
            left.append(shown)
    return left


def test_nothing_is_said_beside_the_texts(browser: Browser, made: tuple[Person, str]) -> None:
    maker, world_id = made
    person = Person(browser, maker.site, viewport=LAPTOP)
    page = person.page
    page.route("**/texts/*.json", marked)
    page.goto("/nothing/here")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert not beside(page)
    page.goto("/")
    page.get_by_role("button", name="⟦Create an account⟧").click()
    assert not beside(page)
    person.log_in_as(maker)
    base = f"/worlds/{world_id}"
    cid = person.context.request.get(f"/api/v1{base}/characters").json()["characters"][0]["id"]
    pid = person.context.request.get(f"/api/v1{base}/posts").json()["posts"][0]["id"]
    parts = [base, f"{base}/posts/{pid}", f"{base}/characters", f"{base}/characters/{cid}", f"{base}/about"]
    for path in ["/", "/account", "/worlds", *parts, f"{base}/receipt", "/worlds/none-such"]:
        page.goto(path, wait_until="networkidle")
        assert not beside(page), path
    person.site.behave(status_rates={"400": {"images": 1}})
    page.goto("/")
    page.get_by_role("textbox").first.fill(RUSSIAN_PROMPT)
    page.get_by_role("button", name="⟦Create world⟧").click()
    expect(page.locator(".panel-frame")).to_be_visible()
    assert not beside(page)
    expect(page.locator(".panel-frame .failures")).to_be_visible()
    assert not beside(page)
    person.complaints = [c for c in person.complaints if "status of 4" not in c]
    person.close()
