"""Reads the Dockerfile: what each stage is made from, which files of this repository it copies, what it starts."""

from __future__ import annotations

import json
import re
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "Dockerfile"
REQUIREMENTS = ROOT / ".docker" / "requirements.txt"
#: What others wrote, without what an editable installation of this repository adds to it.
SITE_PACKAGES = sysconfig.get_paths()["purelib"]


@dataclass
class Stage:
    """One stage of the Dockerfile."""

    name: str
    parent: str
    #: Sources and target of each COPY from this repository.
    copies: list[tuple[list[str], str]] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)


@cache
def stages() -> dict[str, Stage]:
    """Return all stages by their names."""
    found: dict[str, Stage] = {}
    stage = Stage("", "")
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for line in text.replace("\\\n", " ").splitlines():
        instruction, _, rest = line.partition(" ")
        words = rest.split()
        if instruction == "FROM":
            stage = found[words[2]] = Stage(words[2], words[0])
        elif instruction == "COPY" and not words[0].startswith("--"):
            stage.copies.append((words[:-1], words[-1]))
        elif instruction == "ENTRYPOINT":
            stage.entrypoint = json.loads(rest)
    return found


def processes() -> list[str]:
    """Return the stages that start something: those that images are made of."""
    return [name for name, stage in stages().items() if stage.entrypoint]


@cache
def files_of(name: str) -> frozenset[str]:
    """Return the files of this repository that the image of a stage holds, relative to the repository.

    A file lies there where it lies here: that is checked, since it would not be found by its module's name.
    """
    stage = stages().get(name)
    if stage is None:
        return frozenset()
    found = set(files_of(stage.parent))
    for sources, target in stage.copies:
        for source in sources:
            if source.startswith(".docker/"):  # goes elsewhere in the image
                continue
            paths = sorted(ROOT.glob(source))
            assert paths, f"{name} copies {source}, and there is no such file"
            for path in paths:
                at = path if path.is_dir() else path.parent
                assert at == (ROOT / target), f"{name} copies {source} to {target}"
                found |= {file for file in _files(path) if is_sent(file)}
    return frozenset(found)


def _files(path: Path) -> Iterator[str]:
    for file in [path] if path.is_file() else path.rglob("*"):
        if file.is_file():
            yield file.relative_to(ROOT).as_posix()


@cache
def _patterns() -> list[tuple[bool, str]]:
    """Return the lines of .dockerignore: whether each lets in, and what."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    return [(line.startswith("!"), line.lstrip("!")) for line in lines if line and not line.startswith("#")]


@cache
def is_sent(file: str) -> bool:
    """True when .dockerignore lets the builder see this file: the last line that fits it, or a folder above, decides."""
    sent = True
    parts = file.split("/")
    above = ["/".join(parts[: end + 1]) for end in range(len(parts))]
    for lets_in, pattern in _patterns():
        names = [parts[-1], *parts] if pattern.startswith("**/") else above
        if any(fnmatch(name, pattern.removeprefix("**/")) for name in names):
            sent = lets_in
    return sent


def copy_to(folder: Path, name: str) -> None:
    """Lay the files of a stage out as they lie in its image, below `folder`."""
    for file in files_of(name):
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / file).read_bytes())
