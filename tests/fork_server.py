"""The process that the programs of the tests' stacks are forked from."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from generia_worker.cli.programs import PRELOAD
from generia_worker.embedded.forkserver import ForkServer


@cache
def fork_server() -> ForkServer:
    """Return the one of this test process: what it imports takes longer than all else that a stack does to start.

    It ends with this process.
    """
    return ForkServer(PRELOAD, os.environ, Path(os.devnull))
