"""Writes `.docker/requirements.txt`: `python -m tests.make_requirements` after a change of dependencies in `setup.cfg`."""

from __future__ import annotations

import configparser
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / ".docker" / "requirements.txt"


def requirements() -> str:
    """Return the exact versions of everything that is installed in this environment for the package and its traces."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    waiting = [
        Requirement(line)
        for wanted in (setup["options"]["install_requires"], setup["options.extras_require"]["otel"])
        for line in wanted.splitlines()
        if line and line[0] != "#"
    ]
    found: dict[str, str] = {}
    seen: set[str] = set()
    while waiting:
        wanted = waiting.pop()
        if str(wanted) in seen:
            continue
        seen.add(str(wanted))
        try:
            here = distribution(wanted.name)
        except PackageNotFoundError:  # for another system
            continue
        found[here.metadata["Name"].lower().replace("_", "-")] = here.version
        extras = wanted.extras or {""}
        for line in here.requires or []:
            needed = Requirement(line)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(needed)
    lines = [f"{name}=={version}" for name, version in sorted(found.items())]
    return "# Made by: python -m tests.make_requirements\n" + "\n".join(lines) + "\n"


def main() -> None:
    """Write the versions of this environment."""
    REQUIREMENTS.write_text(requirements(), encoding="utf-8")
    sys.stdout.write(f"{REQUIREMENTS.name} is up to date.\n")


if __name__ == "__main__":
    main()
