"""A checkout of this repository that docker compose runs, as a person would."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.deployment.dockerfile import ROOT

#: Another name than that of a stack that somebody keeps here.
PROJECT = "generia-ci"
#: How one line more is written in a file of this kind, whatever it is.
_COMMENTS = {".py": "# {}", ".j2": "{{# {} #}}", ".css": "/* {} */", ".md": "{}"}


class ComposeStack:
    """Containers of a copy of this repository in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        kept = ("PATH", "HOME", "DOCKER_CONFIG", "DOCKER_HOST")
        self._env = {name: os.environ[name] for name in kept if name in os.environ}
        self._env |= {"COMPOSE_PROJECT_NAME": PROJECT, "DOCKER_BUILDKIT": "1"}

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in the folder; with `check` a failure is told with what was said."""
        done = subprocess.run(
            command, cwd=self.folder, env=self._env, capture_output=True, text=True, timeout=840
        )
        assert done.returncode == 0 or not check, f"{' '.join(command)}:\n{done.stdout}\n{done.stderr}"
        return done

    def compose(self, *words: str, check: bool = True) -> str:
        """Run docker compose and return what it said."""
        return self.run("docker", "compose", "--ansi", "never", *words, check=check).stdout

    def cli(self, *words: str) -> Any:
        """Run a command of `generia` as docker compose offers it, and return its JSON."""
        return json.loads(self.compose("run", "--rm", "-T", "cli", *words, "--json"))

    def up(self, *words: str) -> None:
        """Build, start, and wait until everything works."""
        self.compose("up", "--build", "--detach", *words)
        self.wait_until_working()

    def wait_until_working(self, patience_s: float = 400) -> None:
        """Wait until each container has ended well or passes its own check, asked now and not when its time comes."""
        missing = set(self.containers().values())

        def works() -> bool:
            for one in json.loads(self.run("docker", "inspect", *missing).stdout) if missing else ():
                state, check = one["State"], one["Config"].get("Healthcheck")
                if state["Running"] and check:
                    kind, *words = check["Test"]
                    command = ("sh", "-c", *words) if kind == "CMD-SHELL" else words
                    passes = self.run("docker", "exec", one["Id"], *command, check=False).returncode == 0
                else:
                    passes = not state["Running"] and state["ExitCode"] == 0
                if passes:
                    missing.discard(one["Id"])
            return not missing

        until(works, patience_s, lambda: self.compose("ps", "--all"))

    def wait_until_healthy(self, patience_s: float = 400) -> None:
        """Wait until Docker, which asks every half a minute, calls all containers healthy that go on running."""
        states = "{{.Names}} {{.Status}}"
        until(lambda: self.unhealthy(states) == [], patience_s, lambda: "\n".join(self.unhealthy(states)))

    def unhealthy(self, shown: str) -> list[str]:
        """Return what is not healthy (yet)."""
        label = f"label=com.docker.compose.project={PROJECT}"
        lines = self.run("docker", "ps", "--all", "--filter", label, "--format", shown).stdout.splitlines()
        return [line for line in lines if "(healthy)" not in line and "Exited (0)" not in line]

    def services(self) -> dict[str, Any]:
        """Return the services of the compose file."""
        found: dict[str, Any] = yaml.safe_load((self.folder / "docker-compose.yml").read_text())["services"]
        return found

    def containers(self) -> dict[str, str]:
        """Return the ids of all containers, by their names without the project's."""
        label = f"label=com.docker.compose.project={PROJECT}"
        shown = "{{.Names}} {{.ID}}"
        lines = self.run("docker", "ps", "--all", "--no-trunc", "--filter", label, "--format", shown).stdout
        pairs = [line.split() for line in lines.splitlines()]
        return {name.removeprefix(f"{PROJECT}-").removesuffix("-1"): one for name, one in pairs}

    def images(self) -> dict[str, str]:
        """Return the ids of our images, by their stages."""
        shown = "{{.Repository}} {{.ID}}"
        lines = self.run(
            "docker", "images", "--no-trunc", "--filter", "reference=generia/*", "--format", shown
        ).stdout
        return {name.removeprefix("generia/"): one for name, one in map(str.split, lines.splitlines())}

    def kill(self, container: str) -> None:
        """End all that a container runs, as a crash does: its restart policy applies, unlike after `docker kill`."""
        pid = self.run("docker", "inspect", "--format", "{{.State.Pid}}", self.containers()[container]).stdout
        os.kill(int(pid), signal.SIGKILL)

    def cpu_s(self) -> float:
        """Return the processor time that all containers have used, their health checks too, in seconds."""
        pids = self.run(
            "docker", "inspect", "--format", "{{.State.Pid}}", *self.containers().values()
        ).stdout.split()
        return sum(_cpu_s(int(pid)) for pid in pids if pid != "0")

    def add_line(self, file: str) -> None:
        """Change a file by one line that means nothing."""
        path = self.folder / file
        comment = _COMMENTS[path.suffix].format(f"changed at {time.time()}")
        with path.open("a") as text:
            text.write(f"\n{comment}\n")


def _cpu_s(pid: int) -> float:
    """Return what the control group of a process has used, in seconds."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, kinds, path = line.split(":", 2)
        if "cpuacct" in kinds:
            return int(Path(f"/sys/fs/cgroup/cpuacct{path}/cpuacct.usage").read_text()) / 1e9
        if not kinds and (usage := Path(f"/sys/fs/cgroup{path}/cpu.stat")).exists():
            return int(usage.read_text().split()[1]) / 1e6
    message = f"process {pid} is in no control group that counts"
    raise AssertionError(message)


def until(true: Callable[[], bool], patience_s: float, otherwise: Callable[[], str] = lambda: "") -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.2)
