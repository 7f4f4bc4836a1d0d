"""Settings fail at once and by name, keep secrets to themselves, and reach child processes unchanged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from generia_worker.settings import (
    Settings,
    SettingsError,
    load_settings,
    secret_variables,
)

SECRET = "very-secret-value-4711"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in an empty folder, so that only a `.env` that the test writes is read."""
    monkeypatch.chdir(tmp_path)


def write_env(text: str) -> None:
    Path(".env").write_text(text, encoding="utf-8")


def refusal() -> str:
    """Load the settings, which must fail; return why."""
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return str(caught.value)


MALFORMED = [
    ("GENERIA_WORKER_THREADS", "many"),
    ("GENERIA_WORKER_THREADS", "0"),
    ("GENERIA_LEASE_S", "nan"),
    ("GENERIA_RPC_TIMEOUT_S", "-1"),
    ("GENERIA_S3_SECURE", "perhaps"),
    ("GENERIA_REDIS_URL", "127.0.0.1:6379"),
    ("GENERIA_REDIS_URL", "redis://:pass/word@host:6379/0"),
    ("GENERIA_REDIS_URL", "redis://host:port/0"),
    ("GENERIA_REDIS_URL", "redis://host/first"),
    ("GENERIA_REDIS_URL", "rediss://host/0?ssl_cert_reqs=maybe"),
    ("GENERIA_S3_ENDPOINT", "http://10.0.0.9:9000"),
    ("GENERIA_S3_PUBLIC_ENDPOINT", "ftp://example.org"),
    ("GENERIA_S3_PUBLIC_ENDPOINT", "https://example.org/pictures"),
    ("GENERIA_S3_BUCKET", "No Bucket"),
    ("GENERIA_MONGO_DATABASE", "a/b"),
    ("GENERIA_LLM_BASE_URL", "openrouter.ai/api/v1"),
    ("GENERIA_IMAGE_BASE_URL", "ftp://example.org"),
    ("GENERIA_API_URL", "http://"),
    ("GENERIA_IMAGE_FORMAT", "GIF"),
    ("GENERIA_AVATAR_SIZE", "700"),
    ("GENERIA_COVER_WIDTH", "100000"),
    ("GENERIA_LLM_TEMPERATURE", "2.5"),
    ("GENERIA_LOG_LEVEL", "LOUD"),
]


@pytest.mark.parametrize(("name", "value"), MALFORMED)
def test_a_malformed_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert f"{name}: " in refusal()


@pytest.mark.parametrize(("name", "value"), MALFORMED)
def test_a_malformed_value_in_env_file_is_named(name: str, value: str) -> None:
    write_env(f"{name}={value}\n")
    assert f"{name}: " in refusal()


def test_several_malformed_values_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENERIA_WORKER_THREADS", "many")
    write_env("GENERIA_IMAGE_FORMAT=GIF\n")
    said = refusal()
    assert "GENERIA_WORKER_THREADS: " in said
    assert "GENERIA_IMAGE_FORMAT: " in said


def test_an_unknown_name_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENERIA_MONGO_URL", f"mongodb://user:{SECRET}@host")
    said = refusal()
    assert "GENERIA_MONGO_URL" in said
    assert ".env.example" in said
    assert SECRET not in said


def test_an_unknown_name_in_env_file_is_named() -> None:
    write_env(f"GENERIA_LEASE_SECONDS=3\ngeneria_llm_key={SECRET}\nSOMEBODY_ELSES=1\n")
    said = refusal()
    assert "GENERIA_LEASE_SECONDS" in said
    assert "GENERIA_LLM_KEY" in said
    assert "SOMEBODY_ELSES" not in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("values", "named"),
    [
        (
            {"GENERIA_LEASE_S": "8", "GENERIA_LEASE_RENEW_S": "4"},
            ["GENERIA_LEASE_RENEW_S", "GENERIA_LEASE_S"],
        ),
        ({"GENERIA_LEASE_S": "600"}, ["GENERIA_LEASE_S", "GENERIA_STEP_DEADLINE_S"]),
        (
            {"GENERIA_STEP_DEADLINE_S": "1800"},
            ["GENERIA_STEP_DEADLINE_S", "GENERIA_VISIBILITY_TIMEOUT_S"],
        ),
        ({"GENERIA_LLM_TIMEOUT_S": "600"}, ["GENERIA_LLM_TIMEOUT_S", "GENERIA_STEP_DEADLINE_S"]),
        ({"GENERIA_IMAGE_TIMEOUT_S": "700"}, ["GENERIA_IMAGE_TIMEOUT_S", "GENERIA_STEP_DEADLINE_S"]),
    ],
)
def test_a_contradiction_names_both_sides(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], named: list[str]
) -> None:
    monkeypatch.setenv("GENERIA_MONGO_URI", f"mongodb://user:{SECRET}@host")
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    said = refusal()
    for name in named:
        assert name in said
    assert SECRET not in said


def secret_of(field: str) -> str:
    """Return a secret that this setting takes."""
    secret = f"{SECRET}-{field}-0123456789"
    shapes = {
        "redis_url": f"redis://:{secret}@host/0",
        "mongo_uri": f"mongodb://user:{secret}@host/",
        "provider_proxy": f"http://user:{secret}@host:3128",
    }
    return shapes.get(field, secret)


def test_secrets_show_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = [name for name, info in Settings.model_fields.items() if info.annotation is SecretStr]
    assert len(secrets) >= 7
    for name in secrets:
        monkeypatch.setenv(f"GENERIA_{name.upper()}", secret_of(name))
    settings = load_settings()
    assert settings.llm_api_key.get_secret_value() == secret_of("llm_api_key")
    shown = [
        repr(settings),
        str(settings),
        f"{settings}",
        str(settings.model_dump()),
        settings.model_dump_json(),
    ]
    for text in shown:
        assert SECRET not in text
    monkeypatch.setenv("GENERIA_WORKER_THREADS", SECRET)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    errors: list[BaseException | None] = [caught.value, caught.value.__context__, caught.value.__cause__]
    for error in errors:
        assert SECRET not in f"{error!r} {error}"


def test_settings_do_not_change() -> None:
    settings = load_settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.worker_threads = 1  # type: ignore[misc]


def test_the_environment_wins_over_env_file_and_overrides_win_over_both(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_env("GENERIA_WORKER_THREADS=3\nGENERIA_PUMP_EVERY_S=2\n")
    monkeypatch.setenv("GENERIA_WORKER_THREADS", "5")
    monkeypatch.setenv("GENERIA_DATA_DIR", "/nowhere")
    settings = load_settings(data_dir=tmp_path)
    assert (settings.worker_threads, settings.pump_every_s, settings.data_dir) == (5, 2, tmp_path)


def test_an_empty_value_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENERIA_WORKER_THREADS", "")
    write_env("GENERIA_PROMPTS_DIR=\nGENERIA_LLM_PRICE_INPUT_USD_PER_MTOK=\n")
    settings = load_settings()
    assert settings.worker_threads == Settings.model_fields["worker_threads"].default
    assert settings.prompts_dir is None
    assert settings.llm_price_input_usd_per_mtok is None


def test_zero_is_a_value_and_not_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAX_REASKS", "STEP_MAX_RETRIES", "LLM_PRICE_INPUT_USD_PER_MTOK", "PARK_AFTER_S"):
        monkeypatch.setenv(f"GENERIA_{name}", "0")
    settings = load_settings()
    assert (settings.max_reasks, settings.step_max_retries, settings.park_after_s) == (0, 0, 0)
    assert settings.llm_price_input_usd_per_mtok == 0


def test_addresses_lose_their_last_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENERIA_LLM_BASE_URL", "http://127.0.0.1:11434/v1/")
    assert load_settings().llm_base_url == "http://127.0.0.1:11434/v1"


@pytest.mark.parametrize(
    ("usual", "ours", "field"),
    [
        ("OPENROUTER_API_KEY", "GENERIA_LLM_API_KEY", "llm_api_key"),
        ("RUNWARE_API_KEY", "GENERIA_IMAGE_API_KEY", "image_api_key"),
    ],
)
def test_keys_are_read_under_their_usual_names(
    monkeypatch: pytest.MonkeyPatch, usual: str, ours: str, field: str
) -> None:
    write_env(f"{usual}=from-file\n")
    assert getattr(load_settings(), field).get_secret_value() == "from-file"
    monkeypatch.setenv(usual, "usual")
    monkeypatch.setenv(ours, "")
    assert getattr(load_settings(), field).get_secret_value() == "usual"
    monkeypatch.setenv(ours, "ours")
    assert getattr(load_settings(), field).get_secret_value() == "ours"


def test_a_child_process_gets_these_very_settings(tmp_path: Path) -> None:
    settings = load_settings(
        mongo_uri=SecretStr("mongodb://user:p%40ss@host/?replicaSet=rs0"),
        s3_secure=True,
        llm_api_key=SecretStr(f"{SECRET} with spaces = and 'quotes' and $HOME"),
        llm_price_input_usd_per_mtok=0.3,
        image_price_usd=1e-7,
        simulator_behaviour='{"rate_429": 0.05, "forbidden_words": ["котик"]}',
        prompts_dir=tmp_path / "a folder",
        data_dir=Path("~/elsewhere"),
        log_level="DEBUG",
    )
    program = (
        "import json, sys; from generia_worker.settings import load_settings; s = load_settings();"
        "sys.stdout.buffer.write(json.dumps(s.environment()).encode())"
    )
    # A `.env` beside the child must not change what it was given.
    write_env("GENERIA_LOG_LEVEL=ERROR\nOPENROUTER_API_KEY=another\n")
    child = subprocess.run(
        [sys.executable, "-c", program],
        env=settings.environment(),
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert json.loads(child.stdout) == settings.environment()
    assert settings.environment()["GENERIA_S3_SECURE"] == "true"
    assert "GENERIA_LLM_PRICE_OUTPUT_USD_PER_MTOK" not in settings.environment()
    assert set(settings.environment()) <= {f"GENERIA_{name.upper()}" for name in Settings.model_fields}


def test_openrouter_is_known_by_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().uses_openrouter
    monkeypatch.setenv("GENERIA_LLM_BASE_URL", "http://127.0.0.1:8000/v1")
    assert not load_settings().uses_openrouter


def test_every_secret_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    names = secret_variables()
    assert {"GENERIA_MONGO_URI", "GENERIA_JWT_SECRET", "OPENROUTER_API_KEY", "RUNWARE_API_KEY"} <= set(names)
    for variable, field in names.items():
        path = tmp_path / variable
        path.write_text(f"{secret_of(field)}\n", encoding="utf-8")
        monkeypatch.setenv(f"{variable}_FILE", str(path))
        settings = load_settings()
        assert getattr(settings, field).get_secret_value() == secret_of(field)
        assert field in settings.model_fields_set
        monkeypatch.delenv(f"{variable}_FILE")


def test_a_file_of_a_secret_that_env_file_names_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("from-a-file")
    write_env(f"GENERIA_API_TOKEN_FILE={tmp_path}/token\n")
    assert load_settings().api_token.get_secret_value() == "from-a-file"
    monkeypatch.setenv("GENERIA_API_TOKEN", "from-the-environment")
    assert load_settings().api_token.get_secret_value() == "from-the-environment"


@pytest.mark.parametrize("content", [None, "", "\n", b"\xff\xfe" * 20, "x" * 70_000])
def test_a_useless_file_of_a_secret_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | bytes | None
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    monkeypatch.setenv("GENERIA_API_TOKEN_FILE", str(path))
    said = refusal()
    assert "GENERIA_API_TOKEN_FILE" in said
    assert str(path) in said


def test_a_secret_that_is_given_twice_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(SECRET)
    monkeypatch.setenv("GENERIA_API_TOKEN_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("GENERIA_API_TOKEN", SECRET)
    said = refusal()
    assert "GENERIA_API_TOKEN_FILE" in said
    assert SECRET not in said


def test_only_secrets_have_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENERIA_WORKER_THREADS_FILE", "/nowhere")
    assert "GENERIA_WORKER_THREADS_FILE" in refusal()
