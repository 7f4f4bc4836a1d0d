"""What steps leave behind when they are done, where that is not a document of the model. Pure.

A result is stored in the step's row, and `ctx.result_of(SPEC)` gives it back with its type.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from generia_worker.worlds.documents import (
    CharacterDetail,
    PlannedPost,
    PostPlan,
    WorldDescription,
    WorldImagePrompts,
)


class Result(BaseModel):
    """Something that a step has made. Keys of another version are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Nothing(Result):
    """Of a step that only starts others."""


class FoundWorld(Result):
    """The world as its service knows it before anything is made."""

    name: str = ""


class WorldImages(Result):
    """The world's pictures, and the prompts that they were drawn from."""

    prompts: WorldImagePrompts
    header_media_id: str
    icon_media_id: str


class CreatedCharacter(Result):
    """A character as it was written, and its id in the character service."""

    detail: CharacterDetail
    character_id: str


class DatedPlan(PostPlan):
    """A plan of all posts of a character, and when each was written; empty in a plan of a version before."""

    written_at: list[datetime] = Field(default_factory=list, max_length=260)


class Avatar(Result):
    """A character's face."""

    media_id: str


class PublishedPost(Result):
    """A post's id in the post service, and its picture."""

    post_id: str
    media_id: str


class PostOf(Result):
    """A post, by the number of its author and its own among that author's posts."""

    character: int
    post: int


class Said(PostOf):
    """A comment under a post."""

    text: str


class Opinions(Result):
    """What a character makes of others' posts; not yet under them."""

    likes: list[PostOf] = []
    comments: list[Said] = []


class Reply(Result):
    """What an author answers under its own post (by number) to the character `to`."""

    post: int
    to: int
    text: str


class Replies(Result):
    """What a character answers to comments on its posts; not yet under them."""

    answers: list[Reply] = []


class Delivered(Result):
    """How many likes and comments the posts of a character have got."""

    likes: int
    comments: int


#: Checkpoint of a step that replies, from its beginning on: a `Heard`.
HEARD = "heard"


class Heard(Result):
    """A comment of a person, as the step that replies to it is given it: under which post, by number, of which round."""

    comment_id: str
    post_id: str
    character: int
    post: int
    round: int


class Replied(Result):
    """How many replies a comment of a person has got: none where it was gone by then."""

    replies: int


class FinalCounts(Result):
    """What came of a world."""

    users_count: int
    posts_count: int


class WorldParameters(WorldDescription):
    """A row of `world_parameters`: the description, and the prompts of the pictures once these are drawn."""

    image_prompts: WorldImagePrompts | None = None


# --- parts of results, for readers who need no more ------------------------------------------------------------------
class Names(Result):
    """How a character is called."""

    display_name: str
    username: str


class NamedCharacter(Result):
    """Of a `CreatedCharacter`: its names alone."""

    detail: Names


class CharacterId(Result):
    """Of a `CreatedCharacter`: its id alone, which a redo does not change."""

    character_id: str


class Topic(Result):
    """Of a planned post: what it is about."""

    topic: str


class Topics(Result):
    """Of a `DatedPlan`: what each post is about."""

    posts: list[Topic] = []


class PostTimes(Result):
    """Of a `DatedPlan`: when each post was written; empty in a plan of a version before."""

    written_at: list[datetime] = []


class PlannedPosts(Result):
    """Of a `DatedPlan`: what each post was to be about."""

    posts: list[PlannedPost]


class WrittenText(Result):
    """Of a `PostDraft`: its text alone."""

    content: str
