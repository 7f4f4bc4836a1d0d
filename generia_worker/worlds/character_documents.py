"""Who lives in a world: the cast in batches of concepts, and each character in detail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from generia_worker.text import Label, Passage, Story, clip
from generia_worker.worlds.content import Content


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)


class CharacterConcept(_Part):
    """One character in a sentence or two, before its details are written."""

    id: Label = Field(default="", description="c1, c2, … in the order of the list.")
    concept: Passage = Field(min_length=1, description="Who this is: name, occupation, what drives them.")
    concept_short: Label = Field(
        min_length=1, description="Name and role in at most ten words; unique in the world."
    )
    role_in_world: Passage = ""
    posts_count: int = Field(default=1, ge=0, le=250, description="How many posts this character writes.")
    personality_traits: list[Label] = Field(default_factory=list, max_length=30)
    interests: list[Label] = Field(default_factory=list, max_length=30)


class CharacterConnection(_Part):
    """How two characters of the cast stand to each other."""

    character1_name: Label
    character2_name: Label
    connection_type: Label = ""
    description: Passage = ""


class SharedStory(_Part):
    """Something that several characters know of or took part in."""

    characters_ids: list[Label] = Field(default_factory=list, max_length=40)
    title: Label
    story: Passage = ""
    location: Label = ""
    genre: Label = ""


class Cast(Content):
    """A batch of concepts."""

    schema_name: ClassVar[str] = "cast"

    characters: list[CharacterConcept] = Field(max_length=60)
    world_interpretation: Passage = ""
    character_connections: list[CharacterConnection] = Field(default_factory=list, max_length=200)
    common_stories_and_events: list[SharedStory] = Field(default_factory=list, max_length=60)
    generated_characters_description: Passage = ""


class Relationship(_Part):
    """What a character is to another one."""

    character: Label
    relationship_type: Label = ""
    description: Passage = ""


def _short_bio(text: str) -> str:
    return clip(text, 200)


class CharacterDetail(Content):
    """A character as its page shows it; sent as `meta`."""

    schema_name: ClassVar[str] = "character"

    username: Label = Field(min_length=1, description="A handle without spaces and without @.")
    display_name: Label = Field(min_length=1, max_length=100)
    bio: Annotated[Passage, AfterValidator(_short_bio)] = Field(
        description="At most 200 characters, first person."
    )
    background_story: Story = ""
    personality: Passage = ""
    appearance: Passage = ""
    interests: list[Label] = Field(default_factory=list, max_length=30)
    speaking_style: Passage = ""
    common_topics: list[Label] = Field(default_factory=list, max_length=30)
    avatar_description: Passage = ""
    avatar_style: Passage = ""
    relationships: list[Relationship] = Field(default_factory=list, max_length=60)
    secret: Passage = ""
    daily_routine: Passage = ""
    avatar_prompt: Passage = Field(
        min_length=1, description="In English: a portrait, head and shoulders, no text."
    )


def share_posts(wishes: Sequence[int], posts_count: int) -> list[int]:
    """Share out `posts_count` posts in proportion to `wishes`, so that they sum up exactly.

    Everybody gets at least one post while there are enough; where there are fewer posts than characters, the first
    ones get one each. The largest remainders take what rounding leaves over (Hamilton's method), earlier ones first.
    """
    count = len(wishes)
    if posts_count <= count:
        return [1 if index < posts_count else 0 for index in range(count)]
    weights = [max(wish, 1) for wish in wishes]
    spare = posts_count - count
    quotas = [spare * weight / sum(weights) for weight in weights]
    shares = [int(quota) for quota in quotas]
    by_remainder = sorted(range(count), key=lambda i: (shares[i] - quotas[i], i))
    for index in by_remainder[: spare - sum(shares)]:
        shares[index] += 1
    return [1 + share for share in shares]
