"""The files of the page, and what is answered where there is no route."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path
from typing import NamedTuple

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from generia_worker.http.problems import problem

WEB = Path(__file__).resolve().parent.parent / "web"
#: Types by ending; a file of any other kind is not served.
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
#: What gets smaller by compression; pictures and fonts are compressed already.
COMPRESSED = {".html", ".css", ".js", ".mjs", ".json", ".webmanifest", ".svg", ".txt"}
#: Addresses of the page itself: the page reads from them what to show.
_PAGE = re.compile(r"/|/login/?|/account/?|/worlds(?:/[^.]*|/[^/.]+/tags/.+)?")
_INDEX = "index.html"
_NAME = re.compile(r"/(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)*[A-Za-z0-9_-][A-Za-z0-9._-]*")
#: Files have no version in their names, so a browser asks each time; unchanged ones are answered with 304.
_CACHE = "no-cache"
_GZIP_LEVEL = 9
_REFUSED = re.compile(r"q=0(?:\.0*)?")


class _Content(NamedTuple):
    """A file as it is sent, in one of its encodings (empty: as it is), with the tag of just this form."""

    body: bytes
    encoding: str
    tag: str


class _Forms(NamedTuple):
    """The forms of a file, and the time of change in nanoseconds and the size in bytes that it had."""

    stamp: tuple[int, int]
    plain: _Content
    #: None where compression gains nothing.
    zipped: _Content | None


def _forms(file: Path, stamp: tuple[int, int]) -> _Forms:
    content = file.read_bytes()
    tag = hashlib.sha256(content).hexdigest()[:32]
    plain = _Content(content, "", f'"{tag}"')
    # Without a time inside, the same file has the same bytes in every process.
    zipped = gzip.compress(content, _GZIP_LEVEL, mtime=0) if file.suffix in COMPRESSED else content
    smaller = len(zipped) < len(content)
    return _Forms(stamp, plain, _Content(zipped, "gzip", f'"{tag}-gzip"') if smaller else None)


def _takes_gzip(headers: Headers) -> bool:
    """True where a client names gzip, or everything, and not with the weight 0."""
    taken = {}
    for one in ",".join(headers.getlist("Accept-Encoding")).lower().split(","):
        name, *parameters = (part.strip() for part in one.split(";"))
        taken[name] = not any(map(_REFUSED.fullmatch, parameters))
    return taken.get("gzip", taken.get("*", False))


def _wants_page(headers: Headers) -> bool:
    """True for a browser that opens an address, and false for what calls it for something else."""
    return "text/html" in headers.get("Accept", "")


class StaticFiles:
    """An ASGI application for everything that no route matches."""

    def __init__(self, folder: Path = WEB) -> None:
        self._folder = folder.resolve()
        # Each file is read and compressed once, and again when it has changed: who edits the page reloads it.
        self._known: dict[Path, _Forms] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a file, the page, or 404: to a browser as a page, to all else as a problem."""
        if scope["type"] != "http":
            return
        answer = await to_thread.run_sync(self._answer, scope["method"], scope["path"], Headers(scope=scope))
        await answer(scope, receive, send)

    def _answer(self, method: str, path: str, headers: Headers) -> Response:
        nothing = problem(404, "There is nothing at this address.")
        if path == "/api" or path.startswith("/api/"):
            return nothing
        file = self._file(path)
        if file is None:
            if method in ("GET", "HEAD") and _wants_page(headers):
                return self._sent(self._folder / _INDEX, 404, method, headers)
            return nothing
        if method not in ("GET", "HEAD"):
            return problem(405, "Files can only be read.", headers={"Allow": "GET, HEAD"})
        return self._sent(file, 200, method, headers)

    def _sent(self, file: Path, status: int, method: str, headers: Headers) -> Response:
        """Answer with a file, in the form that the client takes; of parts of a file, nothing is known here."""
        forms = self._read(file)
        content = forms.zipped if forms.zipped and _takes_gzip(headers) else forms.plain
        sent = {"ETag": content.tag, "Cache-Control": _CACHE}
        if file.suffix in COMPRESSED:
            sent["Vary"] = "Accept-Encoding"
        given = [one.strip().removeprefix("W/") for one in headers.get("If-None-Match", "").split(",")]
        if status == 200 and (content.tag in given or given == ["*"]):
            return Response(status_code=304, headers=sent)
        sent |= {"Content-Type": TYPES[file.suffix], "Content-Length": str(len(content.body))}
        if content.encoding:
            sent["Content-Encoding"] = content.encoding
        return Response(b"" if method == "HEAD" else content.body, status, sent)

    def _read(self, file: Path) -> _Forms:
        found = file.stat()
        stamp = (found.st_mtime_ns, found.st_size)
        known = self._known.get(file)
        if known is None or known.stamp != stamp:
            known = self._known[file] = _forms(file, stamp)
        return known

    def _file(self, path: str) -> Path | None:
        """Return the file at an address; of the page's own addresses, the page."""
        if _PAGE.fullmatch(path):
            path = f"/{_INDEX}"
        if not _NAME.fullmatch(path):
            return None
        file = (self._folder / path.removeprefix("/")).resolve()
        inside = file.is_relative_to(self._folder) and file.suffix in TYPES
        return file if inside and file.is_file() else None
