"""How the simulator misbehaves: every switch, with its bounds. Unknown keys are refused.

A switch that is a probability may be one number (both providers) or `{"llm": 0.1, "images": 0}`. Nothing is on by
default.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from generia_worker.errors import ConfigurationError

Provider = Literal["llm", "images"]
Probability = Annotated[float, Field(ge=0, le=1)]
CostMode = Literal["normal", "missing", "null", "zero"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    def of(self, provider: Provider) -> Any:
        """Return the value that holds for this provider."""
        return getattr(self, provider)


def _both(value: Any) -> Any:
    """Read a bare value as one that holds for both providers."""
    return value if isinstance(value, dict | BaseModel) else {"llm": value, "images": value}


def _llm_only(value: Any) -> Any:
    return value if isinstance(value, dict | BaseModel) else {"llm": value}


class _Rates(_Part):
    llm: Probability = 0
    images: Probability = 0


class _Costs(_Part):
    llm: CostMode = "normal"
    images: CostMode = "normal"


class _Counts(_Part):
    llm: int | None = Field(default=None, ge=1)
    images: int | None = Field(default=None, ge=1)


class Latency(_Part):
    """How long one provider takes: `fixed_s`, or normally distributed around `mean_s` (never below a fifth of it)."""

    mean_s: float = Field(default=0, ge=0, le=600)
    sigma_s: float = Field(default=0, ge=0, le=600)
    fixed_s: float | None = Field(default=None, ge=0, le=3600)


class _Latencies(_Part):
    llm: Latency = Latency()
    images: Latency = Latency()


class Bucket(_Part):
    """A token bucket: so many calls a second, so many at once; beyond it calls get 429."""

    per_s: float = Field(gt=0, le=10_000)
    burst: int = Field(default=1, ge=1, le=10_000)


class _Buckets(_Part):
    llm: Bucket | None = None
    images: Bucket | None = None


class Window(_Part):
    """Faults happen only after the first `after` calls of a provider, and only to the `first` calls from there on."""

    after: int = Field(default=0, ge=0)
    first: int | None = Field(default=None, ge=1)

    def holds(self, call_number: int) -> bool:
        """True when the call with this number (from 1) lies in the window."""
        return self.after < call_number and (self.first is None or call_number <= self.after + self.first)


Rates = Annotated[_Rates, BeforeValidator(_both)]


class Behaviour(_Part):
    """All switches of the simulator at one time; `PUT /_sim/behaviour` replaces them, `PATCH` changes some."""

    # --- time --------------------------------------------------------------------------------------------------
    latency: _Latencies = _Latencies()
    #: Some calls take `slow_tail_s` longer.
    slow_tail: Rates = _Rates()
    slow_tail_s: float = Field(default=30, ge=0, le=3600)
    #: `GET /api/v1/generation` answers 404 for so long after the call.
    generation_delay_s: float = Field(default=0, ge=0, le=600)

    # --- the transport -----------------------------------------------------------------------------------------
    #: The call never gets an answer, and is billed.
    hang: Rates = _Rates()
    #: The connection ends in the middle of the body; billed.
    reset: Rates = _Rates()
    #: Blank lines come before the body, for `padding_s` in all.
    padding: Rates = _Rates()
    padding_s: float = Field(default=1, ge=0, le=3600)

    # --- refusals, not billed ----------------------------------------------------------------------------------
    rate_429: Rates = _Rates()
    bucket: _Buckets = _Buckets()
    #: What Retry-After says, in seconds; null: the header is left out.
    retry_after_s: float | None = Field(default=1, ge=0, le=3600)
    #: Retry-After as an HTTP date in place of seconds.
    retry_after_date: bool = False
    #: A mix of 500, 502 (HTML), 503, 504, 524 and 529.
    rate_5xx: Rates = _Rates()
    #: Any other status by its number.
    status_rates: dict[Annotated[int, Field(ge=400, le=599)], Rates] = Field(
        default_factory=dict, max_length=30
    )
    #: 500 with the error as a plain string, as Ollama does it.
    string_error: Probability = 0
    #: From the n-th billable call on there is no credit any more (402). A bare number means text calls.
    no_credit_after: Annotated[_Counts, BeforeValidator(_llm_only)] = _Counts()
    #: A request that holds one of these words is refused by moderation (403).
    forbidden_words: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(
        default=(), max_length=50
    )
    #: 400 for `response_format` of type json_schema, or json_object.
    no_json_schema: bool = False
    #: 400 for a schema that says how many or how long.
    no_schema_bounds: bool = False
    no_json_object: bool = False

    # --- money -------------------------------------------------------------------------------------------------
    #: `missing` and `null` hide what is charged all the same; `zero` charges nothing.
    cost: Annotated[_Costs, BeforeValidator(_both)] = _Costs()
    #: How many times the usual a picture costs.
    image_price_factor: float = Field(default=1, ge=0, le=10_000)
    #: The whole `usage` is left out.
    no_usage: bool = False

    # --- errors inside a 200, billed ---------------------------------------------------------------------------
    choice_error: Probability = 0
    bare_error: Probability = 0
    null_choices: Probability = 0

    # --- answers that look odd, each time ----------------------------------------------------------------------
    fences: Probability = 0
    prose: Probability = 0
    think: Probability = 0
    trailing_comma: Probability = 0
    extra_keys: Probability = 0
    #: Backslashes of LaTeX reach the JSON text unescaped.
    unescaped_latex: Probability = 0

    # --- answers that are wrong, and right after a re-ask unless stubborn --------------------------------------
    invalid_json: Probability = 0
    wrong_counts: Probability = 0
    wrong_types: Probability = 0
    missing_keys: Probability = 0
    duplicate_names: Probability = 0
    #: Cut off as if `max_tokens` had been reached; a re-ask or a repeated call may be whole.
    truncate: Probability = 0
    stubborn: bool = False
    #: The same request asked again gets another text.
    vary_answers: bool = False

    # --- images ------------------------------------------------------------------------------------------------
    #: A task of a request fails while the others succeed.
    image_failure: Probability = 0
    #: `data` comes in another order than the tasks.
    reorder_data: bool = False
    #: The picture is made and billed, but the answer says conflictTaskUUID.
    conflict: Probability = 0
    #: The bytes are cut off and damaged.
    corrupt_images: Probability = 0
    #: The picture is served as text/html.
    wrong_content_type: Probability = 0
    #: URLs of results are gone after so many seconds.
    url_expires_s: float | None = Field(default=None, ge=0, le=86_400)
    #: One picture a size and format for all prompts: for benchmarks.
    prerendered: bool = False

    #: When faults happen at all (latency and the modes are not affected).
    only: Window = Window()


def parse_behaviour(text: str) -> Behaviour:
    """Read the behaviours from the settings' JSON; empty means well-behaved.

    Raises:
        ConfigurationError: it is no JSON object of known switches; the message says which one is wrong.
    """
    try:
        return Behaviour.model_validate(json.loads(text) if text.strip() else {})
    except json.JSONDecodeError as error:
        message = f"GENERIA_SIMULATOR_BEHAVIOUR is no JSON: {error}"
        raise ConfigurationError(message) from None
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False)
        )
        message = f"GENERIA_SIMULATOR_BEHAVIOUR: {problems}"
        raise ConfigurationError(message) from None
