"""The collaborators of every use case, handed in from outside so that each can be replaced in a test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pymongo.client_session import ClientSession

from generia_worker.billing.calls import PaidCalls
from generia_worker.engine.ledger import Ledger
from generia_worker.providers.http import HttpPool
from generia_worker.rpc.character_client import CharacterClient
from generia_worker.rpc.media_client import MediaClient
from generia_worker.rpc.post_client import PostClient
from generia_worker.rpc.world_client import WorldClient
from generia_worker.settings import Settings
from generia_worker.storage.parameters import Parameters
from generia_worker.worlds.context import StepRun
from generia_worker.worlds.templates import Prompts


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
