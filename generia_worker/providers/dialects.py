"""How each text server is asked: the best form of a request that it has not refused yet. Shared by all threads."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from enum import IntEnum

log = logging.getLogger(__name__)

_FORMAT_WORDS = (
    "response_format",
    "json_schema",
    "json_object",
    "structured output",
    "require_parameters",
    # OpenRouter's words for: no provider of this model has what require_parameters insists on.
    "requested parameters",
)
_LIMITS_WORDS = (
    "invalid schema",
    "minitems",
    "maxitems",
    "maxlength",
    # Gemini's words for: the limits of this schema are too many to be held; and llama.cpp's.
    "too many states",
    "failed to parse grammar",
    "failed to initialize samplers",
    "repetitions",
)
_REFUSALS = frozenset({400, 404, 422})


class ResponseFormat(IntEnum):
    """How a server is asked for JSON, from the best to what always works."""

    BOUNDED_SCHEMA = 0
    JSON_SCHEMA = 1
    JSON_OBJECT = 2
    PROMPT = 3


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one model of one server is asked.

    `tokens_parameter` names the limit of the answer's length: newer models of OpenAI want `max_completion_tokens`.
    `temperature` is False where none may be given.
    """

    response_format: ResponseFormat = ResponseFormat.BOUNDED_SCHEMA
    tokens_parameter: str = "max_tokens"
    temperature: bool = True

    def simpler(self, status: int, detail: str) -> Dialect | None:
        """Return how to ask in place of a request that was refused in these words; None when it was refused for another
        reason.

            >>> Dialect().simpler(400, "Use 'max_completion_tokens' instead.").tokens_parameter
            'max_completion_tokens'
        """
        if status not in _REFUSALS:
            return None
        words = detail.lower()
        if self.tokens_parameter == "max_tokens" and "max_completion_tokens" in words:
            return replace(self, tokens_parameter="max_completion_tokens")
        if self.temperature and "temperature" in words:
            return replace(self, temperature=False)
        if self.response_format is ResponseFormat.BOUNDED_SCHEMA and any(
            one in words for one in _LIMITS_WORDS
        ):
            return replace(self, response_format=ResponseFormat.JSON_SCHEMA)
        if self.response_format is not ResponseFormat.PROMPT and any(word in words for word in _FORMAT_WORDS):
            # Who knows no schemas knows none without limits either.
            wanted = max(self.response_format, ResponseFormat.JSON_SCHEMA) + 1
            return replace(self, response_format=ResponseFormat(wanted))
        return None


#: So many dialects are tried at most: each format, and a step down for either parameter.
DIALECTS_MOST = len(ResponseFormat) + 2


class Dialects:
    """Remembers the dialect of each (server, model)."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Dialect] = {}
        self._lock = threading.Lock()

    def get(self, base_url: str, model: str) -> Dialect:
        """Return how to ask now."""
        return self._known.get((base_url, model), Dialect())

    def refused(self, base_url: str, model: str, used: Dialect, status: int, detail: str) -> bool:
        """True when a refusal is about the dialect that was used: the next one is remembered, so ask again.

        A refusal that others noticed before changes nothing.
        """
        simpler = used.simpler(status, detail)
        if simpler is None:
            return False
        with self._lock:
            if self.get(base_url, model) == used:
                self._known[base_url, model] = simpler
                log.warning("%s is asked in a simpler way from now on (%s): %s", model, simpler, detail)
        return True
