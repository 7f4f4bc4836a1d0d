"""The collaborators of every use case, handed in from outside so that each can be replaced in a test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pymongo.client_session import ClientSession

from generia_worker.clients.http import HttpPool
from generia_worker.generation.paid import PaidCalls
from generia_worker.generation.run import StepRun
from generia_worker.prompting import Prompts
from generia_worker.repositories.ledger import Ledger
from generia_worker.repositories.parameters import Parameters
from generia_worker.rpc.characters import CharacterClient
from generia_worker.rpc.media import MediaClient
from generia_worker.rpc.posts import PostClient
from generia_worker.rpc.worlds import WorldClient
from generia_worker.settings import Settings


@dataclass(frozen=True, slots=True)
class Tools:
    """What a use case may call upon; shared by all threads of a process."""

    settings: Settings
    prompts: Prompts
    paid: PaidCalls
    http: HttpPool
    ledger: Ledger
    parameters: Parameters
    worlds: WorldClient
    characters: CharacterClient
    posts: PostClient
    media: MediaClient


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step made: its result, and what else is written in the transaction that commits it."""

    result: dict[str, Any]
    also: Callable[[ClientSession], None] | None = None


UseCase = Callable[[StepRun, Tools], Outcome]
