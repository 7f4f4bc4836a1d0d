"""Doubles for use cases: a model that says what it is told to, results out of a dict, services that take notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from types import SimpleNamespace
from typing import Any, TypeVar

from pydantic import BaseModel

from generia_worker.billing.calls import TextAnswer, TextQuestion
from generia_worker.billing.requests import PaidCall
from generia_worker.engine.generations import Generation
from generia_worker.engine.ledger import Claim
from generia_worker.engine.step import Step
from generia_worker.settings import Settings
from generia_worker.worlds.context import Services, StepContext
from generia_worker.worlds.documents import CharacterDetail, UserPreferences
from generia_worker.worlds.results import WorldParameters
from generia_worker.worlds.steps import STEPS
from tests.books import WORLD, generation

M = TypeVar("M", bound=BaseModel)

DESCRIBED = WorldParameters(
    name="Котоматика",
    user_preferences=UserPreferences(language="Russian"),
    description_short="short",
    description="long",
    theme="cats",
)


def detail(name: str) -> CharacterDetail:
    """Return a character as it was written."""
    return CharacterDetail(username=name.lower(), display_name=name, bio="b", avatar_prompt="a face")


class Recorder:
    """Takes every call, notes it as (method, arguments, named arguments), and answers what is scripted for the method."""

    def __init__(self, **answers: Any) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self._answers = answers

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            self.calls.append((name, arguments, named))
            answer = self._answers.get(name)
            return answer(*arguments, **named) if callable(answer) else answer

        return call

    def named(self, method: str) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
        """Return the arguments of every call of one method."""
        return [(arguments, named) for name, arguments, named in self.calls if name == method]


class Model:
    """The text model and the templates before it. Answers are documents, text, or errors, one after the other."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        #: What each question was rendered from: (template, variables).
        self.rendered: list[tuple[str, dict[str, Any]]] = []
        self.asked: list[tuple[PaidCall, TextQuestion]] = []

    # --- as `services.prompts`
    def render(self, template: str, **variables: Any) -> tuple[str, str]:
        """Note what a template is filled in with."""
        self.rendered.append((template, variables))
        return "system", f"user {len(self.rendered)}"

    def reask(self, problems: list[str]) -> str:
        """Return the problems as they are."""
        return " | ".join(problems)

    def schema_instruction(self, schema: Any) -> str:
        """Of no interest here."""
        return ""

    # --- as `services.calls`
    def text(self, call: PaidCall, question: TextQuestion) -> TextAnswer:
        """Answer what comes next."""
        self.asked.append((call, question))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, BaseModel):
            answer = answer.model_dump_json()
        return answer if isinstance(answer, TextAnswer) else TextAnswer(answer, too_long=False)

    @property
    def keys(self) -> list[str]:
        """The purposes in the keys of the calls."""
        return [call.key.partition("#1.")[2] for call, _ in self.asked]

    def told(self, name: str) -> list[Any]:
        """Return what one variable was in each question."""
        return [variables[name] for _, variables in self.rendered]


class Results:
    """Results out of a dict of step name → result."""

    def __init__(self, made: Mapping[str, BaseModel]) -> None:
        self._made = {STEPS.parse(name): result for name, result in made.items()}

    def of(self, world_id: str, step: Step, model: type[M], *, as_of: str | None = None) -> M | None:
        """As `Results.of`."""
        found = self._made.get(step)
        return None if found is None else model.model_validate(found.model_dump())

    def all_of(
        self,
        world_id: str,
        kind: str,
        model: type[M],
        *,
        character: int | None = None,
        in_round: int | None = None,
    ) -> dict[Step, M]:
        """As `Results.all_of`."""
        return {
            step: model.model_validate(result.model_dump())
            for step, result in self._made.items()
            if step.kind == kind and character in (None, step.character) and in_round in (None, step.round)
        }

    recent_of = all_of


def services(model: Model, made: Mapping[str, BaseModel], **given: Any) -> Services:
    """Return services around a model, with what was made before; a service that is not given must not be used."""
    settings = Settings(_env_file=None).model_copy(update=given.pop("settings", {}))
    found: dict[str, Any] = dict.fromkeys(field.name for field in fields(Services))
    found |= {
        "settings": settings,
        "prompts": model,
        "calls": model,
        "results": Results(made),
        "parameters": SimpleNamespace(get=lambda _: DESCRIBED),
        "ledger": SimpleNamespace(checkpoint=_checkpoint),
        "rows": SimpleNamespace(table=STEPS),
    }
    return Services(**found | given)


def _checkpoint(claim: Claim, **values: Any) -> None:
    claim.checkpoints.update(values)


def context(
    step: str, services: Services, order: Generation | None = None, **checkpoints: Any
) -> StepContext:
    """Return the first attempt at a step; `checkpoints` are those of earlier ones."""
    claim = Claim(WORLD, STEPS.parse(step), "me", 1, edition=1, takeovers=0, checkpoints=checkpoints)
    return StepContext(claim, order or generation([2, 1]), services)
