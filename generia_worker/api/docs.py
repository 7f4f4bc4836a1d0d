"""The OpenAPI document as a page, for who asks for it: made here, and loading nothing."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


def add_docs(app: FastAPI) -> None:
    """Add `/docs`."""

    @app.get("/docs", response_class=HTMLResponse, include_in_schema=False)
    def docs() -> HTMLResponse:
        """Show what there is to call."""
        return HTMLResponse(page_of(app.openapi()), headers=_HEADERS)


def page_of(document: dict[str, Any]) -> str:
    """Return an OpenAPI document as a page."""
    title = escape(f"{document['info']['title']} {document['info']['version']}")
    calls = [
        _call(f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    schemas = document["components"]["schemas"]
    shapes = [_folded(name, _as_json(shape)) for name, shape in sorted(schemas.items())]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><h1>{title}</h1>'
        f'<p><a href="/openapi.json">openapi.json</a></p>{"".join(calls)}<h2>Documents</h2>{"".join(shapes)}</html>'
    )


def _call(name: str, operation: dict[str, Any]) -> str:
    text = escape(operation.get("description") or operation.get("summary", ""))
    detail = {key: operation[key] for key in ("parameters", "requestBody", "responses") if key in operation}
    return f"<h2><code>{escape(name)}</code></h2><p>{text}</p>{_folded('Details', _as_json(detail))}"


def _folded(name: str, text: str) -> str:
    return f"<details><summary>{escape(name)}</summary><pre>{escape(text)}</pre></details>"


def _as_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
