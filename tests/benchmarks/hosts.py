"""Workers on a second host (a network namespace): more throughput where the first host's workers were the limit, and nothing
lost when the link between the two is cut. Needs root and `ip`.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from generia_worker.embedded.stack import Program, program_environment
from generia_worker.processes.health_checks import worker_answers
from generia_worker.settings import PREFIX, Settings
from tests.benchmarks.rig import behaviour, make_worlds, rig
from tests.benchmarks.scale import inexact, ports_of
from tests.integration.conftest import PROMPT, Platform

LLM_S, IMAGE_S = 2.0, 1.0
#: So few on each host that they, and neither slots nor cores, are the limit.
_THREADS = 8
_HERE, _THERE, _MASK = "10.213.7.1", "10.213.7.2", 30
_CUT_AFTER_S, _START_S = 8, 60
_QUIET: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
_ROOT = Path(__file__).parents[2]


def measure(*, worlds: int = 6, users: int = 5, posts: int = 15) -> dict[str, Any]:
    """Make the same worlds with one host, with two, and with two of which one is cut off in the midst."""
    sizes = [(users, posts)] * worlds
    with rig(_few_threads) as platform:
        platform.behave(**behaviour(0, 0))
        make_worlds(platform, [(2, 4)])
        platform.behave(**behaviour(LLM_S, IMAGE_S))
        found = {"one host": _throughput(platform, sizes)}
        with second_host(platform) as link:
            found["two hosts"] = _throughput(platform, sizes)
            found["gain"] = round(found["two hosts"]["calls_per_s"] / found["one host"]["calls_per_s"], 2)
            found["link cut"] = _cut(platform, sizes, link)
    return found


def _few_threads(_: Settings, parts: list[Program]) -> list[Program]:
    env = {f"{PREFIX}WORKER_THREADS": str(_THREADS)}
    paid = ("worker-llm", "worker-images")
    return [replace(part, env=env) if part.name in paid else part for part in parts]


def _throughput(platform: Platform, sizes: list[tuple[int, int]]) -> dict[str, Any]:
    begun = time.monotonic()
    made = make_worlds(platform, sizes)
    took = time.monotonic() - begun
    return {"seconds": round(took, 1), "calls_per_s": round(sum(one.calls for one in made) / took, 2)}


def _cut(platform: Platform, sizes: list[tuple[int, int]], link: str) -> dict[str, Any]:
    """Cut the link while both hosts work; bring it back when all worlds have ended, and look again a lease later."""
    platform.forget_calls()
    platform.behave(**behaviour(LLM_S, IMAGE_S))
    names = [platform.order(PROMPT, *size) for size in sizes]
    time.sleep(_CUT_AFTER_S)
    _run("ip", "link", "set", link, "down")
    ended = [platform.wait(name, timeout_s=300) for name in names]
    _run("ip", "link", "set", link, "up")
    # What the other host still believes that it owns is over by now, and must change nothing.
    time.sleep(platform.settings.lease_s)
    return {
        "completed": sum(one.status == "completed" for one in ended),
        "of": len(ended),
        "ambiguous_calls": sum(one.ambiguous_calls_LLM for one in ended),
        "worlds_inexact": inexact(platform, names),
    }


@contextmanager
def second_host(platform: Platform) -> Iterator[str]:
    """Run workers in a network namespace of their own; yields the name of this side of the link."""
    name = f"generia{os.getpid()}"
    near, far = f"gn{os.getpid()}", f"gf{os.getpid()}"
    ports = [str(port) for port in ports_of(platform.settings)]
    processes: list[subprocess.Popen[bytes]] = []
    inside = ["ip", "netns", "exec", name]
    python = [sys.executable, "-m"]
    env = program_environment(platform.settings) | {f"{PREFIX}WORKER_THREADS": str(_THREADS)}
    env["PYTHONPATH"] = str(_ROOT)
    try:
        _run("ip", "netns", "add", name)
        _run("ip", "link", "add", near, "type", "veth", "peer", "name", far)
        _run("ip", "link", "set", far, "netns", name)
        _run("ip", "addr", "add", f"{_HERE}/{_MASK}", "dev", near)
        _run("ip", "link", "set", near, "up")
        _run(*inside, "ip", "addr", "add", f"{_THERE}/{_MASK}", "dev", far)
        for device in ("lo", far):
            _run(*inside, "ip", "link", "set", device, "up")
        # The servers listen on loopback: the same ports there lead here.
        forward = [*python, "tests.benchmarks.forwarder"]
        commands = [[*forward, _HERE, "127.0.0.1", *ports], [*inside, *forward, "127.0.0.1", _HERE, *ports]]
        for queue in ("llm", "images"):
            worker = [
                *python,
                "generia_worker.cli.main",
                "worker",
                "--name",
                f"far-{queue}",
                "--queues",
                queue,
            ]
            commands.append([*inside, *worker])
        for command in commands:
            processes.append(subprocess.Popen(command, env=env, **_QUIET))
        _wait_for(platform, "far-llm", "far-images")
        yield near
    finally:
        for process in processes:
            process.kill()
            process.wait()
        with contextlib.suppress(subprocess.CalledProcessError):
            _run("ip", "netns", "del", name)


def _wait_for(platform: Platform, *names: str) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if all(worker_answers(platform.settings, name, anywhere=True) for name in names):
            return
    sys.exit("The workers of the second host did not start.")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
