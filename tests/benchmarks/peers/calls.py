"""Paid calls in the order in which they depend on each other. Nothing of Generia: the workers of every system read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Provider = Literal["llm", "images"]


@dataclass(frozen=True, slots=True)
class Call:
    """One paid call; its name is `WORLD/STEP~NUMBER`, by which the simulator's bill tells it."""

    name: str
    provider: Provider


Stage = tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """Stages that follow each other, and then branches that go on side by side; the calls of a stage are made together.

    A post is `Branch(((text,), (picture,)))`, a character its two texts and then a branch for the avatar and one for each
    post.
    """

    stages: tuple[Stage, ...]
    then: tuple[Branch, ...] = ()

    def at(self, path: Sequence[int]) -> Branch:
        """Return the branch that these numbers lead to: `()` is this one, `(2, 0)` the first one of the third."""
        return self if not path else self.then[path[0]].at(path[1:])

    def __iter__(self) -> Iterator[Call]:
        """Yield every call of this branch and of those that follow."""
        for stage in self.stages:
            yield from stage
        for branch in self.then:
            yield from branch

    @property
    def only_call(self) -> Call | None:
        """The call of a branch that has no other one, so that no workflow is needed for it; None for other branches."""
        calls = list(self)
        return calls[0] if len(calls) == 1 else None

    def as_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        stages = [[[call.name, call.provider] for call in stage] for stage in self.stages]
        return {"stages": stages, "then": [branch.as_json() for branch in self.then]}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Branch:
        """Read a branch."""
        stages = tuple(tuple(Call(name, provider) for name, provider in stage) for stage in value["stages"])
        return cls(stages, tuple(cls.from_json(branch) for branch in value["then"]))
