"""What a world is: its description and the prompts of its pictures. Field names as the platform's pages read them."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from generia_worker.text import Label, Passage, Story
from generia_worker.worlds.content import Content


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)


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

    name: Label = Field(min_length=1, description="A short, memorable name, without quotation marks.")
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
