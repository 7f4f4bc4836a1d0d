"""The process of the interaction service alone: `generia service interaction`; it imports no other service."""

from __future__ import annotations

import click

from generia_worker.processes import reports_errors, set_up_process


@click.command()
@reports_errors
def interaction() -> None:
    """Run the interaction service."""
    from generia_worker.reference.interaction.interaction_service import InteractionService
    from generia_worker.reference.shared.server import run

    run([InteractionService], set_up_process("interaction"))


if __name__ == "__main__":
    interaction()
