"""Who is calling: by a token in the header, by the cookie of a session, or by a ticket for a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Query, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from generia_worker.gateway.accounts import Role
from generia_worker.gateway.dependencies import Dependencies, Deps, dependencies_of
from generia_worker.gateway.rate_limits import network_of
from generia_worker.gateway.tokens import (
    TOKEN_MAX,
    Audience,
    TokenRefused,
)
from generia_worker.http.addresses import is_address
from generia_worker.http.bodies import admitted_by
from generia_worker.http.problems import CodedHTTPException

COOKIE = "generia_session"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_bearer = HTTPBearer(
    auto_error=False, description="The access token that registering and logging in answer with."
)
_cookie = APIKeyCookie(name=COOKIE, auto_error=False, description="The session of a browser.")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, and by which session."""

    id: str
    session_id: str
    role: Role

    @property
    def is_admin(self) -> bool:
        """True for those who look after everybody's worlds."""
        return self.role is Role.ADMIN


def unauthorised(detail: str, code: str = "") -> HTTPException:
    """Return the error that asks the caller for a token."""
    return CodedHTTPException(401, detail, code, headers={"WWW-Authenticate": "Bearer"})


def _of_header(deps: Dependencies, header: str) -> Caller:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise unauthorised("Send the token: Authorization: Bearer …")
    return checked(deps, Audience.ACCESS, token.strip())


def checked(deps: Dependencies, audience: Audience, token: str) -> Caller:
    """Return whose token this is, as long as its session lasts. Raises HTTPException (401)."""
    try:
        claims = deps.tokens.claims_of(audience, token)
    except TokenRefused as error:
        raise unauthorised(error.message, "session_ended") from None
    account = deps.accounts.of_session(claims.user_id, claims.session_id)
    if account is None:
        raise unauthorised("The session has ended: log in again.", "session_ended")
    return Caller(account.id, claims.session_id, account.role)


def _identify(request: Request) -> Caller:
    """Return who is calling, by the header or else the cookie. Raises HTTPException (401, 403)."""
    deps = dependencies_of(request)
    header, session = request.headers.get("Authorization"), request.cookies.get(COOKIE)
    if header is not None:
        return _of_header(deps, header)
    if session is None:
        raise unauthorised("Log in first.")
    found = checked(deps, Audience.SESSION, session)
    # A browser sends the cookie with requests of any site: only our own page may change anything with it.
    if request.method not in _SAFE_METHODS and not _from_own_page(request, deps):
        raise HTTPException(403, "With the cookie, only calls from the gateway's own page are allowed.")
    return found


def _admit(request: Request) -> None:
    request.state.caller = _identify(request)


def caller(
    request: Request,
    _header: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)] = None,
    _session: Annotated[str | None, Security(_cookie)] = None,
) -> Caller:
    """Return who is calling: `AdmittingRoute` found that out before the body was read."""
    found: Caller = request.state.caller
    return found


#: The class of every route: the caller is known before the body is read.
AdmittingRoute = admitted_by(caller, _admit)
SignedIn = Annotated[Caller, Depends(caller)]
Ticket = Annotated[
    str | None,
    Query(
        max_length=TOKEN_MAX,
        description="A ticket of `POST /api/v1/auth/ticket`, instead of header or cookie.",
    ),
]


def viewer(
    request: Request,
    deps: Deps,
    _header: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)] = None,
    _session: Annotated[str | None, Security(_cookie)] = None,
    ticket: Ticket = None,
) -> Caller:
    """Return who opens a stream: as other callers, or by a ticket. Raises HTTPException (401)."""
    if ticket is not None:
        return checked(deps, Audience.STREAM, ticket)
    return _identify(request)


Viewer = Annotated[Caller, Depends(viewer)]


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _is_own(request: Request, deps: Dependencies, origin: str) -> bool:
    """True for `gateway_url`, and for the address that was called if that is an IP address or localhost.

    A foreign name may be pointed at this machine (DNS rebinding), and its pages would then count as ours.
    """
    own = {_origin(deps.settings.gateway_url)}
    host = request.headers.get("Host", "").lower()
    if is_address(host):
        # Behind a proxy that ends TLS this process sees http only; what came by https must say so.
        schemes = ("https",) if request.scope["scheme"] == "https" else ("http", "https")
        own |= {f"{scheme}://{host}" for scheme in schemes}
    return origin.lower() in own


def _from_own_page(request: Request, deps: Dependencies) -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is not None and _is_own(request, deps, origin)


def no_foreign_page(request: Request, deps: Deps) -> None:
    """Refuse calls that set a cookie when a page of another site makes them. Raises HTTPException (403)."""
    origin = request.headers.get("Origin")
    if origin is None or _is_own(request, deps, origin):
        return
    if origin.lower() not in {one.strip().lower() for one in deps.settings.gateway_cors_origins.split(",")}:
        detail = (
            "Only the gateway's own page may log in. If this is it: GENERIA_GATEWAY_URL must be its address."
        )
        raise CodedHTTPException(403, detail, "foreign_page")


def is_https(request: Request, deps: Dependencies) -> bool:
    """True when the browser speaks https, to us or to a proxy before us."""
    return request.scope["scheme"] == "https" or deps.settings.gateway_url.startswith("https:")


def address_of(request: Request) -> str:
    """Return what stands for the caller's address when calls are counted."""
    return network_of(request.client.host if request.client else "")
