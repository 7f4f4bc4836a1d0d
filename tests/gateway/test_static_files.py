"""The page's files, and the headers of every answer."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import re
from pathlib import Path

import httpx2
import pytest
from starlette.testclient import TestClient

from generia_worker.gateway.security_headers import content_policy
from generia_worker.gateway.static_files import WEB, StaticFiles
from generia_worker.settings import Settings
from tests.gateway.conftest import Gateway, StartGateway

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


@pytest.fixture
def client(gateway: Gateway) -> httpx2.Client:
    return gateway.client()


@pytest.mark.parametrize(
    "path", ["/", "/login", "/account", "/worlds", "/worlds/", "/worlds/abc", "/worlds/abc/character/x"]
)
def test_the_pages_own_addresses(client: httpx2.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.content == (WEB / "index.html").read_bytes()
    assert answer.headers["Cache-Control"] == "no-cache"
    assert client.get(path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert client.get(path, headers={"If-None-Match": f'"x", W/{answer.headers["ETag"]}'}).status_code == 304
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    assert client.get(path, headers={"If-None-Match": "*"}).status_code == 304


def raw(gateway: Gateway, method: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Make a call that decodes nothing; returns status, body, and the headers but for the time, by names in lower case."""
    connection = http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=20)
    with contextlib.closing(connection):
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders() if name.lower() != "date"}
        return answer.status, found, answer.read()


@pytest.mark.parametrize("path", ["/", "/css/world.css", "/js/main.js", "/texts/ru.json", "/favicon.svg"])
def test_texts_are_sent_compressed(gateway: Gateway, path: str) -> None:
    file = WEB / ("index.html" if path == "/" else path.removeprefix("/"))
    asked = {"Accept-Encoding": "br, gzip;q=0.8"}
    status, headers, body = raw(gateway, "GET", path, **asked)
    assert (status, headers["content-encoding"], headers["vary"]) == (200, "gzip", "Accept-Encoding")
    assert headers["content-length"] == str(len(body))
    assert len(body) < file.stat().st_size
    assert gzip.decompress(body) == file.read_bytes()
    # A call for the head is told of the same form; nobody is sent a part of it, which is allowed to all servers.
    assert raw(gateway, "HEAD", path, **asked) == (200, headers, b"")
    assert raw(gateway, "GET", path, Range="bytes=0-9", **asked)[::2] == (200, body)

    status, plain, body = raw(gateway, "GET", path)
    assert (status, body, plain["content-length"]) == (200, file.read_bytes(), str(len(body)))
    assert "content-encoding" not in plain
    assert plain["vary"] == "Accept-Encoding"
    # What is kept of one form says nothing of the other one.
    assert plain["etag"] != headers["etag"]
    kept = {"If-None-Match": headers["etag"]}
    assert raw(gateway, "GET", path, **kept)[0] == 200
    status, unchanged, body = raw(gateway, "GET", path, **kept, **asked)
    assert (status, body) == (304, b"")
    same = {"etag", "vary", "cache-control"}
    assert {name: unchanged[name] for name in same} == {name: headers[name] for name in same}


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip", True),
        ("GZIP;q=0.1", True),
        ("*", True),
        ("deflate, *;q=0.5", True),
        ("", False),
        ("identity", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("*;q=0", False),
        ("x-gzip-like", False),
    ],
)
def test_who_does_not_take_it_gets_the_file_itself(
    gateway: Gateway, accepted: str, *, compressed: bool
) -> None:
    headers = raw(gateway, "GET", "/js/main.js", **{"Accept-Encoding": accepted})[1]
    assert ("content-encoding" in headers) is compressed


def test_what_is_compressed_already_is_sent_as_it_is(gateway: Gateway) -> None:
    asked = {"Accept-Encoding": "gzip"}
    _, headers, body = raw(gateway, "GET", "/favicon.ico", **asked)
    assert body == (WEB / "favicon.ico").read_bytes()
    assert not {"content-encoding", "vary"} & set(headers)
    # A page in place of nothing is text as well; answers of the API hold what is for one person, and stay as they are.
    status, headers, body = raw(gateway, "GET", "/nothing", Accept="text/html", **asked)
    assert (status, headers["content-encoding"]) == (404, "gzip")
    assert gzip.decompress(body) == (WEB / "index.html").read_bytes()
    for path in ("/api/v1/auth/session", "/openapi.json", "/livez"):
        assert "content-encoding" not in raw(gateway, "GET", path, **asked)[1], path


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    script = tmp_path / "app.js"
    client = TestClient(StaticFiles(tmp_path))
    for content in ("one();\n" * 99, "three();\n" * 99):
        script.write_text(content)
        answer = client.get("/app.js")
        assert (answer.text, answer.headers["Content-Encoding"]) == (content, "gzip")
    # What would not get smaller stays as it is.
    script.write_text("x")
    answer = client.get("/app.js")
    assert (answer.text, answer.headers["Vary"]) == ("x", "Accept-Encoding")
    assert "Content-Encoding" not in answer.headers


def test_what_a_world_needs_is_asked_for_at_once() -> None:
    """A script that is found only when another one has been read costs a journey more."""
    found: set[str] = set()
    waiting = ["main.js"]
    while waiting:
        name = waiting.pop()
        found.add(name)
        script = (WEB / "js" / name).read_text("utf-8")
        imports = re.findall(r'^(?:import|export)\b[^;]*?"\./([\w-]+\.js)";', script, re.MULTILINE)
        waiting += set(imports) - found
    page = (WEB / "index.html").read_text("utf-8")
    asked = re.findall(r'<(?:script|link rel="modulepreload")[^>]*"/js/([\w-]+\.js)"', page)
    assert sorted(asked) == sorted(found)


@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v2/worlds",
        "/api/v1/worlds/",
        "/api/v1/nothing",
        "/nothing",
        "/index",
        "/.env",
        "/../settings.py",
        "/%2e%2e/settings.py",
        "/..%2fsettings.py",
        "/worlds/../../settings.py",
        "/%5c..%5csettings.py",
        "//etc/passwd",
        "/index.html%00",
        "/docs",
        "/redoc",
    ],
)
def test_there_is_nothing_else(gateway: Gateway, path: str) -> None:
    # The path is sent as it is: other clients tidy dots away.
    connection = http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=20)
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == 404
        assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/nothing", "/worlds.old", "/docs/a.b"])
def test_a_browser_is_shown_a_page_where_nothing_is(client: httpx2.Client, path: str) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    answer = client.get(path, headers=browser)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert answer.content == (WEB / "index.html").read_bytes()
    assert "Content-Security-Policy" in answer.headers
    assert client.get(f"/api{path}", headers=browser).headers["Content-Type"] == "application/problem+json"
    assert client.get(path).headers["Content-Type"] == "application/problem+json"
    assert client.post(path, headers=browser).status_code == 404


def test_browsers_that_ask_for_an_icon_by_its_old_name_get_one(client: httpx2.Client) -> None:
    answer = client.get("/favicon.ico")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/x-icon")
    assert answer.content.startswith(b"\0\0\1\0")


def test_files_can_only_be_read(client: httpx2.Client) -> None:
    for method in ("POST", "PUT", "DELETE"):
        answer = client.request(method, "/index.html")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
        assert client.request(method, "/api/v1/nothing").status_code == 404


def test_files_and_their_types(tmp_path: Path) -> None:
    folder = tmp_path / "web"
    (folder / "parts").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("x")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    for name in ("app.js", "parts/a.css", "icon.svg", "app.webmanifest", "notes.py", ".hidden.txt"):
        (folder / name).write_text(name)
    client = TestClient(StaticFiles(folder))

    def found(path: str) -> str | None:
        answer = client.get(path)
        return answer.headers["Content-Type"] if answer.status_code == 200 else None

    assert found("/app.js") == "text/javascript; charset=utf-8"
    assert found("/parts/a.css") == "text/css; charset=utf-8"
    assert found("/icon.svg") == "image/svg+xml"
    assert found("/app.webmanifest") == "application/manifest+json"
    for path in (
        "/notes.py",
        "/.hidden.txt",
        "/link.txt",
        "/parts",
        "/",
        "/parts/%2e%2e/app.js",
        "/secret.txt",
    ):
        assert found(path) is None, path


def test_the_page_has_no_script_of_its_own_inside() -> None:
    pages = list(WEB.rglob("*.html"))
    assert pages
    for file in pages:
        text = file.read_text("utf-8")
        assert not re.search(r"<script(?![^>]*\bsrc=)", text)
        assert not re.search(r"\son[a-z]+\s*=|javascript:|<style|\sstyle=", text)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/index.html",
        "/nothing",
        "/api/v1/worlds",
        "/api/v1/nothing",
        "/livez",
        "/readyz",
        "/openapi.json",
    ],
)
def test_every_answer_has_the_headers(gateway: Gateway, path: str) -> None:
    with gateway.client() as client:
        answer = client.get(path)
    assert {name: answer.headers[name] for name in ALWAYS} == ALWAYS
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert f"blob: http://{gateway.deps.settings.s3_endpoint};" in policy
    assert "frame-ancestors 'none'" in policy
    assert "geolocation=()" in answer.headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in answer.headers
    assert "Server" not in answer.headers
    if path.startswith("/api"):
        assert answer.headers["Cache-Control"] == "no-store"


def test_the_policy_names_where_readers_find_the_pictures() -> None:
    settings = Settings(_env_file=None, s3_public_endpoint="files.example.org", s3_secure=True)
    assert "img-src 'self' data: blob: https://files.example.org;" in content_policy(settings)
    behind = Settings(_env_file=None, s3_public_endpoint="https://files.example.org", s3_secure=False)
    assert "img-src 'self' data: blob: https://files.example.org;" in content_policy(behind)


def test_a_defect_shows_nothing_of_itself(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        message = "a secret of the inside"
        raise RuntimeError(message)

    monkeypatch.setattr("generia_worker.gateway.models.WorldsJson.__init__", broken)
    with gateway.as_user("u") as client:
        answer = client.get("/api/v1/worlds")
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert {name: answer.headers[name] for name in ALWAYS} == ALWAYS
    assert "secret" not in answer.text


def test_other_origins_are_shut_out_unless_named(gateway: Gateway, start_gateway: StartGateway) -> None:
    asks = {"Origin": "https://friend.example", "Access-Control-Request-Method": "GET"}
    with gateway.client() as client:
        for answer in (client.options("/api/v1/worlds", headers=asks), client.get("/livez", headers=asks)):
            assert not [name for name in answer.headers if name.startswith("access-control")]
    open_to = start_gateway(gateway_cors_origins="https://friend.example, https://other.example")
    with open_to.client() as client:
        allowed = client.options("/api/v1/worlds", headers=asks)
        assert allowed.headers["Access-Control-Allow-Origin"] == "https://friend.example"
        assert "Access-Control-Allow-Credentials" not in allowed.headers
        stranger = client.get("/livez", headers={"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in stranger.headers
