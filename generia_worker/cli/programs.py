"""What the embedded stack runs besides its servers: which programs, with which settings, and when they are ready."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from generia_worker.embedded.ports import free_port
from generia_worker.embedded.process import BACKGROUND
from generia_worker.embedded.stack import Program
from generia_worker.processes.health_checks import (
    SERVICES,
    answers,
    channel_is_ready,
    is_healthy,
    worker_answers,
)
from generia_worker.settings import PREFIX, Settings
from generia_worker.text import without_user_info

#: What the simulator charges, so that budgets and estimates work with it: dollars per million tokens.
_SIMULATED_INPUT_USD, _SIMULATED_OUTPUT_USD = 0.30, 2.50
#: And for an image of a megapixel.
_SIMULATED_IMAGE_USD = 0.0006
SIMULATOR = "the simulator"
_SIMULATOR_KEY = SecretStr("sim-local")
_SERVICES = tuple(f"{name}_service" for name in SERVICES)
_STORES = ("mongo_uri", "redis_url")
_BOTH_KEYS = ("llm_api_key", "image_api_key")
#: What each program has to know of what is secret. A cover and an icon are drawn after a text that describes them.
SECRETS: Mapping[str, tuple[str, ...]] = {
    "simulator": (),
    "services": ("mongo_uri", "s3_access_key", "s3_secret_key", "api_token", "rpc_token"),
    "api": (*_STORES, "api_token", "rpc_token"),
    "gateway": (*_STORES, "api_token", "rpc_token", "jwt_secret"),
    "worker-llm": (*_STORES, "rpc_token", "llm_api_key", "provider_proxy"),
    "worker-images": (*_STORES, "rpc_token", *_BOTH_KEYS, "provider_proxy"),
    "worker-inner": (*_STORES, "rpc_token"),
    "worker-quarantine": (*_STORES, "rpc_token", *_BOTH_KEYS, "provider_proxy"),
    "beat": _STORES,
    "flower": ("redis_url", "flower_password"),
}
#: What these programs import, for the stack's fork server. None of it starts a thread or reads settings when imported.
PRELOAD = (
    "generia_worker.cli.main",
    "generia_worker.api.server",
    "generia_worker.gateway.server",
    "generia_worker.reference.registry",
    "generia_worker.simulator.server",
    "generia_worker.app.celery_app",
    "celery.apps.beat",
    "celery.apps.worker",
    "generia_worker.app.result_backend",
    "celery.bin.celery",
    "celery.concurrency.prefork",
    "celery.concurrency.thread",
    "celery.worker.consumer",
    "kombu.transport.redis",
    "uvicorn.lifespan.off",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.auto",
)
#: What the steps without a paid call need: they wait for servers of our own only.
_INNER_THREADS = 32
#: The most that `worker_threads` may be.
_THREADS_MOST = 512


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker process of one machine: its name, the queues that it takes, and its threads."""

    name: str
    queues: str
    threads: int


def workers(settings: Settings) -> list[Worker]:
    """Return the workers of one machine: as many threads for each provider as it has slots, and some to spare.

    A thread more than there are slots waits for one now and then, and is there when one is given back.

        >>> [(one.name, one.threads) for one in workers(Settings(llm_concurrency=50, image_concurrency=30))]
        [('llm', 56), ('images', 33), ('inner', 32)]
    """
    found = []
    for queue, slots in (("llm", settings.llm_concurrency), ("images", settings.image_concurrency)):
        wanted = slots + max(2, slots // 8)
        processes = _processes(settings, wanted)
        for number in range(1, processes + 1):
            name = queue if processes == 1 else f"{queue}-{number}"
            found.append(Worker(name, queue, -(-wanted // processes)))
    inner = min(settings.worker_threads, _INNER_THREADS)
    return [*found, Worker("inner", "services,progress,maintenance", inner)]


def _processes(settings: Settings, threads: int) -> int:
    """Return over how many processes of a provider these threads are spread.

    One process for every `worker_threads` of them, but no more than half of the cores (the other provider has the other
    half): a process that no core is free for costs memory and brings nothing. Then each has more threads, up to one for
    each of its HTTP connections. Whoever sets `worker_threads` has said how many a process is to have.
    """
    wanted = -(-threads // settings.worker_threads)
    if "worker_threads" in settings.model_fields_set:
        return wanted
    most = min(settings.http_max_connections, _THREADS_MOST)
    return max(min(wanted, max((os.cpu_count() or 1) // 2, 1)), -(-threads // most))


def simulates_text(settings: Settings) -> bool:
    """True when no text provider is configured: no key, no address."""
    return not settings.llm_api_key.get_secret_value() and "llm_base_url" not in settings.model_fields_set


def simulates_images(settings: Settings) -> bool:
    """True when no image provider is configured: no key, no address."""
    return not settings.image_api_key.get_secret_value() and "image_base_url" not in settings.model_fields_set


def providers_line(settings: Settings) -> str:
    """Say in one line who makes texts and pictures."""
    text, pictures = who_makes_text(settings), who_makes_images(settings)
    if text == pictures == SIMULATOR:
        return "Texts and pictures come from the simulator (no keys set): nothing is spent, dollars are simulated."
    return f"Texts come from {text}, pictures from {pictures}."


def who_makes_text(settings: Settings) -> str:
    """Name the provider of texts."""
    if settings.simulator_bind in settings.llm_base_url:
        return SIMULATOR
    return f"{settings.llm_model} at {without_user_info(settings.llm_base_url)}"


def who_makes_images(settings: Settings) -> str:
    """Name the provider of pictures."""
    if settings.simulator_bind in settings.image_base_url:
        return SIMULATOR
    return f"{settings.image_model} at {without_user_info(settings.image_base_url)}"


def _tokens(settings: Settings) -> dict[str, SecretStr]:
    """Return a token for each program that asks for one and that got none."""
    empty = [name for name in ("api_token", "rpc_token") if not getattr(settings, name).get_secret_value()]
    return {name: SecretStr(secrets.token_urlsafe(24)) for name in empty}


def _own_services(given: Collection[str]) -> list[str]:
    """Return the settings of the services that the stack runs: those that were not named.

    Of the posts of another platform it does not know enough to take likes and comments.
    """
    beside = {"interaction_service"} if "post_service" in given else set()
    return [name for name in _SERVICES if name not in given and name not in beside]


def with_addresses(settings: Settings) -> Settings:
    """Return the settings with a free loopback address for everything that has no address in them yet."""
    given = settings.model_fields_set
    found: dict[str, Any] = {}
    for name in (*_own_services(given), "api_bind", "gateway_bind", "flower_bind"):
        if name not in given:
            found[name] = f"127.0.0.1:{free_port()}"
    for name in ("api", "gateway"):
        if f"{name}_url" not in given:
            found[f"{name}_url"] = f"http://{found.get(f'{name}_bind', getattr(settings, f'{name}_bind'))}"
    found |= _tokens(settings)
    text, images = simulates_text(settings), simulates_images(settings)
    if (text or images) and "simulator_bind" not in given:
        found["simulator_bind"] = f"127.0.0.1:{free_port()}"
    simulator = f"http://{found.get('simulator_bind', settings.simulator_bind)}"
    if text:
        found |= {"llm_base_url": f"{simulator}/api/v1", "llm_api_key": _SIMULATOR_KEY}
        if settings.llm_price_input_usd_per_mtok is None:
            found["llm_price_input_usd_per_mtok"] = _SIMULATED_INPUT_USD
        if settings.llm_price_output_usd_per_mtok is None:
            found["llm_price_output_usd_per_mtok"] = _SIMULATED_OUTPUT_USD
    if images:
        found |= {"image_base_url": f"{simulator}/v1", "image_api_key": _SIMULATOR_KEY}
        if settings.image_price_usd is None:
            found["image_price_usd"] = _SIMULATED_IMAGE_USD
    if text and images and "simulated" not in given:
        found["simulated"] = True
    return settings.model_copy(update=found)


def programs(asked: Settings, *, flower: bool = False) -> list[Program]:
    """Return the programs that a stack needs, given what the user asked for (a service that was named is not started).

    What makes worlds gives way to what people wait for: a page that shows a world, the services that it asks, MongoDB.
    Otherwise, while worlds are being made, every read behind a page waits for its turn among the workers.
    """
    given = asked.model_fields_set
    found = []
    if simulates_text(asked) or simulates_images(asked):
        found.append(_program("simulator", _generia("simulator"), _healthy("simulator"), niceness=BACKGROUND))
    services = _own_services(given)
    if services:
        names = [name.removesuffix("_service") for name in services]
        found.append(_program("services", _generia("service", *names), _listening(services)))
    found.append(_program("api", _generia("api"), _healthy("api")))
    found.append(_program("gateway", _generia("gateway"), lambda s: answers(s.gateway_bind, "/livez")))
    stop_s = asked.grace_s + 5
    for worker in workers(asked):
        argv = _generia("worker", "--name", worker.name, "--queues", worker.queues)
        env = {f"{PREFIX}WORKER_THREADS": str(worker.threads)}
        ready = _answering(worker.name)
        name = f"worker-{worker.name}"
        secrets = SECRETS[f"worker-{worker.name.partition('-')[0]}"]
        found.append(
            Program(
                name,
                argv,
                ready,
                stop_timeout_s=stop_s,
                env=env,
                secrets=secrets,
                niceness=BACKGROUND,
            )
        )
    argv = _generia("worker", "--name", "quarantine", "--quarantine")
    found.append(_program("worker-quarantine", argv, stop_timeout_s=stop_s, niceness=BACKGROUND))
    found.append(_program("beat", _generia("beat"), niceness=BACKGROUND))
    if flower:
        found.append(_program("flower", _generia("flower"), _healthy("flower")))
    return found


def _program(
    name: str,
    argv: Callable[[Settings], list[str]],
    ready: Callable[[Settings], bool] | None = None,
    **options: Any,
) -> Program:
    return Program(name, argv, ready, secrets=SECRETS[name], **options)


def _generia(*arguments: str) -> Callable[[Settings], list[str]]:
    # -P: a redis.py, say, in the current folder is not imported in place of the package.
    command = [sys.executable, "-P", "-m", "generia_worker.cli.main", *arguments]
    return lambda _: command


def _healthy(part: str) -> Callable[[Settings], bool]:
    return lambda settings: is_healthy(part, settings)


def _listening(fields: list[str]) -> Callable[[Settings], bool]:
    return lambda settings: all(channel_is_ready(getattr(settings, field)) for field in fields)


def _answering(name: str) -> Callable[[Settings], bool]:
    return lambda settings: worker_answers(settings, name, anywhere=True)
