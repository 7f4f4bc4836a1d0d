"""One kind of step more: a motto a character.

This is all that a new kind of step takes: a spec, a use case, a template (`TEMPLATE`) and a test
(`test_new_kind_of_step.py`).
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from generia_worker.engine.queues import LLM
from generia_worker.engine.specs import StepSpec
from generia_worker.engine.step import Scope
from generia_worker.text import Label
from generia_worker.worlds import steps, templates
from generia_worker.worlds.context import Outcome, Services, StepContext
from generia_worker.worlds.documents import Content
from generia_worker.worlds.generate import generate
from generia_worker.worlds.prompt_context import character_context
from generia_worker.worlds.steps import CHARACTER

TEMPLATE = """\
{% block system %}You give characters their mottoes. Answer with one JSON object.{% endblock %}
{% block user %}<user_prompt>{{ user_prompt | data }}</user_prompt>
<character>{{ character | data }}</character>{% endblock %}
"""


class Motto(Content):
    """What a character says of itself."""

    schema_name: ClassVar[str] = "motto"

    text: Label = Field(min_length=1)


MOTTO = StepSpec(
    kind="motto",
    scope=Scope.CHARACTER,
    after=CHARACTER,
    task="tests.integration.motto.write_motto",
    queue=LLM,
    stage="characters",
    result=Motto,
    text_calls=1,
)


def write_motto(ctx: StepContext, services: Services) -> Outcome:
    """Give a character its motto."""
    variables = {
        "user_prompt": ctx.generation.prompt,
        "character": character_context(ctx.result_of(CHARACTER).detail),
    }
    return Outcome(generate(ctx, services, Motto, "write_motto", variables, patient=True))


def add_to_tables() -> None:
    """Put the kind into copies of the tables; to be called before anything else takes them. Idempotent."""
    if all(spec.kind != MOTTO.kind for spec in steps.STEPS):
        steps.STEPS = steps.STEPS.with_spec(MOTTO)
        variables = frozenset({"user_prompt", "character"})
        templates.TEMPLATES = {**templates.TEMPLATES, "write_motto": (("system", "user"), variables)}
