"""What travels between the gateway and the page, as JSON."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from generia_worker.client.order import (
    NOTHING_TO_ADD,
    POSTS_MAX,
    PROMPT_MAX,
    PROMPT_MIN,
    PROMPT_PATTERN,
    REQUEST_ID_PATTERN,
    USERS_MAX,
    Count,
    Dollars,
    Prompt,
    Talk,
    some_of,
)
from generia_worker.client.status import GenerationStatus, OrderedParameters, StageInfo
from generia_worker.gateway import usernames
from generia_worker.gateway.accounts import Account, Role
from generia_worker.gateway.languages import tag_of
from generia_worker.gateway.tokens import TOKEN_MAX
from generia_worker.rpc.character_client import CharacterPage, CharacterRecord
from generia_worker.rpc.interaction_client import CommentRecord
from generia_worker.rpc.media_client import MediaRecord
from generia_worker.rpc.post_client import PostPage, PostRecord
from generia_worker.rpc.world_client import GenerationRecord, WorldRecord
from generia_worker.text import CONTROLS, CONTROLS_IN_LINE, check_plain, clean

NAME_MAX, DESCRIPTION_MAX, COMMENT_MAX = 100, 20_000, 2_000
_TIME = "2025-05-26T21:41:22.698Z"
_WORLD = "ee2c2007-2979-4c80-b314-d54692dd627c"
_CHARACTER = "5c0b8a52-9b55-4d5e-8a4c-2f6d2d5a7c11"
_PICTURE = "https://files.example.org/generia-images/picture.jpg?X-Amz-Signature=…"


#: Any text without control characters, and such a text of one line; the patterns say so to readers of the OpenAPI document.
_Plain = Annotated[str, AfterValidator(check_plain)]
_Line = Annotated[str, AfterValidator(partial(check_plain, one_line=True))]
_PLAIN: JsonDict = {"pattern": f"^[^{CONTROLS}]*$"}
_LINE: JsonDict = {"pattern": f"^[^{CONTROLS_IN_LINE}]*$"}


class _Body(BaseModel):
    """The body of a request: unknown fields are refused, every text and number is bounded."""

    model_config = ConfigDict(extra="forbid")


def _password(text: str) -> str:
    """Refuse a password that only looks long enough."""
    if len(text.strip()) < PASSWORD_MIN:
        message = f"must have at least {PASSWORD_MIN} characters, not counting spaces around them"
        raise ValueError(message)
    return text


PASSWORD_MIN, PASSWORD_MAX = 10, 200
#: What `str.strip` takes away is a little more than what patterns call white space.
_SPACE, _SOLID = r"[\s\x1c-\x1f\x85]", r"[^\s\x1c-\x1f\x85]"
#: A password that somebody chooses. The pattern says the rule to readers of the OpenAPI document.
NewPassword = Annotated[
    str,
    Field(
        min_length=PASSWORD_MIN,
        max_length=PASSWORD_MAX,
        json_schema_extra={"pattern": rf"^{_SPACE}*{_SOLID}[\s\S]{{{PASSWORD_MIN - 2},}}{_SOLID}{_SPACE}*$"},
        examples=["correct horse battery"],
    ),
    AfterValidator(_password),
]


# --- people ------------------------------------------------------------------------------------------------------
class RegisterBody(_Body):
    """A new account."""

    username: Annotated[str, AfterValidator(usernames.checked)] = Field(
        max_length=usernames.SENT_MAX,
        description=f"{usernames.NAME_MIN} to {usernames.NAME_MAX} letters of one script, digits, dots, dashes and "
        "underscores; normalised (NFKC).",
        examples=["ada", "Анна"],
        json_schema_extra={
            "minLength": usernames.NAME_MIN,
            "maxLength": usernames.SENT_MAX,
            "format": "username",
        },
    )
    email: str = Field(
        max_length=254,
        pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+$",
        examples=["ada@example.org"],
    )
    password: NewPassword
    invitation: str = Field(
        default="",
        max_length=100,
        pattern=r"^[A-Za-z0-9_-]*$",
        description="Where one registers by invitation.",
    )


class LoginBody(_Body):
    """Who wants to log in: `email` may hold the user name as well."""

    email: _Line = Field(min_length=1, max_length=254, json_schema_extra=_LINE, examples=["ada@example.org"])
    password: str = Field(min_length=1, max_length=200, examples=["correct horse battery"])


class PasswordBody(_Body):
    """Another password, and the one of before."""

    old_password: str = Field(min_length=1, max_length=PASSWORD_MAX, examples=["correct horse battery"])
    new_password: NewPassword


class LocalLoginBody(_Body):
    """The token of the link that the command line prints."""

    token: str = Field(min_length=1, max_length=TOKEN_MAX, examples=["eyJhbGciOiJIUzI1NiJ9.…"])


class UserJson(BaseModel):
    """A person; only ever shown to that person. `email` is empty for the local account."""

    id: str = Field(examples=["0b6f0f5b2a8d4c0f9c1d2e3f4a5b6c7d"])
    username: str = Field(examples=["ada"])
    email: str = Field(examples=["ada@example.org"])
    created_at: datetime
    role: Role

    @classmethod
    def of(cls, account: Account) -> Self:
        """Show an account."""
        return cls(
            id=account.id,
            username=account.username,
            email=account.email,
            created_at=account.created_at,
            role=account.role,
        )


class CurrentJson(BaseModel):
    """Who is logged in with the cookie that was sent; null: no one, or the session has ended. And who may register."""

    user: UserJson | None
    registration: Literal["open", "invitation", "closed"]
    reactions: bool = Field(description="Whether there are likes and comments here.")
    simulated: bool = Field(description="Whether the dollars are simulated: nothing is spent.")


class SessionJson(BaseModel):
    """An access token for `Authorization: Bearer`; the page uses the cookie that comes with it instead."""

    access_token: str = Field(examples=["eyJhbGciOiJIUzI1NiJ9.…"])
    token_type: str = "bearer"  # noqa: S105 - the kind of token, not one
    expires_in: int = Field(description="Seconds.", examples=[3600])
    user: UserJson


class TicketJson(BaseModel):
    """A ticket for the query of a stream, where neither a header nor the cookie can be sent."""

    ticket: str
    expires_in: int = Field(description="Seconds.", examples=[60])


# --- worlds ------------------------------------------------------------------------------------------------------
class SizeBody(_Body):
    """How large a world is to be."""

    characters_count: Count = Field(ge=1, le=USERS_MAX, examples=[5])
    posts_count: Count = Field(ge=1, le=POSTS_MAX, examples=[15])
    reactions: Talk = Field(
        default="none",
        description="How much characters like and comment each other's posts, where there are reactions here.",
    )


class NewWorldBody(SizeBody):
    """A world to make. Without a name it gets the one that is invented for it; without a budget it has none."""

    prompt: Prompt = Field(
        description=f"{PROMPT_MIN} to {PROMPT_MAX} characters without the spaces around them, in any language.",
        examples=["A lighthouse whose keepers are all retired pirates"],
        json_schema_extra={
            "minLength": PROMPT_MIN,
            "maxLength": PROMPT_MAX,
            # What is left when the spaces around it are dropped is long enough.
            "pattern": PROMPT_PATTERN,
            "format": "prompt",
        },
    )
    name: _Line = Field(default="", max_length=NAME_MAX, json_schema_extra=_LINE)
    description: _Plain = Field(default="", max_length=DESCRIPTION_MAX, json_schema_extra=_PLAIN)
    budget: Dollars | None = Field(default=None, description="Dollars at most.")


class MoreSizeBody(_Body):
    """How much more of a world there is to be."""

    model_config = ConfigDict(json_schema_extra=some_of("characters_count", "posts_count"))

    characters_count: Count = Field(
        default=0, ge=0, le=USERS_MAX, description="New characters.", examples=[3]
    )
    posts_count: Count = Field(default=0, ge=0, le=POSTS_MAX, description="New posts.", examples=[20])

    @model_validator(mode="after")
    def _is_something(self) -> Self:
        if not self.characters_count and not self.posts_count:
            raise ValueError(NOTHING_TO_ADD)
        return self


class MoreBody(MoreSizeBody):
    """What to make more of a world. Its budget is beside what the world has spent."""

    budget: Dollars | None = Field(default=None, description="Dollars at most.")
    request_id: str | None = Field(
        default=None,
        pattern=REQUEST_ID_PATTERN,
        description="What the sender calls this request: sent again, it is not done twice.",
    )


class WorldJson(BaseModel):
    """A world. URLs are signed and expire, or empty; `params` is null until the world is described.

    `language` is that of its texts (BCP 47), or empty.
    """

    id: str = Field(examples=[_WORLD])
    name: str = Field(examples=["Seven Lanterns"])
    description: str
    prompt: str = Field(examples=["A lighthouse whose keepers are all retired pirates"])
    creator_id: str
    generation_status: str = Field(examples=["in_progress"])
    status: str = Field(examples=["active"])
    users_count: int = Field(examples=[5])
    posts_count: int = Field(examples=[15])
    created_at: str = Field(examples=[_TIME])
    updated_at: str = Field(examples=[_TIME])
    is_joined: bool
    image_url: str = Field(examples=[_PICTURE])
    icon_url: str = Field(examples=[_PICTURE])
    language: str = Field(examples=["ru"])
    params: dict[str, Any] | None

    @classmethod
    def of(cls, world: WorldRecord) -> Self:
        """Show a world."""
        own = cls.model_fields.keys() - {"params", "language"}
        fields = {name: getattr(world, name) for name in own}
        params = _object(world.params_json)
        return cls(params=params, language=tag_of(params, world.name, world.prompt), **fields)


class WorldsJson(BaseModel):
    """A page of worlds, newest first, and how many there are."""

    worlds: list[WorldJson]
    total: int


class JoinedJson(BaseModel):
    """That one is a member of the world."""

    world_id: str
    is_joined: bool = True


# --- what is in a world ------------------------------------------------------------------------------------------
class PostJson(BaseModel):
    """A post. URLs are signed and expire, or empty."""

    id: str
    post_id: str
    world_id: str = Field(examples=[_WORLD])
    character_id: str = Field(examples=[_CHARACTER])
    display_name: str = Field(examples=["Greta Thistle"])
    avatar_url: str = Field(examples=[_PICTURE])
    is_ai: bool
    caption: str
    media_url: str = Field(examples=[_PICTURE])
    tags: list[str] = Field(examples=[["lighthouse"]])
    likes_count: int
    comments_count: int
    liked: bool = Field(description="Whether the caller likes it.")
    created_at: str = Field(examples=[_TIME])

    @classmethod
    def of(cls, post: PostRecord, *, liked: bool) -> Self:
        """Show a post."""
        beside = ("id", "tags", "liked")
        fields = {name: getattr(post, name) for name in cls.model_fields if name not in beside}
        return cls(id=post.post_id, tags=list(post.tags), liked=liked, **fields)


class PostsJson(BaseModel):
    """A page of posts, newest first, how many there are, and where the next page begins (empty: nowhere)."""

    posts: list[PostJson]
    total: int
    next_cursor: str

    @classmethod
    def of(cls, page: PostPage, liked: Collection[str]) -> Self:
        """Show a page; `liked`: the ids of the posts that the caller likes."""
        posts = [PostJson.of(post, liked=post.post_id in liked) for post in page.posts]
        return cls(posts=posts, total=page.total, next_cursor=page.next_cursor)


class LikeJson(BaseModel):
    """What became of a like: how many there are, and whether the caller's is among them."""

    likes_count: int
    liked: bool


def _said(text: str) -> str:
    """Refuse what says nothing."""
    if not text.strip():
        message = "must not be empty"
        raise ValueError(message)
    return text


class NewCommentBody(_Body):
    """What somebody has to say of a post."""

    text: Annotated[_Plain, AfterValidator(_said)] = Field(
        min_length=1,
        max_length=COMMENT_MAX,
        json_schema_extra={"pattern": rf"^[^{CONTROLS}]*[^\s\x1c-\x1f\x85{CONTROLS}][^{CONTROLS}]*$"},
        examples=["How true!"],
    )


class CommentJson(BaseModel):
    """A comment of a person or a character. `username` is empty where it is not known."""

    id: str
    post_id: str
    user_id: str
    username: str = Field(examples=["ada"])
    text: str
    created_at: str = Field(examples=[_TIME])

    @classmethod
    def of(cls, comment: CommentRecord) -> Self:
        """Show a comment."""
        return cls(
            id=comment.comment_id,
            post_id=comment.post_id,
            user_id=comment.user_id,
            username=comment.username,
            text=comment.text,
            created_at=comment.created_at,
        )


class CommentsJson(BaseModel):
    """A page of comments, oldest first, and how many there are."""

    comments: list[CommentJson]
    total: int


class CharacterJson(BaseModel):
    """A character. `meta` says what it is like; null: not described."""

    id: str = Field(examples=[_CHARACTER])
    world_id: str = Field(examples=[_WORLD])
    is_ai: bool
    display_name: str = Field(examples=["Greta Thistle"])
    avatar_url: str = Field(examples=[_PICTURE])
    avatar_media_id: str | None
    meta: dict[str, Any] | None
    created_at: str = Field(examples=[_TIME])

    @classmethod
    def of(cls, character: CharacterRecord) -> Self:
        """Show a character; who plays it is not shown."""
        fields = {name: getattr(character, name) for name in cls.model_fields if name != "meta"}
        return cls(meta=_object(character.meta_json), **fields)


class CharactersJson(BaseModel):
    """A page of characters, oldest first, and how many there are."""

    characters: list[CharacterJson]
    total: int

    @classmethod
    def of(cls, page: CharacterPage) -> Self:
        """Show a page."""
        return cls(characters=[CharacterJson.of(one) for one in page.characters], total=page.total)


class VariantJson(BaseModel):
    """One size of a picture."""

    name: str = Field(examples=["thumbnail"])
    url: str = Field(examples=[_PICTURE])
    width: int
    height: int


class MediaJson(BaseModel):
    """A picture; without variants before its upload is confirmed."""

    media_id: str
    world_id: str
    character_id: str
    content_type: str = Field(examples=["image/jpeg"])
    size: int
    media_type: str = Field(examples=["POST_IMAGE"])
    variants: list[VariantJson]
    created_at: str = Field(examples=[_TIME])

    @classmethod
    def of(cls, media: MediaRecord) -> Self:
        """Show a picture."""
        variants = [
            VariantJson(name=v.name, url=v.url, width=v.width, height=v.height) for v in media.variants
        ]
        return cls(
            media_id=media.media_id,
            world_id=media.world_id,
            character_id=media.character_id,
            content_type=media.content_type,
            size=media.size,
            media_type=media.media_type.name,
            variants=variants,
            created_at=media.created_at,
        )


# --- the status --------------------------------------------------------------------------------------------------
#: Names of the status document that the world service spells otherwise.
_SPELLED = {
    "api_call_limits_LLM": "api_call_limits_llm",
    "api_calls_made_LLM": "api_calls_made_llm",
}


def status_of(world: WorldRecord, found: GenerationRecord) -> GenerationStatus:
    """Return the status document as far as the world service tells it; its revision is the time of the change."""
    names = set(GenerationRecord.__slots__) - {"stages", "created_at", "updated_at"}
    fields = {
        name: getattr(found, _SPELLED.get(name, name))
        for name in GenerationStatus.model_fields
        if _SPELLED.get(name, name) in names
    }
    updated_at = datetime.fromisoformat(found.updated_at or world.updated_at)
    return GenerationStatus.model_validate(
        {
            **fields,
            "_id": world.id,
            "stages": [StageInfo.model_validate({"name": s.name, "status": s.status}) for s in found.stages],
            "parameters": OrderedParameters(
                users_count=found.users_predicted, posts_count=found.posts_predicted, user_prompt=world.prompt
            ),
            "revision": int(updated_at.timestamp() * 1000),
            "created_at": found.created_at or world.created_at,
            "updated_at": updated_at,
        }
    )


def _no_constant(name: str) -> None:
    message = f"{name} is no JSON"
    raise ValueError(message)


def _object(text: str | None) -> dict[str, Any] | None:
    """Read the JSON object that a service sent; None when there is none, or it is no valid JSON object."""
    if not text:
        return None
    try:
        found: Any = json.loads(text, parse_constant=_no_constant)
        if not isinstance(found, dict):
            return None
        try:
            json.dumps(found, ensure_ascii=False).encode()
        except UnicodeEncodeError:  # half a character, written as an escape
            found = json.loads(clean(json.dumps(found, ensure_ascii=False)))
    except (ValueError, RecursionError):
        return None
    return dict(found)
