"""Addresses: none is shown with its password, no secret goes to one from elsewhere, no provider names one inside."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generia_worker.cli import programs, stacks
from generia_worker.client.client import GeneriaClient
from generia_worker.errors import PermanentError, TransientError
from generia_worker.providers.http import HttpPool
from generia_worker.providers.images import ImageClient, ImageReceipt
from generia_worker.settings import INHERITED, Settings, SettingsError, load_settings
from tests.providers.conftest import Serve
from tests.reference.conftest import picture

USER, PASSWORD = "the-user-of-it", "the-pass-of-it"
WITH_USER = f"http://{USER}:{PASSWORD}@127.0.0.1:1/v1"
KEY = "sk-of-the-environment"


# --- shown -------------------------------------------------------------------------------------------------------
def test_no_address_is_shown_with_its_user(caplog: pytest.LogCaptureFixture) -> None:
    both: dict[str, Any] = dict.fromkeys(
        ("llm_base_url", "image_base_url", "api_url", "gateway_url"), WITH_USER
    )
    settings = Settings(_env_file=None, **both)
    shown = [repr(settings), programs.providers_line(settings), str(stacks._addresses(settings))]
    with pytest.raises(TransientError) as caught:
        GeneriaClient(WITH_USER).status("w1")
    for text in (*shown, caught.value.message, caplog.text):
        assert USER not in text
        assert PASSWORD not in text
        assert not text or "127.0.0.1:1" in text


# --- sent --------------------------------------------------------------------------------------------------------
@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A folder of somebody else's, in which a command is run; takes its `.env`."""
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> None:
        (tmp_path / ".env").write_text(text)

    return write


@pytest.mark.parametrize(
    ("key", "address"),
    [
        ("OPENROUTER_API_KEY", "GENERIA_LLM_BASE_URL"),
        ("GENERIA_LLM_API_KEY", "generia_llm_base_url"),
        ("RUNWARE_API_KEY", "GENERIA_IMAGE_BASE_URL"),
        ("GENERIA_API_TOKEN", "GENERIA_API_URL"),
    ],
)
def test_a_secret_of_the_environment_is_not_sent_to_an_address_of_a_folder(
    folder: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, key: str, address: str, tmp_path: Path
) -> None:
    monkeypatch.setenv(key, KEY)
    folder(f"{address}=https://collector.example.org/v1\n")
    with pytest.raises(SettingsError, match=rf"{address.upper()} stands in \.env") as caught:
        load_settings()
    assert KEY not in str(caught.value)
    # A file that the environment names is as good.
    secret = tmp_path / "secret"
    secret.write_text(KEY)
    monkeypatch.delenv(key)
    monkeypatch.setenv(f"{key}_FILE", str(secret))
    with pytest.raises(SettingsError, match=rf"{address.upper()} stands in \.env"):
        load_settings()
    # Both from one place, wherever.
    monkeypatch.delenv(f"{key}_FILE")
    folder(f"{address}=https://models.example.org/v1\n{key}={KEY}\n")
    load_settings()
    folder("")
    monkeypatch.setenv(key, KEY)
    monkeypatch.setenv(address, "https://models.example.org/v1")
    load_settings()


def test_a_command_in_a_foreign_folder_sends_nothing(folder: Callable[[str], None], tmp_path: Path) -> None:
    folder("GENERIA_LLM_BASE_URL=http://127.0.0.1:9/v1\n")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "generia_worker.cli.main",
            "demo",
            "a village of talkative lighthouse keepers",
        ],
        cwd=tmp_path,
        env={
            "PATH": "/usr/bin:/bin",
            "OPENROUTER_API_KEY": KEY,
            "PYTHONPATH": str(Path(__file__).parents[2]),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "stands in .env" in done.stderr
    assert KEY not in done.stdout + done.stderr


def test_the_other_way_round_it_is_said(
    folder: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder(f"OPENROUTER_API_KEY={KEY}\n")
    monkeypatch.setenv("GENERIA_LLM_BASE_URL", "http://127.0.0.1:11434/v1")
    with caplog.at_level(logging.WARNING):
        load_settings()
    assert "is sent the secret that stands in .env" in caplog.text
    assert KEY not in caplog.text


def test_what_a_stack_hands_on_is_all_that_its_programs_read(
    folder: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder(f"OPENROUTER_API_KEY={KEY}\nGENERIA_NO_SUCH_SETTING=1\n")
    monkeypatch.setenv(INHERITED, "1")
    assert load_settings().llm_api_key.get_secret_value() == ""


# --- named by a provider -----------------------------------------------------------------------------------------
@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What names lead to, as a DNS server of somebody's would say it."""
    known: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
        if host in known:
            return [one for address in known[host] for one in real(address, port, *arguments, **options)]
        return real(host, port, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


def download(pool: HttpPool, url: str, provider: str) -> Any:
    client = ImageClient(
        pool,
        base_url=provider,
        api_key="k",
        model="m",
        output_format="PNG",
        timeout_s=2,
        max_bytes=100_000,
    )
    return client.download(ImageReceipt("t", "i", url, None, None), 320, 200)


OUTSIDE = "https://8.8.8.8/v1"


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "[::1]", "0.0.0.0", "127.1"),  # noqa: S104 - nothing is bound
        *("10.1.2.3", "192.168.0.1", "172.17.0.1", "100.64.0.1", "[fd00::1]"),
        *("169.254.169.254", "[fe80::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"),
        "224.0.0.1",
    ],
)
def test_a_provider_elsewhere_names_nothing_inside(pool: HttpPool, host: str) -> None:
    for scheme in ("http", "https"):
        with pytest.raises(PermanentError, match="an address inside"):
            download(pool, f"{scheme}://{host}:1/p.png", OUTSIDE)


def test_names_are_looked_up_once_and_checked(
    pool: HttpPool, serve: Serve, names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(lambda c, _: c.reply(picture()))
    port = server.address.rpartition(":")[2]
    names["pictures.example.org"] = ["127.0.0.1"]
    names["api.example.org"] = ["8.8.8.8"]
    with pytest.raises(PermanentError, match="an address inside"):
        download(pool, f"http://pictures.example.org:{port}/p.png", "https://api.example.org/v1")
    # A connection that is kept from a call of our own is no way in.
    pool.exchange("GET", f"http://pictures.example.org:{port}/", deadline_s=2, max_bytes=100_000)
    with pytest.raises(PermanentError, match="an address inside"):
        download(pool, f"http://pictures.example.org:{port}/p.png", "https://api.example.org/v1")
    assert [seen.path for seen in server.seen] == ["/"]
    # Where one address of several is outside, that one is called.
    names["pictures.example.org"] = ["127.0.0.1", "8.8.8.8"]
    tried: list[Any] = []

    def connect(address: tuple[str, int], *_: Any, **__: Any) -> Any:
        tried.append(address[0])
        raise OSError

    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    with pytest.raises(TransientError):
        download(HttpPool(1, 1), "http://pictures.example.org:1/p.png", "https://api.example.org/v1")
    assert tried == ["8.8.8.8"]


def test_a_provider_inside_may_name_what_is_inside(
    pool: HttpPool, serve: Serve, names: dict[str, list[str]]
) -> None:
    server = serve(lambda c, _: c.reply(picture()))
    port = server.address.rpartition(":")[2]
    names["simulator"] = ["10.9.8.7"]
    for provider in (server.address, "http://localhost:1/v1", "http://simulator:8090/v1"):
        assert download(pool, f"http://127.0.0.1:{port}/p.png", provider).width == 320
        with pytest.raises(PermanentError, match="an address inside"):
            download(pool, "http://169.254.169.254/latest/meta-data", provider)


def test_no_redirect_leads_inside(pool: HttpPool, serve: Serve) -> None:
    inside = serve(lambda c, _: c.reply(picture()))
    redirecting = serve(lambda c, _: c.reply(b"", 302, Location=f"{inside.address}/secret"))
    with pytest.raises(TransientError, match="HTTP 302"):
        download(pool, f"{redirecting.address}/p.png", redirecting.address)
    assert inside.seen == []


def test_addresses_that_are_none(pool: HttpPool) -> None:
    for url in ("http://[::1/p.png", "http://", "http:///p.png"):
        with pytest.raises((PermanentError, TransientError)):
            download(pool, url, OUTSIDE)
