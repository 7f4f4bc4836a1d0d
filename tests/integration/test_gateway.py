"""A world through the gateway of a whole stack, as the page makes it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator

import httpx2
import pytest

from generia_worker.gateway import export_page
from generia_worker.gateway.tokens import local_login_token
from generia_worker.http import sse
from generia_worker.rpc.users import LOCAL_USER
from tests.integration.conftest import PROMPT, Platform


@pytest.fixture
def browser(platform: Platform) -> Iterator[httpx2.Client]:
    """A client that came by the link of the command line, and has its cookie alone."""
    url = platform.settings.gateway_url
    with httpx2.Client(base_url=url, headers={"Origin": url}, timeout=60, trust_env=False) as client:
        token = local_login_token(platform.settings)
        answer = client.post("/api/v1/auth/local", json={"token": token})
        assert answer.json()["user"]["id"] == LOCAL_USER
        yield client


def test_a_world_is_made_watched_and_taken_along(platform: Platform, browser: httpx2.Client) -> None:
    ready = browser.get("/readyz").json()
    assert set(ready.values()) == {"ok"}
    body = {"prompt": PROMPT, "characters_count": 2, "posts_count": 3, "budget": 1.0}
    estimate = browser.post("/api/v1/worlds:estimate", json={"characters_count": 2, "posts_count": 3}).json()
    assert estimate["image_calls"] == 7
    made = browser.post("/api/v1/worlds", json=body)
    assert made.status_code == 201
    path = f"/api/v1/worlds/{made.json()['id']}"
    with browser.stream("GET", f"{path}/status/stream") as stream:
        events = list(sse.decode(stream.iter_lines()))
    assert events[-1].event == "done"
    assert len({json.loads(event.data)["post_id"] for event in events if event.event == "post"}) == 3
    revisions = [int(event.id or "") for event in events if event.event == "status"]
    assert revisions == sorted(revisions)
    # The endpoint's own, not what the gateway makes up.
    assert revisions[-1] == platform.client.status(made.json()["id"]).revision
    again = browser.get(f"{path}/status/stream", headers={"Last-Event-ID": str(revisions[-1])})
    assert again.status_code == 204
    last = json.loads([event.data for event in events if event.event == "status"][-1])
    assert (last["status"], last["users_created"], last["posts_created"]) == ("completed", 2, 3)
    assert browser.get(f"{path}/status").json()["status"] == "completed"
    world = browser.get(path).json()
    assert (world["creator_id"], world["generation_status"], world["users_count"]) == (
        LOCAL_USER,
        "completed",
        2,
    )
    assert world["params"]["name"] == world["name"]
    posts = browser.get(f"{path}/posts").json()
    people = browser.get(f"{path}/characters").json()
    assert (posts["total"], people["total"]) == (3, 2)
    assert browser.get(f"{path}/failures").json() == []
    receipt = browser.get(f"{path}/receipt").json()
    assert receipt["total_usd"] == pytest.approx(last["llm_cost_total"] + last["image_cost_total"])
    assert browser.post(f"{path}:cancel").status_code == 409
    archive = zipfile.ZipFile(io.BytesIO(browser.get(f"{path}/export").content))
    names = archive.namelist()
    # Cover, icon, two avatars, three posts; the texts, and the page that shows them.
    assert len([name for name in names if name.startswith("images/")]) == 7
    shown = export_page.files(json.loads(archive.read("world.json")))
    assert {name for name in names if not name.startswith("images/")} == {"world.json", *shown}
    with httpx2.Client(trust_env=False) as anybody:
        for url in (world["image_url"], world["icon_url"], posts["posts"][0]["media_url"]):
            assert anybody.get(url).headers["Content-Type"].startswith("image/")
