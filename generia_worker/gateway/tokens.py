"""Signed tokens (JWT, HS256): one audience for each purpose, so that none is good for another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import uuid4

import jwt

from generia_worker.errors import ConfigurationError, PermanentError
from generia_worker.rpc.users import LOCAL_USER
from generia_worker.settings import Settings
from generia_worker.settings.types import SECRET_MIN
from generia_worker.storage.mongo import utc_now

_ALGORITHM = "HS256"
_ISSUER = "generia-gateway"
_CLAIMS = ["exp", "iat", "sub", "sid", "aud", "iss"]
#: No token of ours is longer; what is, is not even decoded.
TOKEN_MAX = 2048
#: Machines' clocks differ a little.
_LEEWAY_S = 5
#: A ticket stands in a URL, so it is good for the moment of connecting only.
TICKET_S = 60
#: The link of the command line is good once, and so long.
LOCAL_LOGIN_S = 3600


class Audience(StrEnum):
    """What a token is for."""

    ACCESS = "generia-api"
    SESSION = "generia-session"
    STREAM = "generia-stream"
    LOCAL_LOGIN = "generia-local-login"


@dataclass(frozen=True, slots=True)
class Claims:
    """Whose token it is, and of which session: it is good as long as that. A link that logs in has an id of its own."""

    user_id: str
    session_id: str
    expires_at: datetime


class TokenRefused(PermanentError):  # noqa: N818 - the field's noun
    """Raised when a token is malformed, forged, expired or for another purpose; the message never says which."""


class Tokens:
    """Signs and checks tokens with one secret."""

    def __init__(self, settings: Settings, now: Callable[[], datetime] = utc_now) -> None:
        """Raise ConfigurationError when there is no secret."""
        self._secret = settings.jwt_secret.get_secret_value()
        if len(self._secret) < SECRET_MIN:
            message = f"GENERIA_JWT_SECRET: set it to a random text of at least {SECRET_MIN} characters."
            raise ConfigurationError(message)
        self._now = now

    def issue(self, audience: Audience, user_id: str, session_id: str, lifetime_s: float) -> str:
        """Return a token of this user's session, good for one purpose and `lifetime_s` seconds."""
        now = self._now()
        claims: dict[str, Any] = {
            "iss": _ISSUER,
            "aud": audience.value,
            "sub": user_id,
            "sid": session_id,
            "iat": now,
            "exp": now + timedelta(seconds=lifetime_s),
        }
        return jwt.encode(claims, self._secret, algorithm=_ALGORITHM)

    def claims_of(self, audience: Audience, token: str) -> Claims:
        """Return whose token this is. Whether its session still lasts, the accounts know. Raises TokenRefused."""
        try:
            if not token.isascii() or len(token) > TOKEN_MAX:
                raise jwt.InvalidTokenError
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[_ALGORITHM],  # never what the token itself names
                audience=audience.value,
                issuer=_ISSUER,
                leeway=_LEEWAY_S,
                options={"require": _CLAIMS, "strict_aud": True},
            )
        except (jwt.PyJWTError, ValueError, OverflowError):
            raise TokenRefused("The token is not valid, or not any more: log in again.") from None
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        return Claims(str(claims["sub"]), str(claims["sid"]), expires_at)

    def __repr__(self) -> str:
        return "Tokens()"


def local_login_token(settings: Settings, now: Callable[[], datetime] = utc_now) -> str:
    """Return the token of the link by which the person at the command line logs in, once, within an hour.

    Raises:
        ConfigurationError: the settings hold no secret.
    """
    return Tokens(settings, now).issue(Audience.LOCAL_LOGIN, LOCAL_USER, uuid4().hex, LOCAL_LOGIN_S)
