"""Stacks: find the one that runs, start one for the time of a command, or run one until a signal comes."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from generia_worker.cli import display, programs
from generia_worker.embedded.folder import keep_port, kept_port
from generia_worker.embedded.ports import LOOPBACK, hold
from generia_worker.embedded.stack import Stack, read_running
from generia_worker.errors import ConfigurationError
from generia_worker.http.addresses import listening, split
from generia_worker.settings import Settings
from generia_worker.text import without_user_info


@dataclass(frozen=True, slots=True)
class Running:
    """A stack that can be reached; whether its providers are simulated, and whether it runs `for_this` command alone."""

    settings: Settings
    for_this: bool = False

    @property
    def simulated(self) -> bool:
        """True when no real money is spent."""
        makers = {programs.who_makes_text(self.settings), programs.who_makes_images(self.settings)}
        return makers == {programs.SIMULATOR}

    def page_of(self, world_id: str) -> str | None:
        """Return the address of a world's page; None when no gateway is known that outlives this command."""
        if self.for_this or "gateway_url" not in self.settings.model_fields_set:
            return None
        return f"{without_user_info(self.settings.gateway_url)}/worlds/{world_id}"

    def command(self, words: str) -> str:
        """Return `generia` and these words as they are typed for this stack's data folder."""
        folder = self.settings.data_dir
        if folder.expanduser() == Settings.model_fields["data_dir"].get_default().expanduser():
            return f"generia {words}"
        return f"generia {words} --data-dir {shlex.quote(str(folder))}"


def running(settings: Settings) -> Running:
    """Return the stack that runs on this data folder, or the one that the settings name. Raises ConfigurationError."""
    info = read_running(settings.data_dir)
    if info is not None:
        return Running(info.settings)
    if "api_url" in settings.model_fields_set:
        return Running(settings)
    message = f"No stack runs on {settings.data_dir.expanduser()}: start one with 'generia up', or set GENERIA_API_URL."
    raise ConfigurationError(message)


def running_or_named(settings: Settings) -> Settings:
    """Return the settings of the stack that runs on this data folder, or these, where they name a MongoDB.

    Raises ConfigurationError: neither.
    """
    info = read_running(settings.data_dir)
    if info is not None:
        return info.settings
    if "mongo_uri" in settings.model_fields_set:
        return settings
    message = f"No stack runs on {settings.data_dir.expanduser()}: start one with 'generia up', or set GENERIA_MONGO_URI."
    raise ConfigurationError(message)


@contextmanager
def some_stack(settings: Settings, *, as_json: bool) -> Iterator[Running]:
    """Use the stack that runs on this data folder, or start one for the time of the block."""
    console = display.err if as_json else display.out
    info = read_running(settings.data_dir)
    if info is not None:
        console.print(f"Using the stack that runs already. {programs.providers_line(info.settings)}")
        yield Running(info.settings)
        return
    made = _stack(settings)
    console.print("Starting Redis, MongoDB, S3, the services and the workers …")
    with made as stack:
        console.print(programs.providers_line(stack.settings))
        try:
            yield Running(stack.settings, for_this=True)
        finally:
            console.print("Stopping …")


def keep_running(settings: Settings, *, port: int | None = None, flower: bool = False, as_json: bool) -> None:
    """Start a stack, print its addresses, and keep it until a signal comes.

    Its page is at `port`, or else where it was before. Raises ConfigurationError: another program listens at `port`.
    """
    console = display.err if as_json else display.out
    settings, taken = with_gateway_port(settings, port)
    stack = _stack(settings, flower=flower)
    console.print("Starting Redis, MongoDB, S3, the services and the workers …")

    def announce(started: Settings) -> None:
        addresses = _addresses(started)
        now = split(started.gateway_bind)[1]
        keep_port(started.data_dir, now)
        if taken:
            console.print(
                f"Another program has port {taken}, at which the page was: it is at {now} now. Links to the old one lead "
                "to that program; end it and start again, or choose a port with --port."
            )
        if as_json:
            page = login_link(started)
            more = {"flower": _flower(started)} if flower else {}
            display.as_json({"data_dir": str(stack.data_dir), "addresses": addresses, "page": page} | more)
            return
        console.print(programs.providers_line(started))
        for name, address in addresses.items():
            console.print(f"  {name:<19} {address}")
        console.print(f"  {'data and logs':<19} {stack.data_dir}")
        # What is no terminal may be kept as a log.
        link = (
            login_link(started)
            if display.is_watched(console)
            else f"{started.gateway_url} (a link: generia login)"
        )
        console.print(f"\nOpen the page, logged in: {link}")
        if flower:
            at = _flower(started)
            console.print(f"Flower: {at['url']}  user {at['user']}, password {at['password']}")
        console.print('Or order a world with: generia generate "…"   Stop with Ctrl-C.')

    try:
        stack.run_until_signal(announce)
        console.print("Stopping …")
    finally:
        stack.stop()


def with_gateway_port(settings: Settings, port: int | None) -> tuple[Settings, int | None]:
    """Return the settings with the gateway at `port`, or at the one that it had on this data folder; and that one where
    another program has it now.

    Who names an address in GENERIA_GATEWAY_BIND is left alone. Raises ConfigurationError: `port` cannot be listened on.
    """
    named = "gateway_bind" in settings.model_fields_set
    if read_running(settings.data_dir) is not None or (named and port is None):
        return settings, None  # a second stack on a folder is refused, whatever its port
    if port is not None:
        host = settings.gateway_bind.rpartition(":")[0] if named else LOOPBACK
        bind = f"{host}:{port}"
        for one in listening("--port", bind):
            one.close()
        return settings.model_copy(update={"gateway_bind": bind}), None
    kept = kept_port(settings.data_dir)
    if kept is None or not hold(kept):
        return settings, kept
    return settings.model_copy(update={"gateway_bind": f"{LOOPBACK}:{kept}"}), None


def login_link(settings: Settings) -> str:
    """Return the link that opens the page, logged in as the local person: once, within an hour.

    Raises ConfigurationError: the settings hold no secret.
    """
    from generia_worker.gateway.tokens import local_login_token

    return f"{settings.gateway_url}/#login={local_login_token(settings)}"


def show_login(running: Running, *, as_json: bool) -> None:
    """Print a link that logs in."""
    link = login_link(running.settings)
    if as_json:
        display.as_json({"page": link})
    else:
        display.out.print(link, soft_wrap=True)


def _stack(settings: Settings, *, flower: bool = False) -> Stack:
    """Return a stack that may be started. Raises ConfigurationError when a server that the settings name cannot be used."""
    from generia_worker.embedded.doctor import require_named

    require_named(settings, display.err.print)
    found = programs.programs(settings, flower=flower)
    return Stack(programs.with_addresses(settings), settings.data_dir, found, programs.PRELOAD)


def _flower(settings: Settings) -> dict[str, str]:
    """Return how to look at Flower: printed for the person whose stack it is, and nowhere else."""
    password = settings.flower_password.get_secret_value()
    return {"url": f"http://{settings.flower_bind}", "user": settings.flower_user, "password": password}


def _addresses(settings: Settings) -> dict[str, str]:
    """Return where everything is; without credentials."""
    return {
        "gateway": without_user_info(settings.gateway_url),
        "enqueue endpoint": without_user_info(settings.api_url),
        "world service": settings.world_service,
        "character service": settings.character_service,
        "post service": settings.post_service,
        "media service": settings.media_service,
        "interaction service": settings.interaction_service or "none",
        "S3": f"http://{settings.s3_endpoint}",
        "MongoDB": settings.mongo_uri.get_secret_value().rpartition("@")[2].removeprefix("mongodb://"),
        "Redis": settings.redis_url.get_secret_value().rpartition("@")[2].removeprefix("redis://"),
        "text model": without_user_info(settings.llm_base_url),
        "images": without_user_info(settings.image_base_url),
    }
