"""Errors over HTTP: `application/problem+json` (RFC 9457), one shape for all of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pymongo.errors import PyMongoError
from starlette.exceptions import HTTPException
from starlette.routing import Route

from generia_worker.errors import (
    AllowanceExceeded,
    ConflictError,
    GeneriaError,
    InvalidInputError,
    NotFoundError,
    UnimplementedError,
)
from generia_worker.text import clean

log = logging.getLogger(__name__)
_MEDIA_TYPE = "application/problem+json"
#: What a `detail` may say, by status.
_EXAMPLES = {
    401: "Send the token: Authorization: Bearer …",
    403: "Only the creator of a world may do this.",
    404: "No generation of world ee2c2007-2979-4c80-b314-d54692dd627c was ordered.",
    409: "World ee2c2007-2979-4c80-b314-d54692dd627c has ended already: there is nothing to cancel.",
    413: "The body may hold 131072 bytes at most.",
    422: "users_count: Input should be less than or equal to 40",
    429: "Too many attempts: try again in 60 s.",
    501: "The platform's service does not offer ListWorldCharacters (Method not found!).",
    503: "The database does not answer; try again.",
}


#: What went wrong, for programs, where nothing closer is known.
_CODES = {
    400: "malformed",
    401: "not_logged_in",
    403: "forbidden",
    404: "not_found",
    405: "wrong_method",
    409: "conflict",
    411: "no_length",
    413: "too_large",
    422: "invalid",
    429: "too_many",
    500: "internal",
    501: "not_offered",
    503: "unavailable",
}


class FieldProblem(BaseModel):
    """What is wrong with one field; `code` names the rule for programs."""

    field: str
    message: str
    code: str = "invalid"


class Problem(BaseModel):
    """An error: `title` names its kind, `detail` says what to do, `errors` names the fields at fault.

    `code` says what went wrong for programs, and stays where the words change.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldProblem] = []


class CodedHTTPException(HTTPException):
    """Raised as HTTPException, with a code of its own."""

    def __init__(
        self, status_code: int, detail: str, code: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(status_code, detail, headers)
        self.code = code


def problem(
    status: int,
    detail: str,
    errors: list[FieldProblem] | None = None,
    headers: dict[str, str] | None = None,
    code: str = "",
) -> JSONResponse:
    """Return a problem as a response; without a code it gets that of its status."""
    title = HTTPStatus(status).phrase
    code = code or code_of(status)
    body = Problem(title=title, status=status, detail=detail, code=code, errors=errors or [])
    return JSONResponse(body.model_dump(), status, headers=headers, media_type=_MEDIA_TYPE)


def code_of(status: int) -> str:
    """Return the code of errors of which only the status is known."""
    return _CODES.get(status, "failed" if status >= 500 else "refused")


def _from_validation(error: RequestValidationError) -> JSONResponse:
    found = []
    for item in error.errors():
        where = [str(part) for part in item["loc"] if part not in ("body", "path", "query", "header")]
        text = str(item["msg"]).removeprefix("Value error, ")
        # The name of a field that was sent may be text that cannot be sent back (half of a character).
        field = clean(".".join(where))[:200]
        found.append(FieldProblem(field=field, message=clean(text)[:500], code=str(item["type"])))
    first = found[0] if found else FieldProblem(field="body", message="malformed")
    return problem(422, f"{first.field or 'body'}: {first.message}", found[:20])


def status_of(error: GeneriaError) -> int:
    """Return the HTTP status of an error of ours; 500 when its kind has none."""
    if isinstance(error, NotFoundError):
        return 404
    if isinstance(error, AllowanceExceeded):
        return 403
    if isinstance(error, ConflictError):
        return 409
    if isinstance(error, UnimplementedError):
        return 501
    return 422 if isinstance(error, InvalidInputError) else 500


def from_error(error: GeneriaError, status: int, detail: str) -> JSONResponse:
    """Return an error of ours as a response that names the field at fault, where there is one."""
    field = getattr(error, "field", None)
    code = error.code or code_of(status)
    errors = [FieldProblem(field=field, message=detail, code=code)] if field else None
    return problem(status, detail, errors, code=code)


def _allowed(app: FastAPI, routes: Sequence[APIRoute] | None) -> Callable[[Request, Exception], JSONResponse]:
    def answer(request: Request, _: Exception) -> JSONResponse:
        """Answer a method that an address does not have; all that it has are named, whichever route came first."""
        path = request.scope["path"]
        known = routes if routes is not None else [one for one in app.routes if isinstance(one, Route)]
        methods = {name for one in known if one.path_regex.match(path) for name in one.methods or ()}
        allowed = ", ".join(sorted(methods)) or "GET"
        return problem(405, f"At this address there is only {allowed}.", headers={"Allow": allowed})

    return answer


def install(app: FastAPI, routes: Sequence[APIRoute] | None = None) -> None:
    """Let every error of `app` leave as a problem; what is not ours is logged and never quoted.

    `routes` are those that there are, where they aren't the application's own.
    """
    app.add_exception_handler(405, _allowed(app, routes))
    app.openapi = lambda: _describe(app)  # type: ignore[method-assign]

    @app.exception_handler(RequestValidationError)
    def _validation(_: Request, error: RequestValidationError) -> JSONResponse:
        return _from_validation(error)

    @app.exception_handler(HTTPException)
    def _http(_: Request, error: HTTPException) -> JSONResponse:
        code = getattr(error, "code", "")
        return problem(error.status_code, str(error.detail), headers=dict(error.headers or {}), code=code)

    @app.exception_handler(GeneriaError)
    def _ours(_: Request, error: GeneriaError) -> JSONResponse:
        return from_error(error, status_of(error), error.message)

    @app.exception_handler(PyMongoError)
    def _mongo(_: Request, error: PyMongoError) -> JSONResponse:
        log.warning("MongoDB does not answer: %s", type(error).__name__)
        return problem(503, "The database does not answer; try again.", headers={"Retry-After": "5"})

    @app.exception_handler(Exception)
    def _defect(_: Request, error: Exception) -> JSONResponse:
        log.error("Unhandled error", exc_info=error)
        return problem(500, "An internal error; the log has more.")


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI's description of the problems that a call may answer, each with an example."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {
                _MEDIA_TYPE: {
                    "schema": {"$ref": f"#/components/schemas/{Problem.__name__}"},
                    "example": Problem(
                        title=HTTPStatus(status).phrase,
                        status=status,
                        detail=_EXAMPLES.get(status, "…"),
                        code=code_of(status),
                    ).model_dump(),
                }
            },
        }
        for status in statuses
    }


def _describe(app: FastAPI) -> dict[str, Any]:
    """Return OpenAPI's document with the shape of problems, which no route names as its own answer."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        shape = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= shape.pop("$defs", {})
        schemas[Problem.__name__] = shape
        app.openapi_schema = document
    return app.openapi_schema
