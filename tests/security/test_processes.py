"""Each process gets the secrets that it needs and no others; what runs beside them logs nothing that they keep."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr
from pymongo import MongoClient

from generia_worker.cli.programs import SECRETS, programs
from generia_worker.embedded.stack import Stack, program_environment
from generia_worker.settings import Settings, secret_variables
from generia_worker.worlds.steps import STEPS
from tests.deployment.test_compose import parsed

KEYS = {"llm_api_key", "image_api_key"}
#: What is a secret in its parts: a password beside an address.
ADDRESSES = {"mongo_uri", "redis_url"}


def every_secret() -> Settings:
    """Settings in which every secret is set, each to its own name."""
    values: dict[str, Any] = {
        name: SecretStr(f"the-{name}") for name in set(secret_variables().values()) - ADDRESSES
    }
    return Settings(_env_file=None).model_copy(update=values | {"mongo_uri": SecretStr("the-mongo_uri")})


@pytest.mark.parametrize("program", programs(Settings(_env_file=None), flower=True), ids=lambda p: p.name)
def test_a_program_of_the_stack_has_its_own_secrets(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = every_secret()
    for name in ("OPENROUTER_API_KEY", "RUNWARE_API_KEY_FILE", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "of the person")
    environment = program_environment(settings, program.secrets)
    given = {
        name for name in secret_variables().values() if f"the-{name}" in environment.values()
    } - ADDRESSES
    assert given == set(program.secrets) - ADDRESSES
    assert "of the person" not in environment.values()
    keys = KEYS & given
    if program.name.startswith(("worker-llm", "worker-images", "worker-quarantine")):
        assert keys
    else:
        assert not keys
    assert ("jwt_secret" in given) == (program.name == "gateway")


def test_every_secret_has_a_program_that_needs_it() -> None:
    assert {name for names in SECRETS.values() for name in names} == set(secret_variables().values())


def test_workers_have_the_keys_of_the_calls_that_their_steps_make() -> None:
    for spec in STEPS:
        needed = {"llm_api_key"} if spec.text_calls else set()
        needed |= {"image_api_key"} if spec.image_calls else set()
        worker = {"llm": "worker-llm", "images": "worker-images"}.get(spec.queue, "worker-inner")
        assert needed <= set(SECRETS[worker]), spec.kind
        assert needed <= set(SECRETS["worker-quarantine"])


def test_compose_hands_out_the_same() -> None:
    services = parsed()["services"]
    as_in_the_stack = {
        "world": "services",
        "worker-services": "worker-inner",
        "worker-progress": "worker-inner",
    }
    for name, service in services.items():
        program = as_in_the_stack.get(name, name)
        if program not in SECRETS:
            continue
        environment = service["environment"]
        given = {
            field
            for variable, field in secret_variables().items()
            if variable in environment or f"{variable}_FILE" in environment
        }
        # The proxy of providers is no secret of compose: who needs one adds it.
        assert given == set(SECRETS[program]) - {"provider_proxy"}, name
    for name in ("character", "post", "media", "exporter"):
        assert not KEYS & {variable.lower() for variable in services[name]["environment"]}
    assert "--slowOpSampleRate 0" in " ".join(services["mongo"]["command"])


def test_mongodb_does_not_log_what_was_slow(servers: Settings) -> None:
    """What is slow is told with its documents: prompts, answers, signed addresses."""
    secret = "A-PROMPT-THAT-IS-NOBODYS-BUSINESS"
    with MongoClient[dict[str, Any]](servers.mongo_uri.get_secret_value()) as client:
        database = client["slow"]
        database["a"].insert_one({"_id": 1, "answer": secret})
        # The threshold is a tenth of a second.
        slow = {"$where": f"sleep(300) || this.answer == '{secret}'"}
        assert len(list(database["a"].find(slow))) == 1
        database["a"].update_one(slow, {"$set": {"answer": secret * 2}})
        client.drop_database("slow")
    log = (servers.data_dir / "logs" / "mongo.log").read_text("utf-8")
    assert '"msg"' in log
    assert secret not in log


def test_the_fork_server_of_a_stack_has_no_secret(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its environment is what everybody of this user sees of all programs that are forked from it."""
    seen: list[dict[str, str]] = []

    def forked(_: object, env: dict[str, str], *__: object) -> None:
        seen.append(env)
        raise KeyboardInterrupt

    monkeypatch.setattr("generia_worker.embedded.stack.ForkServer", forked)
    with pytest.raises(KeyboardInterrupt), Stack(every_secret(), tmp_path, preload=["json"]):
        pass
    assert seen
    assert not [value for value in seen[0].values() if value.startswith("the-")]
