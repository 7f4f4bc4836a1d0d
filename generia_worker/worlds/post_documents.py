"""What characters write: a plan of posts, then each post."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from generia_worker.text import Label, Passage, Story, clean
from generia_worker.worlds.content import Content


class PlannedPost(BaseModel):
    """What one post will be about."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    topic: Passage = Field(min_length=1)
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
