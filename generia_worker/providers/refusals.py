"""What a provider's refusal means for us: wait, give up, or stop the world."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from generia_worker.errors import GeneriaError, PermanentError, TransientError
from generia_worker.providers.http import HttpReply, parse_retry_after
from generia_worker.text import clean, clip

#: Refusals that everybody gets for now: waiting is no attempt.
_OUTAGES = frozenset({429, 503, 529})
_RETRYABLE = frozenset({408, 409, 425})
#: Some providers repeat the key that they refuse.
_KEYS = re.compile(r"(?i)\bbearer\s+\S+|\b(?:sk|rw|sim)-[\w-]{6,}")


def read_json(body: bytes) -> Any:
    """Return the JSON of a body, or None where it is none (an HTML page of a proxy)."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def said(value: Any) -> str:
    """Return what a provider says of an error, whatever shape it has, in 300 characters of plain text."""
    if isinstance(value, dict):
        inner = value.get("error", value.get("errors", value))
        if isinstance(inner, list):
            inner = inner[0] if inner else ""
        value = inner.get("message", "") if isinstance(inner, dict) else inner
    return (
        clip(" ".join(_KEYS.sub("…", clean(value[:20_000])).split()), 300) if isinstance(value, str) else ""
    )


def refusal(provider: str, status: int, detail: str, reply: HttpReply | None, key_name: str) -> GeneriaError:
    """Return the error for a refusal with this status; `provider` is "text" or "image", `key_name` its key's setting."""
    shown = f": {detail}" if detail else ""
    if status == 401:
        message = f"The {provider} provider refuses the key: check {key_name}{shown}"
        return PermanentError(message, fatal_to_world=True)
    if status == 402:
        message = f"The {provider} provider reports that there is no credit left: top up the account{shown}"
        return PermanentError(message, fatal_to_world=True)
    if status in _OUTAGES or status in _RETRYABLE or status >= 500:
        pause = parse_retry_after(reply.headers.get("retry-after") if reply else None, datetime.now(UTC))
        message = f"The {provider} provider answered HTTP {status}{shown}"
        return TransientError(message, retry_after_s=pause, outage=status in _OUTAGES)
    return PermanentError(f"The {provider} provider refused the request with HTTP {status}{shown}")
