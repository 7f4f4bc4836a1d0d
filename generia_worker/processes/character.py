"""The process of the character service alone: `generia service character`; it imports no other service."""

from __future__ import annotations

import click

from generia_worker.processes import reports_errors, set_up_process


@click.command()
@reports_errors
def character() -> None:
    """Run the character service."""
    from generia_worker.reference.character.character_service import CharacterService
    from generia_worker.reference.shared.server import run

    run([CharacterService], set_up_process("character"))


if __name__ == "__main__":
    character()
