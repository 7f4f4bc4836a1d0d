"""The command line, `generia …`: starts processes, orders worlds, shows what became of them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from generia_worker import __version__
from generia_worker.cli.sections import SectionedGroup
from generia_worker.client.order import BUDGET_MAX, POSTS_MAX, TALK, USERS_MAX
from generia_worker.client.schedule import POSTS_A_DAY_MAX
from generia_worker.processes import Dollars, reports_errors
from generia_worker.processes.api import api
from generia_worker.processes.beat import beat
from generia_worker.processes.exporter import exporter
from generia_worker.processes.flower import flower
from generia_worker.processes.gateway import gateway
from generia_worker.processes.health import health
from generia_worker.processes.service import service
from generia_worker.processes.simulator import simulator
from generia_worker.processes.users import Asked, users
from generia_worker.processes.worker import worker
from generia_worker.settings import Settings, load_settings

F = TypeVar("F", bound=Callable[..., Any])

_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
_data_dir_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the embedded stack keeps its data.",
)


def _size_options(command: F) -> F:
    for name, default, most in (("posts", 15, POSTS_MAX), ("characters", 5, USERS_MAX)):
        option = click.option(
            f"--{name}",
            type=click.IntRange(1, most),
            default=default,
            show_default=True,
            help=f"How many {name}.",
        )
        command = option(command)
    return command


_wait_option = click.option(
    "--wait/--no-wait", default=True, show_default=True, help="Show what becomes of it."
)
_reactions_option = click.option(
    "--reactions",
    type=click.Choice(TALK),
    help="How much characters like and comment each other's posts; default: some, where there is an interaction service.",
)
_budget_option = click.option(
    "--budget",
    type=Dollars(0, BUDGET_MAX, min_open=True),
    help="Dollars to spend at most; the world ends in order there.",
)
_estimate_option = click.option("--estimate", is_flag=True, help="Only say what it will take; spend nothing.")


@click.group(cls=SectionedGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="generia")
def main() -> None:
    """Make a small social network out of one sentence.

    WORLD is the id of a world or its beginning, as far as no other world's begins so.
    """


# --- worlds ------------------------------------------------------------------------------------------------------
@main.command()
@click.argument("prompt")
@_size_options
@_reactions_option
@_budget_option
@_estimate_option
@_data_dir_option
@_json_option
@reports_errors
def demo(
    prompt: str,
    characters: int,
    posts: int,
    reactions: str | None,
    budget: float | None,
    estimate: bool,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """Start everything, make a world of PROMPT, show it, stop."""
    from generia_worker.cli import stacks, world_commands

    settings = _settings(data_dir)
    asked = world_commands.order_of(prompt, characters, posts, budget=budget)
    with stacks.some_stack(settings, as_json=as_json) as running:
        asked = world_commands.with_reactions(asked, reactions, running)
        if estimate:
            world_commands.show_estimate(running, world_commands.size_of(asked), as_json=as_json)
            return
        status = world_commands.make(running, asked, as_json=as_json, with_page=True)
    sys.exit(status)


@main.command()
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port of the page; default: the one of the last time."
)
@click.option(
    "--flower", "with_flower", is_flag=True, help="Start Flower too: tasks and failures in the browser."
)
@_data_dir_option
@_json_option
@reports_errors
def up(port: int | None, with_flower: bool, data_dir: Path | None, as_json: bool) -> None:
    """Start everything and keep it running.

    Prints the addresses; stops with Ctrl-C. The page stays at its port over restarts.
    """
    from generia_worker.cli import stacks

    stacks.keep_running(_settings(data_dir), port=port, flower=with_flower, as_json=as_json)


@main.command()
@_data_dir_option
@_json_option
@reports_errors
def login(data_dir: Path | None, as_json: bool) -> None:
    """Print a link that opens the page, logged in.

    It is good once, and for an hour.
    """
    from generia_worker.cli import stacks

    stacks.show_login(stacks.running(_settings(data_dir)), as_json=as_json)


@main.command()
@click.argument("prompt")
@_size_options
@_reactions_option
@_budget_option
@_estimate_option
@_wait_option
@_data_dir_option
@_json_option
@reports_errors
def generate(
    prompt: str,
    characters: int,
    posts: int,
    reactions: str | None,
    budget: float | None,
    estimate: bool,
    wait: bool,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """Order a world from a running stack."""
    from generia_worker.cli import stacks, world_commands

    asked = world_commands.order_of(prompt, characters, posts, budget=budget)
    running = stacks.running(_settings(data_dir))
    asked = world_commands.with_reactions(asked, reactions, running)
    if estimate:
        world_commands.show_estimate(running, world_commands.size_of(asked), as_json=as_json)
        return
    sys.exit(world_commands.make(running, asked, as_json=as_json, wait=wait))


@main.command()
@click.argument("world")
@_data_dir_option
@_json_option
@reports_errors
def watch(world: str, data_dir: Path | None, as_json: bool) -> None:
    """Show WORLD while it is being made, until it has ended."""
    _show_status(world, data_dir, follow=True, as_json=as_json)


@main.command()
@click.argument("world")
@click.option("--follow", is_flag=True, help="Show it until it has ended, as generia watch does.")
@click.option("--failures", is_flag=True, help="List the steps that failed, each with its reason.")
@_data_dir_option
@_json_option
@reports_errors
def status(world: str, follow: bool, failures: bool, data_dir: Path | None, as_json: bool) -> None:
    """Tell how far WORLD is."""
    _show_status(world, data_dir, follow=follow, failures=failures, as_json=as_json)


def _show_status(world: str, data_dir: Path | None, **how: bool) -> None:
    from generia_worker.cli import stacks, world_commands

    sys.exit(world_commands.show_status(stacks.running(_settings(data_dir)), world, **how))


def _change(world: str, action: str, what: Any, wait: bool, data_dir: Path | None, as_json: bool) -> None:
    from generia_worker.cli import stacks, world_commands

    running = stacks.running(_settings(data_dir))
    sys.exit(world_commands.change(running, world, action, what=what, wait=wait, as_json=as_json))


def _changing(name: str, help_text: str) -> None:
    """Add a command that changes the course of a world."""

    @main.command(name, help=help_text)
    @click.argument("world")
    @_wait_option
    @_data_dir_option
    @_json_option
    @reports_errors
    def changing(world: str, wait: bool, data_dir: Path | None, as_json: bool) -> None:
        _change(world, name, None, wait, data_dir, as_json)


_changing("cancel", "Stop WORLD within one call's time; what exists stays.")
_changing("resume", "Go on with WORLD, cancelled or failed, from where it stood.")
_changing("retry", "Try the failed steps of WORLD again.")


@main.command()
@click.argument("world")
@click.argument("step")
@_wait_option
@_data_dir_option
@_json_option
@reports_errors
def redo(world: str, step: str, wait: bool, data_dir: Path | None, as_json: bool) -> None:
    """Make one thing of WORLD anew.

    In place: STEP is character/7 or post/7/3.
    """
    _change(world, "redo", step, wait, data_dir, as_json)


@main.command()
@click.argument("world")
@click.option(
    "--characters", type=click.IntRange(0, USERS_MAX), default=0, show_default=True, help="How many new ones."
)
@click.option(
    "--posts", type=click.IntRange(0, POSTS_MAX), default=0, show_default=True, help="How many new ones."
)
@_budget_option
@_estimate_option
@_wait_option
@_data_dir_option
@_json_option
@reports_errors
def extend(
    world: str,
    characters: int,
    posts: int,
    budget: float | None,
    estimate: bool,
    wait: bool,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """Make more of WORLD, which is completed.

    New characters know those who are there, and everybody may write the new posts. The budget is for these alone.
    """
    from generia_worker.cli import stacks, world_commands

    asked = world_commands.extension_of(characters, posts, budget)
    if estimate:
        running = stacks.running(_settings(data_dir))
        world_commands.show_estimate_of_more(running, world, asked, as_json=as_json)
        return
    _change(world, "extend", asked, wait, data_dir, as_json)


@main.command()
@click.argument("world")
@click.option(
    "--posts-a-day", type=click.IntRange(1, POSTS_A_DAY_MAX), help="How many posts each day brings."
)
@click.option(
    "--budget-a-day", type=Dollars(0, BUDGET_MAX, min_open=True), help="Dollars that a day may cost at most."
)
@click.option(
    "--budget", type=Dollars(0, BUDGET_MAX, min_open=True), help="Dollars that all days may cost at most."
)
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day.")
@click.option("--pause", "paused", flag_value=True, default=None, help="Let no day begin for now.")
@click.option("--go-on", "paused", flag_value=False, default=None, help="Let days begin again.")
@click.option("--end", is_flag=True, help="Let no day begin any more.")
@_data_dir_option
@_json_option
@reports_errors
def schedule(
    world: str,
    posts_a_day: int | None,
    budget_a_day: float | None,
    budget: float | None,
    until: datetime | None,
    paused: bool | None,
    end: bool,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """Let WORLD live on, day by day, or show how it does.

    Each day something happens, and its characters post at times of their own. Options that are not named stay as they are.
    """
    from generia_worker.cli import schedule_command, stacks

    named = {
        "posts_a_day": posts_a_day,
        "budget_a_day": budget_a_day,
        "budget_total": budget,
        "until": None if until is None else until.date(),
        "paused": paused,
    }
    changes = {name: value for name, value in named.items() if value is not None}
    running = stacks.running(_settings(data_dir))
    schedule_command.schedule(running, world, changes, end=end, as_json=as_json)


@main.command()
@click.argument("world")
@click.option(
    "--budget",
    type=Dollars(0, BUDGET_MAX, min_open=True),
    help="Switch it on: dollars of all replies at most, those before among them.",
)
@click.option("--off", is_flag=True, help="Reply to nobody any more.")
@_data_dir_option
@_json_option
@reports_errors
def replies(world: str, budget: float | None, off: bool, data_dir: Path | None, as_json: bool) -> None:
    """Let the characters of WORLD reply to people who comment on their posts, or show whether they do.

    Off until a budget is named.
    """
    from generia_worker.cli import replies_command, stacks

    if off and budget is not None:
        raise click.UsageError("Name --budget or --off.")
    replies_command.replies(stacks.running(_settings(data_dir)), world, budget, off=off, as_json=as_json)


@main.command("worlds")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@_data_dir_option
@_json_option
@reports_errors
def list_worlds(limit: int, data_dir: Path | None, as_json: bool) -> None:
    """List your worlds on a running stack, newest first."""
    from generia_worker.cli import stacks, world_commands

    world_commands.show_list(stacks.running(_settings(data_dir)), limit, as_json=as_json)


@main.command()
@click.argument("world")
@click.argument("target", type=click.Path(path_type=Path))
@_data_dir_option
@_json_option
@reports_errors
def export(world: str, target: Path, data_dir: Path | None, as_json: bool) -> None:
    """Write WORLD to TARGET: a zip if it ends in .zip, else a folder. Its index.html opens from disk."""
    from generia_worker.cli import stacks, world_commands

    world_commands.export(stacks.running(_settings(data_dir)), world, target, as_json=as_json)


@main.group("users")
def people() -> None:
    """Look after those who may use the gateway."""


def _for_a_stack(command: click.Command) -> click.Command:
    """Return a command of `generia users` that takes the options of all others."""

    @click.command(command.name, help=command.help)
    @_data_dir_option
    @_json_option
    @reports_errors
    def asked(data_dir: Path | None, as_json: bool, **values: Any) -> None:
        from generia_worker.cli import stacks

        context = click.get_current_context()
        context.obj = Asked(stacks.running_or_named(_settings(data_dir)), as_json)
        context.invoke(command, **values)

    asked.params = [*command.params, *asked.params]
    return asked


for one in users.commands.values():
    people.add_command(_for_a_stack(one))


@main.command()
@_data_dir_option
@_json_option
@reports_errors
def doctor(data_dir: Path | None, as_json: bool) -> None:
    """Say what is missing on this machine, and what mends it."""
    from dataclasses import asdict

    from rich.markup import escape

    from generia_worker.cli import display
    from generia_worker.embedded.doctor import examine

    findings = examine(_settings(data_dir))
    if as_json:
        display.as_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            mark = "[green]✓[/]" if finding.ok else "[red]✗[/]"
            display.out.print(f"{mark} {escape(finding.name)}: {escape(finding.detail)}")
            if not finding.ok and finding.remedy:
                display.out.print(f"    → {escape(finding.remedy)}")
    sys.exit(0 if all(finding.ok for finding in findings) else 1)


# --- the parts, one process each ---------------------------------------------------------------------------------
for part in (service, simulator, api, gateway, worker, beat, exporter, flower, health):
    main.add_command(part)


def _settings(data_dir: Path | None) -> Settings:
    return load_settings(**({} if data_dir is None else {"data_dir": data_dir}))


if __name__ == "__main__":
    main()
