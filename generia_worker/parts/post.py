"""The process of the post service alone: `generia service post`, without importing the others."""

from __future__ import annotations

import click

from generia_worker.parts import begin, says_why


@click.command()
@says_why
def post() -> None:
    """Run the post service."""
    from generia_worker.platform import posts, server

    server.run({"post": posts.register}, begin())


if __name__ == "__main__":
    post()
