"""What a setting may look like: addresses, origins, rates, keys that sign. Imports nothing of ours."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr


def _http_url(value: Any) -> Any:
    if isinstance(value, str) and value:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            message = "must be an http:// or https:// address"
            raise ValueError(message)
        return value.rstrip("/")
    return value


def _metadata(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not (text.isascii() and text.isprintable()) or " " in text:
        message = "must be printable ASCII without spaces"
        raise ValueError(message)
    return value


def _long_enough(value: SecretStr) -> SecretStr:
    if 0 < len(value.get_secret_value()) < SECRET_MIN:
        message = f"must have at least {SECRET_MIN} characters"
        raise ValueError(message)
    return value


def _redis_url(value: SecretStr) -> SecretStr:
    """Check an address that three libraries read (redis-py, kombu, Celery's results), and make it mean the same to all.

    Over TLS a server's certificate is verified unless the address says otherwise: of the three one would, one would not, and
    one would refuse an address that leaves it open.
    """
    parts = urlsplit(value.get_secret_value())
    try:
        known = parts.scheme in ("redis", "rediss") and parts.hostname and parts.port != 0
        query = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        known, query = False, {}
    if not known or not re.fullmatch(r"/?|/\d+/?", parts.path):
        message = (
            "must be redis://:password@host:6379/0, or rediss:// for TLS; "
            "in a password / @ : ? # are written %2F %40 %3A %3F %23"
        )
        raise ValueError(message)
    if parts.scheme == "rediss":
        asked = query.get("ssl_cert_reqs", "required").lower().removeprefix("cert_")
        if asked not in ("required", "optional", "none"):
            message = "has an ssl_cert_reqs that is none of required, optional, none"
            raise ValueError(message)
        query["ssl_cert_reqs"] = asked
    return SecretStr(urlunsplit(parts._replace(query=urlencode(query))))


def _proxy(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if text:
        parts = urlsplit(text)
        try:
            known = (
                parts.scheme in ("http", "https")
                and parts.hostname
                and parts.port
                and not parts.path.strip("/")
            )
        except ValueError:
            known = False
        if not known:
            message = "must be http://host:port or http://user:password@host:port"
            raise ValueError(message)
    return value


def _mongo_uri(value: SecretStr) -> SecretStr:
    """Check the part of an address that its driver quotes in errors: user, password and hosts.

    The options behind them are the driver's to check.
    """
    if not _MONGO_URI.fullmatch(value.get_secret_value()):
        message = (
            "must be mongodb://user:password@host:27017/?replicaSet=rs0, or mongodb+srv://…; "
            "in a user name or password / @ : ? # % are written %2F %40 %3A %3F %23 %25"
        )
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


def _host(value: Any) -> Any:
    if isinstance(value, str) and value:
        parts = urlsplit(f"//{value}")
        if "://" in value or parts.netloc != value or not parts.hostname:
            message = "must be host or host:port, without http:// and without a path"
            raise ValueError(message)
    return value


def _public_host(value: Any) -> Any:
    """Check what readers outside see: a host, and perhaps its own scheme before it."""
    if isinstance(value, str) and "://" in value:
        parts = urlsplit(value.rstrip("/"))
        if parts.scheme not in ("http", "https") or value.rstrip("/") != _origin_of(parts):
            message = "must be host:port or https://host, without a path"
            raise ValueError(message)
        return value.rstrip("/")
    return _host(value)


#: host:port, as clients take it that know the scheme from another setting.
Host = Annotated[str, BeforeValidator(_host)]
PublicHost = Annotated[str, BeforeValidator(_public_host)]
_WORD = r"(?:[^@:/?#\[\]%\s]|%[0-9A-Fa-f]{2})"
_MEMBER = rf"(?:\[[0-9A-Fa-f:.]+(?:%\w+)?\]|{_WORD}+)(?::\d{{1,5}})?"
_MONGO_URI = re.compile(
    rf"mongodb(?:\+srv)?://(?:{_WORD}+(?::{_WORD}*)?@)?{_MEMBER}(?:,{_MEMBER})*(?:/[\w-]*)?(?:\?[^@\s]*)?",
    re.ASCII,
)
MongoAddress = Annotated[SecretStr, AfterValidator(_mongo_uri)]
ProxyAddress = Annotated[SecretStr, AfterValidator(_proxy)]
RedisAddress = Annotated[SecretStr, AfterValidator(_redis_url)]
HttpAddress = Annotated[str, BeforeValidator(_http_url)]
MetadataToken = Annotated[SecretStr, AfterValidator(_metadata)]
#: A key that signs: shorter ones could be found by trying.
SECRET_MIN = 32
Signing = Annotated[SecretStr, AfterValidator(_long_enough)]
Origins = Annotated[str, BeforeValidator(_origins)]
_ONE_RATE = r"[1-9]\d{0,8}/(?:[1-9]\d{0,3} ?)?(?:second|minute|hour|day)s?"
#: As the `limits` library writes them: 10/minute, or several of them with semicolons, all of which hold.
Rate = Annotated[str, Field(pattern=rf"^{_ONE_RATE}(?:; ?{_ONE_RATE})*$")]
