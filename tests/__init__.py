"""The tests. `python -m tests.benchmarks` measures running stacks, `python -m tests.faults.chaos` harms them."""

import os
from pathlib import Path

# Programs that tests start may be modules of theirs. Set for all programs alike: one whose variables for Python
# differ cannot be forked from the fork server.
_ROOT = str(Path(__file__).parents[1])
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [_ROOT, os.environ.get("PYTHONPATH")]))
