"""A stack with its page, a browser, and a person who uses it."""

from __future__ import annotations

import io
import os
import re
import signal
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from PIL import Image
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from generia_worker.cli import programs
from generia_worker.embedded.stack import Stack
from generia_worker.gateway.dependencies import connect_services
from generia_worker.gateway.tokens import local_login_token
from generia_worker.rpc.connections import Connections
from generia_worker.rpc.media_types import MediaType
from generia_worker.settings import Settings
from tests.browser import chromium
from tests.fork_server import fork_server
from tests.integration.conftest import SMALL_PICTURES

PROMPT = "A lighthouse whose keepers are all retired pirates"
PASSWORD = "correct horse battery"
#: Two busy cores: what a person would wait for, and not what a test would like.
PATIENCE_MS = 30_000
LAPTOP: Any = {"width": 1280, "height": 800}
#: Slow enough that there is something to watch.
PACE = {
    "prerendered": True,
    "latency": {"llm": {"mean_s": 0.2, "sigma_s": 0.05}, "images": {"mean_s": 0.3, "sigma_s": 0.1}},
}
#: Runs before the page: what breaks the content policy, and whether the page was loaded anew.
_WATCH = """
window.broken = [];
document.addEventListener("securitypolicyviolation", (e) => broken.push(`${e.violatedDirective} ${e.blockedURI}`));
"""


class Site:
    """The running stack, as the tests arrange it."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.settings = stack.settings
        self.url = stack.settings.gateway_url
        self._simulator = stack.settings.llm_base_url.removesuffix("/api/v1")

    def behave(self, **behaviour: Any) -> None:
        """Let the simulator behave like this, at the usual pace."""
        answer = requests.put(f"{self._simulator}/_sim/behaviour", json={**PACE, **behaviour}, timeout=10)
        answer.raise_for_status()

    def break_streams(self) -> None:
        """Let the gateway end at once; the stack starts it again."""
        pid = self._stack.processes["gateway"].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    def login_link(self) -> str:
        """Return the link that `generia up` prints."""
        return f"{self.url}/#login={local_login_token(self.settings)}"

    def big_world(self, world_id: str, characters: int, posts: int) -> None:
        """Let so many more characters and posts live in a world, each character with a picture of its own."""
        services = connect_services(self.settings)
        pictures = [
            self._character(services, world_id, number, "One of many.") for number in range(characters)
        ]
        for number in range(posts):
            who_id, media_id = pictures[number % len(pictures)]
            caption = (
                f"Entry {number}. "
                + "The wind turned, and the lamp was lit before the tide came in. " * (1 + number % 5)
            )
            services.posts.create_ai(
                who_id, caption, media_id, world_id, ["harbour", "log"], idempotency_key=uuid.uuid4().hex
            )
        services.close()

    def write(self, world_id: str, captions: list[str], bio: str = "One more.") -> str:
        """Let one more character live in a world and post these texts; returns its id."""
        services = connect_services(self.settings)
        who_id, media_id = self._character(services, world_id, 0, bio)
        for caption in captions:
            services.posts.create_ai(
                who_id, caption, media_id, world_id, [], idempotency_key=uuid.uuid4().hex
            )
        services.close()
        return who_id

    def _character(self, services: Connections, world_id: str, number: int, bio: str) -> tuple[str, str]:
        """Make a character with a picture; returns the ids of both."""
        who = services.characters.create(
            world_id, f"Keeper {number}", {"bio": bio}, idempotency_key=uuid.uuid4().hex
        )
        data = _picture(number)
        ticket = services.media.presign_upload(
            world_id,
            who.id,
            "p.jpg",
            "image/jpeg",
            len(data),
            MediaType.POST_IMAGE,
            idempotency_key=who.id,
        )
        requests.put(
            ticket.upload_url, data=data, headers={"Content-Type": "image/jpeg"}, timeout=10
        ).raise_for_status()
        services.media.confirm(ticket.media_id)
        return who.id, ticket.media_id


def _picture(number: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (256, 256), (40 + 5 * number, 120, 200 - 4 * number)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The system's Chromium: asked for before a stack is started in vain."""
    return chromium.find()


@pytest.fixture(scope="package")
def shared_site(tmp_path_factory: pytest.TempPathFactory, chromium_path: str) -> Iterator[Site]:
    """One stack for all tests of the page; its pictures are small."""
    asked = Settings(
        _env_file=None,
        **SMALL_PICTURES,
        image_concurrency=2,
        sweep_every_s=1,
        recover_every_s=2,
        publish_timeout_s=3,
        pump_every_s=0.2,
        retry_backoff_max_s=1,
        step_max_retries=1,
        gateway_rate_register="1000/minute",
        gateway_rate_login="1000/minute",
        gateway_rate_create="1000/minute",
    )
    folder = tmp_path_factory.mktemp("page")
    parts = programs.programs(asked, flower=True)
    with Stack(programs.with_addresses(asked), folder, parts, fork_server=fork_server()) as stack:
        yield Site(stack)


@pytest.fixture
def site(shared_site: Site) -> Site:
    """The stack, with a well-behaved simulator at a watchable pace."""
    shared_site.behave()
    return shared_site


# For the time of this folder, not of the session: while Playwright runs, this thread can run no other event loop.
@pytest.fixture(scope="package")
def browser(chromium_path: str) -> Iterator[Browser]:
    """The system's Chromium."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=chromium.ARGUMENTS)
        yield browser
        browser.close()


class Person:
    """Somebody with a browser of their own. What the browser complains of is a failure of the test.

    Unless told otherwise, they want little motion: to draw what moves is most of what a browser without a graphics card
    costs.
    """

    def __init__(self, browser: Browser, site: Site, **options: Any) -> None:
        self.site = site
        options.setdefault("reduced_motion", "reduce")
        self.context: BrowserContext = browser.new_context(base_url=site.url, **options)
        self.context.set_default_timeout(PATIENCE_MS)
        self.context.add_init_script(_WATCH)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        #: Paths of the API's calls, in their order.
        self.calls: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(f"{error.name}: {error.message}"))
        self.page.on("request", lambda request: self.calls.append(request.url.removeprefix(site.url)))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} ({message.location.get('url', '')})")

    def register(self) -> str:
        """Register as a person does; returns the user name."""
        name = f"ada-{uuid.uuid4().hex[:8]}"
        self.page.goto("/")
        self.page.get_by_role("button", name="Create an account").click()
        self.page.get_by_label("User name").fill(name)
        self.page.get_by_label("E-mail").fill(f"{name}@example.org")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Create account").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("What world shall it be?")
        return name

    def log_in_as(self, other: Person) -> None:
        """Go on in this browser with the session of another one."""
        self.context.add_cookies(
            [
                {
                    "name": cookie["name"],
                    "value": cookie["value"],
                    "domain": cookie["domain"],
                    "path": cookie["path"],
                    "httpOnly": cookie["httpOnly"],
                    "sameSite": cookie["sameSite"],
                }
                for cookie in other.context.cookies()
            ]
        )

    def create(self, characters: int = 3, posts: int = 7, prompt: str = PROMPT) -> str:
        """Make a world on the first page; returns its id once one is on its page."""
        if not self.page.locator(".create").count():
            self.page.goto("/")
        self.page.get_by_label("Your world, in a sentence or two").fill(prompt)
        self.page.get_by_role("slider", name="Characters").fill(str(characters))
        self.page.get_by_role("slider", name="Posts").fill(str(posts))
        self.page.get_by_role("button", name="Create world").click()
        self.page.wait_for_url("**/worlds/*")
        return self.page.url.rsplit("/", 1)[1]

    @property
    def panel(self) -> Any:
        """The panel of the world's making."""
        return self.page.locator(".panel-frame")

    def wait_until_made(self) -> None:
        """Wait until the world is finished and the panel has folded away."""
        # The counts stand there once a world has ended; before it is read, there is neither a panel nor a count.
        expect(self.page.locator(".world-facts")).to_have_text(re.compile(r"\d+ characters? · \d+ posts?"))
        expect(self.panel).to_have_count(0)

    def posts(self) -> list[str]:
        """Scroll through the feed; returns the addresses of its posts in their order."""
        found: dict[str, None] = {}
        while True:
            # All at once: the feed takes out what is far from what is seen, also between two questions.
            links = self.page.locator(".post-picture")
            found |= dict.fromkeys(links.evaluate_all("(all) => all.map((one) => one.getAttribute('href'))"))
            at_end = self.page.evaluate(
                """() => {
                    const y = scrollY;
                    scrollBy(0, innerHeight);
                    return scrollY === y && !document.querySelector(".feed[aria-busy=true]");
                }"""
            )
            if at_end:
                return list(found)
            self.page.evaluate(
                "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 60)))"
            )

    def close_post(self, how: Callable[[], None] | None = None) -> None:
        """Close the post that is open, with Escape unless told how, and wait until the address has gone back: that takes a
        moment, and would break off the loading of whatever is loaded meanwhile."""
        if how is None:
            self.page.keyboard.press("Escape")
        else:
            how()
        expect(self.page.get_by_role("dialog")).to_have_count(0)
        self.page.wait_for_url(re.compile(r"/worlds/[^/]+$"))

    def close(self) -> None:
        """Leave; nothing may have been complained of."""
        broken = self.page.evaluate("() => window.broken ?? []")
        self.context.close()
        assert not broken, broken
        assert not self.complaints, self.complaints


@pytest.fixture
def person(browser: Browser, site: Site) -> Iterator[Person]:
    """Somebody at a laptop."""
    person = Person(browser, site, viewport=LAPTOP)
    yield person
    person.close()


@pytest.fixture
def watcher(browser: Browser, site: Site) -> Iterator[Person]:
    """Somebody at a laptop who sees everything move."""
    person = Person(browser, site, viewport=LAPTOP, reduced_motion="no-preference")
    yield person
    person.close()


@pytest.fixture(scope="package")
def made(browser: Browser, shared_site: Site) -> Iterator[tuple[Person, str]]:
    """Somebody whose world of 3 characters and 7 posts is finished, and its id.

    All tests look at it, and some add to it: none counts on a number."""
    shared_site.behave(latency={})
    person = Person(browser, shared_site, viewport=LAPTOP)
    person.register()
    world_id = person.create()
    person.wait_until_made()
    yield person, world_id
    person.close()
