"""Formulas in a real browser: what is one and what is money, what it becomes, and what hostile ones do not do."""

from __future__ import annotations

import hashlib
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from generia_worker.gateway.static_files import WEB
from tests.browser.conftest import PATIENCE_MS, Person
from tests.browser.test_page import serious

PHONE: Any = {"width": 360, "height": 740}
_RICH = """async (text) => {
  await import("/js/dom.js");
  const box = document.createElement("p");
  box.append(...formulas.rich(text));
  document.querySelector("main").append(box);
  if (!globalThis.temml) await new Promise((done) => document.head.lastChild.addEventListener("load", done));
  // One more turn: what waits for the library goes on.
  await new Promise((done) => setTimeout(done));
  return [box.querySelectorAll("math").length, box.textContent, box.innerHTML];
}"""
_PARTS = "async (text) => { await import('/js/dom.js'); return formulas.parts(text); }"

MONEY = [
    "it costs $5 and $10",
    "from $5 to 6$",
    "between $$ and $$, or $$$",
    "US$5, 5$ and 6$; стоит 5$ или $6",
    "$5-$10, $5/$6, costs $5 (or $6)",
    "$20k or so and 30 $",
    r"escaped: \$5 and \$6",
    "one $x and no more",
    "$a\n\nb$",
    "$ x $",
    "$$$$",
]
FORMULAS = {
    r"A $\nabla f$ here": [r"\nabla f"],
    "$x$, $2n$-th ($k$)": ["x", "2n", "k"],
    "$$\nx = 1\n$$": ["\nx = 1\n"],
    r"\(a\) and \[b\]": ["a", "b"],
    r"Скорость $v_\text{свет}$ велика": [r"v_\text{свет}"],
    "for $100 you get what $x$ says": ["x"],
    r"$\$5$": [r"\$5"],
    r"$\text{joy and tea} = 1$": [r"\text{joy and tea} = 1"],
}


@pytest.fixture(scope="module")
def page(made: tuple[Person, str]) -> Page:
    """The page of somebody who is logged in."""
    made[0].page.goto("/account")
    expect(made[0].page.get_by_role("heading", level=1)).to_be_visible()
    return made[0].page


@pytest.mark.parametrize("text", MONEY)
def test_money_stays(page: Page, text: str) -> None:
    assert page.evaluate(_PARTS, text) == [text]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_is_a_formula(page: Page, text: str) -> None:
    found = page.evaluate(_PARTS, text)
    assert [part["tex"] for part in found if isinstance(part, dict)] == FORMULAS[text]
    assert "".join(part if isinstance(part, str) else part["source"] for part in found) == text
    assert page.evaluate(_RICH, text)[0] == len(FORMULAS[text])


@pytest.mark.parametrize(
    "tex",
    [
        r"\href{javascript:alert(1)}{x}",
        r"\url{https://example.org}",
        r"\htmlClass{skip}{x}",
        r"\htmlStyle{position:fixed}{x}",
        r"\htmlId{root}{x}",
        r"\includegraphics{https://example.org/x.png}",
        r"\def\a{\a\a}\a",
        r"\newcommand{\a}{\a\a}\a",
        r"\let\a\b x",
        r"\gdef\a#1{#1#1#1#1#1#1#1#1}\a{\a{\a{\a{\a{\a{\a{\a{\a{x}}}}}}}}}",
        "{" * 10_000 + "}" * 10_000,
        r"\sqrt{" * 280 + "x" + "}" * 280,
        r"\left(" * 120 + r"\right)" * 120,
        "x^{" * 400 + "}" * 400,
        "x+" * 10_000,
        r"\frac{",
        r"\nosuchcommand",
        r"\constructor",
        r"\__proto__",
    ],
    ids=lambda tex: tex[:24],
)
def test_what_cannot_be_shown_stays_its_source(page: Page, tex: str) -> None:
    source = f"$${tex}$$"
    assert page.evaluate(_RICH, source)[:2] == [0, source]


@pytest.mark.parametrize(
    "tex",
    [
        r"\rule{1000em}{1000em}",
        r"a\hspace{-1000em}b",
        r"\raisebox{1000em}{x}",
        r"\textcolor{red}{x}",
        r"\text{<img src=x onerror=alert(1)>}",
        r"x \label{root} y",
        r"\begin{matrix}a\\[999em]b\end{matrix}",
    ],
)
def test_a_formula_keeps_to_its_place(page: Page, tex: str) -> None:
    count, _, markup = page.evaluate(_RICH, f"${tex}$")
    assert count == 1
    # An image, a handler, an address, an id, a colour.
    assert not re.search(r"<img|\bon\w+=\"|href|\bid=|color", markup.replace("&lt;img", ""))
    lengths = [abs(float(number)) for number in re.findall(r"(-?[\d.]+)em\b", markup)]
    assert all(length <= 10 for length in lengths), lengths


def test_many_formulas_have_a_bound(page: Page) -> None:
    found = page.evaluate(_PARTS, "$x^{2}$ " * 2000)
    formulas = [part for part in found if isinstance(part, dict)]
    assert 1000 < len(formulas) < 1500
    assert page.evaluate(_PARTS, "$x$ " * 6000) == ["$x$ " * 6000]


def test_a_world_that_speaks_in_formulas(person: Person, tmp_path: Path) -> None:
    page = person.page
    person.register()
    person.site.behave(latency={})
    world_id = person.create(1, 1)
    person.wait_until_made()
    wide = " + ".join(f"x_{{{number}}}" for number in range(60))
    bio = r"Measures $\oint \vec{B} \cdot d\vec{l}$ for $5 and $10."
    captions = [
        r"The gradient $\nabla f$ and"
        + "\n$$\\sum_{n=1}^{\\infty} \\frac{1}{n^2} = \\frac{\\pi^2}{6}$$\nare here.",
        f"Wide: $$ {wide} $$ and ${wide}$, tea for $5 or $6.",
        r"Broken: $\frac{$ and $$\href{javascript:alert(1)}{x}$$",
    ]
    who = person.site.write(world_id, captions, bio)
    page.set_viewport_size(PHONE)
    page.goto(f"/worlds/{world_id}")
    posts = page.locator(".post")
    expect(posts.nth(2).locator("math")).to_have_count(2)
    expect(
        posts.nth(2).locator("math[display=block] munderover, math[display=block] msubsup").first
    ).to_be_visible()
    expect(posts.nth(1).locator("math")).to_have_count(2)
    expect(posts.nth(1)).to_contain_text("tea for $5 or $6.")
    expect(posts.nth(0)).to_contain_text(captions[2])
    # A wide one scrolls in its place, by keyboard too; the page does not.
    expect(posts.nth(1).locator(".formula[tabindex='0']")).to_have_count(2)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    line, letter = page.evaluate(
        """() => { const formula = document.querySelectorAll(".post")[2].querySelector(".formula:not(.is-display)");
          const range = document.createRange(); range.selectNode(formula.previousSibling);
          return [range.getBoundingClientRect().bottom, formula.getBoundingClientRect().bottom]; }"""
    )
    assert abs(line - letter) < 8, "it stands on the line of its text"
    assert not serious(page)
    page.goto(f"/worlds/{world_id}/characters/{who}")
    expect(page.locator(".character-bio math")).to_have_count(1)
    expect(page.locator(".character-bio")).to_contain_text("for $5 and $10.")
    assert page.evaluate("() => window.broken") == []

    page.goto(f"/worlds/{world_id}/receipt")
    with page.expect_download() as started:
        page.get_by_role("link", name="Download this world").click()
    with zipfile.ZipFile(started.value.path()) as archive:
        archive.extractall(tmp_path)
    exported = person.context.new_page()
    heard: list[str] = []
    exported.on("console", lambda message: heard.append(message.text))
    exported.goto((tmp_path / "index.html").as_uri())
    expect(exported.locator(".post").nth(2).locator("math")).to_have_count(2)
    expect(exported.locator(".post").nth(0)).to_contain_text(captions[2])
    expect(exported.locator(f"#c-{who} math").first).to_be_visible()
    # Browsers measure what has been near the window.
    exported.locator(".post").nth(1).scroll_into_view_if_needed()
    expect(exported.locator(".formula[tabindex='0']")).to_have_count(2)
    assert not heard, heard
    assert not serious(exported)
    exported.close()


def test_without_the_library_the_sources_stand_there(person: Person) -> None:
    person.register()
    person.site.behave(latency={})
    world_id = person.create(1, 1)
    person.wait_until_made()
    person.site.write(world_id, [r"Here is $\nabla f$."])
    page = person.context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.route("**/vendor/**", lambda route: route.abort())
    with page.expect_event("requestfailed"):
        page.goto(f"/worlds/{world_id}")
    expect(page.locator(".post").first).to_contain_text(r"Here is $\nabla f$.")
    page.close()


def test_the_library_is_the_one_that_was_taken() -> None:
    folder = WEB / "vendor" / "temml"
    taken = re.search(
        r"^sha256 ([0-9a-f]{64})$", (folder / "ORIGIN.txt").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert taken is not None
    assert hashlib.sha256((folder / "temml.min.js").read_bytes()).hexdigest() == taken[1]
    assert "Permission is hereby granted" in (folder / "LICENSE.txt").read_text(encoding="utf-8")
