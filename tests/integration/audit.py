"""What must be true of every world that has ended, checked from outside: services, files, bills, status document."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests
from PIL import Image
from pymongo import MongoClient
from pymongo.database import Database

from generia_worker.client.status import GenerationStatus
from generia_worker.engine.specs import StepTable
from generia_worker.engine.step import StepState
from generia_worker.rpc.channel import open_channel
from generia_worker.rpc.character_client import CharacterClient
from generia_worker.rpc.media_client import MediaClient
from generia_worker.rpc.media_types import ImageFormat, MediaType, object_key
from generia_worker.rpc.post_client import PostClient, PostRecord
from generia_worker.rpc.world_client import WorldClient
from generia_worker.settings import Settings
from generia_worker.status.projection import COUNTERS
from generia_worker.storage.database import Document
from generia_worker.worlds.steps import STEPS

EXACT = 1e-9


def calls_of(db: Database[Document], world_id: str) -> list[Document]:
    """Return every paid request of a world: those of `api_requests_history`, and those in the rows of its steps."""
    in_rows = db["generation_steps"].find({"world_id": world_id, "call": {"$ne": None}}, {"call": 1})
    return [*db["api_requests_history"].find({"world_id": world_id}), *(row["call"] for row in in_rows)]


@dataclass(frozen=True)
class Bill:
    """What the simulator charged for one world."""

    llm_calls: int
    llm_usd: float
    image_calls: int
    image_usd: float
    #: Text calls that were charged although nobody got an answer, and what of `llm_usd` they cost.
    unanswered_calls: int
    unanswered_usd: float


def counters_of(
    steps: Iterable[dict[str, Any]], calls: Iterable[dict[str, Any]], table: StepTable = STEPS
) -> dict[str, float]:
    """Return the counters of a status document as rows of the ledger and of paid calls say them."""
    found = dict.fromkeys(COUNTERS, 0.0)
    for step in steps:
        for name, value in table.counters(step["kind"], StepState(step["state"])).items():
            found[name] += value
        for name, part in table[step["kind"]].sums.items():
            found[name] += step["result"][part] if step["result"] else 0
    for call in calls:
        provider, part = ("LLM", "llm") if call["provider"] == "llm" else ("images", "image")
        if call["state"] in ("answered", "spoiled", "ambiguous"):
            found[f"api_calls_made_{provider}"] += 1
            found[f"{part}_cost_total"] += call["cost_usd"] or 0
            found[f"ambiguous_calls_{provider}"] += call["state"] == "ambiguous"
            found["unknown_cost_calls"] += call["state"] != "ambiguous" and call["cost_usd"] is None
    return found


def wrong_counters(
    document: Mapping[str, Any],
    steps: Iterable[dict[str, Any]],
    calls: Iterable[dict[str, Any]],
    table: StepTable = STEPS,
) -> list[str]:
    """Return the names of the counters of a status document that differ from the rows, to a billionth."""
    return [
        name
        for name, value in counters_of(steps, calls, table).items()
        if abs(document[name] - value) > EXACT
    ]


class Audit:
    """Looks at one world through the services, the bucket, the simulator's bill and the database."""

    def __init__(self, settings: Settings, world_id: str, table: StepTable = STEPS) -> None:
        self.table = table
        self.settings = settings
        self.world_id = world_id
        client: MongoClient[dict[str, Any]] = MongoClient(settings.mongo_uri.get_secret_value())
        self.db = client[settings.mongo_database]
        timeout, token = 15.0, settings.rpc_token.get_secret_value()
        self.worlds = WorldClient(open_channel(settings.world_service, token), timeout)
        self.characters = CharacterClient(open_channel(settings.character_service, token), timeout)
        self.posts = PostClient(open_channel(settings.post_service, token), timeout)
        self.media = MediaClient(open_channel(settings.media_service, token), timeout)

    def bill(self) -> Bill:
        """Return what the simulator charged for this world."""
        base = self.settings.llm_base_url.removesuffix("/api/v1")
        whose = {"request": f"{self.world_id}/"}
        entries = requests.get(f"{base}/_sim/ledger", params=whose, timeout=30).json()["entries"]
        mine = [e for e in entries if e["billed"]]
        text = [e for e in mine if e["provider"] == "llm"]
        images = [e for e in mine if e["provider"] == "images"]
        unanswered = [e for e in text if not e["answered"]]
        return Bill(
            len(text),
            sum(e["charged_usd"] for e in text),
            len(images),
            sum(e["charged_usd"] for e in images),
            len(unanswered),
            sum(e["charged_usd"] for e in unanswered),
        )

    def character_ids(self) -> list[str]:
        """Return the ids of all characters of the world, as the character service stores them."""
        return [row["_id"] for row in self.db["characters"].find({"world_id": self.world_id}, {"_id": 1})]

    def posts_of(self, character_id: str) -> list[PostRecord]:
        """Return all posts of a character through the post service."""
        found: list[PostRecord] = []
        while True:
            page = self.posts.character_posts(character_id, self.world_id, 100, len(found))
            found += page.posts
            if not page.posts or len(found) >= page.total:
                return found

    def check(self, status: GenerationStatus, users: int, posts: int) -> None:
        """Assert that the world is whole: exactly what was ordered, with pictures, once, and honestly counted."""
        assert status.status == "completed", status.error
        assert {stage.status for stage in status.stages} == {"completed"}
        assert (status.users_created, status.posts_created) == (users, posts)
        assert status.tasks_completed == status.tasks_total
        assert (status.tasks_failed, status.tasks_skipped, status.task_predicted) == (0, 0, 0)
        characters = self.character_ids()
        assert len(characters) == users
        found = [post for character in characters for post in self.posts_of(character)]
        assert len(found) == posts
        assert len({post.post_id for post in found}) == posts
        assert len({post.caption for post in found}) == posts, "posts repeat one another"
        self.check_ledger(status)
        self.check_reactions(status, {post.post_id: post for post in found})
        self.check_pictures(characters, [post.post_id for post in found])
        world = self.worlds.get(self.world_id)
        assert (world.users_count, world.posts_count) == (users, posts)
        assert world.name == world.params["name"]
        assert requests.get(world.image_url, timeout=15).status_code == 200
        assert requests.get(world.icon_url, timeout=15).status_code == 200

    def check_reactions(self, status: GenerationStatus, posts: Mapping[str, PostRecord]) -> None:
        """Assert that likes and comments are those that are counted: of characters of this world, none twice, each after
        what it is about, and as the services say."""
        mine = {"post_id": {"$in": list(posts)}}
        people = set(self.character_ids())
        likes = [row for row in self.db["likes"].find(mine) if row["user_id"] in people]
        comments = [row for row in self.db["comments"].find(mine) if row["user_id"] in people]
        said = status.comments_created + status.replies_created
        assert (status.likes_created, said) == (len(likes), len(comments))
        assert status.likes_created <= status.likes_predicted
        assert status.comments_created <= status.comments_predicted
        assert len({(row["post_id"], row["user_id"]) for row in likes}) == len(likes)
        assert len({(row["post_id"], row["user_id"], row["text"]) for row in comments}) == len(comments)
        for row in [*likes, *comments]:
            assert row["created_at"] > datetime.fromisoformat(posts[row["post_id"]].created_at).replace(
                tzinfo=None
            )
        for post in posts.values():
            of_post = [row for row in comments if row["post_id"] == post.post_id]
            all_of_post = self.db["comments"].find({"post_id": post.post_id})
            others = [row["created_at"] for row in all_of_post if row["user_id"] != post.character_id]
            answers = [row["created_at"] for row in of_post if row["user_id"] == post.character_id]
            assert not [one for one in answers if one <= min(others, default=one)], (
                "an answer without a comment"
            )
            assert post.comments_count == self.db["comments"].count_documents({"post_id": post.post_id})
            assert post.likes_count == self.db["likes"].count_documents({"post_id": post.post_id})

    def check_money(self, status: GenerationStatus) -> None:
        """Assert that what was recorded is what was billed, to a billionth of a dollar, but for calls that were
        abandoned without an answer, which are counted as ambiguous."""
        bill = self.bill()
        assert status.api_calls_made_LLM == bill.llm_calls
        assert status.api_calls_made_images == bill.image_calls
        assert status.ambiguous_calls_LLM == bill.unanswered_calls
        assert abs(status.llm_cost_total - (bill.llm_usd - bill.unanswered_usd)) < EXACT
        assert abs(status.image_cost_total - bill.image_usd) < EXACT
        assert status.ambiguous_calls_images == status.unknown_cost_calls == 0

    def check_ledger(self, status: GenerationStatus) -> None:
        """Assert that nothing is held or scheduled, and that the counters are the ledger's sums."""
        steps = list(self.db["generation_steps"].find({"world_id": self.world_id}))
        calls = calls_of(self.db, self.world_id)
        assert not [row["_id"] for row in calls if row.get("unsettled")]
        assert not [row["_id"] for row in steps if row["owner"] or row["lease_until"] or row["not_before"]]
        assert wrong_counters(status.as_json(), steps, calls, self.table) == []
        assert status.tasks_total == sum(not self.table[row["kind"]].is_aside for row in steps)

    def check_pictures(self, characters: list[str], posts: list[str]) -> None:
        """Assert that every media id of the world resolves to a picture of the right size, type and key."""
        s = self.settings
        world = self.db["worlds"].find_one({"_id": self.world_id}) or {}
        self._check_picture(
            world["image_media_id"], MediaType.WORLD_HEADER, "", (s.cover_width, s.cover_height)
        )
        self._check_picture(world["icon_media_id"], MediaType.WORLD_ICON, "", (s.icon_size, s.icon_size))
        for character_id in characters:
            character = self.characters.get(character_id)
            assert character.avatar_media_id
            size = (s.avatar_size, s.avatar_size)
            self._check_picture(character.avatar_media_id, MediaType.CHARACTER_AVATAR, character_id, size)
        rows = list(self.db["posts"].find({"_id": {"$in": posts}}))
        assert len({row["media_id"] for row in rows}) == len(posts), "posts share a picture"
        for row in rows:
            size = (s.post_image_size, s.post_image_size)
            self._check_picture(row["media_id"], MediaType.POST_IMAGE, row["character_id"], size)

    def _check_picture(
        self, media_id: str, media_type: MediaType, character_id: str, size: tuple[int, int]
    ) -> None:
        url, _ = self.media.get_url(media_id, "original", 600)
        reply = requests.get(url, timeout=15)
        assert reply.status_code == 200
        with Image.open(io.BytesIO(reply.content)) as image:
            assert image.size == size
            content_type = str(Image.MIME[image.format or ""])
        media = self.media.get(media_id)
        assert media.content_type == content_type == reply.headers["Content-Type"]
        assert (media.media_type, media.size) == (media_type, len(reply.content))
        extension = ImageFormat(content_type).extension
        key = object_key(media_type, self.world_id, character_id, media_id, extension)
        assert f"/{s3_bucket(self.settings)}/{key}?" in url
        assert {variant.name for variant in media.variants} >= {"thumbnail", "medium"}


def s3_bucket(settings: Settings) -> str:
    """Return the bucket's name."""
    return settings.s3_bucket
