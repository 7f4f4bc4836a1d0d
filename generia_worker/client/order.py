"""An order: what a person asks for, checked before anything is stored. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict, model_validator

from generia_worker.text import CONTROLS, check_plain, has_meaning

PROMPT_MIN, PROMPT_MAX = 10, 10_000
USERS_MAX, POSTS_MAX = 40, 250
#: Dollars.
BUDGET_MAX = 10_000
WORLD_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
USER_ID_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
REQUEST_ID_PATTERN = r"^[A-Za-z0-9_.:-]{1,80}$"
#: What `str.strip` takes away and is no control character.
_SPACES = r"\t\n\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_SOLID = f"[^{_SPACES}{CONTROLS}]"
#: No control characters, and as many characters as a prompt must have between the spaces at its ends.
PROMPT_PATTERN = f"^[{_SPACES}]*{_SOLID}[^{CONTROLS}]{{{PROMPT_MIN - 2},}}{_SOLID}[{_SPACES}]*$"


def _check_prompt(prompt: str) -> str:
    """Refuse a prompt that cannot be meant; braces, dollars and backslashes are ordinary characters."""
    check_plain(prompt)
    if len(prompt) > PROMPT_MAX:
        message = f"the prompt has {len(prompt)} characters: at most {PROMPT_MAX} are allowed"
        raise ValueError(message)
    prompt = prompt.strip()
    if not has_meaning(prompt):
        message = "the prompt is empty: describe the world in a sentence"
        raise ValueError(message)
    if len(prompt) < PROMPT_MIN:
        message = f"the prompt has {len(prompt)} characters: describe the world in at least {PROMPT_MIN}"
        raise ValueError(message)
    try:
        prompt.encode()
    except UnicodeEncodeError:
        message = "the prompt holds half of a character (a lone surrogate): send valid Unicode"
        raise ValueError(message) from None
    return prompt


Prompt = Annotated[str, AfterValidator(_check_prompt)]


def _whole(value: Any) -> Any:
    """JSON knows one kind of number: 5.0 is 5. Text is no number, however much it looks like one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


#: How much the characters of a world have to say of each other's posts.
Talk = Literal["none", "some", "many"]
TALK: tuple[Talk, ...] = get_args(Talk)


def options_of(reactions: str) -> tuple[str, ...]:
    """Return the `option`s of kinds of step that an order with this much talk asks for."""
    return () if reactions == "none" else ("reactions",)


Count = Annotated[int, Strict(), BeforeValidator(_whole)]
CallLimit = Annotated[int, Strict(), Field(ge=1, le=100_000), BeforeValidator(_whole)]
Dollars = Annotated[float, Strict(), Field(gt=0, le=BUDGET_MAX, allow_inf_nan=False)]


class WorldSize(BaseModel):
    """How large a world is to be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    users_count: Count = Field(ge=1, le=USERS_MAX, description="Characters to make.", examples=[5])
    posts_count: Count = Field(
        ge=1, le=POSTS_MAX, description="Posts to make, over all characters.", examples=[15]
    )
    reactions: Talk = Field(
        default="none",
        description="How much characters like and comment each other's posts; needs an interaction service.",
        examples=["some"],
    )

    @property
    def options(self) -> tuple[str, ...]:
        """What is asked for beyond what every world has: the `option` of kinds of step."""
        return options_of(self.reactions)

    def body(self) -> dict[str, Any]:
        """Return what is sent: what was not asked for is left out, so that an endpoint of a version before takes it."""
        return self.model_dump(exclude_none=True, exclude=set() if self.options else {"reactions"})


class Limits(BaseModel):
    """What an order may take. Without limits it gets what it needs plus slack; no budget: none."""

    api_call_limits_LLM: CallLimit | None = Field(default=None, description="Text calls at most.")  # noqa: N815
    api_call_limits_images: CallLimit | None = Field(default=None, description="Image calls at most.")
    budget: Dollars | None = Field(default=None, description="Dollars at most, worst case.")


NOTHING_TO_ADD = "name characters, posts or both: there is nothing to add"


def some_of(*counts: str) -> dict[str, Any]:
    """Return what a schema says of counts that are not all 0."""
    return {"anyOf": [{"properties": {name: {"minimum": 1}}, "required": [name]} for name in counts]}


class MoreSize(BaseModel):
    """How much more of a world there is to be."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra=some_of("users_count", "posts_count")
    )

    users_count: Count = Field(default=0, ge=0, le=USERS_MAX, description="New characters.", examples=[3])
    posts_count: Count = Field(
        default=0, ge=0, le=POSTS_MAX, description="New posts, over all characters.", examples=[20]
    )

    @model_validator(mode="after")
    def _is_something(self) -> Self:
        if not self.users_count and not self.posts_count:
            raise ValueError(NOTHING_TO_ADD)
        return self


class Extension(MoreSize, Limits):
    """The body of `POST /v1/generations/{world_id}:extend`. Limits and budget are beside what the world has spent."""

    request_id: str | None = Field(
        default=None,
        pattern=REQUEST_ID_PATTERN,
        description="What the sender calls this request: sent again, it is not done twice.",
        examples=["9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"],
    )

    def request_hash(self) -> str:
        """Return a digest that is equal for equal requests."""
        return _digest(self.model_dump())


class Order(WorldSize, Limits):
    """The body of `POST /v1/generations`."""

    world_id: str = Field(
        pattern=WORLD_ID_PATTERN,
        description="The id of the world, as the world service gave it.",
        examples=["ee2c2007-2979-4c80-b314-d54692dd627c"],
    )
    user_prompt: Prompt = Field(
        description=f"{PROMPT_MIN} to {PROMPT_MAX} characters, in any language.",
        examples=["A lighthouse whose keepers are all retired pirates"],
        # What the check below says, as far as a pattern can.
        json_schema_extra={
            "minLength": PROMPT_MIN,
            "maxLength": PROMPT_MAX,
            "pattern": PROMPT_PATTERN,
            "format": "prompt",
        },
    )
    user_id: str | None = Field(
        default=None,
        pattern=USER_ID_PATTERN,
        description="Who orders, and of whose day it counts; none: of everybody's alone.",
        examples=["0b6f0f5b2a8d4c0f9c1d2e3f4a5b6c7d"],
    )

    def request_hash(self) -> str:
        """Return a digest that is equal for equal orders: tells a repeated order from a changed one."""
        # Who orders makes no other world of it; and without reactions an order is what it was before there were any.
        return _digest(self.model_dump(exclude={"user_id"} if self.options else {"user_id", "reactions"}))


def _digest(document: dict[str, Any]) -> str:
    body = json.dumps(document, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(body.encode()).hexdigest()
