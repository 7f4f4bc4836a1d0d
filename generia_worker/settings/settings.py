"""Every setting, in one place: the only reader of the environment.

Each setting is an environment variable `GENERIA_<NAME>` (or a line in `.env`). `OPENROUTER_API_KEY` and
`RUNWARE_API_KEY` are also read under these, their usual names. A secret may stand in a file that `<NAME>_FILE` names. A
malformed value or an unknown `GENERIA_…` name stops the program at start with a message that names the variable. Units are
in the names: `_s` seconds, `_usd` dollars.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import (
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.sources import DotEnvSettingsSource

from generia_worker.settings.secret_files import SUFFIX, SecretFiles
from generia_worker.settings.types import (
    Host,
    HttpAddress,
    MetadataToken,
    MongoAddress,
    Origins,
    ProxyAddress,
    PublicHost,
    Rate,
    RedisAddress,
    Signing,
)
from generia_worker.text import conceal, without_user_info

log = logging.getLogger(__name__)

PREFIX = "GENERIA_"
#: Set by a stack for its programs: they were given every setting, and read no `.env` beside it.
INHERITED = "GENERIA_INHERITED"
#: Each secret that is sent, and the addresses that it is sent to.
SENT_TO: Mapping[str, tuple[str, ...]] = {
    "llm_api_key": ("llm_base_url",),
    "image_api_key": ("image_base_url",),
    "api_token": ("api_url",),
    "rpc_token": (
        "world_service",
        "character_service",
        "post_service",
        "media_service",
        "interaction_service",
    ),
}
OPENROUTER_URL = "https://openrouter.ai/api/v1"
RUNWARE_URL = "https://api.runware.ai/v1"


class SettingsError(ValueError):
    """Raised when the environment or `.env` holds a malformed or unknown setting; the message names the variable."""


class Settings(BaseSettings):
    """The settings of one process. Immutable; secrets are masked in its repr."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding="utf-8",
        # Also lets OPENROUTER_API_KEY count beside an empty GENERIA_LLM_API_KEY.
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    # --- servers -----------------------------------------------------------------------------------------------
    #: MongoDB, a replica set (transactions need one).
    mongo_uri: MongoAddress = SecretStr("mongodb://127.0.0.1:27017/?replicaSet=rs0")
    #: Name of the database that holds all collections.
    mongo_database: str = Field(default="generia", pattern=r"^[A-Za-z0-9_-]{1,38}$")
    #: Upper bound of connections of one process to MongoDB.
    mongo_max_pool_size: int = Field(default=100, ge=1, le=1000)
    #: Time in which MongoDB must have a primary, after which a step is given back; an answer may take three times as long.
    mongo_timeout_s: float = Field(default=10, ge=1, le=120)
    #: Redis: the broker, the results (all empty) and the shared limits; over TLS with `rediss://`, verified unless it says
    #: `?ssl_cert_reqs=none`; `ssl_ca_certs` names a file with an authority of your own.
    redis_url: RedisAddress = SecretStr("redis://127.0.0.1:6379/0")
    #: Time in which Redis must connect and answer; kombu's own default is to wait for ever.
    redis_timeout_s: float = Field(default=10, ge=2, le=120)
    #: host:port of the S3 server (no scheme), its region, credentials and bucket.
    s3_endpoint: Host = "127.0.0.1:9000"
    s3_access_key: SecretStr = SecretStr("generia")
    s3_secret_key: SecretStr = SecretStr("generia-local-only")
    s3_secure: bool = False
    s3_region: str = "us-east-1"
    s3_bucket: str = Field(default="generia-images", pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    #: host:port as readers of signed URLs reach the S3 server, or `https://host` where that has another scheme than
    #: `s3_secure` says; empty: the same as `s3_endpoint`.
    s3_public_endpoint: PublicHost = ""

    # --- gRPC services of the platform -------------------------------------------------------------------------
    #: host:port of each service.
    world_service: str = "127.0.0.1:50051"
    character_service: str = "127.0.0.1:50052"
    post_service: str = "127.0.0.1:50053"
    media_service: str = "127.0.0.1:50054"
    #: host:port of the service of likes and comments; empty: there are none.
    interaction_service: str = ""
    #: What every call of these services brings along, and the reference services ask for; empty: nothing. Others ignore it.
    rpc_token: MetadataToken = SecretStr("")
    #: Deadline of one gRPC call.
    rpc_timeout_s: float = Field(default=15, gt=0, le=120)

    # --- the enqueue endpoint ----------------------------------------------------------------------------------
    #: Where clients reach the enqueue endpoint, and where `generia api` binds.
    api_url: HttpAddress = "http://127.0.0.1:8080"
    api_bind: str = "127.0.0.1:8080"
    #: Bearer token of the enqueue endpoint; empty is allowed on loopback only.
    api_token: SecretStr = SecretStr("")
    #: What a day (UTC) allows: worlds that one person may order, dollars that one person's worlds may cost, and dollars that
    #: all worlds may cost; empty: no limit. Dollars need the prices of the models, as budgets do.
    daily_worlds_person: int | None = Field(default=None, ge=0, le=100_000)
    daily_usd_person: float | None = Field(default=None, ge=0, le=1_000_000)
    daily_usd_all: float | None = Field(default=None, ge=0, le=1_000_000)
    #: How many comments a day (UTC) the characters of one world reply to, where that is on: of all people, and of each.
    daily_replies_world: int = Field(default=100, ge=0, le=10_000)
    daily_replies_person: int = Field(default=10, ge=0, le=10_000)
    #: Whether the endpoint shows what there is to call as a page, `/docs`.
    api_docs: bool = False
    #: Clients that may follow worlds at one process of the endpoint at the same time.
    api_streams_max: int = Field(default=2000, ge=1, le=100_000)

    # --- the gateway -------------------------------------------------------------------------------------------
    #: Where people reach the gateway (with https its cookies are for https only), and where `generia gateway` binds.
    gateway_url: HttpAddress = "http://127.0.0.1:8000"
    gateway_bind: str = Field(default="127.0.0.1:8000", pattern=r"^.+:\d{1,5}$")
    #: Who may register: anybody, those whom `generia users invite` gave a link, or nobody.
    gateway_registration: Literal["open", "invitation", "closed"] = "open"
    #: Whether the dollars are simulated: the page says so beside them. A stack without keys sets it.
    simulated: bool = False
    #: Signs access tokens, sessions and tickets; at least 32 characters. The gateway does not start without it.
    jwt_secret: Signing = SecretStr("")
    #: How long an access token is good for, and how long the session of a browser lasts.
    access_token_s: int = Field(default=3600, ge=60, le=86_400)
    session_s: int = Field(default=7 * 86_400, ge=60, le=90 * 86_400)
    #: Origins of other sites whose pages may call the gateway with a token, separated by commas; empty: none.
    gateway_cors_origins: Origins = ""
    #: Addresses of proxies (separated by commas) that are believed about the caller's address and https; empty: none.
    gateway_trusted_proxies: str = ""
    #: Connections of one process at most, twice `gateway_streams_max` or more.
    gateway_connections_max: int = Field(default=2000, ge=50, le=100_000)
    #: Streams that may be open at one process of the gateway, of one person and from one address.
    gateway_streams_max: int = Field(default=500, ge=1, le=50_000)
    gateway_streams_person: int = Field(default=20, ge=1, le=50_000)
    gateway_streams_address: int = Field(default=100, ge=1, le=50_000)
    #: How often one address may register, and try passwords: of one account in vain, and of all accounts; and how often a
    #: person may make a world.
    gateway_rate_register: Rate = "20/hour"
    gateway_rate_login: Rate = "10/minute"
    gateway_rate_address: Rate = "60/minute"
    gateway_rate_create: Rate = "30/hour"
    #: Likes and comments of a person.
    gateway_rate_react: Rate = "60/minute"

    # --- text model --------------------------------------------------------------------------------------------
    #: Any server that speaks OpenAI's chat completions.
    llm_base_url: HttpAddress = OPENROUTER_URL
    #: Its key; `OPENROUTER_API_KEY` is read too. May stay empty for local servers.
    llm_api_key: SecretStr = Field(
        default=SecretStr(""), validation_alias=AliasChoices("GENERIA_LLM_API_KEY", "OPENROUTER_API_KEY")
    )
    #: The model, as that server names it.
    llm_model: str = Field(default="google/gemini-2.5-flash", min_length=1, max_length=200)
    #: How freely it writes.
    llm_temperature: float = Field(default=0.9, ge=0, le=2)
    #: Overall deadline of one text call, whatever the server trickles.
    llm_timeout_s: float = Field(default=120, gt=0, le=900)
    #: Upper bound of one answer.
    llm_max_tokens: int = Field(default=8000, ge=256, le=128_000)
    #: Prices per million tokens, for servers that bill no cost themselves; empty: unknown.
    llm_price_input_usd_per_mtok: float | None = Field(default=None, ge=0)
    llm_price_output_usd_per_mtok: float | None = Field(default=None, ge=0)
    #: Calls in flight at most, over all workers.
    llm_concurrency: int = Field(default=50, ge=1, le=10_000)

    # --- images ------------------------------------------------------------------------------------------------
    #: Any server that speaks Runware's image API.
    image_base_url: HttpAddress = RUNWARE_URL
    #: Its key; `RUNWARE_API_KEY` is read too.
    image_api_key: SecretStr = Field(
        default=SecretStr(""), validation_alias=AliasChoices("GENERIA_IMAGE_API_KEY", "RUNWARE_API_KEY")
    )
    #: The model, as that server names it.
    image_model: str = Field(default="runware:100@1", min_length=1, max_length=200)
    #: Overall deadline of one image call.
    image_timeout_s: float = Field(default=120, gt=0, le=900)
    #: Price of one image of up to a megapixel, for budgets, estimates, and where the answer carries none; empty: unknown.
    image_price_usd: float | None = Field(default=None, ge=0)
    #: Calls in flight at most, over all workers.
    image_concurrency: int = Field(default=30, ge=1, le=10_000)
    #: Sides in pixels, multiples of 64: the cover is `cover_width` x `cover_height`, all others are square.
    cover_width: int = Field(default=1024, ge=128, le=2048, multiple_of=64)
    cover_height: int = Field(default=512, ge=128, le=2048, multiple_of=64)
    icon_size: int = Field(default=512, ge=128, le=2048, multiple_of=64)
    avatar_size: int = Field(default=768, ge=128, le=2048, multiple_of=64)
    post_image_size: int = Field(default=1024, ge=128, le=2048, multiple_of=64)
    #: What the image API is asked to encode.
    image_format: Literal["PNG", "JPG", "WEBP"] = "JPG"
    #: Upper bound of one image file.
    image_max_bytes: int = Field(default=20_000_000, ge=10_000, le=100_000_000)
    #: Connections of one process over all HTTP hosts at most.
    http_max_connections: int = Field(default=128, ge=1, le=2000)
    #: Time to connect to any HTTP server.
    http_connect_timeout_s: float = Field(default=5, gt=0, le=60)
    #: Proxy for the providers of texts and pictures, http://user:password@host:port; addresses of this machine and private
    #: ones are called without it. What the environment says of proxies (HTTP_PROXY …) is never used.
    provider_proxy: ProxyAddress = SecretStr("")

    # --- steps -------------------------------------------------------------------------------------------------
    #: How long a claimed step belongs to its worker; renewed every `lease_renew_s`.
    lease_s: float = Field(default=20, gt=0, le=600)
    lease_renew_s: float = Field(default=5, gt=0, le=200)
    #: No lease of a step is renewed beyond this age; must be below the broker's visibility timeout.
    step_deadline_s: float = Field(default=600, gt=0, le=7200)
    visibility_timeout_s: float = Field(default=1800, gt=0, le=43_200)
    #: Attempts of one step at transient errors in a row, without getting further; the backoff doubles, with jitter.
    step_max_retries: int = Field(default=6, ge=0, le=50)
    retry_backoff_s: float = Field(default=0.5, gt=0, le=60)
    retry_backoff_max_s: float = Field(default=30, gt=0, le=600)
    #: How long an outage of a provider is waited out without spending attempts.
    outage_max_s: float = Field(default=3600, ge=0, le=86_400)
    #: How long a worker tries to record an answer that was paid for while MongoDB is away.
    record_patience_s: float = Field(default=300, ge=0, le=3600)
    #: A longer wait gives the thread back (the step is scheduled in MongoDB).
    park_after_s: float = Field(default=2, ge=0, le=30)
    #: How often a model is asked again when its answer does not fit.
    max_reasks: int = Field(default=2, ge=0, le=5)
    #: At a stop: how long running steps may take to finish.
    grace_s: float = Field(default=25, ge=0, le=900)
    #: Concepts asked for in one call, and posts planned in one call.
    cast_batch_size: int = Field(default=10, ge=1, le=20)
    plan_batch_size: int = Field(default=25, ge=1, le=50)
    #: Folder of the prompt templates; empty: the ones that come with the package.
    prompts_dir: Path | None = None

    # --- workers -----------------------------------------------------------------------------------------------
    #: Threads of one worker process (also sizes its broker pool). Where it is not set, `generia up` starts no more
    #: processes for a provider than half of the cores, each with more threads if the provider's slots need that.
    worker_threads: int = Field(default=64, ge=1, le=512)
    #: How often waiting steps that are due are published again, and how often open worlds are projected whether anybody
    #: asked for that or not (where there are many: each once in six times).
    pump_every_s: float = Field(default=0.5, gt=0, le=60)
    sweep_every_s: float = Field(default=5, gt=0, le=600)
    #: A world's status document is brought up to date at most so often; what happens in between comes together.
    progress_every_s: float = Field(default=0.5, ge=0, le=10)
    #: How often lost steps are looked for, and how long a publication may be under way before it counts as lost.
    recover_every_s: float = Field(default=10, gt=0, le=600)
    publish_timeout_s: float = Field(default=10, gt=0, le=600)

    # --- metrics -----------------------------------------------------------------------------------------------
    #: Where the workers of one machine keep what they count; empty: `metrics` in `data_dir`.
    metrics_dir: Path | None = None
    #: Where `generia exporter` binds.
    metrics_bind: str = Field(default="127.0.0.1:9464", pattern=r"^.+:\d{1,5}$")

    # --- Flower ------------------------------------------------------------------------------------------------
    #: Where `generia flower` binds.
    flower_bind: str = Field(default="127.0.0.1:5555", pattern=r"^.+:\d{1,5}$")
    #: Who may look, and the password; Flower does not start without one.
    flower_user: str = Field(default="generia", pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    flower_password: SecretStr = SecretStr("")

    # --- simulator and embedded stack --------------------------------------------------------------------------
    #: Where `generia simulator` binds.
    simulator_bind: str = "127.0.0.1:8090"
    #: The same seed and the same requests give the same texts and pictures.
    simulator_seed: int = 1
    #: JSON of the simulator's behaviours at start; empty: well-behaved.
    simulator_behaviour: str = ""
    #: Where the embedded stack keeps its data.
    data_dir: Path = Path("~/.local/share/generia")
    #: What the processes write to their logs, and how: lines for people, JSON for programs; auto: lines in a terminal.
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["auto", "text", "json"] = "auto"
    #: Where traces go: an OpenTelemetry collector's address for OTLP over HTTP, like http://localhost:4318; empty: nowhere.
    otlp_endpoint: str = Field(default="", pattern=r"^(https?://\S+)?$")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - given by its caller
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read files of secrets that the environment names after the environment, and those that `.env` names after it."""
        written = getattr(dotenv_settings, "env_vars", {})
        upper = {key.upper(): value for key, value in written.items()}
        names = secret_variables()
        return (
            init_settings,
            env_settings,
            SecretFiles(settings_cls, names, dict(os.environ)),
            dotenv_settings,
            SecretFiles(settings_cls, names, upper),
        )

    @property
    def s3_public_url(self) -> str:
        """Scheme, host and port under which readers of signed URLs reach the S3 server."""
        found = self.s3_public_endpoint or self.s3_endpoint
        return found if "://" in found else f"{'https' if self.s3_secure else 'http'}://{found}"

    @model_validator(mode="before")
    @classmethod
    def _empty_is_unset(cls, values: Any) -> Any:
        """An empty string means the default, as in `.env.example`; secrets may be empty."""
        if isinstance(values, dict):
            return {k: v for k, v in values.items() if v != ""}
        return values

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.lease_renew_s * 2 < self.lease_s:
            message = "GENERIA_LEASE_RENEW_S must be less than half of GENERIA_LEASE_S"
            raise ValueError(message)
        if not self.lease_s < self.step_deadline_s < self.visibility_timeout_s:
            message = "GENERIA_LEASE_S < GENERIA_STEP_DEADLINE_S < GENERIA_VISIBILITY_TIMEOUT_S must hold"
            raise ValueError(message)
        if not self.gateway_streams_max * 2 <= self.gateway_connections_max:
            message = "GENERIA_GATEWAY_STREAMS_MAX must leave half of GENERIA_GATEWAY_CONNECTIONS_MAX to other calls"
            raise ValueError(message)
        if max(self.llm_timeout_s, self.image_timeout_s) >= self.step_deadline_s:
            message = (
                "GENERIA_LLM_TIMEOUT_S and GENERIA_IMAGE_TIMEOUT_S must be below GENERIA_STEP_DEADLINE_S"
            )
            raise ValueError(message)
        return self

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Return what a repr shows: secrets are masked, and addresses have no user in them."""
        for name, value in super().__repr_args__():
            yield name, without_user_info(value) if isinstance(value, str) and "://" in value else value

    @property
    def uses_openrouter(self) -> bool:
        """True when text comes from OpenRouter itself, which knows `provider` and `usage` options."""
        return "openrouter.ai" in self.llm_base_url

    @property
    def metrics_folder(self) -> Path:
        """Where the workers of this machine keep what they count."""
        return self.metrics_dir or self.data_dir.expanduser() / "metrics"

    def environment(self, secrets: Collection[str] | None = None) -> dict[str, str]:
        """Return what a child process needs in its environment to have these very settings.

        With `secrets`, names of settings, it has of all secrets those alone.
        """
        env: dict[str, str] = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if value is None:
                continue
            if isinstance(value, SecretStr):
                if secrets is not None and name not in secrets:
                    continue
                value = value.get_secret_value()
            elif isinstance(value, bool):
                value = str(value).lower()
            env[PREFIX + name.upper()] = str(value)
        return env


def secret_variables() -> dict[str, str]:
    """Return the variables that hold secrets, each with the name under which its setting is given to `Settings`."""
    names = {}
    for field, info in Settings.model_fields.items():
        if info.annotation is SecretStr:
            names[PREFIX + field.upper()] = field
    return names | {"OPENROUTER_API_KEY": "llm_api_key", "RUNWARE_API_KEY": "image_api_key"}


def concealed(settings: Settings) -> Settings:
    """Return the settings, their secrets known from now on as what no message, log or document may hold."""
    conceal(_secret_values(settings))
    return settings


def _secret_values(settings: Settings) -> Iterator[str]:
    """Yield every secret: of an address its user info, of everything else the whole; what is public as a default is none."""
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if value == field.default:
            continue
        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        if "://" in text:
            yield from _user_info(text)
        elif isinstance(value, SecretStr):
            yield text


def _user_info(address: str) -> Iterator[str]:
    """Yield the password of an address as it stands there and as it is meant, or its user where that is all there is."""
    try:
        parts = urlsplit(address)
        secret = parts.password or (parts.username if parts.scheme.startswith("http") else "")
    except ValueError:
        return
    if secret:
        yield from {secret, unquote(secret)}


def _unknown_names(environ: Mapping[str, str]) -> list[str]:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    known |= {name + SUFFIX for name in secret_variables()} | {INHERITED}
    named = {key.upper() for key in (*environ, *_written(environ))}
    return sorted(key for key in named if key.startswith(PREFIX) and key not in known)


def _written(environ: Mapping[str, str]) -> dict[str, str | None]:
    """Return the variables of `.env`, in capitals."""
    if environ.get(INHERITED):
        return {}
    return {name.upper(): value for name, value in DotEnvSettingsSource(Settings).env_vars.items()}


def _check_sources(settings: Settings, overrides: Mapping[str, Any]) -> None:
    """Raise SettingsError where a secret of the environment would be sent to an address that `.env` names.

    Whoever made the folder that a command is run in wrote its `.env`. The other way round it is said, and done.
    """
    given = {name.upper(): value for name, value in os.environ.items()}
    written = _written(os.environ)

    def source_of(field: str) -> str:
        names = [PREFIX + field.upper()]
        names += [name for name, one in secret_variables().items() if one == field and name not in names]
        names += [name + SUFFIX for name in names]
        if field in overrides or any(given.get(name) for name in names):
            return "the environment"
        return ".env" if any(written.get(name) for name in names) else ""

    for secret, fields in SENT_TO.items():
        for field in fields:
            sources = (source_of(secret), source_of(field))
            if sources[0] == sources[1] or "" in sources:
                continue
            if getattr(settings, field) == Settings.model_fields[field].default:
                continue
            key, address = PREFIX + secret.upper(), PREFIX + field.upper()
            if sources[1] == ".env":
                message = (
                    f"{address} stands in .env and its secret ({key}) in the environment: a secret is not sent to an "
                    "address from a folder that anybody may have made. Set both in the same place."
                )
                raise SettingsError(message)
            log.warning("%s, of the environment, is sent the secret that stands in .env (%s).", address, key)


def load_settings(**overrides: Any) -> Settings:
    """Read the settings from the environment and `.env`; `overrides` win.

    Raises:
        SettingsError: a value is malformed, two contradict each other, or a name is unknown; the message names
            the variable and never shows the value of a secret.
    """
    unknown = _unknown_names(os.environ)
    if unknown:
        message = f"Unknown setting {', '.join(unknown)}: see .env.example for the names that exist."
        raise SettingsError(message)
    if os.environ.get(INHERITED):
        overrides.setdefault("_env_file", None)
    try:
        settings = concealed(Settings(**overrides))
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None
    except ValueError as error:  # a file of a secret
        raise SettingsError(str(error)) from None
    if "_env_file" not in overrides:
        _check_sources(settings, overrides)
    return settings


def _explain(error: ValidationError) -> str:
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        name = str(problem["loc"][0]) if problem["loc"] else ""
        if name and not name.startswith(PREFIX) and name in Settings.model_fields:
            name = PREFIX + name.upper()
        text = problem["msg"].removeprefix("Value error, ")
        lines.append(f"{name}: {text}" if name else text)
    return "Wrong settings:\n  " + "\n  ".join(lines)


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Return the settings of this process, read once. Raises SettingsError."""
    return load_settings()
