"""`generia …` with the motto: `python -m tests.integration.motto_program worker …`. Imported, it adds to the tables."""

from __future__ import annotations

import sys

from tests.integration import motto

motto.add_to_tables()


def main() -> None:
    """Run the command line."""
    from generia_worker.cli.main import main as cli
    from tasks.base import step_task

    step_task(motto.MOTTO, motto.write_motto)
    cli(args=sys.argv[1:], prog_name="generia")


if __name__ == "__main__":
    main()
