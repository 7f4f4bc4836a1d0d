"""The help of `generia` in sections, each command with an example that can be typed as it stands."""

from __future__ import annotations

from collections.abc import Mapping

import click

#: The commands by section, in the order of the help, each with its example.
SECTIONS: Mapping[str, Mapping[str, str]] = {
    "Worlds": {
        "demo": 'generia demo "A lighthouse whose keepers are all retired pirates"',
        "generate": 'generia generate --characters 5 --posts 15 "A lighthouse whose keepers are all retired pirates"',
        "watch": "generia watch 5e9f",
        "status": "generia status 5e9f --failures",
        "worlds": "generia worlds --limit 5",
        "export": "generia export 5e9f world.zip",
        "cancel": "generia cancel 5e9f",
        "resume": "generia resume 5e9f",
        "retry": "generia retry 5e9f --no-wait",
        "redo": "generia redo 5e9f post/7/3",
        "extend": "generia extend 5e9f --characters 3 --posts 20",
        "replies": "generia replies 5e9f --budget 0.50",
        "schedule": "generia schedule 5e9f --posts-a-day 5 --budget-a-day 0.10",
    },
    "Running it": {
        "up": "generia up --port 8000",
        "login": "generia login",
        "users": "generia users invite",
        "doctor": "generia doctor",
    },
    "Parts, one process each": {
        "service": "generia service world character",
        "simulator": "generia simulator",
        "api": "generia api",
        "gateway": "generia gateway",
        "worker": "generia worker --queues llm,images",
        "beat": "generia beat",
        "exporter": "generia exporter",
        "flower": "generia flower",
        "health": "generia health gateway",
    },
}


class SectionedGroup(click.Group):
    """A group whose help has its commands in `SECTIONS`, an example under each; the others stand in their commands' help.

    Ctrl-C ends a command with the exit status that shells give to it.
    """

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command. Raises KeyError: it has no place in the sections."""
        name = name or str(cmd.name)
        example = {name: example for found in SECTIONS.values() for name, example in found.items()}[name]
        cmd.epilog = f"\b\nExample:\n  {example}"
        super().add_command(cmd, name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the sections."""
        width = max(map(len, self.commands))
        for title, examples in SECTIONS.items():
            found = [(name, self.commands[name]) for name in examples]
            with formatter.section(title):
                limit = formatter.width - width - 6
                formatter.write_dl(
                    [(f"{name:<{width}}", one.get_short_help_str(limit)) for name, one in found]
                )
            formatter.write(f"\n  For example: {next(iter(examples.values()))}\n")

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that is asked for."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            raise click.exceptions.Exit(INTERRUPTED) from None


#: The exit status of what Ctrl-C ended: that of SIGINT, as shells count.
INTERRUPTED = 130
