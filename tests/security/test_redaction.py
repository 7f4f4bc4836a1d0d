"""No configured secret is told on, whoever quotes it: a provider, a service, a server, an exception of a library."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import grpc
import pytest

from generia_worker import text
from generia_worker.app.task_events import GatheredEvents
from generia_worker.errors import GeneriaError, PermanentError
from generia_worker.observability import logs
from generia_worker.providers.http import HttpPool
from generia_worker.providers.images import ImageClient, ImageRequest, task_uuid
from generia_worker.providers.llm import ChatAnswer
from generia_worker.rpc.status_codes import translate
from generia_worker.settings import load_settings
from generia_worker.text import MASK, quote, redact
from tests.providers.conftest import Serve
from tests.providers.server import Scripted
from tests.providers.test_llm import REQUEST, answer, client, says

#: No pattern of a key would know these.
LLM_KEY = "Zq7/kontoführung+4711-Bahnhof"
IMAGE_KEY = "BLAUE-ELEFANTEN-FLIEGEN-TIEF"
#: Those of addresses, as they stand there and as they are meant.
REDIS, MONGO = "re%2Fdis-pass", "mon-go-pass"
SECRETS = (LLM_KEY, IMAGE_KEY, REDIS, "re/dis-pass", MONGO, "proxy-user-4711", "flower-pass")


@pytest.fixture(autouse=True)
def _configured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has read its settings."""
    monkeypatch.setattr(text, "_concealed", ())
    environment = {
        "OPENROUTER_API_KEY": LLM_KEY,
        "GENERIA_IMAGE_API_KEY": IMAGE_KEY,
        "GENERIA_REDIS_URL": f"redis://:{REDIS}@127.0.0.1:6379/0",
        "GENERIA_MONGO_URI": f"mongodb://user:{MONGO}@127.0.0.1/?replicaSet=rs0",
        "GENERIA_LLM_BASE_URL": "http://proxy-user-4711@127.0.0.1:1/v1",
        "GENERIA_FLOWER_PASSWORD": "flower-pass",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    load_settings(_env_file=None)


def tells_none(text: object) -> bool:
    found = [secret for secret in SECRETS if secret in str(text)]
    assert not found, text
    return MASK in str(text)


# --- where it comes in -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("status", [400, 401, 402, 403, 429, 500])
@pytest.mark.parametrize("before", ["", "x" * 285, "\x1b[31m\u202e"])
def test_a_text_provider_that_quotes_the_key(
    pool: HttpPool,
    serve: Serve,
    status: int,
    before: str,
) -> None:
    body = {"error": {"message": f"{before} The API key {LLM_KEY} may not use this model."}}
    with pytest.raises(GeneriaError) as caught:
        client(pool, serve(says(body, status))).complete(REQUEST)
    tells_none(caught.value.message)
    assert LLM_KEY[:12] not in caught.value.message  # nor the half that a cut would have left


def test_a_text_provider_that_answers_with_the_key(pool: HttpPool, serve: Serve) -> None:
    body = answer(f'{{"bio": "my key is {LLM_KEY}"}}', model=LLM_KEY, error={"message": f"no {LLM_KEY}"})
    got: ChatAnswer = client(pool, serve(says(body))).complete(REQUEST)
    assert tells_none(got)
    assert json.loads(got.content) == {"bio": f"my key is {MASK}"}


def test_an_image_provider_that_quotes_the_key(pool: HttpPool, serve: Serve) -> None:
    uid = task_uuid("x")

    def images(server: Scripted) -> ImageClient:
        return ImageClient(
            pool,
            base_url=server.address,
            api_key=IMAGE_KEY,
            model="m",
            output_format="PNG",
            timeout_s=5,
            max_bytes=10_000,
        )

    said = {"errors": [{"code": "invalidApiKey", "message": f"Key {IMAGE_KEY} is void.", "taskUUID": uid}]}
    with pytest.raises(PermanentError) as caught:
        images(serve(says(said, 401))).draw(ImageRequest(uid, "a hill", 64, 64, "r"))
    assert tells_none(caught.value.message)


def test_a_service_that_quotes_its_address() -> None:
    details = f"cannot reach redis://:{REDIS}@db (password re/dis-pass, {MONGO})"
    for code in grpc.StatusCode:
        assert tells_none(translate("GetWorld", code, details).message)


# --- where it would go out ---------------------------------------------------------------------------------------
def test_whatever_becomes_an_error() -> None:
    error = PermanentError(f"no access for flower-pass with {MONGO}")
    assert tells_none(error.message)
    assert tells_none(repr(error))


@pytest.mark.parametrize("form", ["json", "text"])
def test_logs(form: str) -> None:
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        logs.set_up("INFO", form, stream)
        log = logging.getLogger("a.library")
        log.warning("retrying %s", f"redis://:{REDIS}@host")
        try:
            raise ValueError(LLM_KEY)
        except ValueError:
            log.exception("failed with %s", LLM_KEY)
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        logging.captureWarnings(False)
    assert tells_none(stream.getvalue())
    assert stream.getvalue().count(MASK) == 3  # two messages, a traceback


def test_events_that_flower_shows() -> None:
    sent: list[dict[str, Any]] = []

    class Dispatcher:
        def send(self, kind: str, **fields: Any) -> None:
            sent.append({"kind": kind, **fields})

    class Consumer:
        hub = None
        event_dispatcher = Dispatcher()

    consumer = Consumer()
    GatheredEvents(consumer).start(consumer)
    consumer.event_dispatcher.send(
        "task-failed", uuid="1", exception=f"ValueError('{LLM_KEY}')", traceback=f"… {MONGO}"
    )
    assert tells_none(sent)
    assert (sent[0]["kind"], sent[0]["uuid"]) == ("task-failed", "1")


# --- what is none ------------------------------------------------------------------------------------------------
def test_defaults_and_placeholders_are_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENERIA_LLM_API_KEY", "none")
    monkeypatch.delenv("OPENROUTER_API_KEY")
    load_settings(_env_file=None)
    text = "generia made none of them at mongodb://127.0.0.1:27017/?replicaSet=rs0"
    assert redact(text) == text


def test_a_short_password_does_not_change_what_models_write(pool: HttpPool, serve: Serve) -> None:
    # Else a person could find it out: by asking for words, and looking which one is missing.
    got = client(pool, serve(says(answer("a flower-pass in the Alps")))).complete(REQUEST)
    assert got.content == "a flower-pass in the Alps"


def test_a_quote_is_one_clean_line() -> None:
    assert quote(f" a\r\nb\x1b]0;t\x07 {LLM_KEY}\u009b31m ", 100) == f"a b]0;t {MASK}31m"
    assert quote(f"{'x' * 90} {LLM_KEY}", 100) == f"{'x' * 90}…"
