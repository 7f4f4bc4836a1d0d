"""The commands as a person types them: processes, exit statuses, what is printed where."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
import uvicorn

from generia_worker.embedded.folder import keep_port, kept_port
from generia_worker.embedded.ports import free_port
from generia_worker.settings import Settings
from generia_worker.simulator.server import make_server
from tests.cli.terminal import CTRL_C, Terminal
from tests.integration.conftest import PROMPT, SMALL_PICTURES

TIMEOUT_S = 120
#: For worlds at whose pictures nobody looks: one has those that are delivered.
SMALL = {f"GENERIA_{name.upper()}": str(side) for name, side in SMALL_PICTURES.items()}
SMALL["GENERIA_SIMULATOR_BEHAVIOUR"] = '{"prerendered": true, "latency": {"images": {"fixed_s": 0.2}}}'


def environment(**more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if "GENERIA" not in name} | more


def generia(*arguments: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "generia_worker.cli.main", *arguments],
        cwd=cwd,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def up(home: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """`generia up --port …` in a process of its own: its data folder and what it printed."""
    data, port = home / "data", str(free_port())
    command = [sys.executable, "-m", "generia_worker.cli.main", "up", "--json"]
    process = subprocess.Popen(
        [*command, "--data-dir", str(data), "--port", port],
        cwd=home,
        env=environment(**SMALL),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        started = json.loads(process.stdout.readline())
        assert started["addresses"]["gateway"] == f"http://127.0.0.1:{port}"
        assert kept_port(data) == int(port)
        yield data, started
    finally:
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert not [
            child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE
        ]


def test_demo_makes_a_world_and_another_with_another_text_server(home: Path) -> None:
    data = home / "demo"
    done = generia("demo", "--data-dir", str(data), "--characters", "2", "--posts", "3", PROMPT, cwd=home)
    assert done.returncode == 0, done.stderr
    assert "simulator" in done.stdout
    assert "completed: 2 of 2 characters and 3 of 3 posts" in done.stdout
    assert "14 text calls and 7 image calls" in done.stdout
    assert re.search(r"\d likes and \d comments by its characters", done.stdout)
    files = Path(done.stdout.split("files: ")[1].splitlines()[0])
    assert len(list(files.rglob("*.*"))) >= 7
    page = Path(done.stdout.split("page: ")[1].splitlines()[0])
    assert page.read_text(encoding="utf-8").count("<article") == 3
    assert len(list(page.parent.glob("images/**/*.*"))) == 7
    assert not (data / "stack.json").exists()

    # On the same folder, and with another text server: a simulator that the command knows nothing of stands for any one.
    port = free_port()
    address = f"http://127.0.0.1:{port}/api/v1"
    another = {"GENERIA_LLM_BASE_URL": address, "GENERIA_LLM_API_KEY": "sim-mine"}
    words = ("--json", "--data-dir", str(data), "--characters", "1", "--posts", "1")
    with _served(make_server(Settings(_env_file=None, simulator_bind=f"127.0.0.1:{port}"))):
        again = generia("demo", *words, PROMPT, cwd=home, **another, **SMALL)
        ledger = requests.get(f"http://127.0.0.1:{port}/_sim/ledger", timeout=10).json()
    assert again.returncode == 0, again.stderr
    status = json.loads(again.stdout)
    assert (status["status"], status["posts_created"]) == ("completed", 1)
    assert f"at {address}, pictures from the simulator" in again.stderr
    assert (ledger["llm"]["calls"], ledger["images"]["calls"]) == (6, 0)
    assert "sim-mine" not in again.stdout + again.stderr
    assert files.is_dir(), "the world of the first run is still there"


def test_ctrl_c_in_a_demo_keeps_the_world_and_says_how_to_go_on(home: Path) -> None:
    data = home / "interrupted"
    words = ("demo", "--data-dir", str(data), "--characters", "2", "--posts", "12", PROMPT)
    # When the first post is there, most are not begun.
    slow = SMALL | {"GENERIA_IMAGE_CONCURRENCY": "2"}
    with Terminal(*words, columns=300, cwd=home, environment=slow) as terminal:
        terminal.read_until(lambda screen: re.search(r" [1-9]\d*/12", screen.text) is not None, TIMEOUT_S)
        children = psutil.Process(terminal.process.pid).children(recursive=True)
        terminal.press(CTRL_C)
        assert terminal.end() == 130
        said = terminal.screen.text
    assert "Traceback" not in said
    assert f"is kept in {data}" in said
    assert "Stopping …" in said
    assert children
    assert not [one for one in children if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    world = re.findall(r"World (\S+) is kept", said)[0]

    # As it says; where the page was, there is another program by now.
    line = re.findall(r"^  generia (.*)$", said, re.MULTILINE)[0]
    keep_port(data, port := free_port())
    with (
        socket.create_server(("127.0.0.1", port)),
        Terminal(*shlex.split(line), columns=300, cwd=home, environment=SMALL) as up,
    ):
        said = up.read_until("Stop with Ctrl-C", TIMEOUT_S)
        assert f"Another program has port {port}, at which the page was: it is at " in said
        assert not re.search(rf"gateway +http://127.0.0.1:{port}\n", said)
        watched = generia("watch", world[:8], "--data-dir", str(data), cwd=home)
        assert watched.returncode == 0, watched.stdout + watched.stderr
        assert "completed: 2 of 2 characters and 12 of 12 posts" in watched.stdout
        up.press(CTRL_C)
        assert up.end() == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["too short"], "Invalid value for PROMPT: the prompt has 9 characters"),
        (["x" * 100_000], "at most 10000"),
        (["      \t    "], "empty"),
        ([PROMPT, "--characters", "0"], "'--characters': 0 is not in the range 1<=x<=40."),
        ([PROMPT, "--characters", "41"], "'--characters': 41 is not in the range 1<=x<=40."),
        ([PROMPT, "--posts", "0"], "'--posts': 0 is not in the range 1<=x<=250."),
        ([PROMPT, "--posts", "251"], "'--posts': 251 is not in the range 1<=x<=250."),
        ([PROMPT, "--budget", "-1"], "'--budget': -1.0 is not in the range 0<x<=10000."),
        ([PROMPT, "--budget", "nan"], "'--budget': nan is no amount of dollars."),
        ([PROMPT, "--budget", "1e999"], "'--budget': inf is not in the range 0<x<=10000."),
    ],
)
def test_demo_refuses_before_it_starts_anything(home: Path, arguments: list[str], says: str) -> None:
    done = generia("demo", "--data-dir", str(home / "never"), *arguments, cwd=home)
    assert done.returncode == 2
    assert says in done.stderr
    assert not (home / "never").exists()


def test_wrong_settings_are_named(home: Path) -> None:
    done = generia("demo", PROMPT, cwd=home, GENERIA_LEASE_S="soon")
    assert done.returncode == 1
    assert "GENERIA_LEASE_S" in done.stderr
    done = generia("demo", PROMPT, cwd=home, GENERIA_COLOUR="blue")
    assert "GENERIA_COLOUR" in done.stderr


def stands_in_a_list(world: dict[str, Any], where: tuple[str, ...], home: Path) -> None:
    """In a terminal, with as much of the id as is to be typed."""
    with Terminal("worlds", *where, columns=60, cwd=home) as terminal:
        assert terminal.end() == 0
    line = terminal.screen.lines[1]
    assert [world["id"][:8] in line, world["id"] in line, PROMPT[:8] in line] == [True, False, True]


def tells_what_more_takes(world: dict[str, Any], where: tuple[str, ...], home: Path) -> None:
    """Before it is made, and without making it."""
    more = generia("extend", *where, "--estimate", "--posts", "3", world["id"][:8], cwd=home)
    assert "and 3 image calls, when nothing is asked twice\ncost: $" in more.stdout, more.stderr
    assert json.loads(generia("status", *where, "--json", world["id"], cwd=home).stdout)["extensions"] == 0


def replies_to_people(world: dict[str, Any], where: tuple[str, ...], home: Path) -> None:
    """Once a budget is named."""
    assert "off: nobody is replied to" in generia("replies", *where, world["id"], cwd=home).stdout
    on = generia("replies", *where, "--budget", "0.5", world["id"][:8], cwd=home)
    assert on.stdout.startswith("on\n0 replies, $0.0000 of $0.5000\n"), on.stderr
    off = generia("replies", *where, "--off", "--json", world["id"], cwd=home)
    assert not json.loads(off.stdout)["on"]
    assert generia("replies", *where, "--off", "--budget", "1", world["id"], cwd=home).returncode == 2


def test_up_generate_status_worlds(up: tuple[Path, dict[str, Any]], home: Path) -> None:
    data, started = up
    assert {"enqueue endpoint", "world service", "S3", "MongoDB", "Redis"} <= set(started["addresses"])
    assert ":@" not in json.dumps(started)
    where = ("--data-dir", str(data))
    for texts, words in ((38, ()), (28, ("--reactions", "none"))):
        estimate = generia("generate", *where, "--estimate", *words, PROMPT, cwd=home)
        assert f"{texts} text calls and 22 image calls" in estimate.stdout, estimate.stderr
    made = generia("generate", *where, "--characters", "1", "--posts", "2", PROMPT, cwd=home)
    assert made.returncode == 0, made.stderr
    assert "completed: 1 of 1 characters and 2 of 2 posts" in made.stdout
    assert f"Page: {started['addresses']['gateway']}/worlds/" in made.stdout
    listed = json.loads(generia("worlds", *where, "--json", cwd=home).stdout)
    assert listed["total"] == 1
    world = listed["worlds"][0]
    assert (world["generation_status"], world["posts_count"]) == ("completed", 2)
    assert world["name"] in generia("worlds", *where, cwd=home).stdout
    status = json.loads(generia("status", *where, "--json", "--failures", world["id"], cwd=home).stdout)
    assert (status["_id"], status["failures"]) == (world["id"], [])
    for told in (tells_what_more_takes, replies_to_people, stands_in_a_list):
        told(world, where, home)
    watched = generia("watch", *where, world["id"][:8], cwd=home)
    assert (watched.returncode, "finishing: characters 1/1, posts 2/2" in watched.stdout) == (0, True)
    shown = generia("status", *where, world["id"][:8], cwd=home)
    assert "finishing" in shown.stdout
    unknown = generia("status", *where, "no-such-world", cwd=home)
    assert unknown.returncode == 1
    assert (
        unknown.stderr == "Error: No world's id begins with 'no-such-world': 'generia worlds' lists yours.\n"
    )
    assert "is no id of a world" in generia("status", *where, "../x", cwd=home).stderr
    page = requests.get(started["page"].partition("#")[0], timeout=10)
    assert (page.status_code, "main.js" in page.text) == (200, True)
    assert started["page"].startswith(f"{started['addresses']['gateway']}/#login=")
    links = {generia("login", *where, cwd=home).stdout.strip() for _ in range(2)} | {started["page"]}
    assert len(links) == 3
    for link in links:
        at, _, token = link.partition("/#login=")
        codes = [
            requests.post(f"{at}/api/v1/auth/local", json={"token": token}, timeout=10).status_code
            for _ in range(2)
        ]
        assert codes == [200, 401]
    log = "".join(file.read_text(errors="replace") for file in data.rglob("*.log"))
    assert log and not any(link.partition("#login=")[2] in log for link in links)
    taken = generia("export", *where, world["id"], str(home / "world.zip"), cwd=home)
    assert taken.returncode == 0, taken.stderr
    assert {"index.html", "style.css", "world.json"} <= set(zipfile.ZipFile(home / "world.zip").namelist())
    folder = generia("export", *where, "--json", world["id"], str(home / "taken"), cwd=home)
    assert json.loads(folder.stdout)["missing"] == []
    assert (home / "taken" / "index.html").is_file()
    twice = generia("export", *where, world["id"], str(home / "taken"), cwd=home)
    assert (twice.returncode, "exists already" in twice.stderr) == (1, True)
    done = generia("cancel", *where, world["id"], cwd=home)
    assert done.returncode == 1
    assert "ended already" in done.stderr
    redone = generia("redo", *where, world["id"], "post/1/1", cwd=home)
    assert redone.returncode == 0, redone.stderr


def test_a_port_that_another_program_has_is_refused(home: Path) -> None:
    port, data = free_port(), home / "port"
    with socket.create_server(("127.0.0.1", port)):
        refused = generia("up", "--port", str(port), "--data-dir", str(data), cwd=home)
    assert refused.returncode == 1
    assert re.fullmatch(
        rf"Error: --port: cannot listen on 127.0.0.1:{port} .*another address\.\n", refused.stderr
    )
    assert not data.exists()


def test_a_second_stack_on_the_same_folder_is_refused(up: tuple[Path, dict[str, Any]], home: Path) -> None:
    done = generia("up", "--data-dir", str(up[0]), cwd=home)
    assert done.returncode == 1
    assert str(up[0]) in done.stderr


def test_without_a_stack_the_commands_say_how_to_start_one(home: Path) -> None:
    done = generia("worlds", "--data-dir", str(home / "nowhere"), cwd=home)
    assert done.returncode == 1
    assert "generia up" in done.stderr


def test_doctor_finds_this_machine_in_order(home: Path) -> None:
    done = generia("doctor", "--json", "--data-dir", str(home / "doctor"), cwd=home)
    findings = json.loads(done.stdout)
    assert done.returncode == 0, findings
    assert findings
    assert all(finding["ok"] for finding in findings)


class _served:  # noqa: N801 - a context manager
    """Runs a server in a thread for the time of a block."""

    def __init__(self, server: uvicorn.Server) -> None:
        import threading

        self._server = server
        self._thread = threading.Thread(target=server.run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()
        while not self._server.started:
            self._thread.join(0.02)
            assert self._thread.is_alive()

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)
