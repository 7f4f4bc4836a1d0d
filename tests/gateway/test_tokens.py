"""Tokens: none that is forged, expired or meant for something else is taken."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from pydantic import SecretStr

from generia_worker.errors import ConfigurationError
from generia_worker.gateway.tokens import (
    LOCAL_LOGIN_S,
    Audience,
    TokenRefused,
    Tokens,
    local_login_token,
)
from generia_worker.rpc.users import LOCAL_USER
from generia_worker.settings import Settings
from tests.gateway.conftest import SECRET

SETTINGS = Settings(_env_file=None, jwt_secret=SecretStr(SECRET))
TOKENS = Tokens(SETTINGS)


def claims(**changed: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    whole = {
        "iss": "generia-gateway",
        "aud": Audience.ACCESS.value,
        "sub": "user-1",
        "sid": "session-1",
        "iat": now,
        "exp": now + timedelta(seconds=60),
    }
    return {name: value for name, value in (whole | changed).items() if value is not None}


def user_of(audience: Audience, token: str) -> str:
    return TOKENS.claims_of(audience, token).user_id


def test_a_token_tells_whose_it_is() -> None:
    assert user_of(Audience.ACCESS, TOKENS.issue(Audience.ACCESS, "user-1", "session-1", 60)) == "user-1"
    assert user_of(Audience.ACCESS, jwt.encode(claims(), SECRET)) == "user-1"


@pytest.mark.parametrize("meant", Audience)
@pytest.mark.parametrize("used", Audience)
def test_a_token_is_good_for_one_purpose(meant: Audience, used: Audience) -> None:
    token = TOKENS.issue(meant, "user-1", "session-1", 60)
    if meant is used:
        assert user_of(used, token) == "user-1"
    else:
        with pytest.raises(TokenRefused):
            user_of(used, token)


def test_a_token_ends() -> None:
    now = datetime.now(UTC)
    early = Tokens(SETTINGS, lambda: now - timedelta(seconds=100))
    assert user_of(Audience.ACCESS, early.issue(Audience.ACCESS, "user-1", "session-1", 160)) == "user-1"
    with pytest.raises(TokenRefused):
        user_of(Audience.ACCESS, early.issue(Audience.ACCESS, "user-1", "session-1", 60))
    late = Tokens(SETTINGS, lambda: now + timedelta(seconds=100))
    with pytest.raises(TokenRefused):
        user_of(Audience.ACCESS, late.issue(Audience.ACCESS, "user-1", "session-1", 60))


@pytest.mark.parametrize("missing", ["iss", "aud", "sub", "sid", "iat", "exp"])
def test_every_claim_is_required(missing: str) -> None:
    with pytest.raises(TokenRefused):
        user_of(Audience.ACCESS, jwt.encode(claims(**{missing: None}), SECRET))


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "somebody"},
        {"aud": "generia-session"},
        {"aud": [a.value for a in Audience]},
        {"exp": "soon"},
        {"exp": 0},
        {"iat": "x"},
    ],
)
def test_claims_that_do_not_fit(changed: dict[str, Any]) -> None:
    unchecked = jwt.PyJWS().encode(json.dumps(claims(iat=1, exp=10**10) | changed).encode(), SECRET, "HS256")
    with pytest.raises(TokenRefused):
        user_of(Audience.ACCESS, unchecked)


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def forged() -> dict[str, str]:
    """Return tokens that nobody with the secret has made."""
    good = TOKENS.issue(Audience.ACCESS, "user-1", "session-1", 60)
    header, body, signature = good.split(".")
    plain = json.loads(base64.urlsafe_b64decode(body + "=="))
    no_key: Any = None
    return {
        "none": jwt.encode(claims(), no_key, algorithm="none"),
        "None, with the signature": f"{part({'alg': 'None', 'typ': 'JWT'})}.{body}.{signature}",
        "none, without one": f"{part({'alg': 'none'})}.{body}.",
        "wrong key": jwt.encode(claims(), "x" * 40),
        "another algorithm": jwt.encode(claims(), SECRET + "x" * 40, algorithm="HS512"),
        "another user": f"{header}.{part(plain | {'sub': 'user-2'})}.{signature}",
        "longer life": f"{header}.{part(plain | {'exp': plain['exp'] + 1})}.{signature}",
        "no signature": f"{header}.{body}.",
        "cut": good[:-1],
        "changed": good[:-2] + ("AA" if not good.endswith("AA") else "BB"),
        "two": f"{good}.{signature}",
        "nothing": "",
        "dots": "..",
        "letters": "ключ",
        "long": "a" * 100_000,
    }


@pytest.mark.parametrize("how", forged())
def test_a_forged_token(how: str) -> None:
    with pytest.raises(TokenRefused) as caught:
        user_of(Audience.ACCESS, forged()[how])
    assert caught.value.__cause__ is None


def test_the_secret_must_be_there_and_shows_nowhere() -> None:
    with pytest.raises(ConfigurationError, match="GENERIA_JWT_SECRET"):
        Tokens(Settings(_env_file=None))
    assert SECRET not in repr(TOKENS) + str(TOKENS) + repr(SETTINGS)


def test_the_link_of_the_command_line() -> None:
    now = datetime.now(UTC)
    assert user_of(Audience.LOCAL_LOGIN, local_login_token(SETTINGS)) == LOCAL_USER
    # Each is another one: it is good once.
    ids = {TOKENS.claims_of(Audience.LOCAL_LOGIN, local_login_token(SETTINGS)).session_id for _ in range(3)}
    assert len(ids) == 3
    assert LOCAL_LOGIN_S <= 3600
    stale = local_login_token(SETTINGS, lambda: now - timedelta(seconds=LOCAL_LOGIN_S + 10))
    with pytest.raises(TokenRefused):
        user_of(Audience.LOCAL_LOGIN, stale)
