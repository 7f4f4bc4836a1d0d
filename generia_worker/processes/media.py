"""The process of the media service alone: `generia service media`; it imports no other service."""

from __future__ import annotations

import click

from generia_worker.processes import reports_errors, set_up_process


@click.command()
@reports_errors
def media() -> None:
    """Run the media service."""
    from generia_worker.reference.media.media_service import MediaService
    from generia_worker.reference.shared.server import run

    run([MediaService], set_up_process("media"))


if __name__ == "__main__":
    media()
