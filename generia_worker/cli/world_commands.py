"""What the commands do with worlds: order, watch, change, show, export.

What writes a world to a file is imported when that is asked for: it takes longer than all else that a command does.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click
import grpc
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from generia_worker.cli import display
from generia_worker.cli.live import Clock, LiveWorld
from generia_worker.cli.sections import INTERRUPTED
from generia_worker.cli.stacks import Running
from generia_worker.cli.world_ids import find_id, short_ids
from generia_worker.client.client import GeneriaClient
from generia_worker.client.estimate import Estimate
from generia_worker.client.order import WORLD_ID_PATTERN, Extension, MoreSize, Order, WorldSize
from generia_worker.client.status import GenerationStatus, WorldStatus
from generia_worker.errors import GeneriaError, NotFoundError, TransientError
from generia_worker.rpc.channel import open_channel
from generia_worker.rpc.post_client import PostClient
from generia_worker.rpc.users import LOCAL_USER
from generia_worker.rpc.world_client import WorldClient
from generia_worker.settings import Settings
from generia_worker.text import clip, printable

_WAIT_S = 24 * 3600.0
_SHOWN_POSTS = 3
#: The exit status of a command whose world is completed, but for something that failed.
INCOMPLETE = 3


def order_of(
    prompt: str,
    characters: int,
    posts: int,
    world_id: str = "unknown",
    budget: float | None = None,
) -> Order:
    """Return the order that these words make. Raises click's BadParameter before anything is started or stored."""
    try:
        return Order(
            world_id=world_id,
            user_prompt=prompt,
            users_count=characters,
            posts_count=posts,
            budget=budget,
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
        raise click.BadParameter(printable(text), param_hint=field) from None


def size_of(order: Order) -> WorldSize:
    """Return how large an order is."""
    return WorldSize(users_count=order.users_count, posts_count=order.posts_count, reactions=order.reactions)


def with_reactions(order: Order, asked: str | None, running: Running) -> Order:
    """Return an order whose characters say as much of each other's posts as was asked for; some, where nothing was.

    None where there is no interaction service. Raises click's BadParameter when some were asked for there.
    """
    if not running.settings.interaction_service:
        if asked in (None, "none"):
            return order
        message = (
            "there are no likes and comments here: GENERIA_INTERACTION_SERVICE names no interaction service"
        )
        raise click.BadParameter(message, param_hint="--reactions")
    return order.model_copy(update={"reactions": asked or "some"})


def make(running: Running, asked: Order, *, as_json: bool, wait: bool = True, with_page: bool = False) -> int:
    """Order a world, watch it being made, show it. Returns the exit status.

    `with_page` leaves the world in the data folder, as a page that opens from disk.
    """
    settings = running.settings
    with _channel(settings, settings.world_service) as channel:
        world = WorldClient(channel, settings.rpc_timeout_s)
        record = world.create(
            LOCAL_USER,
            "",
            "",
            asked.user_prompt,
            asked.users_count,
            asked.posts_count,
            budget_usd=asked.budget,
            reactions=asked.reactions,
        )
    client = client_of(running)
    # The world service orders too where it knows the endpoint; the same order twice is one.
    status = client.order(asked.model_copy(update={"world_id": record.id, "user_id": LOCAL_USER}))
    console = display.err if as_json else display.out
    console.print(f"World {record.id} is ordered.")
    with _kept(running, record.id, console):
        if wait:
            status = _watch(running, client, record.id, console)
        else:
            _name_page(running, record.id, console)
        page = _page(settings, status) if with_page else None
        if as_json:
            more = {"files": _files(settings, record.id)} | ({"page": page} if with_page else {})
            display.as_json(status.as_json() | more)
        elif wait:
            _show_world(running, status)
            if page:
                console.print(f"page: {page}")
    return exit_status(status, WorldStatus.COMPLETED) if wait else 0


def exit_status(status: GenerationStatus, expected: WorldStatus) -> int:
    """Return 0 for a world that ended as it should, `INCOMPLETE` when something in it failed, else 1."""
    if status.status is not expected:
        return 1
    return INCOMPLETE if status.is_incomplete else 0


def _page(settings: Settings, status: GenerationStatus) -> str | None:
    """Write a world as a page into the data folder; returns where it is, or None: the world itself is not at fault."""
    from generia_worker.cli import export_command

    folder = settings.data_dir.expanduser() / export_command.DEMO_FOLDER / status.world_id
    try:
        export_command.export(settings, status, folder)
    except GeneriaError as error:
        display.err.print(f"The page could not be written: {escape(error.message)}")
        return None
    return str(folder / "index.html")


def export(running: Running, world_id: str, target: Path, *, as_json: bool) -> None:
    """Write a world into a zip or a folder."""
    from generia_worker.cli import export_command

    client = client_of(running)
    status = find_world(running, client, world_id)
    missing = export_command.export(running.settings, status, target)
    if missing:
        display.err.print(f"{len(missing)} pictures could not be read and are left out: {', '.join(missing)}")
    if as_json:
        display.as_json({"world_id": status.world_id, "target": str(target), "missing": missing})
    elif target.suffix.lower() == ".zip":
        display.out.print(f"{target} is written: unpack it and open index.html.")
    else:
        display.out.print(f"page: {target / 'index.html'}")


def _channel(settings: Settings, address: str) -> grpc.Channel:
    return open_channel(address, settings.rpc_token.get_secret_value())


def client_of(running: Running) -> GeneriaClient:
    """Return a client of a stack's endpoint."""
    return GeneriaClient(running.settings.api_url, running.settings.api_token.get_secret_value())


def _watch(
    running: Running, client: GeneriaClient, world_id: str, console: Console, *, goes_on: bool = False
) -> GenerationStatus:
    """Show a world until it has ended; time counts from now for one that `goes_on`."""
    _name_page(running, world_id, console)
    with LiveWorld(console, Clock(from_now=goes_on), simulated=running.simulated) as live:
        return client.wait(world_id, timeout_s=_WAIT_S, on_change=live.show)


def _name_page(running: Running, world_id: str, console: Console) -> None:
    page = running.page_of(world_id)
    if page:
        console.print(f"Page: {page}")


@contextmanager
def _kept(running: Running, world_id: str, console: Console) -> Iterator[None]:
    """Tell whoever presses Ctrl-C what becomes of the world, and how to go on with it."""
    try:
        yield
    except KeyboardInterrupt:
        if running.for_this:
            folder = running.settings.data_dir
            console.print(
                escape(f"World {world_id} is kept in {folder}, as far as it has come. Go on with it:")
            )
            console.print(escape(f"  {running.command('up')}"))
        else:
            console.print(f"World {world_id} goes on. Look at it again, or stop it:")
            for action in ("watch", "cancel"):
                console.print(escape(f"  {running.command(f'{action} {world_id}')}"))
        raise click.exceptions.Exit(INTERRUPTED) from None


def change(
    running: Running,
    world_id: str,
    action: str,
    *,
    what: str | Extension | None = None,
    wait: bool,
    as_json: bool,
) -> int:
    """Cancel, resume, retry, redo (`what`: a step) or extend a world; watch what comes of it. Returns the exit status."""
    client = client_of(running)
    world_id = find_world(running, client, world_id).world_id
    arguments = [world_id] if what is None else [world_id, what]
    before = _failed_redos(client, world_id) if action == "redo" else set()
    status: GenerationStatus = getattr(client, action)(*arguments)
    if wait:
        console = display.err if as_json else display.out
        with _kept(running, world_id, console):
            status = _watch(running, client, world_id, console, goes_on=True)
    if as_json:
        display.as_json(status.as_json())
    else:
        for line in display.summary(status, simulated=running.simulated):
            display.out.print(escape(line))
    if not wait:
        return 0
    new = _failed_redos(client, world_id) - before if action == "redo" else set()
    for failed, _, reason in sorted(new, key=str):
        display.err.print(escape(f"{failed} stays as it was: {reason}"))
    expected = WorldStatus.CANCELLED if action == "cancel" else WorldStatus.COMPLETED
    return exit_status(status, expected) or (INCOMPLETE if new else 0)


def extension_of(characters: int, posts: int, budget: float | None) -> Extension:
    """Return the extension that these words make. Raises click's UsageError where they make none."""
    if not characters and not posts:
        raise click.UsageError(
            "Name --characters, --posts or both: how much more of the world there is to be."
        )
    # Sent again by whoever sends it, it is the same one.
    request_id = str(uuid.uuid4())
    return Extension(users_count=characters, posts_count=posts, budget=budget, request_id=request_id)


def _failed_redos(client: GeneriaClient, world_id: str) -> set[tuple[str, datetime | None, str]]:
    """Return what could not be redone, when, and why."""
    return {(one.step, one.at, one.reason) for one in client.failures(world_id) if one.state == "done"}


def show_estimate(running: Running, size: WorldSize, *, as_json: bool) -> None:
    """Print what a world of this size will take, and what the day still allows where it has limits."""
    client = client_of(running)
    _show_estimate(running, client, client.estimate(size), as_json=as_json)


def show_estimate_of_more(running: Running, world_id: str, size: MoreSize, *, as_json: bool) -> None:
    """Print the same of more of a world."""
    client = client_of(running)
    world_id = find_world(running, client, world_id).world_id
    _show_estimate(running, client, client.estimate_more(world_id, size), as_json=as_json)


def _show_estimate(running: Running, client: GeneriaClient, found: Estimate, *, as_json: bool) -> None:
    left = client.allowance(LOCAL_USER)
    if as_json:
        today = {"today_left": left.model_dump(mode="json")} if left.is_bounded else {}
        display.as_json(found.model_dump(mode="json") | today)
        return
    cost = "unknown: the price of the text model is not set"
    if found.usd is not None:
        cost = f"{display.dollars(found.usd.low)} to {display.dollars(found.usd.high)}"
    display.out.print(
        f"{found.text_calls} text calls and {found.image_calls} image calls, when nothing is asked twice"
    )
    display.out.print(f"cost: {cost}{' (simulated)' if running.simulated else ''}")
    display.out.print(f"time: {found.seconds.low:.0f} to {found.seconds.high:.0f} s")
    if left.is_bounded:
        display.out.print(f"today left: {display.left_today(left)}")
    basis = f"{found.finished_worlds} finished worlds" if found.finished_worlds else "the price table alone"
    display.out.print(f"based on {basis}")


def show_status(
    running: Running, world_id: str, *, follow: bool = False, failures: bool = False, as_json: bool
) -> int:
    """Print how far a world is, and on request what failed and why; returns the exit status.

    With `follow` it is shown until it has ended, and the status tells how that was.
    """
    client = client_of(running)
    status = find_world(running, client, world_id)
    world_id = status.world_id
    console = display.err if as_json else display.out
    if follow:
        with _kept(running, world_id, console):
            status = _watch(running, client, world_id, console)
    result = exit_status(status, WorldStatus.COMPLETED) if follow else 0
    failed = client.failures(world_id) if failures else []
    if as_json:
        more = {"failures": [one.model_dump(mode="json") for one in failed]} if failures else {}
        display.as_json(status.as_json() | more)
        return result
    if not follow:
        for line in display.flow(display.stages(status), display.out.width):
            display.out.print(line)
    for said in display.summary(status, simulated=running.simulated):
        display.out.print(escape(said))
    for one in failed:
        when = f" at {one.at:%H:%M:%S}" if one.at else ""
        tries = f" (attempt {one.attempt}{when})" if one.attempt else ""
        display.out.print(escape(f"  {one.step} {one.state}{tries}: {one.reason}"))
    return result


def show_list(running: Running, limit: int, *, as_json: bool) -> None:
    """Print the worlds of the local person, newest first; in a terminal with ids as short as they may be typed."""
    settings = running.settings
    with _channel(settings, settings.world_service) as channel:
        service = WorldClient(channel, settings.rpc_timeout_s)
        records = list(service.by_id(LOCAL_USER, made_by_user=True))
    rows = [asdict(record) for record in records[:limit]]
    if as_json:
        display.as_json({"worlds": rows, "total": len(records)})
    elif rows:
        width = display.out.width if display.is_watched(display.out) else None
        ids = short_ids([record.id for record in records])
        display.out.print(display.worlds_table(rows, ids, width))
    else:
        display.out.print('No worlds yet: make one with generia generate "…"')


def find_world(running: Running, client: GeneriaClient, given: str) -> GenerationStatus:
    """Return the status of the world that a person means: what they gave is its id, or the beginning of its alone.

    Their own worlds come first: what `generia worlds` shows in short can be typed, whatever others make.

    Raises:
        NotFoundError: no world begins so, or several do; the message says which.
        TransientError: the endpoint cannot be reached.
    """
    if not re.match(WORLD_ID_PATTERN, given):
        raise NotFoundError(f"{clip(given, 80)!r} is no id of a world: 'generia worlds' lists yours.")
    settings = running.settings
    try:
        return client.status(given)
    except NotFoundError as unknown:
        try:
            with _channel(settings, settings.world_service) as channel:
                service = WorldClient(channel, settings.rpc_timeout_s)
                own = [record.id for record in service.by_id(LOCAL_USER, given, made_by_user=True)]
                ids = own or [record.id for record in service.by_id(LOCAL_USER, given)]
        except TransientError:  # where the addresses of the services are not set, ids are typed whole
            raise unknown from None
        return client.status(find_id(given, ids))


def _show_world(running: Running, status: GenerationStatus) -> None:
    settings = running.settings
    console = display.out
    with _channel(settings, settings.world_service) as channel:
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
    with _channel(settings, settings.post_service) as channel:
        page = PostClient(channel, settings.rpc_timeout_s).feed(world_id, _SHOWN_POSTS)
    return [(post.display_name, post.caption) for post in page.posts]


def _files(settings: Settings, world_id: str) -> str | None:
    """Return the folder that holds a world's pictures, where the stack keeps them as plain files."""
    for folder in settings.data_dir.expanduser().glob("s3-*"):
        path: Path = folder / settings.s3_bucket / world_id
        if path.is_dir():
            return str(path)
    return None
