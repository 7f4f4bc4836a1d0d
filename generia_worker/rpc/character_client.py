"""Client of the character service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grpc

from generia_worker.errors import GeneriaError
from generia_worker.rpc import wire
from generia_worker.rpc.channel import from_json, idempotency_metadata, to_json
from generia_worker.rpc.status_codes import translated
from generia_worker.rpc.users import from_wire, to_wire

#: The contract leaves the word open; these are the ones that mean yes.
_SERVING = frozenset({"serving", "healthy", "ok", "up"})


@dataclass(frozen=True, slots=True)
class CharacterRecord:
    """A character as its service knows it. `avatar_url` is signed and expires, or is empty."""

    id: str
    world_id: str
    real_user_id: str | None
    is_ai: bool
    display_name: str
    avatar_media_id: str | None
    avatar_url: str
    meta_json: str | None
    created_at: str

    @property
    def meta(self) -> dict[str, Any]:
        """What the character is like. Raises PermanentError when the service sent no JSON object."""
        return from_json(self.meta_json, "meta")


@dataclass(frozen=True, slots=True)
class CharacterPage:
    """A page of the characters of a world, and how many it has in all."""

    characters: tuple[CharacterRecord, ...]
    total: int


class CharacterClient:
    """Calls the character service; every method raises what `status_codes.translated` says."""

    def __init__(self, channel: grpc.Channel, timeout_s: float) -> None:
        self._stub = wire.CharacterServiceStub(channel)
        self._timeout_s = timeout_s

    def create(
        self,
        world_id: str,
        display_name: str,
        meta: Mapping[str, Any],
        *,
        idempotency_key: str,
        avatar_media_id: str | None = None,
        real_user_id: str | None = None,
    ) -> CharacterRecord:
        """Create a character (no `real_user_id`: an AI); an equal key and body gives the same one."""
        with translated("CreateCharacter"):
            request = wire.character.CreateCharacterRequest(
                world_id=world_id,
                real_user_id=None if real_user_id is None else to_wire(real_user_id),
                display_name=display_name,
                avatar_media_id=avatar_media_id,
                meta=to_json(meta),
            )
            return _record(
                self._stub.CreateCharacter(
                    request, timeout=self._timeout_s, metadata=idempotency_metadata(idempotency_key)
                )
            )

    def update(
        self,
        character_id: str,
        *,
        display_name: str | None = None,
        avatar_media_id: str | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> CharacterRecord:
        """Change what is given of a character; None leaves it as it is."""
        with translated("UpdateCharacter"):
            request = wire.character.UpdateCharacterRequest(
                character_id=character_id,
                display_name=display_name,
                avatar_media_id=avatar_media_id,
                meta=None if meta is None else to_json(meta),
            )
            return _record(self._stub.UpdateCharacter(request, timeout=self._timeout_s))

    def get(self, character_id: str) -> CharacterRecord:
        """Return one character."""
        with translated("GetCharacter"):
            request = wire.character.GetCharacterRequest(character_id=character_id)
            return _record(self._stub.GetCharacter(request, timeout=self._timeout_s))

    def of_user(self, user_id: str, world_id: str) -> list[CharacterRecord]:
        """Return the characters that a person plays in a world."""
        with translated("GetUserCharactersInWorld"):
            request = wire.character.GetUserCharactersInWorldRequest(
                user_id=to_wire(user_id), world_id=world_id
            )
            answer = self._stub.GetUserCharactersInWorld(request, timeout=self._timeout_s)
        return [_record(character) for character in answer.characters]

    def list_in_world(self, world_id: str, limit: int = 20, offset: int = 0) -> CharacterPage:
        """Return a page of all characters of a world, oldest first.

        Raises:
            UnimplementedError: the platform's character service does not offer this call, which is ours.
        """
        with translated("ListWorldCharacters"):
            request = wire.character.ListWorldCharactersRequest(world_id=world_id, limit=limit, offset=offset)
            answer = self._stub.ListWorldCharacters(request, timeout=self._timeout_s)
        return CharacterPage(tuple(_record(found) for found in answer.characters), answer.total)

    def healthy(self) -> bool:
        """True when the service answers that it serves; never raises a GeneriaError."""
        try:
            with translated("HealthCheck"):
                answer = self._stub.HealthCheck(wire.character.HealthCheckRequest(), timeout=self._timeout_s)
        except GeneriaError:
            return False
        return answer.status.casefold() in _SERVING


def _record(answer: wire.character.Character) -> CharacterRecord:
    return CharacterRecord(
        id=answer.id,
        world_id=answer.world_id,
        real_user_id=from_wire(answer.real_user_id) if answer.HasField("real_user_id") else None,
        is_ai=answer.is_ai,
        display_name=answer.display_name,
        avatar_media_id=answer.avatar_media_id if answer.HasField("avatar_media_id") else None,
        avatar_url=answer.avatar_url,
        meta_json=answer.meta if answer.HasField("meta") else None,
        created_at=answer.created_at,
    )
