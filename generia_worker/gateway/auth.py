"""Who is calling, and the routes of accounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Query, Request, Response, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from generia_worker.gateway.accounts import Account
from generia_worker.gateway.models import (
    CurrentJson,
    LocalLoginBody,
    LoginBody,
    RegisterBody,
    SessionJson,
    TicketJson,
    UserJson,
)
from generia_worker.gateway.parts import Parts, Shared
from generia_worker.gateway.rates import network_of
from generia_worker.gateway.tokens import (
    LOCAL_USER,
    TICKET_S,
    TOKEN_MAX,
    Audience,
    TokenRefused,
)
from generia_worker.http.addresses import is_address
from generia_worker.http.problems import documented

COOKIE = "generia_session"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_bearer = HTTPBearer(
    auto_error=False, description="The access token that registering and logging in answer with."
)
_cookie = APIKeyCookie(name=COOKIE, auto_error=False, description="The session of a browser.")

router = APIRouter(prefix="/api/v1/auth", tags=["accounts"])


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling."""

    id: str


def _unauthorised(detail: str) -> HTTPException:
    return HTTPException(401, detail, headers={"WWW-Authenticate": "Bearer"})


def _of_header(parts: Parts, header: str) -> Caller:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise _unauthorised("Send the token: Authorization: Bearer …")
    return _checked(parts, Audience.ACCESS, token.strip())


def _checked(parts: Parts, audience: Audience, token: str) -> Caller:
    try:
        return Caller(parts.tokens.user_of(audience, token))
    except TokenRefused as error:
        raise _unauthorised(error.message) from None


def caller(
    request: Request,
    parts: Shared,
    _header: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)] = None,
    session: Annotated[str | None, Security(_cookie)] = None,
) -> Caller:
    """Return who is calling, by the header or else the cookie. Raises HTTPException (401, 403)."""
    header = request.headers.get("Authorization")
    if header is not None:
        return _of_header(parts, header)
    if session is None:
        raise _unauthorised("Log in first.")
    found = _checked(parts, Audience.SESSION, session)
    # A browser sends the cookie whoever asks it to: only our own page may change anything with it.
    if request.method not in _SAFE_METHODS and not _from_own_page(request, parts):
        raise HTTPException(403, "With the cookie, only calls from the gateway's own page are allowed.")
    return found


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
    parts: Shared,
    _header: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)] = None,
    session: Annotated[str | None, Security(_cookie)] = None,
    ticket: Ticket = None,
) -> Caller:
    """Return who opens a stream: as `caller`, or by a ticket. Raises HTTPException (401)."""
    if ticket is not None:
        return _checked(parts, Audience.STREAM, ticket)
    return caller(request, parts, None, session)


Viewer = Annotated[Caller, Depends(viewer)]


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _is_own(request: Request, parts: Parts, origin: str) -> bool:
    """True for the address that people use, and for the one that was called when it is no name.

    A name that is not ours may be somebody's who lets it point here, so that pages of theirs count as ours.
    """
    own = {_origin(parts.settings.gateway_url)}
    host = request.headers.get("Host", "").lower()
    if is_address(host):
        # Behind a proxy that ends TLS this process sees http only; what came by https must say so.
        schemes = ("https",) if request.scope["scheme"] == "https" else ("http", "https")
        own |= {f"{scheme}://{host}" for scheme in schemes}
    return origin.lower() in own


def _from_own_page(request: Request, parts: Parts) -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is not None and _is_own(request, parts, origin)


def no_foreign_page(request: Request, parts: Shared) -> None:
    """Refuse calls that set a cookie when a page of somebody else makes them. Raises HTTPException (403)."""
    origin = request.headers.get("Origin")
    if origin is None or _is_own(request, parts, origin):
        return
    if origin.lower() not in {one.strip().lower() for one in parts.settings.gateway_cors_origins.split(",")}:
        detail = (
            "Only the gateway's own page may log in. If this is it: GENERIA_GATEWAY_URL must be its address."
        )
        raise HTTPException(403, detail)


def is_https(request: Request, parts: Parts) -> bool:
    """True when the browser speaks https, to us or to a proxy before us."""
    return request.scope["scheme"] == "https" or parts.settings.gateway_url.startswith("https:")


def address_of(request: Request) -> str:
    """Return what stands for the caller's address when calls are counted."""
    return network_of(request.client.host if request.client else "")


def _session(request: Request, response: Response, parts: Parts, account: Account) -> SessionJson:
    s = parts.settings
    response.set_cookie(
        COOKIE,
        parts.tokens.issue(Audience.SESSION, account.id, s.session_s),
        max_age=s.session_s,
        path="/",
        secure=is_https(request, parts),
        httponly=True,
        samesite="lax",
    )
    token = parts.tokens.issue(Audience.ACCESS, account.id, s.access_token_s)
    return SessionJson(access_token=token, expires_in=s.access_token_s, user=UserJson.of(account))


@router.post(
    "/register",
    status_code=201,
    responses=documented(400, 403, 409, 411, 413, 422, 429, 503),
    dependencies=[Depends(no_foreign_page)],
)
def register(body: RegisterBody, request: Request, response: Response, parts: Shared) -> SessionJson:
    """Make an account and log in: answers with a token, and sets the session's cookie."""
    parts.rates.spend("register", address_of(request))
    account = parts.accounts.register(body.username, body.email, body.password)
    return _session(request, response, parts, account)


@router.post(
    "/login",
    responses=documented(400, 401, 403, 411, 413, 422, 429, 503),
    dependencies=[Depends(no_foreign_page)],
)
def login(body: LoginBody, request: Request, response: Response, parts: Shared) -> SessionJson:
    """Log in with the e-mail address, or the user name, and the password."""
    parts.rates.spend("login", f"address {address_of(request)}")
    parts.rates.spend("login", f"account {body.email.casefold()}")
    account = parts.accounts.log_in(body.email, body.password)
    if account is None:
        raise _unauthorised("The name or the password is wrong.")
    return _session(request, response, parts, account)


@router.post(
    "/local",
    responses=documented(400, 401, 403, 411, 413, 422, 429, 503),
    dependencies=[Depends(no_foreign_page)],
)
def log_in_locally(body: LocalLoginBody, request: Request, response: Response, parts: Shared) -> SessionJson:
    """Log in as the person at the command line, with the token of the link that it prints."""
    parts.rates.spend("login", f"address {address_of(request)}")
    if _checked(parts, Audience.LOCAL_LOGIN, body.token).id != LOCAL_USER:
        raise _unauthorised("The token is not valid.")
    return _session(request, response, parts, parts.accounts.local())


@router.get("/me", responses=documented(401, 503))
def me(user: SignedIn, parts: Shared) -> UserJson:
    """Tell who one is."""
    account = parts.accounts.get(user.id)
    if account is None:
        raise _unauthorised("There is no such account any more.")
    return UserJson.of(account)


@router.get("/session", responses=documented(503))
def session(request: Request, parts: Shared) -> CurrentJson:
    """Tell who is logged in, or nobody: for the page's first call, to which a visitor is no error."""
    # Read by hand: nothing in the document may say that this call asks for it.
    cookie = request.cookies.get(COOKIE)
    if cookie is None:
        return CurrentJson(user=None)
    try:
        return CurrentJson(user=me(_checked(parts, Audience.SESSION, cookie), parts))
    except HTTPException:
        return CurrentJson(user=None)


@router.post("/logout", status_code=204, responses=documented(401, 403, 411, 413))
def logout(_user: SignedIn, request: Request, response: Response, parts: Shared) -> None:
    """Let the browser forget its session."""
    response.delete_cookie(COOKIE, path="/", secure=is_https(request, parts), httponly=True, samesite="lax")


@router.post("/ticket", responses=documented(401, 403, 411, 413))
def ticket(user: SignedIn, parts: Shared) -> TicketJson:
    """Get a ticket that opens streams for a minute, for where neither a header nor the cookie can be sent."""
    return TicketJson(ticket=parts.tokens.issue(Audience.STREAM, user.id, TICKET_S), expires_in=TICKET_S)
