"""The person whose own stack this is: `local` where it is stored, a UUID on the wire, since some services take only that."""

from __future__ import annotations

#: Who orders worlds from the command line, and with the login link of `generia up`.
LOCAL_USER = "local"
#: Made up once. Services that count people by UUIDs know that person under this one.
LOCAL_USER_UUID = "6c6f6361-6c00-4000-8000-67656e657269"


def to_wire(user_id: str) -> str:
    """Return the id by which services are told of a person."""
    return LOCAL_USER_UUID if user_id == LOCAL_USER else user_id


def from_wire(user_id: str) -> str:
    """Return the id under which a person is known here."""
    return LOCAL_USER if user_id == LOCAL_USER_UUID else user_id
