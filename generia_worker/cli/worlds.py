"""What the commands do with worlds: find or start a stack, order, watch, show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from generia_worker.cli import display, programs
from generia_worker.cli import export as exports
from generia_worker.client.client import GeneriaClient
from generia_worker.client.order import Order, WorldSize
from generia_worker.client.status import GenerationStatus, WorldStatus
from generia_worker.embedded.stack import Stack, read_running
from generia_worker.errors import ConfigurationError, GeneriaError, InvalidInputError
from generia_worker.gateway.tokens import local_login_token
from generia_worker.rpc.channel import open_channel
from generia_worker.rpc.post_client import PostClient
from generia_worker.rpc.world_client import WorldClient
from generia_worker.settings import Settings
from generia_worker.text import clip

#: Who orders worlds from the command line.
LOCAL_USER = "local"
_WAIT_S = 24 * 3600.0
_SHOWN_POSTS = 3


@dataclass(frozen=True, slots=True)
class Running:
    """A stack that can be reached, and whether its providers are simulated."""

    settings: Settings

    @property
    def simulated(self) -> bool:
        """True when no real money is spent."""
        makers = {programs.who_makes_text(self.settings), programs.who_makes_images(self.settings)}
        return makers == {programs.SIMULATOR}


def check(
    prompt: str, characters: int, posts: int, world_id: str = "unknown", budget: float | None = None
) -> Order:
    """Return the order that these words make. Raises InvalidInputError before anything is started or stored."""
    try:
        return Order(
            world_id=world_id, user_prompt=prompt, users_count=characters, posts_count=posts, budget=budget
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        names = {
            "user_prompt": "PROMPT",
            "users_count": "--characters",
            "posts_count": "--posts",
            "budget": "--budget",
        }
        field = names.get(str(first["loc"][0]), str(first["loc"][0]))
        text = first["msg"].removeprefix("Value error, ")
        raise InvalidInputError(f"{field}: {text}", field=field) from None


def size_of(order: Order) -> WorldSize:
    """Return how large an order is."""
    return WorldSize(users_count=order.users_count, posts_count=order.posts_count)


# --- stacks ------------------------------------------------------------------------------------------------------
def running(settings: Settings) -> Running:
    """Return the stack that runs on this data folder, or the one that the settings name. Raises ConfigurationError."""
    info = read_running(settings.data_dir)
    if info is not None:
        return Running(info.settings)
    if "api_url" in settings.model_fields_set:
        return Running(settings)
    message = f"No stack runs on {settings.data_dir.expanduser()}: start one with 'generia up', or set GENERIA_API_URL."
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
    console.print("Starting Redis, MongoDB, S3, the services and the workers …")
    with _stack(settings) as stack:
        console.print(programs.providers_line(stack.settings))
        yield Running(stack.settings)
        console.print("Stopping …")


def keep_running(settings: Settings, *, flower: bool = False, as_json: bool) -> None:
    """Start a stack, print its addresses, and keep it until a signal comes."""
    console = display.err if as_json else display.out
    console.print("Starting Redis, MongoDB, S3, the services and the workers …")
    stack = _stack(settings, flower=flower)

    def announce(started: Settings) -> None:
        addresses = _addresses(started)
        page = f"{started.gateway_url}/#login={local_login_token(started)}"
        if as_json:
            more = {"flower": _flower(started)} if flower else {}
            display.as_json({"data_dir": str(stack.data_dir), "addresses": addresses, "page": page} | more)
            return
        console.print(programs.providers_line(started))
        for name, address in addresses.items():
            console.print(f"  {name:<18} {address}")
        console.print(f"  {'data and logs':<18} {stack.data_dir}")
        console.print(f"\nOpen the page, logged in: {page}")
        if flower:
            at = _flower(started)
            console.print(f"Flower: {at['url']}  user {at['user']}, password {at['password']}")
        console.print('Or order a world with: generia generate "…"   Stop with Ctrl-C.')

    try:
        stack.run_until_signal(announce)
        console.print("Stopping …")
    finally:
        stack.stop()


def _stack(settings: Settings, *, flower: bool = False) -> Stack:
    found = programs.programs(settings, flower=flower)
    return Stack(programs.with_addresses(settings), settings.data_dir, found)


def _flower(settings: Settings) -> dict[str, str]:
    """Return how to look at Flower: printed for the person whose stack it is, and nowhere else."""
    password = settings.flower_password.get_secret_value()
    return {"url": f"http://{settings.flower_bind}", "user": settings.flower_user, "password": password}


def _addresses(settings: Settings) -> dict[str, str]:
    """Return where everything is; without credentials."""
    return {
        "gateway": settings.gateway_url,
        "enqueue endpoint": settings.api_url,
        "world service": settings.world_service,
        "character service": settings.character_service,
        "post service": settings.post_service,
        "media service": settings.media_service,
        "S3": f"http://{settings.s3_endpoint}",
        "MongoDB": settings.mongo_uri.get_secret_value().rpartition("@")[2].removeprefix("mongodb://"),
        "Redis": settings.redis_url.get_secret_value().rpartition("@")[2].removeprefix("redis://"),
        "text model": settings.llm_base_url,
        "images": settings.image_base_url,
    }


# --- worlds ------------------------------------------------------------------------------------------------------
def make(
    running: Running, asked: Order, *, as_json: bool, wait: bool = True, with_page: bool = False
) -> bool:
    """Order a world, watch it being made, show it. Returns False when it did not complete.

    `with_page` leaves the world in the data folder, as a page that opens from disk.
    """
    settings = running.settings
    with open_channel(settings.world_service) as channel:
        world = WorldClient(channel, settings.rpc_timeout_s)
        record = world.create(
            LOCAL_USER,
            "",
            "",
            asked.user_prompt,
            asked.users_count,
            asked.posts_count,
            budget_usd=asked.budget,
        )
    client = _client(running)
    # The world service orders too where it knows the endpoint; the same order twice is one.
    status = client.order(asked.model_copy(update={"world_id": record.id}))
    console = display.err if as_json else display.out
    console.print(f"World {record.id} is ordered.")
    if wait:
        status = _watch(client, record.id, console)
    page = _page(settings, status) if with_page else None
    if as_json:
        more = {"files": _files(settings, record.id)} | ({"page": page} if with_page else {})
        display.as_json(status.as_json() | more)
    elif wait:
        _show_world(running, status)
        if page:
            console.print(f"page: {page}")
    return not wait or status.status is WorldStatus.COMPLETED


def _page(settings: Settings, status: GenerationStatus) -> str | None:
    """Write a world as a page into the data folder; returns where it is, or None: the world itself is not at fault."""
    folder = settings.data_dir.expanduser() / exports.DEMO_FOLDER / status.world_id
    try:
        exports.export(settings, status, folder)
    except GeneriaError as error:
        display.err.print(f"The page could not be written: {escape(error.message)}")
        return None
    return str(folder / "index.html")


def export(running: Running, world_id: str, target: Path, *, as_json: bool) -> None:
    """Write a world into a zip or a folder."""
    missing = exports.export(running.settings, _client(running).status(world_id), target)
    if missing:
        display.err.print(f"{len(missing)} pictures could not be read and are left out: {', '.join(missing)}")
    if as_json:
        display.as_json({"world_id": world_id, "target": str(target), "missing": missing})
    elif target.suffix.lower() == ".zip":
        display.out.print(f"{target} is written: unpack it and open index.html.")
    else:
        display.out.print(f"page: {target / 'index.html'}")


def _client(running: Running) -> GeneriaClient:
    return GeneriaClient(running.settings.api_url, running.settings.api_token.get_secret_value())


def _watch(client: GeneriaClient, world_id: str, console: Console) -> GenerationStatus:
    with display.LiveWorld(console) as live:
        return client.wait(world_id, timeout_s=_WAIT_S, on_change=live.show)


def change(
    running: Running, world_id: str, action: str, *, step: str | None = None, wait: bool, as_json: bool
) -> bool:
    """Cancel, resume, retry or redo a world, and watch what comes of it. Returns False when it ends otherwise."""
    client = _client(running)
    arguments = [world_id] if step is None else [world_id, step]
    status: GenerationStatus = getattr(client, action)(*arguments)
    if wait:
        status = _watch(client, world_id, display.err if as_json else display.out)
    if as_json:
        display.as_json(status.as_json())
    else:
        for line in display.summary(status, simulated=running.simulated):
            display.out.print(escape(line))
    expected = WorldStatus.CANCELLED if action == "cancel" else WorldStatus.COMPLETED
    return not wait or status.status is expected


def show_estimate(running: Running, size: WorldSize, *, as_json: bool) -> None:
    """Print what a world of this size will take."""
    found = _client(running).estimate(size)
    if as_json:
        display.as_json(found.model_dump(mode="json"))
        return
    cost = "unknown: the price of the text model is not set"
    if found.usd is not None:
        cost = f"{display.dollars(found.usd.low)} to {display.dollars(found.usd.high)}"
    display.out.print(
        f"{found.text_calls} text calls and {found.image_calls} image calls, when nothing is asked twice"
    )
    display.out.print(f"cost: {cost}{' (simulated)' if running.simulated else ''}")
    display.out.print(f"time: {found.seconds.low:.0f} to {found.seconds.high:.0f} s")
    basis = f"{found.finished_worlds} finished worlds" if found.finished_worlds else "the price table alone"
    display.out.print(f"based on {basis}")


def show_status(running: Running, world_id: str, *, failures: bool, as_json: bool) -> None:
    """Print how far a world is, and on request what failed and why."""
    client = _client(running)
    status = client.status(world_id)
    failed = client.failures(world_id) if failures else []
    if as_json:
        more = {"failures": [one.model_dump(mode="json") for one in failed]} if failures else {}
        display.as_json(status.as_json() | more)
        return
    display.out.print(display.stages_line(status))
    for line in display.summary(status, simulated=running.simulated):
        display.out.print(escape(line))
    for one in failed:
        when = f" at {one.at:%H:%M:%S}" if one.at else ""
        tries = f" (attempt {one.attempt}{when})" if one.attempt else ""
        display.out.print(escape(f"  {one.step} {one.state}{tries}: {one.reason}"))


def show_list(running: Running, limit: int, *, as_json: bool) -> None:
    """Print the worlds of the local person, newest first."""
    settings = running.settings
    with open_channel(settings.world_service) as channel:
        records, total = WorldClient(channel, settings.rpc_timeout_s).list(LOCAL_USER, limit, 0, "all")
    rows = [asdict(record) for record in records]
    if as_json:
        display.as_json({"worlds": rows, "total": total})
    elif rows:
        display.out.print(display.worlds_table(rows))
    else:
        display.out.print('No worlds yet: make one with generia generate "…"')


def _show_world(running: Running, status: GenerationStatus) -> None:
    settings = running.settings
    console = display.out
    with open_channel(settings.world_service) as channel:
        world = WorldClient(channel, settings.rpc_timeout_s).get(status.world_id, LOCAL_USER)
    console.print()
    if world.name:
        console.print(f"[bold]{escape(world.name)}[/]")
        console.print(escape(clip(str(world.params.get("description_short", "")), 400)))
    for author, caption in _some_posts(settings, status.world_id):
        console.print(f"\n  [cyan]{escape(author)}[/]\n  {escape(clip(caption, 240))}")
    console.print()
    for line in display.summary(status, simulated=running.simulated):
        console.print(escape(line))
    where = _files(settings, status.world_id)
    if where:
        console.print(f"files: {where}")


def _some_posts(settings: Settings, world_id: str) -> list[tuple[str, str]]:
    with open_channel(settings.post_service) as channel:
        page = PostClient(channel, settings.rpc_timeout_s).feed(world_id, _SHOWN_POSTS)
    return [(post.display_name, post.caption) for post in page.posts]


def _files(settings: Settings, world_id: str) -> str | None:
    """Return the folder that holds a world's pictures, where the stack keeps them as plain files."""
    for folder in settings.data_dir.expanduser().glob("s3-*"):
        path: Path = folder / settings.s3_bucket / world_id
        if path.is_dir():
            return str(path)
    return None
