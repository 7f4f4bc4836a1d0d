"""One run of one step: what a use case knows of the step that it works on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from generia_worker.engine.generations import Generation
from generia_worker.engine.ledger import Claim, Ledger

#: Checkpoint: how many attempts at the step ended with answers that did not fit.
ASKED_ANEW = "asked_anew"


@dataclass(frozen=True, slots=True)
class StepRun:
    """One run of one step: what was claimed, for which order, and the ledger to write checkpoints to."""

    claim: Claim
    generation: Generation
    ledger: Ledger

    @property
    def world_id(self) -> str:
        """The world's id."""
        return self.claim.world_id

    @property
    def number(self) -> int:
        """The batch or the character of this step. Raises ValueError where there is none."""
        if self.claim.step.first is None:
            message = f"{self.claim.step} has no index."
            raise ValueError(message)
        return self.claim.step.first

    @property
    def post(self) -> int:
        """The post of this step, from 1. Raises ValueError where there is none."""
        if self.claim.step.second is None:
            message = f"{self.claim.step} has no second index."
            raise ValueError(message)
        return self.claim.step.second

    def once_key(self, purpose: str) -> str:
        """Return the name of something that this edition of the step does once: a key for services and calls."""
        return f"{self.claim.key}#{self.claim.edition}.{purpose}"

    def call_key(self, purpose: str) -> str:
        """Return the name of a paid call: what was answered under it is adopted, by a takeover and by a new attempt.

        Only after answers that did not fit (`ASKED_ANEW` counts that) a new attempt asks anew.
        """
        return self.once_key(f"{self.checkpoint(ASKED_ANEW) or 0}.{purpose}")

    def checkpoint(self, name: str) -> Any:
        """Return what was stored under `name` by this run or one before it, else None."""
        return self.claim.checkpoints.get(name)

    def store(self, **values: Any) -> None:
        """Store checkpoints, name → value, in one write. Raises LeaseLost."""
        self.ledger.checkpoint(self.claim, **values)
