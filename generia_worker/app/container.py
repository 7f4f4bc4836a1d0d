"""This process's shared resources: each made once, on first use (so after a fork), bounded, closed at shutdown."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import grpc
from redis import ConnectionError as RedisConnectionError
from redis import ReadOnlyError, Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from generia_worker.billing.allowances import Allowances, Caps
from generia_worker.billing.bills import Bills
from generia_worker.billing.calls import MeteredCalls
from generia_worker.billing.holds import Holds
from generia_worker.billing.prices import PriceTable
from generia_worker.billing.requests import Requests
from generia_worker.billing.slots import ProviderSlots
from generia_worker.engine import owners
from generia_worker.engine.generations import Generations
from generia_worker.engine.leases import LeaseKeeper
from generia_worker.engine.ledger import Ledger
from generia_worker.engine.recovery import Recovery
from generia_worker.engine.results import Results
from generia_worker.engine.step_rows import StepRows
from generia_worker.engine.watermarks import Watermarks
from generia_worker.providers.dialects import Dialects
from generia_worker.providers.http import HttpPool
from generia_worker.providers.images import ImageClient
from generia_worker.providers.llm import LlmClient
from generia_worker.providers.usage import Provider
from generia_worker.rpc.channel import open_channel
from generia_worker.rpc.character_client import CharacterClient
from generia_worker.rpc.interaction_client import InteractionClient
from generia_worker.rpc.media_client import MediaClient
from generia_worker.rpc.post_client import PostClient
from generia_worker.rpc.world_client import WorldClient
from generia_worker.settings import Settings, get_settings
from generia_worker.status.forecast import Forecast, Shape
from generia_worker.status.projection import StatusProjection
from generia_worker.status.refresh import StatusRefresh
from generia_worker.storage.database import Database
from generia_worker.storage.parameters import Parameters
from generia_worker.worlds.claims import Claims
from generia_worker.worlds.context import REPLIES, Services
from generia_worker.worlds.control import Control
from generia_worker.worlds.extension import Extensions
from generia_worker.worlds.reply_accounts import ReplyAccounts
from generia_worker.worlds.results import WorldParameters
from generia_worker.worlds.schedules import Schedules
from generia_worker.worlds.steps import STEPS
from generia_worker.worlds.templates import Prompts

T = TypeVar("T")


class _shared(Generic[T]):  # noqa: N801 - used like @property
    """An attribute that is made on first use, once, whichever thread comes first."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    def __get__(self, container: Any, owner: type | None = None) -> T:
        with container.lock:
            if self._name not in container.__dict__:
                container.__dict__[self._name] = self._make(container)
        made: T = container.__dict__[self._name]
        return made


class Container:
    """Everything a process needs to work on steps. Attributes are made on first use."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        #: Tells this process from every other one, also from one with the same pid after a restart.
        self.owner = owners.new_name()
        #: Set when the process is asked to stop: no new step is claimed.
        self.stopping = threading.Event()
        self._channels: dict[str, grpc.Channel] = {}
        self.lock = threading.RLock()

    @_shared
    def database(self) -> Database:
        """The MongoDB database."""
        s = self.settings
        return Database(
            s.mongo_uri.get_secret_value(),
            s.mongo_database,
            max_pool_size=s.mongo_max_pool_size,
            timeout_ms=int(s.mongo_timeout_s * 1000),
            owner=self.owner,
        )

    @_shared
    def redis(self) -> Redis:
        """Redis, for the shared limits and the throttle of progress messages."""
        return Redis.from_url(
            self.settings.redis_url.get_secret_value(),
            socket_timeout=self.settings.redis_timeout_s,
            socket_connect_timeout=self.settings.redis_timeout_s,
            socket_keepalive=True,
            # A connection that Redis closed, or that leads to one that is no primary any more, is opened again once; one
            # that hangs is not waited for again.
            retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError, ReadOnlyError)),
            health_check_interval=30,
            max_connections=self.settings.worker_threads + 8,
        )

    @_shared
    def generations(self) -> Generations:
        """The orders as they were accepted."""
        return Generations(self.database)

    @_shared
    def rows(self) -> StepRows:
        """The steps of worlds."""
        return StepRows(self.database, STEPS)

    @_shared
    def ledger(self) -> Ledger:
        """Who works on which step."""
        return Ledger(self.database, STEPS, lease_s=self.settings.lease_s)

    @_shared
    def results(self) -> Results:
        """What steps have made."""
        return Results(self.database, self.rows)

    @_shared
    def recovery(self) -> Recovery:
        """Steps whose message must be published."""
        return Recovery(self.database, self.rows)

    @_shared
    def watermarks(self) -> Watermarks:
        """Until when the messages of each queue were taken."""
        return Watermarks(self.database)

    @_shared
    def requests(self) -> Requests:
        """The paid requests."""
        return Requests(self.database)

    @_shared
    def holds(self) -> Holds:
        """What is held of limits and budgets."""
        return Holds(self.database)

    @_shared
    def reply_holds(self) -> Holds:
        """What is held of the budgets for replies to people."""
        return Holds(self.database, rows=self.database.replies, account=REPLIES)

    @_shared
    def prices(self) -> PriceTable:
        """What calls cost by the settings."""
        s = self.settings
        return PriceTable(s.llm_price_input_usd_per_mtok, s.llm_price_output_usd_per_mtok, s.image_price_usd)

    @_shared
    def bills(self) -> Bills:
        """What calls of each model were billed at most."""
        s = self.settings
        urls: dict[Provider, str] = {"llm": s.llm_base_url, "images": s.image_base_url}
        return Bills(
            self.database, {provider: urlsplit(url).hostname or "" for provider, url in urls.items()}
        )

    @_shared
    def allowances(self) -> Allowances:
        """What a day allows."""
        s = self.settings
        return Allowances(self.database, Caps(s.daily_worlds_person, s.daily_usd_person, s.daily_usd_all))

    @_shared
    def status(self) -> StatusProjection:
        """The status documents."""
        return StatusProjection(
            self.database, self.generations, self.rows, self.requests, forecast=self.forecast
        )

    @_shared
    def forecast(self) -> Forecast:
        """How long worlds take."""
        s = self.settings
        shape = Shape(s.cast_batch_size, s.plan_batch_size, s.llm_concurrency, s.image_concurrency)
        return Forecast(STEPS, shape)

    @_shared
    def status_refresh(self) -> StatusRefresh:
        """What the progress task does."""
        return StatusRefresh(self.database, self.generations, self.ledger, self.status)

    @_shared
    def control(self) -> Control:
        """What a person may do to a world."""
        return Control(self.database, self.generations, self.rows, self.status)

    @_shared
    def extensions(self) -> Extensions:
        """How a person makes more of a world."""
        return Extensions(self.database, self.generations, self.rows, self.results, self.status, self.holds)

    @_shared
    def schedules(self) -> Schedules:
        """The worlds that live on."""
        return Schedules(self.database)

    @_shared
    def reply_accounts(self) -> ReplyAccounts:
        """The worlds whose characters reply to people."""
        return ReplyAccounts(self.database, self.rows, self.allowances, self.reply_holds)

    @_shared
    def slots(self) -> dict[Provider, ProviderSlots]:
        """The slots of each provider, shared with all other workers."""
        s = self.settings
        limits: dict[Provider, int] = {"llm": s.llm_concurrency, "images": s.image_concurrency}
        return {
            provider: ProviderSlots(
                self.redis,
                provider,
                self.owner,
                limit=limit,
                lease_s=s.lease_s,
                patience_s=s.park_after_s,
            )
            for provider, limit in limits.items()
        }

    @_shared
    def leases(self) -> LeaseKeeper:
        """Keeps this process's leases alive."""
        s = self.settings
        return LeaseKeeper(
            self.ledger,
            self.owner,
            every_s=s.lease_renew_s,
            deadline_s=s.step_deadline_s,
            also=[slots.renew for slots in self.slots.values()],
        )

    @_shared
    def http(self) -> HttpPool:
        """The HTTP connections to servers of our own."""
        s = self.settings
        return HttpPool(s.http_max_connections, s.http_connect_timeout_s)

    @_shared
    def provider_http(self) -> HttpPool:
        """The HTTP connections to the providers: the same, unless they are behind a proxy."""
        s = self.settings
        proxy = s.provider_proxy.get_secret_value()
        return HttpPool(s.http_max_connections, s.http_connect_timeout_s, proxy) if proxy else self.http

    @_shared
    def prompts(self) -> Prompts:
        """The prompt templates, checked."""
        return Prompts(self.settings.prompts_dir)

    @_shared
    def parameters(self) -> Parameters[WorldParameters]:
        """The parameters of worlds: complete once the prompts of the pictures are among them."""
        return Parameters(self.database, WorldParameters, lambda found: found.image_prompts is not None)

    @_shared
    def posts(self) -> PostClient:
        """The post service, which the endpoint asks too."""
        return PostClient(self._channel(self.settings.post_service), self.settings.rpc_timeout_s)

    @_shared
    def interactions(self) -> InteractionClient | None:
        """The interaction service, which the endpoint asks too; None where there is none."""
        address, timeout_s = self.settings.interaction_service, self.settings.rpc_timeout_s
        return InteractionClient(self._channel(address), timeout_s) if address else None

    @_shared
    def services(self) -> Services:
        """The collaborators of the use cases: of workers alone, since others have no templates."""
        s = self.settings
        timeout = s.rpc_timeout_s
        return Services(
            settings=s,
            prompts=self.prompts,
            calls=self._metered_calls(),
            http=self.http,
            ledger=self.ledger,
            rows=self.rows,
            results=self.results,
            generations=self.generations,
            parameters=self.parameters,
            worlds=WorldClient(self._channel(s.world_service), timeout),
            characters=CharacterClient(self._channel(s.character_service), timeout),
            posts=self.posts,
            media=MediaClient(self._channel(s.media_service), timeout),
            interactions=self.interactions,
        )

    @_shared
    def claims(self) -> Claims:
        """How this process's tasks take steps, give them back, and end them without a result."""
        return Claims(
            self.owner,
            self.ledger,
            self.rows,
            self.generations,
            self.requests,
            self.services.calls,
            patience_s=self.settings.record_patience_s,
        )

    def _metered_calls(self) -> MeteredCalls:
        s = self.settings
        llm = LlmClient(
            self.provider_http,
            base_url=s.llm_base_url,
            api_key=s.llm_api_key.get_secret_value(),
            model=s.llm_model,
            temperature=s.llm_temperature,
            timeout_s=s.llm_timeout_s,
            dialects=Dialects(),
            openrouter=s.uses_openrouter,
        )
        images = ImageClient(
            self.provider_http,
            base_url=s.image_base_url,
            api_key=s.image_api_key.get_secret_value(),
            model=s.image_model,
            output_format=s.image_format,
            timeout_s=s.image_timeout_s,
            max_bytes=s.image_max_bytes,
        )
        return MeteredCalls(
            llm,
            images,
            self.requests,
            self.holds,
            self.prices,
            self.bills,
            self.slots,
            patience_s=s.record_patience_s,
            accounts={REPLIES: self.reply_holds},
        )

    def _channel(self, address: str) -> grpc.Channel:
        """Return the one channel to a service."""
        with self.lock:
            if address not in self._channels:
                token = self.settings.rpc_token.get_secret_value()
                self._channels[address] = open_channel(address, token)
            return self._channels[address]

    def close(self) -> None:
        """Close what was opened; nothing may be used afterwards."""
        made = self.__dict__
        if "leases" in made:
            self.leases.close()
        if "http" in made:
            self.http.close()
        for channel in self._channels.values():
            channel.close()
        if "redis" in made:
            self.redis.close()
        if "database" in made:
            self.database.close()


_container: Container | None = None
_container_lock = threading.RLock()


def get_container() -> Container:
    """Return this process's container; a forked child gets one of its own."""
    global _container
    with _container_lock:
        if _container is None:
            _container = Container(get_settings())
        return _container


def use_container(container: Container) -> None:
    """Let `get_container` return this one from now on. The one before is not closed."""
    global _container
    with _container_lock:
        _container = container


def reset_container(*, close: bool) -> None:
    """Forget this process's container; closed first at shutdown, but not after a fork: its sockets are the parent's."""
    global _container
    with _container_lock:
        if _container is not None and close:
            _container.close()
        _container = None
