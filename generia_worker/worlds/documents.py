"""The documents that a model writes: the world, its cast, its people, their posts. Field names as the platform's
pages read them.

A document is asked for by its schema (`generia_worker/worlds/generate.py`), stored as the result of a step, and read
back with its type by the steps that need it. Pure.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from generia_worker.text import Label, Passage, Story, clean, clip

#: The name of a world: services keep no longer ones.
WORLD_NAME_MAX = 100
Title = Annotated[Label, AfterValidator(lambda name: clip(name, WORLD_NAME_MAX))]


class _Part(BaseModel):
    """A part of a document: unknown keys are dropped."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)


class Content(BaseModel):
    """A document that a model writes and the platform's pages read.

    Unknown keys are dropped and missing ones take their default, where there is one: what matters is checked in code
    and asked for again. `schema_name` is the name under which the schema is sent (`[A-Za-z0-9_-]`, at most 64).
    """

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    schema_name: ClassVar[str]

    def as_document(self) -> dict[str, Any]:
        """Return the plain JSON-ready dict that is stored and sent on."""
        return self.model_dump(mode="json")


# --- the world ---------------------------------------------------------------------------------------------------
class UserPreferences(_Part):
    """What the person asked for besides the subject."""

    language: Label = Field(
        description="The language of the user's prompt, as an English name, e.g. Russian."
    )
    other_preferences: list[Passage] = Field(default_factory=list, max_length=30)


class AdditionalDetails(_Part):
    """Smaller facts about a world."""

    climate: Passage = ""
    resources: Passage = ""
    conflicts: Passage = ""
    traditions: Passage = ""
    technology: Passage = ""
    magic_system: Passage = ""
    time_period: Passage = ""
    language: Passage = ""
    custom_details: list[Passage] = Field(default_factory=list, max_length=30)


class WorldDescription(Content):
    """The world as its about page tells it; stored in `world_parameters` and sent as `params`."""

    schema_name: ClassVar[str] = "world_description"

    name: Title = Field(min_length=1, description="A short, memorable name, without quotation marks.")
    user_preferences: UserPreferences
    description_short: Passage = Field(min_length=1, description="One or two sentences for a card.")
    description: Story = Field(min_length=1, description="Three to six paragraphs.")
    theme: Passage = ""
    technology_level: Passage = ""
    social_structure: Passage = ""
    culture: Passage = ""
    geography: Passage = ""
    visual_style: Passage = Field(
        default="", description="How pictures of this world look: medium, light, palette."
    )
    history: Story = ""
    common_activities: list[Passage] = Field(default_factory=list, max_length=40)
    typical_stories: list[Passage] = Field(default_factory=list, max_length=40)
    additional_details: AdditionalDetails = Field(default_factory=AdditionalDetails)


class WorldImagePrompts(Content):
    """Prompts of the two pictures of a world."""

    schema_name: ClassVar[str] = "world_image_prompts"

    header_prompt: Passage = Field(
        min_length=1, description="In English: a wide landscape of the world, no text."
    )
    icon_prompt: Passage = Field(min_length=1, description="In English: one simple emblem, centred, no text.")
    style_reference: Passage = Field(
        default="", description="In English: the style shared by all of its pictures."
    )
    visual_elements: list[Passage] = Field(default_factory=list, max_length=40)
    mood: Passage = ""
    color_palette: list[Label] = Field(default_factory=list, max_length=20)


class DayNews(Content):
    """What happened in the world on one day: a line of its chronicle."""

    schema_name: ClassVar[str] = "day_news"

    headline: Label = Field(min_length=1, description="What happened, in at most ten words.")
    what_happened: Passage = Field(min_length=1, description="Two or three sentences.")


# --- its characters ----------------------------------------------------------------------------------------------
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


# --- their posts -------------------------------------------------------------------------------------------------
def _days(value: Any) -> float | None:
    """Return a number of days; None for what is none: nothing hangs on it that would be worth asking again."""
    try:
        days = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return days if math.isfinite(days) else None


class PlannedPost(_Part):
    """What one post will be about, and how many days ago it was written, or at which hour of the day."""

    topic: Passage = Field(min_length=1)
    days_ago: Annotated[float | None, BeforeValidator(_days)] = Field(
        default=None, description="How many days ago it was written: 14 to 0, smaller from post to post."
    )
    hour: Annotated[float | None, BeforeValidator(_days)] = Field(
        default=None,
        description="Of a single day: the hour, 0 to 23.9, at which it fits the character's daily routine.",
    )
    content_brief: Passage = ""
    emotional_tone: Label = ""
    post_type: Label = ""
    relevance_to_character: Passage = ""


class PostPlan(Content):
    """The posts of one character, in the order in which they are written (a batch of them)."""

    schema_name: ClassVar[str] = "post_plan"

    posts: list[PlannedPost] = Field(max_length=260)
    narrative_arc: Passage = ""
    character_development: Passage = ""
    posting_schedule: list[Passage] = Field(default_factory=list, max_length=260)
    recurring_themes: list[Passage] = Field(default_factory=list, max_length=60)


class PostDraft(Content):
    """One post together with the prompt of its picture. The content becomes the caption, the hashtags its tags."""

    schema_name: ClassVar[str] = "post"

    content: Story = Field(min_length=1, description="The post as the character writes it.")
    image_prompt: Passage = Field(
        min_length=1, description="In English: the scene of the picture, no text in it."
    )
    image_style: Passage = ""
    hashtags: list[Label] = Field(default_factory=list, max_length=30)
    mood: Label = ""
    context: Passage = ""
    mentions: list[Label] = Field(default_factory=list, max_length=30)
    location: Label | None = None
    time_of_day: Label | None = None

    def tags(self) -> list[str]:
        """Return the hashtags without their #, without blanks and doubles, at most 10 of at most 50 characters."""
        seen: dict[str, str] = {}
        for raw in self.hashtags:
            tag = "".join(clean(raw).lstrip("#").split())[:50]
            if tag:
                seen.setdefault(tag.casefold(), tag)
        return list(seen.values())[:10]


# --- what they say of each other's posts ---------------------------------------------------------------------------
#: The most characters of one comment.
COMMENT_MAX = 500
Comment = Annotated[Passage, AfterValidator(lambda text: clip(text, COMMENT_MAX))]


class WrittenComment(_Part):
    """What a character says under somebody else's post."""

    post: Label = Field(min_length=1, description="The id of the post, as it stands in the list.")
    text: Comment = Field(min_length=1, description="One to three sentences, in the character's voice.")


class Reactions(Content):
    """What one character makes of posts of others: which it likes, and what it says under some of them."""

    schema_name: ClassVar[str] = "reactions"

    likes: list[Label] = Field(default_factory=list, max_length=60, description="Ids of posts.")
    comments: list[WrittenComment] = Field(default_factory=list, max_length=60)


class WrittenAnswer(_Part):
    """What a character answers to a comment on a post of its own."""

    comment: Label = Field(min_length=1, description="The id of the comment, as it stands in the list.")
    text: Comment = Field(min_length=1, description="One or two sentences, in the character's voice.")


class ReplyToPerson(Content):
    """What a character replies to somebody who is no part of its world."""

    schema_name: ClassVar[str] = "reply"

    reply: Comment = Field(min_length=1, description="One to three sentences, in the character's voice.")


class Answers(Content):
    """What one character answers to comments on its posts."""

    schema_name: ClassVar[str] = "answers"

    answers: list[WrittenAnswer] = Field(default_factory=list, max_length=60)
