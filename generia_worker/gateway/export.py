"""A world as one zip: `world.json`, its pictures under `images/`, and `index.html` to look at. In bounded memory."""

from __future__ import annotations

import json
import logging
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import httpx2

from generia_worker.client.schedule import ChronicleDay
from generia_worker.gateway import export_page
from generia_worker.gateway.models import CharacterJson, CommentJson, PostJson, WorldJson
from generia_worker.rpc.connections import Connections
from generia_worker.rpc.interaction_client import InteractionClient
from generia_worker.rpc.media_types import sniff_format
from generia_worker.rpc.wire import PAGE_MAX
from generia_worker.settings import Settings

log = logging.getLogger(__name__)

Document = dict[str, Any]

#: A generated world is far below these; people may go on posting in it.
_POSTS_MAX, _CHARACTERS_MAX = 5_000, 2_000
#: Comments that are read, over all posts: they are as many as people like to write.
_COMMENTS_MAX = 10_000
_TIMEOUT = httpx2.Timeout(20, connect=5)
_CHUNK_BYTES = 64 * 1024
#: Enough of a picture to tell its format.
_HEAD_BYTES = 16


def export_world(
    world_id: str,
    target: Path | IO[bytes],
    *,
    services: Connections,
    settings: Settings,
    status: Document | None = None,
    chronicle: Sequence[ChronicleDay] = (),
) -> list[str]:
    """Write a world to `target`; returns the names of pictures that could not be read (they are left out).

    `world.json` holds `world`, `status` and `chronicle` (as they are given), `characters` and `posts` as the gateway shows
    them, each post with its `comments`, but with addresses inside of the zip (empty: no picture) in place of signed URLs.

    Raises:
        NotFoundError, TransientError: there is no such world, or a service is away.
    """
    hosts = {settings.s3_endpoint, urlsplit(settings.s3_public_url).netloc}
    world = WorldJson.of(services.worlds.get(world_id)).model_dump(mode="json", exclude={"is_joined"})
    people = [person.model_dump(mode="json") for person in _people(services, world_id)]
    posts = [post.model_dump(mode="json", exclude={"liked"}) for post in _posts(services, world_id)]
    _add_comments(services.interactions, world_id, posts)
    with (
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive,
        httpx2.Client(timeout=_TIMEOUT, trust_env=False) as client,
    ):
        pictures = _Pictures(archive, client, hosts, settings.image_max_bytes)
        world["image_url"] = pictures.add("cover", world["image_url"])
        world["icon_url"] = pictures.add("icon", world["icon_url"])
        for character in people:
            character["avatar_url"] = pictures.add(f"avatars/{character['id']}", character["avatar_url"])
        avatars = {character["id"]: character["avatar_url"] for character in people}
        for post in posts:
            post["media_url"] = pictures.add(f"posts/{post['id']}", post["media_url"])
            post["avatar_url"] = avatars.get(post["character_id"], "")
        whole = {
            "world": world,
            "status": status,
            "chronicle": [day.model_dump(mode="json") for day in chronicle],
            "characters": people,
            "posts": posts,
        }
        archive.writestr("world.json", json.dumps(whole, ensure_ascii=False, indent=1))
        for name, text in export_page.files(whole).items():
            archive.writestr(name, text)
    return pictures.missing


def _people(services: Connections, world_id: str) -> Iterator[CharacterJson]:
    for offset in range(0, _CHARACTERS_MAX, PAGE_MAX):
        page = services.characters_of_world(world_id, PAGE_MAX, offset)
        yield from (CharacterJson.of(one) for one in page.characters)
        if len(page.characters) < PAGE_MAX:
            return


def _posts(services: Connections, world_id: str) -> Iterator[PostJson]:
    cursor = ""
    for _ in range(_POSTS_MAX // PAGE_MAX):
        page = services.posts.feed(world_id, PAGE_MAX, cursor)
        yield from (PostJson.of(post, liked=False) for post in page.posts)
        cursor = page.next_cursor
        if not cursor:
            return


def _add_comments(service: InteractionClient | None, world_id: str, posts: list[Document]) -> None:
    """Give each post its comments, the oldest first; beyond the bound, later posts keep none."""
    left = _COMMENTS_MAX
    for post in posts:
        comments: list[Document] = []
        total = post["comments_count"] if service else 0
        while service and len(comments) < min(total, left):
            page = service.comments(post["id"], world_id, PAGE_MAX, len(comments))
            comments += [
                CommentJson.of(one).model_dump(mode="json", exclude={"post_id"}) for one in page.comments
            ]
            total = page.total if page.comments else 0
        post["comments"] = comments[:left]
        left -= len(post["comments"])


class _Pictures:
    """Reads pictures through their signed URLs into the zip, piece by piece."""

    def __init__(
        self, archive: zipfile.ZipFile, client: httpx2.Client, hosts: set[str], max_bytes: int
    ) -> None:
        self._archive = archive
        self._client = client
        self._hosts = hosts
        self._max_bytes = max_bytes
        self.missing: list[str] = []

    def add(self, name: str, url: str) -> str:
        """Add a picture; returns its address in the zip, or an empty string when there is none."""
        # Only the file store is read: a service may show pictures of any other site.
        if not url or urlsplit(url).netloc not in self._hosts:
            return ""
        try:
            with self._client.stream("GET", url) as reply:
                reply.raise_for_status()
                return self._store(name, reply)
        except (httpx2.HTTPError, ValueError) as error:
            log.warning("A picture is left out of an export: %s (%s)", name, type(error).__name__)
            self.missing.append(name)
            return ""

    def _store(self, name: str, reply: httpx2.Response) -> str:
        length = int(reply.headers.get("Content-Length", "0"))
        if not 0 < length <= self._max_bytes:
            message = "no picture of a size that is allowed"
            raise ValueError(message)
        chunks = reply.iter_bytes(_CHUNK_BYTES)
        first = next(chunks, b"")
        found = sniff_format(first[:_HEAD_BYTES])
        if found is None:
            message = "no picture of a known format"
            raise ValueError(message)
        path = f"images/{name}{found.extension}"
        entry = zipfile.ZipInfo(path)
        entry.external_attr = 0o644 << 16
        # Pictures are compressed already.
        with self._archive.open(entry, "w") as file:
            file.write(first)
            for chunk in chunks:
                file.write(chunk)
        return path
