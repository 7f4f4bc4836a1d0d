"""The files of the page, and what is answered where there is no route."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

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
#: Addresses of the page itself: the page reads from them what to show.
_PAGE = re.compile(r"/|/login/?|/account/?|/worlds(?:/[^.]*|/[^/.]+/tags/.+)?")
_INDEX = "index.html"
_NAME = re.compile(r"/(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)*[A-Za-z0-9_-][A-Za-z0-9._-]*")
#: Files have no version in their names, so a browser asks each time; unchanged ones are answered with 304.
_CACHE = "no-cache"


def _wants_page(headers: Headers) -> bool:
    """True for a browser that opens an address, and false for what calls it for something else."""
    return "text/html" in headers.get("Accept", "")


class StaticFiles:
    """An ASGI application for everything that no route matches."""

    def __init__(self, folder: Path = WEB) -> None:
        self._folder = folder.resolve()

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
            return self._page(404) if method in ("GET", "HEAD") and _wants_page(headers) else nothing
        if method not in ("GET", "HEAD"):
            return problem(405, "Files can only be read.", headers={"Allow": "GET, HEAD"})
        content = file.read_bytes()
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        kept = {"ETag": tag, "Cache-Control": _CACHE}
        if tag in [given.strip().removeprefix("W/") for given in headers.get("If-None-Match", "").split(",")]:
            return Response(status_code=304, headers=kept)
        kept["Content-Type"] = TYPES[file.suffix]
        if method == "HEAD":
            return Response(headers={**kept, "Content-Length": str(len(content))})
        return Response(content, headers=kept)

    def _page(self, status: int) -> Response:
        """Answer with the page, which shows what there is at the address: here, nothing."""
        content = (self._folder / _INDEX).read_bytes()
        return Response(content, status, {"Cache-Control": _CACHE}, media_type=TYPES[".html"])

    def _file(self, path: str) -> Path | None:
        """Return the file at an address; of the page's own addresses, the page."""
        if _PAGE.fullmatch(path):
            path = f"/{_INDEX}"
        if not _NAME.fullmatch(path):
            return None
        file = (self._folder / path.removeprefix("/")).resolve()
        inside = file.is_relative_to(self._folder) and file.suffix in TYPES
        return file if inside and file.is_file() else None
