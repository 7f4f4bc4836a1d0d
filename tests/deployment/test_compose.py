"""docker-compose.yml is what a compose parser accepts with each choice, and keeps to the rules of the house."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

import celeryconfig
from generia_worker.processes.health_checks import beat_file, worker_file
from generia_worker.settings import PREFIX, Settings, secret_variables
from tests.deployment import dockerfile
from tests.deployment.dockerfile import ROOT

COMPOSE = ROOT / "docker-compose.yml"
PARSER = Path(__file__).with_name("compose_parser.py")
#: They prepare a server and end.
ONCE = {"mongo-setup", "s3-setup"}
#: Needs root to prepare a volume.
ROOTS = {"s3-setup"}
#: Run for one command at a time.
COMMANDS = {"cli"}
#: What the set-up script notes.
CHOSEN = {"SIMULATOR": "1", "MONITORING": "1"}
#: Run only where they were chosen.
MONITORING = {"exporter", "prometheus", "grafana"}


def parsed(environment: dict[str, str] | None = None) -> dict[str, Any]:
    """Return what a compose parser makes of the file."""
    return _parsed(tuple(sorted((CHOSEN if environment is None else environment).items())))


def stage_of(service: dict[str, Any]) -> str:
    """Return the stage that the image of a service is made of, empty for a server of others."""
    image: str = service["image"]
    return image.removeprefix("generia/") if image.startswith("generia/") else ""


@cache
def _parsed(environment: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    # The parser wants to know the version of a podman that need not be here: it takes what `echo` says.
    done = subprocess.run(
        [
            sys.executable,
            str(PARSER),
            "--podman-path",
            shutil.which("echo") or "/bin/echo",
            "-f",
            str(COMPOSE),
            # What was chosen in this folder is of no account here.
            "--env-file",
            os.devnull,
            "config",
        ],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", **dict(environment)},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert not re.search(r"^(WARNING|ERROR|CRITICAL)", done.stderr, re.MULTILINE), done.stderr
    found: dict[str, Any] = yaml.safe_load(done.stdout)
    return found


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return parsed()


@pytest.fixture(scope="module")
def services(whole: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = whole["services"]
    return found


def seconds(text: str) -> int:
    match = re.fullmatch(r"(\d+)s", text)
    assert match, text
    return int(match[1])


@pytest.mark.parametrize("simulator", ["", "1"])
@pytest.mark.parametrize("monitoring", ["", "1"])
def test_each_choice_is_accepted_and_whole(simulator: str, monitoring: str) -> None:
    """What was not chosen is there no times, so that every command, `down` too, knows it."""
    found = parsed({"SIMULATOR": simulator, "MONITORING": monitoring})["services"]
    scales = {name: int(one["scale"]) for name, one in found.items() if "scale" in one}
    assert scales.pop("simulator") == int(simulator or 0)
    assert {scales.pop(name) for name in MONITORING} == {int(monitoring or 0)}
    assert scales == {"cli": 0, "s3": 1, "s3-setup": 1}
    assert not [name for name, one in found.items() if "profiles" in one]
    assert {
        "redis",
        "mongo",
        "s3",
        "api",
        "gateway",
        "world",
        "character",
        "post",
        "media",
        "interaction",
        "beat",
        "flower",
    } <= set(found)
    for name, service in found.items():
        assert set(service.get("depends_on", {})) <= ONCE, f"{name} is made anew with others of ours"


def test_nothing_is_done_before_there_is_a_choice() -> None:
    with pytest.raises(AssertionError, match=r"run \.docker/setup once"):
        parsed({})


def test_everybody_waits_for_what_is_prepared(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            wanted = "service_started" if other == "mongo" else "service_completed_successfully"
            assert how["condition"] == wanted, f"{name} → {other}"
        if "mongo_uri" in service.get("secrets", ()) and name not in COMMANDS:
            assert "mongo-setup" in service["depends_on"], name
        if name not in ONCE | COMMANDS:
            check = service["healthcheck"]
            assert check["test"][0] in ("CMD", "CMD-SHELL")
            assert {"interval", "timeout", "retries", "start_period"} <= set(check)
            assert seconds(check["interval"]) >= 30, f"the check of {name} costs more than {name}"


def test_our_health_checks_ask_the_right_part(services: dict[str, Any]) -> None:
    """By a probe that starts quickly, at the port that the process listens on, or for the file that it touches."""
    for name, service in services.items():
        if not stage_of(service) or name in COMMANDS:
            continue
        assert service["healthcheck"]["test"][:2] == ["CMD", "probe"]
        question, value, *_ = service["healthcheck"]["test"][2:]
        settings = Settings(data_dir=Path(service["environment"]["GENERIA_DATA_DIR"]), _env_file=None)
        if question == "fresh":
            worker = name.removeprefix("worker-")
            expected = beat_file(settings) if name == "beat" else worker_file(settings, worker)
            assert value == str(expected)
            assert name == "beat" or service["command"][:2] == ["--name", worker]
        else:
            binds = [str(one) for one in service["environment"].values() if str(one).startswith("0.0.0.0:")]
            assert binds == [f"0.0.0.0:{value}"], name


def test_everything_is_bounded(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert re.fullmatch(r"\d+[mg]", service["mem_limit"]), name
        threads = int(service.get("environment", {}).get("GENERIA_WORKER_THREADS", 0))
        assert int(service["pids_limit"]) > threads + 100, name


def test_every_queue_has_its_workers(services: dict[str, Any]) -> None:
    taken: list[str] = []
    for service in services.values():
        if stage_of(service) == "worker":
            command = service["command"]
            quarantine = "--quarantine" in command
            taken += ["quarantine"] if quarantine else command[command.index("--queues") + 1].split(",")
    # A queue may have lanes, `llm.1`: who takes the queue takes them.
    assert sorted(taken) == sorted({queue.name.partition(".")[0] for queue in celeryconfig.task_queues})


@pytest.mark.parametrize(("name", "slots"), [("worker-llm", "LLM"), ("worker-images", "IMAGE")])
def test_a_provider_is_used_as_much_as_it_may_be(services: dict[str, Any], name: str, slots: str) -> None:
    environment = services[name]["environment"]
    assert int(environment["GENERIA_WORKER_THREADS"]) >= int(environment[f"GENERIA_{slots}_CONCURRENCY"])
    assert environment["GENERIA_METRICS_DIR"] == "/metrics"


def test_images_are_pinned_and_stages_exist(services: dict[str, Any]) -> None:
    built = []
    for name, service in services.items():
        if "build" in service:
            assert service["build"]["target"] == stage_of(service)
            built.append(stage_of(service))
        elif stage_of(service):
            assert service["pull_policy"] == "never", f"{name} would be looked for elsewhere"
        else:
            tag = service["image"].rpartition(":")[2]
            assert re.search(r"\d+\.\d+\.\d+|RELEASE\.20\d\d-", tag), f"{name} is not pinned"
    assert sorted(built) == sorted(dockerfile.processes()), "each once"


def test_nobody_is_root_and_nothing_is_written_but_where_it_must(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service
        assert service["logging"]["options"]["max-size"], name
        user = str(service.get("user", ""))
        if name in ROOTS:
            assert service["network_mode"] == "none"
            assert service["cap_add"] == ["CHOWN"]
        elif stage_of(service):
            assert not user  # the image's own: tests/deployment/test_dockerfile.py
        else:
            assert int(user.split(":")[0]) > 0, name
        for volume in service.get("volumes", ()):
            if volume.startswith("."):
                assert volume.endswith(":ro"), f"{name} could write into the repository"
                assert (ROOT / volume.split(":")[0]).exists()


def test_only_this_machine_reaches_the_ports(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if service.get("ports")}
    assert set(published) == {"gateway", "api", "s3", "flower", "prometheus", "grafana"}
    for port in chain(*published.values()):
        assert re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port)


def test_workers_have_longer_than_their_grace_to_stop(services: dict[str, Any]) -> None:
    for name, service in services.items():
        grace_s = float(service.get("environment", {}).get("GENERIA_GRACE_S", 0))
        if stage_of(service) == "worker":
            assert grace_s > 0
        assert seconds(service["stop_grace_period"]) >= grace_s + 10, name


def test_environments_hold_known_settings_and_no_secret(
    whole: dict[str, Any], services: dict[str, Any]
) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    secrets = set(secret_variables())
    for name, service in services.items():
        environment = service.get("environment", {})
        for variable, value in environment.items():
            if not variable.startswith(PREFIX):
                continue
            plain = variable.removesuffix("_FILE") if variable.endswith("_FILE") else variable
            assert plain in known, f"{name}: {variable}"
            assert variable not in secrets, f"{name} has {variable} in its environment"
            if variable.endswith("_FILE"):
                assert value.removeprefix("/run/secrets/") in service["secrets"], f"{name}: {variable}"
        given = {value.removeprefix("/run/secrets/") for value in map(str, environment.values())}
        if stage_of(service):
            assert set(service.get("secrets", ())) <= given, f"{name} gets a secret that it does not read"
        assert set(service.get("secrets", ())) <= set(whole["secrets"])


@pytest.mark.parametrize("name", ["worker-llm", "worker-images", "api", "cli"])
def test_one_choice_leads_everybody_to_the_simulator_or_nobody(name: str) -> None:
    simulated = parsed({"SIMULATOR": "1"})["services"]
    bind = simulated["simulator"]["environment"]["GENERIA_SIMULATOR_BIND"]
    assert int(simulated["simulator"]["scale"]) == 1
    for variable in ("GENERIA_LLM_BASE_URL", "GENERIA_IMAGE_BASE_URL"):
        address = simulated[name]["environment"][variable]
        assert address.startswith(f"http://simulator:{bind.rpartition(':')[2]}/")
    prices = [key for key in simulated[name]["environment"] if "_PRICE_" in key]
    assert len(prices) == 3
    assert all(float(simulated[name]["environment"][price]) > 0 for price in prices)
    real = parsed({"SIMULATOR": ""})["services"]
    assert int(real["simulator"]["scale"]) == 0
    assert "simulator" not in str({k: v for k, v in real[name]["environment"].items() if "_URL" in k})
    mixed = parsed({"SIMULATOR": "1", "GENERIA_LLM_BASE_URL": "http://llm.example/v1"})["services"]
    assert mixed[name]["environment"]["GENERIA_LLM_BASE_URL"] == "http://llm.example/v1"


def test_any_s3_can_take_the_place_of_ours() -> None:
    chosen = {
        "GENERIA_S3_ENDPOINT": "s3.example",
        "GENERIA_S3_SECURE": "true",
        "S3_SERVERS": "0",
        "SIMULATOR": "",
    }
    services = parsed(chosen)["services"]
    assert int(services["s3"]["scale"]) == int(services["s3-setup"]["scale"]) == 0
    for name in ("world", "character", "post", "media", "gateway"):
        environment = services[name]["environment"]
        assert environment["GENERIA_S3_ENDPOINT"] == environment["GENERIA_S3_PUBLIC_ENDPOINT"] == "s3.example"
        assert environment["GENERIA_S3_SECURE"] == "true"


class SetUp:
    """The set-up script in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.script = folder / ".docker" / "setup"
        self.script.parent.mkdir()
        self.script.write_bytes((ROOT / ".docker/setup").read_bytes())
        self.script.chmod(0o755)
        self.folder = folder / ".docker" / "secrets"
        self.env = folder / ".env"

    def run(self, *words: str) -> dict[str, str]:
        """Run it and return what `.env` says then."""
        subprocess.run([str(self.script), *words], check=True, capture_output=True, timeout=30)
        return dict(line.split("=", 1) for line in self.env.read_text().splitlines())

    def secrets(self) -> dict[str, str]:
        """Return the secrets by their names."""
        return {path.name: path.read_text() for path in self.folder.iterdir()}


@pytest.fixture
def set_up(tmp_path: Path) -> SetUp:
    return SetUp(tmp_path)


def test_the_script_makes_every_secret_once(set_up: SetUp, whole: dict[str, Any]) -> None:
    set_up.run()
    first = set_up.secrets()
    assert set(first) == set(whole["secrets"])
    for name, secret in whole["secrets"].items():
        assert secret["file"].removeprefix("./") == f".docker/secrets/{name}"
    assert first["redis_url"] == f"redis://:{first['redis_password'].strip()}@redis:6379/0\n"
    assert f"generia:{first['mongo_password'].strip()}@mongo:27017/" in first["mongo_uri"]
    made = [
        value for name, value in first.items() if not name.endswith(("_url", "_uri")) and "sim" not in value
    ]
    assert len(set(made)) == len(made) > 9
    assert len(first["jwt_secret"].strip()) >= 32
    # The user alone gets into the folder; whoever a container runs as can read what is mounted of it.
    assert stat.S_IMODE(set_up.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in set_up.folder.iterdir()} == {0o644}
    (set_up.folder / "llm_api_key").write_text("a real key\n")
    set_up.run()
    assert set_up.secrets() == first | {"llm_api_key": "a real key\n"}
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/.docker/secrets/", ".env"} <= set(ignored)


def test_a_choice_is_kept_until_there_is_another(set_up: SetUp) -> None:
    set_up.env.write_text("GENERIA_GATEWAY_REGISTRATION=closed\n")
    assert set_up.run() == {
        "GENERIA_GATEWAY_REGISTRATION": "closed",
        "SIMULATOR": "1",
        "MONITORING": "",
    }
    assert set_up.run("providers", "monitoring")["SIMULATOR"] == ""
    assert set_up.run() == {
        "GENERIA_GATEWAY_REGISTRATION": "closed",
        "SIMULATOR": "",
        "MONITORING": "1",
    }
    found = set_up.run("simulator", "no-monitoring")
    assert (found["SIMULATOR"], found["MONITORING"]) == ("1", "")
    with pytest.raises(subprocess.CalledProcessError):
        set_up.run("real")


def test_who_has_keys_already_means_the_providers(set_up: SetUp) -> None:
    """As in a folder whose secrets were made by a version that noted no choice."""
    set_up.folder.mkdir()
    for name in ("llm_api_key", "image_api_key"):
        (set_up.folder / name).write_text("a real key\n")
    assert set_up.run()["SIMULATOR"] == ""
