"""The process of the post service alone: `generia service post`; it imports no other service."""

from __future__ import annotations

import click

from generia_worker.processes import reports_errors, set_up_process


@click.command()
@reports_errors
def post() -> None:
    """Run the post service."""
    from generia_worker.reference.post.post_service import PostService
    from generia_worker.reference.shared.server import run

    run([PostService], set_up_process("post"))


if __name__ == "__main__":
    post()
