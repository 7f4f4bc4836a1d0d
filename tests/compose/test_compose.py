"""What docker-compose.yml promises, seen on a real Docker: worlds, crashes, down and up, and what a change concerns."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.compose.stack import ComposeStack, until
from tests.deployment.test_compose import stage_of
from tests.deployment.test_dockerfile import CONCERNED

pytestmark = pytest.mark.skipif(not os.environ.get("COMPOSE_TESTS"), reason="run by .ci/compose")

GATEWAY = "http://127.0.0.1:8000"
#: How a database of the version before was started: without a password.
OPEN_MONGO = ("mongod", "--replSet", "rs0", "--bind_ip_all")
SEED = """
    rs.initiate({_id: 'rs0', members: [{_id: 0, host: 'mongo:27017'}]})
    while (!db.hello().isWritablePrimary) sleep(200)
    db.getSiblingDB('generia').kept.insertOne({_id: 'before'}, {writeConcern: {w: 'majority'}})
"""
#: What all containers may use of a processor while nobody asks for anything; when this was written it was 0.09.
REST_CORES = 0.2
#: As long as from one check of a container to its next.
REST_S = 30
PROMPT = "A harbour town where lighthouses argue"
WORKERS = ("worker-llm", "worker-images", "worker-services", "worker-progress", "worker-quarantine")
#: Files of which one line is changed: one of each folder that should concern somebody, or nobody.
CHANGES = (
    "generia_worker/api/controls.py",
    "generia_worker/reference/world/orders.py",
    "generia_worker/reference/character/character_service.py",
    "generia_worker/reference/post/post_service.py",
    "generia_worker/reference/media/pictures.py",
    "generia_worker/reference/interaction/interaction_service.py",
    "generia_worker/reference/shared/server.py",
    "tasks/posts.py",
    "prompts/write_post.j2",
    "generia_worker/web/css/base.css",
    "generia_worker/settings/settings.py",
    "README.md",
)


def say(text: str) -> None:
    """Print a line of the report that `.ci/compose` shows."""
    sys.stdout.write(f"{text}\n")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeStack]:
    made = ComposeStack(tmp_path_factory.mktemp("compose"))
    refused = made.run("docker", "compose", "up", check=False)
    assert refused.returncode != 0
    assert len(refused.stderr.strip().splitlines()) == 1
    assert "run .docker/setup once" in refused.stderr
    made.run(".docker/setup", "simulator")
    began = time.monotonic()
    made.compose("build")
    say(f"\nbuilt in {time.monotonic() - began:.0f} s")
    try:
        fill_open_mongo(made)
        began = time.monotonic()
        made.up()
        say(f"started in {time.monotonic() - began:.0f} s")
        yield made
    finally:
        if made.unhealthy("{{.Names}} {{.Status}}"):
            say(made.compose("ps", "--all", check=False))
            say(made.compose("logs", "--tail", "30", check=False)[-20_000:])
        made.compose("down", "--volumes", check=False)


def fill_open_mongo(stack: ComposeStack) -> None:
    """Leave data in the volume of MongoDB from when it asked for no password."""
    name = "generia-ci-before"
    stack.compose("run", "--detach", "--no-deps", "--use-aliases", "--name", name, "mongo", *OPEN_MONGO)
    try:
        mongosh = ("docker", "exec", name, "mongosh", "--quiet", "--norc", "--eval")
        until(lambda: stack.run(*mongosh, "db.hello()", check=False).returncode == 0, 60)
        stack.run(*mongosh, SEED)
        stack.run("docker", "stop", name)
    finally:
        stack.run("docker", "rm", "--force", name)


@pytest.fixture(scope="module")
def person(stack: ComposeStack) -> Iterator[httpx2.Client]:
    """Somebody who has registered at the gateway."""
    with httpx2.Client(base_url=GATEWAY, headers={"Origin": GATEWAY}, timeout=60, trust_env=False) as client:
        account = {"username": "tester", "email": "tester@example.org", "password": "seven gulls at dawn"}
        answer = client.post("/api/v1/auth/register", json=account)
        assert answer.status_code == 201, answer.text
        yield client


def check(person: httpx2.Client, world_id: str, characters: int, posts: int) -> None:
    """Assert that a world has exactly what was ordered, each once and with its picture."""
    path = f"/api/v1/worlds/{world_id}"
    status = person.get(f"{path}/status").json()
    assert (status["status"], status["users_created"], status["posts_created"]) == (
        "completed",
        characters,
        posts,
    )
    assert (status["tasks_failed"], status["tasks_skipped"]) == (0, 0)
    assert status["tasks_completed"] == status["tasks_total"]
    people = person.get(f"{path}/characters", params={"limit": 100}).json()
    assert (people["total"], len(people["characters"])) == (characters, characters)
    found: list[dict[str, str]] = []
    cursor = ""
    while cursor or not found:
        page = person.get(f"{path}/posts", params={"limit": 50, "cursor": cursor}).json()
        assert page["total"] == posts
        found, cursor = found + page["posts"], page["next_cursor"]
    assert len({post["id"] for post in found}) == len(found) == posts
    assert len({post["caption"] for post in found}) == posts, "posts repeat one another"
    with httpx2.Client(trust_env=False, timeout=30) as anybody:
        for address in [person.get(path).json()["image_url"], *(post["media_url"] for post in found)]:
            picture = anybody.get(address)
            assert picture.status_code == 200
            assert picture.headers["Content-Type"].startswith("image/")


def order(person: httpx2.Client, characters: int, posts: int) -> str:
    """Order a world through the gateway and return its id."""
    body = {"prompt": PROMPT, "characters_count": characters, "posts_count": posts}
    made = person.post("/api/v1/worlds", json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def ended(person: httpx2.Client, world_id: str) -> bool:
    """True when a world has ended; no answer is none."""
    answer = person.get(f"/api/v1/worlds/{world_id}/status")
    return answer.status_code == 200 and answer.json()["status"] in ("completed", "failed", "cancelled")


@pytest.fixture(scope="module")
def world(person: httpx2.Client) -> str:
    began = time.monotonic()
    made = order(person, 5, 15)
    until(lambda: ended(person, made), 300)
    say(f"a world of 5 / 15 in {time.monotonic() - began:.0f} s")
    return made


def test_a_world_is_made_through_the_gateway(person: httpx2.Client, world: str) -> None:
    check(person, world, 5, 15)


def test_data_from_before_there_was_a_password_is_behind_one(stack: ComposeStack) -> None:
    password = Path(stack.folder, ".docker", "secrets", "mongo_password").read_text().strip()
    counted = ("--quiet", "--norc", "--eval", "db.kept.countDocuments()")
    mongosh = ("docker", "compose", "exec", "-T", "mongo", "mongosh")
    address = f"mongodb://generia:{password}@127.0.0.1:27017/generia?authSource=admin"
    assert stack.run(*mongosh, address, *counted).stdout.strip() == "1"
    refused = stack.run(*mongosh, "mongodb://127.0.0.1:27017/generia", *counted, check=False)
    assert refused.returncode != 0
    assert "authentication" in refused.stdout + refused.stderr


def test_who_rests_costs_little(stack: ComposeStack) -> None:
    stack.wait_until_healthy()
    before, began = stack.cpu_s(), time.monotonic()
    time.sleep(REST_S)
    cores = (stack.cpu_s() - before) / (time.monotonic() - began)
    say(f"at rest {len(stack.containers())} containers use {cores:.3f} cores")
    assert cores < REST_CORES


@pytest.mark.usefixtures("person")
def test_commands_reach_the_stack(stack: ComposeStack) -> None:
    made = stack.cli("generate", PROMPT, "--characters", "1", "--posts", "2")
    assert (made["status"], made["posts_created"]) == ("completed", 2)
    assert made["_id"] in {one["id"] for one in stack.cli("worlds")["worlds"]}
    assert stack.cli("status", made["_id"])["status"] == "completed"
    assert "tester" in {one["username"] for one in stack.cli("users", "list")}


def test_kills_leave_exact_counts(stack: ComposeStack, person: httpx2.Client) -> None:
    world = order(person, 20, 60)
    done = 0

    def gets_on() -> bool:
        answer = person.get(f"/api/v1/worlds/{world}/status")
        if answer.status_code != 200:
            return False
        status = answer.json()
        return bool(status["tasks_completed"] > done or status["status"] == "completed")

    began, killed = time.monotonic(), []
    for victim in (*WORKERS, "redis", "mongo"):
        until(gets_on, 240, lambda victim=victim: f"nothing goes on before {victim} is killed")  # type: ignore[misc]
        if ended(person, world):
            break
        done = person.get(f"/api/v1/worlds/{world}/status").json()["tasks_completed"]
        stack.kill(victim)
        killed.append(victim)
    assert len(killed) > 4, f"the world was made before more than {killed} were killed"
    until(lambda: ended(person, world), 400)
    say(f"a world of 20 / 60 in {time.monotonic() - began:.0f} s; killed meanwhile: {', '.join(killed)}")
    check(person, world, 20, 60)


def test_worlds_outlive_down_and_up(stack: ComposeStack, person: httpx2.Client, world: str) -> None:
    stack.compose("down")
    assert stack.containers() == {}
    stack.up()
    check(person, world, 5, 15)


def test_a_worker_is_scaled(stack: ComposeStack) -> None:
    before = stack.containers()
    stack.up("--scale", "worker-llm=2")
    assert set(stack.containers()) - set(before) == {"worker-llm-2"}
    stack.up()
    assert stack.containers() == before, "nobody else was made anew"


@pytest.mark.parametrize("file", CHANGES)
def test_a_change_concerns_whom_it_should(stack: ComposeStack, file: str) -> None:
    """Images are built and containers made anew for exactly those whose folder, or a shared one, was changed."""
    images, containers = stack.images(), stack.containers()
    stack.add_line(file)
    began = time.monotonic()
    stack.compose("up", "--build", "--detach")
    took_s = time.monotonic() - began
    built = {name for name, one in stack.images().items() if images.get(name) != one}
    anew = {name for name, one in stack.containers().items() if containers.get(name) != one}
    named = [", ".join(sorted(found)) or "none" for found in (built, anew)]
    say(f"{file}: images {named[0]}; containers {named[1]}; {took_s:.0f} s")
    concerned = CONCERNED[file] & set(images)
    assert built == concerned
    services = stack.services()
    assert anew == {name for name in containers if stage_of(services[name]) in concerned}


def test_monitoring_is_added_to_what_was_chosen(stack: ComposeStack) -> None:
    stack.wait_until_working()
    before = stack.containers()
    stack.run(".docker/setup", "monitoring")
    stack.up()
    now = stack.containers()
    assert before.items() <= now.items(), "what ran already was made anew, or is gone"
    assert set(now) - set(before) == {"exporter", "prometheus", "grafana"}
    made = stack.cli("generate", PROMPT, "--characters", "1", "--posts", "1")
    assert made["status"] == "completed", "the simulator makes worlds still"
    stack.run(".docker/setup", "no-monitoring")
    stack.up()
    assert stack.containers() == before


def test_everything_is_healthy_after_all_of_it(
    stack: ComposeStack, person: httpx2.Client, world: str
) -> None:
    stack.wait_until_healthy()
    check(person, world, 5, 15)


def test_the_secrets_stayed_where_they_are(stack: ComposeStack) -> None:
    """No container was given one in its environment or its arguments."""
    values = {path.read_text().strip() for path in Path(stack.folder, ".docker", "secrets").iterdir()} - {
        "sim-local"
    }
    told = stack.run("docker", "inspect", *stack.containers().values()).stdout
    assert not [value for value in values if value in told]
