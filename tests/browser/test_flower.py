"""Flower during a run: nothing without the password, tasks by their names and worlds, failures red with their reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from generia_worker.client.client import GeneriaClient
from generia_worker.client.order import Order
from generia_worker.gateway.dependencies import connect_services
from tests.browser.conftest import PATIENCE_MS, PROMPT, Site
from tests.embedded.conftest import eventually

PATHS = (
    "/",
    "/tasks",
    "/broker",
    "/api/workers",
    "/api/tasks",
    "/metrics",
    "/healthcheck",
    "/static/css/flower.css",
    "/x",
)


def login(site: Site) -> tuple[str, str]:
    return site.settings.flower_user, site.settings.flower_password.get_secret_value()


def has_heard_of(site: Site, world_id: str, count: int = 1, **which: str) -> bool:
    """Wait until Flower knows so many tasks of a world: its page asks once, and shows what was known then."""

    def known() -> bool:
        address = f"http://{site.settings.flower_bind}/api/tasks"
        words = {**which, "search": f"args:{world_id}"}
        reply = requests.get(address, auth=login(site), params=words, timeout=10)
        return len(reply.json()) >= count

    return eventually(known, PATIENCE_MS / 1000)


@pytest.fixture
def flower(browser: Browser, site: Site) -> Iterator[Page]:
    """Somebody who knows the password."""
    user, password = login(site)
    context = browser.new_context(
        base_url=f"http://{site.settings.flower_bind}",
        http_credentials={"username": user, "password": password},
        viewport={"width": 1600, "height": 900},
    )
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_told_without_the_password(site: Site, path: str) -> None:
    address = f"http://{site.settings.flower_bind}{path}"
    user, password = login(site)
    for wrong in (None, (user, ""), (user, password[:-1]), ("admin", password)):
        for method in ("GET", "POST"):
            reply = requests.request(method, address, auth=wrong, timeout=10)
            assert reply.status_code == 401
            assert reply.headers["WWW-Authenticate"].startswith("Basic")
    assert requests.get(address, auth=(user, password), timeout=10).status_code == (
        404 if path == "/x" else 200
    )


@pytest.mark.parametrize(
    "path", ["/api/task/async-apply/tasks.maintenance.pump", "/api/worker/shutdown/paid@x"]
)
def test_it_only_shows(site: Site, path: str) -> None:
    address = f"http://{site.settings.flower_bind}{path}"
    assert requests.post(address, auth=login(site), json={}, timeout=10).status_code == 403


def test_a_run_is_seen_with_its_failures(flower: Page, site: Site) -> None:
    site.behave(forbidden_words=["Post 2 of 3"])
    with closing(connect_services(site.settings)) as services:
        world_id = services.worlds.create("tester", "", "", PROMPT, 2, 6).id
    endpoint = GeneriaClient(site.settings.api_url, site.settings.api_token.get_secret_value())
    endpoint.order(Order(world_id=world_id, user_prompt=PROMPT, users_count=2, posts_count=6))
    assert has_heard_of(site, world_id, taskname="tasks.world.describe_world")
    flower.goto("/tasks")
    rows = flower.locator("#tasks-table tbody tr")
    search = flower.get_by_role("searchbox")
    # By name: a page shows the fifteen latest, and this is the first of its world.
    search.fill(f"name:describe_world args:{world_id}")
    started = rows.filter(has_text="tasks.world.describe_world")
    expect(started).to_have_count(1)
    expect(started).to_contain_text(world_id)
    status = endpoint.wait(world_id, timeout_s=90)
    assert status.tasks_failed == 2
    assert has_heard_of(site, world_id, 2, state="FAILURE")
    flower.reload()
    search.fill(f"state:FAILURE args:{world_id}")
    expect(rows).to_have_count(2)
    first = rows.filter(has_text=f"01/02 {world_id}")
    expect(first).to_contain_text("tasks.posts.write_post")
    expect(first).to_contain_text("moderation")
    state = first.get_by_text("FAILURE")
    red, green, blue = (
        int(part) for part in state.evaluate("e => getComputedStyle(e).backgroundColor.match(/\\d+/g)")[:3]
    )
    assert red > 150 > max(green, blue), "a failure is red"
    first.get_by_role("link", name="tasks.posts").or_(first.locator("a[href^='/task/']")).last.click()
    expect(flower.get_by_text("StepFailed").first).to_be_visible()
    expect(flower.locator("body")).to_contain_text("moderation")
