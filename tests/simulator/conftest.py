"""A real simulator on a free port, and short ways to call it."""

from __future__ import annotations

import json
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import uvicorn

from generia_worker.simulator.app import create_app
from generia_worker.simulator.reading import Brief
from generia_worker.simulator.server import SimulatorServer
from generia_worker.simulator.writing import write
from generia_worker.worlds.documents import (
    Answers,
    Cast,
    CharacterDetail,
    Content,
    PostDraft,
    PostPlan,
    Reactions,
    ReplyToPerson,
    WorldDescription,
    WorldImagePrompts,
)

MODELS: dict[str, type[Content]] = {
    model.schema_name: model
    for model in (
        WorldDescription,
        WorldImagePrompts,
        Cast,
        CharacterDetail,
        PostPlan,
        PostDraft,
        Reactions,
        Answers,
        ReplyToPerson,
    )
}
_UNKNOWN = (
    "default",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "title",
    "format",
)


def strict(schema: Any, definitions: dict[str, Any] | None = None) -> Any:
    """Return a pydantic schema as strict mode takes it: refs inlined, all required, nothing that is not allowed."""
    definitions = schema.get("$defs", {}) if definitions is None else definitions
    if "$ref" in schema:
        return strict(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    made = {key: value for key, value in schema.items() if key not in (*_UNKNOWN, "$defs")}
    if "anyOf" in made:
        made["anyOf"] = [strict(option, definitions) for option in made["anyOf"]]
    if "items" in made:
        made["items"] = strict(made["items"], definitions)
    if "properties" in made:
        made["properties"] = {name: strict(part, definitions) for name, part in made["properties"].items()}
        made["required"] = list(made["properties"])
        made["additionalProperties"] = False
    return made


SCHEMAS = {kind: strict(model.model_json_schema()) for kind, model in MODELS.items()}


def write_document(kind: str, prompt: str, **tags: Any) -> dict[str, Any]:
    """Write one document, without a server."""
    return write(Brief(kind, SCHEMAS[kind], {"user_prompt": prompt, **tags}, prompt, seed="1"))


def make_world(prompt: str, users: int, posts: int) -> dict[str, list[dict[str, Any]]]:
    """Write a whole world as the pipeline asks for it."""
    world = write_document("world_description", prompt)
    cast: list[dict[str, Any]] = []
    while len(cast) < users:
        batch = write_document(
            "cast", prompt, world=world, count=min(10, users - len(cast)), users_count=users, posts_count=posts,
            existing_characters=[{"concept_short": concept["concept_short"]} for concept in cast],
        )  # fmt: skip
        cast += batch["characters"]
    people = [
        write_document(
            "character",
            prompt,
            world=world,
            concept=concept,
            others=[c["concept_short"] for c in cast if c is not concept],
        )
        for concept in cast
    ]
    names = [person["display_name"] for person in people]
    written: list[dict[str, Any]] = []
    topics: list[dict[str, Any]] = []
    for concept, person in zip(cast, people, strict=True):
        count = concept["posts_count"]
        plan = write_document(
            "post_plan", prompt, world=world, character=person, count=count, earlier=[], others=names
        )["posts"]
        assert len({planned["topic"] for planned in plan}) == count
        topics += plan
        for number, planned in enumerate(plan, start=1):
            written.append(
                write_document(
                    "post", prompt, world=world, character=person, post=planned, number=number, others=names
                )
            )
    images = [write_document("world_image_prompts", prompt, world=world)]
    return {
        "world": [world],
        "images": images,
        "cast": cast,
        "people": people,
        "topics": topics,
        "posts": written,
    }


class _Server(SimulatorServer):
    """Says when it takes calls."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


class Sim:
    """A running simulator."""

    def __init__(self, base: str) -> None:
        self.base = base

    def behave(self, world: str = "", /, **switches: Any) -> None:
        """Replace the behaviours, those towards one world when it is named."""
        answer = requests.put(
            f"{self.base}/_sim/behaviour", params={"world": world}, json=switches, timeout=10
        )
        assert answer.status_code == 200, answer.text

    def ledger(self, request: str = "") -> dict[str, Any]:
        """Return the provider's books, with the entries of requests that begin like this."""
        reply = requests.get(f"{self.base}/_sim/ledger", params={"request": request}, timeout=10)
        books: dict[str, Any] = reply.json()
        return books

    def body(self, kind: str, messages: list[dict[str, str]] | None = None, **tags: Any) -> dict[str, Any]:
        """Return the body of a request for a document."""
        tags.setdefault("user_prompt", "A world of cats who study mathematics")
        said = {name: json.dumps(value).replace("</", "<\\/") for name, value in tags.items()}
        text = "\n".join(f"<{name}>{value}</{name}>" for name, value in said.items())
        return {
            "model": "google/gemini-2.5-flash",
            "messages": [
                {"role": "system", "content": "You write."},
                {"role": "user", "content": text},
                *(messages or []),
            ],
            "max_tokens": 20_000,
            "usage": {"include": True},
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": kind, "strict": True, "schema": SCHEMAS[kind]},
            },
        }

    def chat(self, body: dict[str, Any], request: str = "w/step", **options: Any) -> requests.Response:
        """Send a request for text."""
        headers = {"Authorization": "Bearer sim-test", "X-Generia-Request": request}
        options.setdefault("timeout", 20)
        return requests.post(f"{self.base}/api/v1/chat/completions", json=body, headers=headers, **options)  # noqa: S113

    def ask(self, kind: str, **tags: Any) -> dict[str, Any]:
        """Return a document."""
        answer = self.chat(self.body(kind, **tags))
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = json.loads(answer.json()["choices"][0]["message"]["content"])
        return document

    def task(self, **changes: Any) -> dict[str, Any]:
        """Return a task for one picture."""
        return {
            "taskType": "imageInference",
            "taskUUID": str(uuid.uuid4()),
            "model": "runware:100@1",
            "positivePrompt": "Scene: a cat in a library",
            "width": 256,
            "height": 256,
            "numberResults": 1,
            "outputType": "URL",
            "outputFormat": "JPG",
            "includeCost": True,
            "deliveryMethod": "sync",
        } | changes

    def draw(self, *tasks: dict[str, Any], request: str = "", **options: Any) -> requests.Response:
        """Send tasks to the image API."""
        headers = {"Authorization": "Bearer sim-test", "X-Generia-Request": request}
        options.setdefault("timeout", 20)
        return requests.post(f"{self.base}/v1", json=list(tasks), headers=headers, **options)  # noqa: S113


StartSim = Callable[..., Sim]


@pytest.fixture(scope="session")
def start_sim() -> Iterator[StartSim]:
    """Start simulators, each on a port of its own; they end with the session."""
    running: list[tuple[SimulatorServer, threading.Thread]] = []

    def start(seed: int = 1, behaviour: dict[str, Any] | None = None) -> Sim:
        config = uvicorn.Config(
            create_app(seed, behaviour),
            port=0,
            log_level="critical",
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        listening = config.bind_socket()
        server = _Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        running.append((server, thread))
        assert server.ready.wait(10)
        return Sim(f"http://127.0.0.1:{listening.getsockname()[1]}")

    yield start
    for server, _ in running:
        server.should_exit = True
    for _, thread in running:
        thread.join(timeout=10)
        assert not thread.is_alive()


@pytest.fixture(scope="session")
def shared_sim(start_sim: StartSim) -> Sim:
    """One simulator for all tests that put it back."""
    return start_sim()


@pytest.fixture
def sim(shared_sim: Sim) -> Sim:
    """The shared simulator, fresh and well-behaved."""
    assert requests.post(f"{shared_sim.base}/_sim/reset", timeout=10).status_code == 200
    return shared_sim
