"""Owns a stack, to be killed by the tests: `python -m tests.embedded.owner DATA_DIR up|patient|quick|slow|fork|preloaded`.

Prints its processes as one line of JSON once all is up. `quick`: its program ends when asked to; in the other modes it
does not, which is waited for for ten seconds, and in `patient` for ten minutes. `slow`: its program never gets ready, and
the line comes while it starts. `fork`: a forked child outlives this process and holds copies of all its descriptors.
`preloaded`: its program is forked by a fork server.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from generia_worker.embedded.stack import Program, Stack
from generia_worker.settings import Settings

# Ignores the polite signal, as a stuck worker would; says where its own child is.
STUBBORN = "trap '' TERM INT; sleep 600 & echo $! > \"$0\"; wait; sleep 600"


def report(stack: Stack) -> None:
    print(json.dumps({name: process.pid for name, process in stack.processes.items()}), flush=True)


def main() -> int:
    # A shell's background job, such as a test run, starts with it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    data_dir, mode = Path(sys.argv[1]), sys.argv[2]
    child_file = data_dir / "grandchild"

    def never(_: Settings) -> bool:
        if child_file.exists() and child_file.read_text():
            report(stack)
            child_file.unlink()
        return False

    programs = [
        Program(
            "stubborn",
            lambda _: ["/bin/sh", "-c", STUBBORN, str(child_file)],
            lambda _: child_file.exists(),
            stop_timeout_s=600 if mode == "patient" else 10,
        )
    ]
    if mode == "quick":
        programs = [Program("quick", lambda _: ["/bin/sleep", "600"])]
    if mode == "slow":
        programs = [
            Program(
                "slow",
                lambda _: ["/bin/sh", "-c", STUBBORN, str(child_file)],
                never,
                stop_timeout_s=1,
            )
        ]
    preload: tuple[str, ...] = ()
    if mode == "preloaded":
        command = [sys.executable, "-P", "-m", "http.server", "--bind", "127.0.0.1", "0"]
        programs, preload = [Program("stubborn", lambda _: command)], ("http.server",)
    stack = Stack(Settings(_env_file=None), data_dir, programs, preload)

    def announce(_: Settings) -> None:
        if mode == "fork":
            forked = os.fork()
            if forked == 0:
                signal.pause()
            (data_dir / "forked").write_text(f"{forked}\n")
        report(stack)

    try:
        number = stack.run_until_signal(announce)
    finally:
        stack.stop()
    print(number.name, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
