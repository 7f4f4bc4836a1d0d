"""A MongoDB that cannot be used, told in one sentence: a real one with authentication, names that lead nowhere."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from generia_worker.embedded.binaries import find_mongod
from generia_worker.embedded.doctor import check_mongo
from generia_worker.embedded.ports import free_port
from generia_worker.embedded.process import ManagedProcess
from generia_worker.errors import ConfigurationError
from generia_worker.settings import Settings
from generia_worker.storage.database import Database
from generia_worker.storage.mongo import connect
from generia_worker.storage.mongo_check import MongoUnusable, wait_until_usable

PASSWORD = "p@ss/word-of-mongo"
ENCODED = "p%40ss%2Fword-of-mongo"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A replica set of one that asks for a login and calls its member localhost: an owner and a reader."""
    folder, binary, port = tmp_path_factory.mktemp("mongo"), find_mongod(), free_port()
    assert binary is not None
    (folder / "db").mkdir()
    (folder / "key").write_text("k" * 64)
    (folder / "key").chmod(0o600)
    command = [
        str(binary.path),
        "--port",
        str(port),
        "--bind_ip",
        "localhost",
        "--dbpath",
        str(folder / "db"),
    ]
    command += ["--replSet", "rs0", "--keyFile", str(folder / "key"), "--nounixsocket", "--oplogSize", "64"]
    with MongoClient[dict[str, Any]]("localhost", port, directConnection=True) as client:

        def initiated() -> bool:
            try:
                if client.admin.command("hello").get("isWritablePrimary"):
                    return True
                members = [{"_id": 0, "host": f"localhost:{port}"}]
                client.admin.command("replSetInitiate", {"_id": "rs0", "members": members})
            except PyMongoError:
                pass
            return False

        server = ManagedProcess(
            "mongod", command, env={}, log_path=folder / "log", ready=initiated, ready_timeout_s=60
        )
        server.start()
        try:
            # The first user may be made without a login, from this machine.
            client.admin.command("createUser", "owner", pwd=PASSWORD, roles=["root"])
            with MongoClient[dict[str, Any]](address(port, f"owner:{ENCODED}")) as owner:
                owner.admin.command("createUser", "reader", pwd=PASSWORD, roles=["readAnyDatabase"])
            yield port
        finally:
            server.stop()


def address(port: int, login: str = "", host: str = "localhost", query: str = "replicaSet=rs0") -> str:
    """Return an address of that MongoDB."""
    return f"mongodb://{login}{'@' if login else ''}{host}:{port}/?{query}"


def settings_for(uri: str) -> Settings:
    """Return settings as the environment would give them."""
    return Settings(_env_file=None, mongo_uri=uri)


REFUSALS = [
    ("", "it asks for a login, and GENERIA_MONGO_URI has none", "user:password@"),
    ("owner:wrong-word", "it refuses the user name or the password", "authSource="),
    ("nobody:wrong-word", "it refuses the user name or the password", "authSource="),
    (f"reader:{ENCODED}", "its user may not read and write the database generia", "readWrite"),
]


@pytest.mark.parametrize(("login", "detail", "remedy"), REFUSALS)
def test_a_login_that_is_missing_or_wrong(port: int, login: str, detail: str, remedy: str) -> None:
    """The doctor and the start of a process say the same, and say it at once: waiting mends nothing."""
    uri = address(port, login)
    finding = check_mongo(settings_for(uri))
    assert not finding.ok and finding.detail == detail and remedy in (finding.remedy or "")
    database = Database(uri, "generia", max_pool_size=2, timeout_ms=2_000)
    with pytest.raises(MongoUnusable) as caught:
        database.wait_until_usable(0)
    assert caught.value.message == f"MongoDB: {detail}. {finding.remedy}"
    with pytest.raises(MongoUnusable), connect(uri) as client:
        wait_until_usable(client, uri, "generia", patience_s=1_000)
    database.close()


def test_a_login_that_is_right(port: int) -> None:
    """And looking changes nothing."""
    uri = address(port, f"owner:{ENCODED}")
    finding = check_mongo(settings_for(uri))
    assert finding.ok, finding
    assert "replica set rs0" in finding.detail
    with connect(uri) as client:
        assert "generia" not in client.list_database_names()


def test_a_member_that_cannot_be_resolved(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The set calls its member localhost, which this machine does not know; one member alone can be asked."""
    ask: Any = socket.getaddrinfo

    def without_localhost(host: Any, *arguments: Any, **options: Any) -> Any:
        if host == "localhost":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return ask(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", without_localhost)
    login = f"owner:{ENCODED}"
    finding = check_mongo(settings_for(address(port, login, "127.0.0.1")))
    assert (
        finding.detail
        == "its replica set calls a member localhost, and this machine cannot resolve that name"
    )
    assert "directConnection=true" in (finding.remedy or "")
    assert check_mongo(settings_for(address(port, login, "127.0.0.1", "directConnection=true"))).ok
    misspelt = check_mongo(settings_for(address(port, login)))
    assert misspelt.detail == "the name localhost in GENERIA_MONGO_URI cannot be resolved"


@pytest.mark.parametrize(
    "uri",
    [
        f"mongodb://owner:{PASSWORD}@localhost/",
        "mongodb://owner:p@ss@localhost/",
        "mongodb://owner:pass%word@localhost/",
        "mongodb://owner:pass/word@localhost/?replicaSet=rs0",
        "mongodb://owner:pass:word@localhost/",
        "http://localhost",
        "localhost:27017",
        "mongodb://",
    ],
)
def test_an_address_that_cannot_be_read(uri: str) -> None:
    """It is refused by the settings, whose error shows how it is written and not what was written."""
    with pytest.raises(
        ValidationError, match=r"in a user name or password / @ : \? # % are written"
    ) as caught:
        settings_for(uri)
    assert "word" not in str(caught.value).replace("password", "")


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://localhost",
        "mongodb://localhost/?replicaSet=rs0&tlsCAFile=/etc/ca.pem",
        "mongodb://a:27017,b:27018,c/generia?replicaSet=rs0",
        f"mongodb://owner:{ENCODED}@[::1]:27017/",
        "mongodb://%2Ftmp%2Fmongodb-27017.sock/",
        "mongodb+srv://owner:pw@cluster0.example.mongodb.net/?retryWrites=true",
    ],
)
def test_addresses_of_every_kind(uri: str) -> None:
    """What the driver reads, the settings take."""
    assert settings_for(uri).mongo_uri.get_secret_value() == uri


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("mongodb://localhost/?tls=true&tlsCAFile=/nowhere/ca.pem", "tlscafile"),
        ("mongodb://a,b/?directConnection=true", "directConnection"),
    ],
)
def test_options_that_cannot_be_used(uri: str, words: str) -> None:
    """The driver says which."""
    finding = check_mongo(settings_for(uri))
    assert not finding.ok and words in finding.detail
    with pytest.raises(ConfigurationError, match=r"^GENERIA_MONGO_URI cannot be used"):
        Database(uri, "generia", max_pool_size=2)


COMMANDS = (
    ["doctor"],
    ["demo", "A town of lighthouse keepers"],
    ["up"],
    ["worker", "--name", "llm", "--queues", "llm"],
    ["beat"],
    ["api"],
    ["gateway"],
    ["service", "all"],
)


def test_every_command_says_it_in_one_sentence(port: int, tmp_path: Path) -> None:
    """With a wrong password: no traceback, no secret, nothing started, exit status 1."""
    given = {
        "GENERIA_MONGO_URI": address(port, "owner:wrong-word"),
        "GENERIA_DATA_DIR": str(tmp_path / "data"),
        "GENERIA_JWT_SECRET": "s" * 32,
        "GENERIA_API_BIND": "127.0.0.1:0",
    }
    env = {k: v for k, v in os.environ.items() if not k.startswith("GENERIA_")} | given
    started = {
        command[0]: subprocess.Popen(
            [sys.executable, "-m", "generia_worker.cli.main", *command],
            env=env,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for command in COMMANDS
    }
    for command, process in started.items():
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 1, (command, said)
        assert "it refuses the user name or the password" in said, (command, said)
        assert "Traceback" not in said and "wrong-word" not in said, (command, said)
        if command != "doctor":
            assert said.startswith("Error: MongoDB: it refuses") and said.count("\n") == 1, (command, said)
    assert not (tmp_path / "data" / "redis").exists()
