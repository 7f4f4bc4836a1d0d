"""docker-compose.yml is what a compose parser accepts under each profile, and keeps to the rules of the house."""

from __future__ import annotations

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
from generia_worker.processes.health_checks import CHECKS
from generia_worker.settings import PREFIX, Settings, secret_variables
from tests import make_dockerfile

ROOT = make_dockerfile.ROOT
COMPOSE = ROOT / "docker-compose.yml"
PARSER = Path(__file__).with_name("compose_parser.py")
PROFILES: tuple[set[str], ...] = (set(), {"simulator"}, {"monitoring"}, {"simulator", "monitoring"})
#: Prepares a volume and ends; it alone needs root for that.
ONCE = {"s3-folder"}


def parsed(profiles: set[str], environment: dict[str, str] | None = None) -> dict[str, Any]:
    """Return what a compose parser makes of the file."""
    return _parsed(frozenset(profiles), tuple(sorted((environment or {}).items())))


@cache
def _parsed(profiles: frozenset[str], environment: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    # The parser wants to know the version of a podman that need not be here: it takes what `echo` says.
    chosen = [word for profile in sorted(profiles) for word in ("--profile", profile)]
    done = subprocess.run(
        [
            sys.executable,
            str(PARSER),
            "--podman-path",
            shutil.which("echo") or "/bin/echo",
            "-f",
            str(COMPOSE),
            *chosen,
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
    return parsed({"simulator", "monitoring"})


@pytest.fixture(scope="module")
def services(whole: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = whole["services"]
    return found


def seconds(text: str) -> int:
    match = re.fullmatch(r"(\d+)s", text)
    assert match, text
    return int(match[1])


@pytest.mark.parametrize("profiles", PROFILES, ids=lambda found: "+".join(sorted(found)) or "none")
def test_each_profile_is_accepted_and_whole(profiles: set[str]) -> None:
    found = parsed(profiles)["services"]
    assert ("simulator" in found) == ("simulator" in profiles)
    assert (
        ("grafana" in found) == ("prometheus" in found) == ("exporter" in found) == ("monitoring" in profiles)
    )
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
        "beat",
        "flower",
    } <= set(found)
    for name, service in found.items():
        assert set(service.get("depends_on", {})) <= set(found), (
            f"{name} waits for what this profile leaves out"
        )


def test_everybody_waits_for_health(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if other in ONCE else "service_healthy"
            assert how["condition"] == wanted, f"{name} → {other}"
        if name not in ONCE:
            check = service["healthcheck"]
            assert check["test"][0] in ("CMD", "CMD-SHELL")
            assert {"interval", "timeout", "retries", "start_period"} <= set(check)


def test_our_health_checks_ask_the_right_part(services: dict[str, Any]) -> None:
    for name, service in services.items():
        stage = service.get("build", {}).get("target")
        if stage in make_dockerfile.STAGES:
            words = service["healthcheck"]["test"]
            assert words[:4] == ["CMD", "python", "-m", make_dockerfile.HEALTH]
            assert words[4] == stage
            assert words[4] in CHECKS
            if stage == "worker":
                command = service["command"]
                assert words[5:] == ["--name", command[command.index("--name") + 1]]
                assert name == f"worker-{words[6]}"


def test_every_queue_has_its_workers(services: dict[str, Any]) -> None:
    taken: list[str] = []
    for service in services.values():
        if service.get("build", {}).get("target") == "worker":
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
    built = set()
    for name, service in services.items():
        if "build" in service:
            built.add(service["build"]["target"])
        else:
            tag = service["image"].rpartition(":")[2]
            assert re.search(r"\d+\.\d+\.\d+|RELEASE\.20\d\d-", tag), f"{name} is not pinned"
    assert built == {*make_dockerfile.STAGES, "python"}


def test_nobody_is_root_and_nothing_is_written_but_where_it_must(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service
        assert service["logging"]["options"]["max-size"], name
        user = str(service.get("user", ""))
        if name in ONCE:
            assert service["network_mode"] == "none"
            assert service["cap_add"] == ["CHOWN"]
        elif "build" in service:
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
        if name in ONCE:
            continue
        grace_s = float(service.get("environment", {}).get("GENERIA_GRACE_S", 0))
        if service.get("build", {}).get("target") == "worker":
            assert grace_s > 0
        assert seconds(service["stop_grace_period"]) >= grace_s + 10, name


def test_environments_hold_known_settings_and_no_secret(
    whole: dict[str, Any], services: dict[str, Any]
) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    secrets = set(secret_variables()) - {"GENERIA_MONGO_URI"}
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
        if service.get("build", {}).get("target") in make_dockerfile.STAGES:
            assert set(service.get("secrets", ())) <= given, f"{name} gets a secret that it does not read"
        assert set(service.get("secrets", ())) <= set(whole["secrets"])
    assert "@" not in services["api"]["environment"]["GENERIA_MONGO_URI"]


def test_the_simulators_environment_leads_to_the_simulator() -> None:
    lines = (ROOT / ".docker/simulator.env").read_text(encoding="utf-8").splitlines()
    values = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    assert values.pop("COMPOSE_PROFILES") == "simulator"
    found = parsed({"simulator"}, values)["services"]
    bind = found["simulator"]["environment"]["GENERIA_SIMULATOR_BIND"]
    for name in ("worker-llm", "worker-images", "api"):
        environment = found[name]["environment"]
        assert set(values) <= set(environment)
        for variable in ("GENERIA_LLM_BASE_URL", "GENERIA_IMAGE_BASE_URL"):
            assert environment[variable].startswith(f"http://simulator:{bind.rpartition(':')[2]}/")


def test_the_script_makes_every_secret_once(tmp_path: Path, whole: dict[str, Any]) -> None:
    script = tmp_path / ".docker" / "make-secrets"
    script.parent.mkdir()
    script.write_bytes((ROOT / ".docker/make-secrets").read_bytes())
    script.chmod(0o755)
    folder = tmp_path / ".docker" / "secrets"

    def made() -> dict[str, str]:
        subprocess.run([str(script)], check=True, capture_output=True, timeout=30)
        return {path.name: path.read_text() for path in folder.iterdir()}

    first = made()
    assert set(first) == set(whole["secrets"])
    for name, secret in whole["secrets"].items():
        assert secret["file"].removeprefix("./") == f".docker/secrets/{name}"
    assert first["redis_url"] == f"redis://:{first['redis_password'].strip()}@redis:6379/0\n"
    assert (
        len({first["api_token"], first["jwt_secret"], first["flower_password"], first["s3_secret_key"]}) == 4
    )
    assert len(first["jwt_secret"].strip()) >= 32
    # The user alone gets into the folder; whoever a container runs as can read what is mounted of it.
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o644}
    (folder / "llm_api_key").write_text("a real key\n")
    assert made() == first | {"llm_api_key": "a real key\n"}
    assert "/.docker/secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
