"""Base of the documents that a model writes: what they share. Pure."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


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
