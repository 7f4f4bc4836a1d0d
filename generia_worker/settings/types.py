"""What a setting may look like: addresses, origins, rates, keys that sign. Imports nothing of ours."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr


def _http_url(value: Any) -> Any:
    if isinstance(value, str) and value:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            message = "must be an http:// or https:// address"
            raise ValueError(message)
        return value.rstrip("/")
    return value


def _long_enough(value: SecretStr) -> SecretStr:
    if 0 < len(value.get_secret_value()) < SECRET_MIN:
        message = f"must have at least {SECRET_MIN} characters"
        raise ValueError(message)
    return value


def _origins(value: Any) -> Any:
    """Check a list of origins: scheme, host and port, nothing after them."""
    if isinstance(value, str):
        for origin in value.split(","):
            parts = urlsplit(origin.strip())
            if value and (parts.scheme not in ("http", "https") or origin.strip() != _origin_of(parts)):
                message = "must be origins such as https://example.org, separated by commas"
                raise ValueError(message)
    return value


def _origin_of(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


HttpAddress = Annotated[str, BeforeValidator(_http_url)]
#: A key that signs: shorter ones could be found by trying.
SECRET_MIN = 32
Signing = Annotated[SecretStr, AfterValidator(_long_enough)]
Origins = Annotated[str, BeforeValidator(_origins)]
_ONE_RATE = r"[1-9]\d{0,8}/(?:[1-9]\d{0,3} ?)?(?:second|minute|hour|day)s?"
#: As the `limits` library writes them: 10/minute, or several of them with semicolons, all of which hold.
Rate = Annotated[str, Field(pattern=rf"^{_ONE_RATE}(?:; ?{_ONE_RATE})*$")]
