"""What a use case is given: the step that it works on, and the services that it may call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel
from pymongo.client_session import ClientSession

from generia_worker.billing.calls import MeteredCalls
from generia_worker.billing.requests import PaidCall
from generia_worker.engine.generations import Generation, Generations
from generia_worker.engine.ledger import Claim, Ledger
from generia_worker.engine.results import Results
from generia_worker.engine.rounds import Round
from generia_worker.engine.specs import StepSpec
from generia_worker.engine.step import Scope, Step
from generia_worker.engine.step_rows import StepRows
from generia_worker.errors import PermanentError
from generia_worker.providers.http import HttpPool
from generia_worker.providers.usage import Provider
from generia_worker.rpc.character_client import CharacterClient
from generia_worker.rpc.interaction_client import InteractionClient
from generia_worker.rpc.media_client import MediaClient
from generia_worker.rpc.post_client import PostClient
from generia_worker.rpc.world_client import WorldClient
from generia_worker.settings import Settings
from generia_worker.storage.parameters import Parameters
from generia_worker.worlds.results import WorldParameters
from generia_worker.worlds.templates import Prompts

M = TypeVar("M", bound=BaseModel)

#: Checkpoint: how many attempts at the step ended with answers that did not fit, or that no service took.
QUESTIONS_REPEATED = "asked_anew"
#: Checkpoints that hold what a model wrote, before a service is given it.
WRITTEN = ("detail", "prompts", "reply")
#: The account of replies to people, beside that of a world's orders.
REPLIES = "replies"


@dataclass(frozen=True, slots=True)
class Services:
    """The collaborators of every use case, shared by all threads of a process; each can be replaced in a test."""

    settings: Settings
    prompts: Prompts
    calls: MeteredCalls
    http: HttpPool
    ledger: Ledger
    rows: StepRows
    results: Results
    generations: Generations
    parameters: Parameters[WorldParameters]
    worlds: WorldClient
    characters: CharacterClient
    posts: PostClient
    media: MediaClient
    #: None where there are no likes and comments.
    interactions: InteractionClient | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step made, and what else is written in the transaction that commits it."""

    result: BaseModel
    on_commit: Callable[[ClientSession], None] | None = None


@dataclass(frozen=True, slots=True)
class StepContext:
    """One attempt at one step: what was claimed, for which generation.

    def write_motto(ctx: StepContext, services: Services) -> Outcome:
        character = ctx.result_of(CHARACTER)
        ...
    """

    claim: Claim
    generation: Generation
    services: Services

    @property
    def world_id(self) -> str:
        """The world's id."""
        return self.claim.world_id

    @property
    def step(self) -> Step:
        """The step."""
        return self.claim.step

    @property
    def round(self) -> Round:
        """The round that it is done in."""
        return self.generation.round_of(self.step)

    @property
    def batch(self) -> int:
        """The batch of this step, from 0. Raises ValueError where there is none."""
        return self._index("batch", self.step.batch)

    @property
    def character(self) -> int:
        """The character of this step, from 1. Raises ValueError where there is none."""
        return self._index("character", self.step.character)

    @property
    def post(self) -> int:
        """The post of this step, from 1. Raises ValueError where there is none."""
        return self._index("post", self.step.post)

    def _index(self, name: str, value: int | None) -> int:
        if value is None:
            raise ValueError(f"{self.step} has no {name}.")
        return value

    # --- what other steps have made ----------------------------------------------------------------------------
    def result_of(self, spec: StepSpec[M]) -> M:
        """Return what the step of another kind made for the same world, character or post.

        Raises PermanentError when it is not done: nothing here can be made without it.
        """
        return self.part_of(spec, spec.result, immutable=spec.redo is None)

    def part_of(self, spec: StepSpec[Any], part: type[M], *, immutable: bool = False) -> M:
        """Return some fields of such a result, as a model that has these fields; `immutable`: no redo changes them.

        Raises PermanentError, as `result_of`.
        """
        step = spec.within(self.step)
        # A redo begins a new run, and changes what is redone with it; no other step is worked on meanwhile.
        as_of = "" if immutable else f"{self.generation.run}.{self.claim.edition}"
        found = self.services.results.of(self.world_id, step, part, as_of=as_of)
        if found is None:
            raise PermanentError(f"{self.step} needs {step}, which is not done.")
        return found

    def world(self) -> WorldParameters:
        """Return the world's description, with the prompts of its pictures where these are drawn.

        Raises PermanentError before it is described.
        """
        found = self.services.parameters.get(self.world_id)
        if found is None:
            raise PermanentError(f"{self.step} needs the world's description, which is not there.")
        return found

    # --- what is done once ---------------------------------------------------------------------------------------
    @property
    def redo_of(self) -> str | None:
        """The id under which a service knows what is being redone; None when it is made for the first time."""
        found = self.checkpoint("redo_of")
        return None if found is None else str(found)

    def checkpoint(self, name: str) -> Any:
        """Return what was stored under `name` by this attempt or an earlier one, else None."""
        return self.claim.checkpoints.get(name)

    def store(self, **values: Any) -> None:
        """Store checkpoints, name → value, in one write, with the bill that waits for it. Raises LeaseLost."""
        self.services.ledger.checkpoint(self.claim, **values)

    def ask_anew(self) -> None:
        """Let the next attempt ask the model again in place of adopting what it wrote for this one. Raises LeaseLost."""
        stored = {name: None for name in WRITTEN if self.checkpoint(name) is not None}
        self.store(**{QUESTIONS_REPEATED: (self.checkpoint(QUESTIONS_REPEATED) or 0) + 1}, **stored)

    def idempotency_key(self, purpose: str) -> str:
        """Return the name of something that this edition of the step does once: a key for services."""
        return f"{self.claim.key}#{self.claim.edition}.{purpose}"

    def text_call(self, purpose: str, *, planned: bool = False, patient: bool = False) -> PaidCall:
        """Return a text call: what was answered under its key is adopted, by a takeover and by a new attempt.

        Only after `ask_anew` (`QUESTIONS_REPEATED` counts these) a new attempt asks again. `planned`: it is among the
        `text_calls` of the step's spec. `patient`: see `PaidCall`.
        """
        repeated = self.checkpoint(QUESTIONS_REPEATED) or 0
        return self._call(f"{repeated}.{purpose}", planned=planned and not repeated, patient=patient)

    def image_call(self, purpose: str, *, planned: bool = False) -> PaidCall:
        """Return an image call: it has the same key in every attempt. `planned`: among the `image_calls` of the spec.

        Its bill may wait for the next checkpoint: until then the provider gives the same picture again for nothing.
        """
        return self._call(purpose, planned=planned, patient=True)

    def _call(self, purpose: str, *, planned: bool, patient: bool) -> PaidCall:
        key, claimed = self.idempotency_key(purpose), self.claim.call or ""
        is_aside = self.step.scope is Scope.COMMENT
        return PaidCall(
            key=key,
            world_id=self.world_id,
            step=self.step.name,
            is_first_attempt=self.claim.is_first_attempt,
            budgeted=is_aside or self.generation.budget_usd is not None,
            # A step that is redone was not planned to be; and no order plans what people will say.
            planned=planned and self.round.planned and self.claim.edition == 1 and not is_aside,
            request_id=claimed if claimed.partition("~")[0] == key else None,
            along=self.claim.along,
            patient=patient,
            account=REPLIES if is_aside else None,
        )


def first_call(world_id: str, step: Step, spec: StepSpec[Any]) -> tuple[PaidCall, Provider] | None:
    """Return the first planned call of a step that was never claimed, and whose; None for a kind that plans none.

    It is the call that `StepContext` returns for the same purpose once the step is claimed.
    """
    if spec.is_aside or not (spec.text_calls or spec.image_calls):
        return None
    provider: Provider = "llm" if spec.text_calls else "images"
    purpose = f"0.{spec.first_call}.0" if spec.text_calls else spec.first_call
    key = f"{step.key(world_id)}#1.{purpose}"
    return PaidCall(key, world_id, step.name, budgeted=False, planned=True), provider


UseCase = Callable[[StepContext, Services], Outcome]
