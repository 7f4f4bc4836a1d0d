"""What a provider's refusal means for us: wait, give up, or stop the world."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from generia_worker.errors import GeneriaError, PermanentError, TransientError
from generia_worker.providers.http import HttpReply, parse_retry_after
from generia_worker.text import quote, redact, redact_json, storable

#: Escapes in JSON that may stand for what cannot be stored.
_ESCAPES = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
#: Refusals that everybody gets for now: waiting is no attempt.
_OUTAGES = frozenset({429, 503, 529})
_RETRYABLE = frozenset({408, 409, 425})
#: What a provider says, beside 402, when nothing more can be paid with a key: nobody's waiting helps.
_NO_CREDIT = re.compile(
    r"(?i)(?:key|credit|spend(?:ing)?) limit|insufficient (?:quota|credits?|funds|balance)"
)
_NO_CREDIT_CODES = frozenset({"insufficient_quota", "insufficientCredits", "insufficient_credits"})
#: Some providers repeat the key that they refuse.
_KEYS = re.compile(r"(?i)\bbearer\s+\S+|\b(?:sk|rw|sim)-[\w-]{6,}")


def read_json(body: bytes) -> Any:
    """Return the JSON of a body, or None where it is none (an HTML page of a proxy).

    Without what no database takes: NUL, and halves of characters (an emoji that was cut in two). It was paid for. And
    without configured secrets: this is the one door through which the answers of providers come in.
    """
    try:
        try:
            value = json.loads(body)
        except UnicodeDecodeError:
            value = json.loads(body.decode("utf-8-sig", "replace"))
        return redact_json(storable(value) if _ESCAPES.search(body) else value)
    except (ValueError, RecursionError):
        return None


def code_of(value: Any) -> str:
    """Return the code or type that a provider gives an error, "" without one."""
    error = value.get("error") if isinstance(value, dict) else None
    errors = value.get("errors") if isinstance(value, dict) else None
    if isinstance(errors, list) and errors:
        error = errors[0]
    codes = [error.get("code"), error.get("type")] if isinstance(error, dict) else []
    return next((code for code in codes if isinstance(code, str)), "")


def said(value: Any) -> str:
    """Return what a provider says of an error, whatever shape it has, in 300 characters of plain text."""
    if isinstance(value, dict):
        inner = value.get("error", value.get("errors", value))
        if isinstance(inner, list):
            inner = inner[0] if inner else ""
        value = inner.get("message", "") if isinstance(inner, dict) else inner
    return quote(_KEYS.sub("…", redact(value)), 300) if isinstance(value, str) else ""


def refusal(
    provider: str, status: int, detail: str, reply: HttpReply | None, key_name: str, *, code: str = ""
) -> GeneriaError:
    """Return the error for a refusal with this status; `provider` is "text" or "image", `key_name` its key's setting."""
    shown = f": {detail}" if detail else ""
    if status == 401:
        message = f"The {provider} provider refuses the key: check {key_name}{shown}"
        return PermanentError(message, fatal_to_world=True)
    if status == 402 or code in _NO_CREDIT_CODES or (status == 403 and _NO_CREDIT.search(detail)):
        message = f"The {provider} provider reports that there is no credit left: top up the account{shown}"
        return PermanentError(message, fatal_to_world=True)
    if status in _OUTAGES or status in _RETRYABLE or status >= 500:
        pause = parse_retry_after(reply.headers.get("retry-after") if reply else None, datetime.now(UTC))
        message = f"The {provider} provider answered HTTP {status}{shown}"
        return TransientError(message, retry_after_s=pause, outage=status in _OUTAGES)
    return PermanentError(f"The {provider} provider refused the request with HTTP {status}{shown}")
