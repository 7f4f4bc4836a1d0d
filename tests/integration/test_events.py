"""Live status by push: snapshots, changes, posts, the end; and connections that break in between."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from pymongo import MongoClient

from generia_worker.client.client import GeneriaClient
from generia_worker.http import sse
from tests.integration.audit import Audit
from tests.integration.conftest import PROMPT, Platform

USERS, POSTS = 2, 4
#: Slow enough for a test to be there while it happens.
SLOW = {"latency": {"llm": {"fixed_s": 0.3}, "images": {"fixed_s": 0.2}}}


def headers(platform: Platform, last: str | None = None) -> dict[str, str]:
    token = {"Authorization": f"Bearer {platform.settings.api_token.get_secret_value()}"}
    return token if last is None else token | {"Last-Event-ID": last}


def connect(platform: Platform, world_id: str, last: str | None = None) -> requests.Response:
    url = f"{platform.settings.api_url}/v1/generations/{world_id}/events"
    return requests.get(url, headers=headers(platform, last), stream=True, timeout=(5, 40))


@contextmanager
def follow(platform: Platform, world_id: str, last: str | None = None) -> Iterator[Iterator[sse.Event]]:
    with connect(platform, world_id, last) as reply:
        assert reply.status_code == 200, reply.text
        yield sse.decode(line.decode() for line in reply.iter_lines())


def posts_in(events: list[sse.Event]) -> list[dict[str, Any]]:
    return [json.loads(event.data) for event in events if event.event == "post"]


def statuses_in(events: list[sse.Event]) -> list[dict[str, Any]]:
    return [json.loads(event.data) for event in events if event.event == "status"]


def test_a_world_from_the_first_snapshot_to_the_end(platform: Platform) -> None:
    platform.behave(**SLOW)
    world_id = platform.order(PROMPT, USERS, POSTS)
    with connect(platform, world_id) as reply:
        assert reply.headers["Content-Type"].startswith("text/event-stream")
        assert reply.headers["Cache-Control"] == "no-cache"
        assert reply.headers["X-Accel-Buffering"] == "no"
        lines = [line.decode() for line in reply.iter_lines()]
    assert lines[0] == "retry: 3000"
    events = list(sse.decode(lines))
    seen = statuses_in(events)
    assert seen[0]["status"] in ("pending", "in_progress")
    assert seen[-1]["status"] == "completed"
    assert seen[-1] == platform.client.status(world_id).as_json()
    revisions = [status["revision"] for status in seen]
    assert revisions == sorted(set(revisions)), "an id that does not grow"
    assert [event.id for event in events if event.event == "status"] == [str(r) for r in revisions]
    assert len(seen) > 5, "changes were not pushed as they happened"
    assert [event.event for event in events if event.event != "status"] == ["post"] * POSTS + ["done"]
    assert events[-1].event == "done"
    assert json.loads(events[-1].data) == {"status": "completed", "revision": revisions[-1]}
    check_posts(platform, world_id, posts_in(events))


def check_posts(platform: Platform, world_id: str, posts: list[dict[str, Any]]) -> None:
    """What came by push is what the post service has, and enough to be shown."""
    audit = Audit(platform.settings, world_id)
    stored = {p.post_id: p for character in audit.character_ids() for p in audit.posts_of(character)}
    assert stored
    assert {post["post_id"] for post in posts} == set(stored)
    assert len(posts) == len(stored)
    for post in posts:
        assert post["caption"] == stored[post["post_id"]].caption
        assert post["display_name"]
        assert post["tags"] == list(stored[post["post_id"]].tags)
        assert requests.get(post["media_url"], timeout=15).status_code == 200


def test_a_world_that_has_ended_is_told_once_and_then_204(platform: Platform) -> None:
    status, _ = platform.make(PROMPT, 1, 1)
    with follow(platform, status.world_id) as stream:
        assert [event.event for event in stream] == ["status", "done"]
    assert connect(platform, status.world_id, str(status.revision)).status_code == 204
    # Somebody who saw less gets the rest, the post among it; what is no revision counts as nothing seen.
    with follow(platform, status.world_id, "1") as stream:
        assert [event.event for event in stream] == ["post", "status", "done"]
    for odd in ("", "soon", "-3", "9" * 40, "²"):
        reply = connect(platform, status.world_id, odd.encode().decode("latin-1"))
        assert reply.status_code == 200, odd


def test_connections_that_break_in_the_middle_miss_nothing(platform: Platform) -> None:
    platform.behave(**SLOW)
    world_id = platform.order(PROMPT, USERS, POSTS)
    events: list[sse.Event] = []
    last: str | None = None
    connections = 0
    while not any(event.event == "done" for event in events):
        connections += 1
        with follow(platform, world_id, last) as stream:
            for event in stream:
                events.append(event)
                last = event.id or last
                if event.event == "status" and json.loads(event.data)["status"] != "completed":
                    break  # after every state but the last one
    assert connections > 2
    assert statuses_in(events)[-1]["status"] == "completed"
    appeared = {post["post_id"]: post for post in posts_in(events)}
    check_posts(platform, world_id, list(appeared.values()))
    assert connect(platform, world_id, last).status_code == 204


def test_a_world_that_is_resumed_is_followed_again(platform: Platform) -> None:
    platform.behave(**SLOW)
    world_id = platform.order(PROMPT, 1, 1)
    platform.client.cancel(world_id)
    cancelled = platform.wait(world_id)
    assert cancelled.status == "cancelled"
    platform.client.resume(world_id)
    with follow(platform, world_id, str(cancelled.revision)) as stream:
        events = list(stream)
    assert statuses_in(events)[0]["status"] == "in_progress"
    assert statuses_in(events)[-1]["status"] == "completed"


def test_a_post_that_is_made_anew_appears_again(platform: Platform) -> None:
    status, _ = platform.make(PROMPT, 1, 1)
    platform.client.redo(status.world_id, "post/1/1")
    with follow(platform, status.world_id, str(status.revision)) as stream:
        events = list(stream)
    assert len(posts_in(events)) == 1
    assert statuses_in(events)[-1]["status"] == "completed"


def test_the_client_iterates_and_waits(platform: Platform) -> None:
    platform.behave(**SLOW)
    world_id = platform.order(PROMPT, USERS, POSTS)
    events = list(platform.client.events(world_id, timeout_s=60))
    posts = [event.post for event in events if event.post is not None]
    assert len({post["post_id"] for post in posts}) == len(posts) == POSTS
    last = events[-1].status
    assert last is not None
    assert last.status == "completed"
    assert platform.client.wait(world_id, timeout_s=5) == last


def test_the_endpoint_stops_at_once_although_clients_follow_and_they_come_back(platform: Platform) -> None:
    platform.behave(**SLOW)
    world_id = platform.order(PROMPT, USERS, POSTS)
    api = platform.stack.processes["api"]
    old = api.pid
    assert old is not None
    heard = threading.Event()
    posts: list[dict[str, Any]] = []

    def watch() -> None:
        client = GeneriaClient(platform.settings.api_url, platform.settings.api_token.get_secret_value())
        for event in client.events(world_id, timeout_s=90):
            heard.set()
            if event.post is not None:
                posts.append(event.post)

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert heard.wait(20)
    begun = time.monotonic()
    os.kill(old, signal.SIGTERM)
    watcher.join(90)
    assert not watcher.is_alive()
    assert api.pid not in (None, old), "it did not stop, or did not come back"
    assert time.monotonic() - begun < 60
    check_posts(platform, world_id, posts)


def test_a_change_stream_that_is_killed_goes_on(platform: Platform) -> None:
    platform.behave(**SLOW)
    world_id = platform.order(PROMPT, USERS, POSTS)
    admin: MongoClient[dict[str, Any]] = MongoClient(platform.settings.mongo_uri.get_secret_value())
    killed = 0
    with follow(platform, world_id) as stream:
        events = []
        for event in stream:
            events.append(event)
            if event.event == "status" and killed < 3:
                killed += kill_change_streams(admin)
    assert killed >= 3
    assert statuses_in(events)[-1]["status"] == "completed"
    check_posts(platform, world_id, posts_in(events))


def kill_change_streams(client: MongoClient[dict[str, Any]]) -> int:
    """Let the server forget every open change stream, as a failover does."""
    found = list(client.admin.aggregate([{"$currentOp": {"idleCursors": True, "allUsers": True}}]))
    killed = 0
    for operation in found:
        cursor = operation.get("cursor") or {}
        if "$changeStream" in json.dumps(cursor.get("originatingCommand", {}), default=str):
            database, _, collection = operation["ns"].partition(".")
            client[database].command("killCursors", collection, cursors=[cursor["cursorId"]])
            killed += 1
    return killed


@pytest.mark.parametrize("name", ["nobody", "x"])
def test_a_world_that_was_never_ordered(platform: Platform, name: str) -> None:
    reply = connect(platform, name)
    assert reply.status_code == 404
    assert reply.headers["Content-Type"] == "application/problem+json"
