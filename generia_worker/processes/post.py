"""The process of the post service alone: `generia service post`, without importing the others."""

from __future__ import annotations

import click

from generia_worker.processes import begin, says_why


@click.command()
@says_why
def post() -> None:
    """Run the post service."""
    from generia_worker.reference import server
    from generia_worker.reference.post import post_service as posts

    server.run({"post": posts.register}, begin())


if __name__ == "__main__":
    post()
