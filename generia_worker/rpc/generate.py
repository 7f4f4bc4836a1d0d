"""Makes the stubs in `generia_worker/rpc/stubs` from the protos: `python -m generia_worker.rpc.generate`.

`--check` changes nothing and fails when the committed stubs are not what the protos give. Needs grpcio-tools
and mypy-protobuf (the `test` extra); nothing else of the package does.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROTOS = HERE / "protos"
STUBS = HERE / "stubs"
#: Virtual folder of the protos: makes the stubs import each other by their full name.
PACKAGE = "generia_worker/rpc/stubs"


def generate(into: Path) -> list[Path]:
    """Write the stubs of every proto flat into the folder `into` and return their files.

    Raises:
        RuntimeError: a compiler is missing, or a proto does not compile; the message holds what it said.
    """
    plugin = Path(sys.executable).parent / "protoc-gen-mypy"
    if not plugin.exists():
        message = f"{plugin} is missing: install the test extra (pip install -e .[test])"
        raise RuntimeError(message)
    names = sorted(proto.name for proto in PROTOS.glob("*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        arguments = [
            f"-I{PACKAGE}={PROTOS}",
            f"--plugin=protoc-gen-mypy={plugin}",
            f"--plugin=protoc-gen-mypy_grpc={plugin}_grpc",
            *(f"--{kind}_out={folder}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")),
            *(f"{PACKAGE}/{name}" for name in names),
        ]
        command = [sys.executable, "-m", "grpc_tools.protoc", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            raise RuntimeError(f"protoc failed:\n{done.stderr}")
        into.mkdir(parents=True, exist_ok=True)
        made = sorted((Path(folder) / PACKAGE).glob("*_pb2*.py*"))
        return [Path(shutil.copyfile(source, into / source.name)) for source in made]


def stale() -> list[str]:
    """Return the names of the committed stubs that differ from what the protos give. Raises RuntimeError."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = {path.name: path.read_bytes() for path in generate(Path(folder))}
    committed = {path.name: path.read_bytes() for path in STUBS.glob("*_pb2*.py*")}
    return sorted(name for name in fresh.keys() | committed.keys() if fresh.get(name) != committed.get(name))


def main() -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m generia_worker.rpc.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only tell whether the stubs are stale")
    if parser.parse_args().check:
        names = stale()
        if names:
            print(f"Stale: {', '.join(names)}. Run python -m generia_worker.rpc.generate", file=sys.stderr)
        return 1 if names else 0
    for path in generate(STUBS):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
