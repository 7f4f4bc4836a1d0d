"""Accounts: registering, logging in and out, and tickets."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException

from generia_worker.gateway.accounts import Account
from generia_worker.gateway.auth import (
    COOKIE,
    AdmittingRoute,
    SignedIn,
    address_of,
    checked,
    is_https,
    no_foreign_page,
    unauthorised,
)
from generia_worker.gateway.dependencies import Dependencies, Deps
from generia_worker.gateway.models import (
    CurrentJson,
    LocalLoginBody,
    LoginBody,
    RegisterBody,
    SessionJson,
    TicketJson,
    UserJson,
)
from generia_worker.gateway.tokens import LOCAL_USER, TICKET_S, Audience
from generia_worker.http.problems import documented

router = APIRouter(prefix="/api/v1/auth", tags=["accounts"], route_class=AdmittingRoute)


def _session(request: Request, response: Response, deps: Dependencies, account: Account) -> SessionJson:
    s = deps.settings
    response.set_cookie(
        COOKIE,
        deps.tokens.issue(Audience.SESSION, account.id, s.session_s),
        max_age=s.session_s,
        path="/",
        secure=is_https(request, deps),
        httponly=True,
        samesite="lax",
    )
    token = deps.tokens.issue(Audience.ACCESS, account.id, s.access_token_s)
    return SessionJson(access_token=token, expires_in=s.access_token_s, user=UserJson.of(account))


@router.post(
    "/register",
    status_code=201,
    responses=documented(400, 403, 409, 411, 413, 422, 429, 503),
    dependencies=[Depends(no_foreign_page)],
)
def register(body: RegisterBody, request: Request, response: Response, deps: Deps) -> SessionJson:
    """Make an account and log in: answers with a token, and sets the session's cookie."""
    deps.rate_limits.hit("register", address_of(request))
    account = deps.accounts.register(body.username, body.email, body.password)
    return _session(request, response, deps, account)


@router.post(
    "/login",
    responses=documented(400, 401, 403, 411, 413, 422, 429, 503),
    dependencies=[Depends(no_foreign_page)],
)
def login(body: LoginBody, request: Request, response: Response, deps: Deps) -> SessionJson:
    """Log in with the e-mail address, or the user name, and the password."""
    deps.rate_limits.hit("login", f"address {address_of(request)}")
    deps.rate_limits.hit("login", f"account {body.email.casefold()}")
    account = deps.accounts.log_in(body.email, body.password)
    if account is None:
        raise unauthorised("The name or the password is wrong.")
    return _session(request, response, deps, account)


@router.post(
    "/local",
    responses=documented(400, 401, 403, 411, 413, 422, 429, 503),
    dependencies=[Depends(no_foreign_page)],
)
def log_in_locally(body: LocalLoginBody, request: Request, response: Response, deps: Deps) -> SessionJson:
    """Log in as the person at the command line, with the token of the link that it prints."""
    deps.rate_limits.hit("login", f"address {address_of(request)}")
    if checked(deps, Audience.LOCAL_LOGIN, body.token).id != LOCAL_USER:
        raise unauthorised("The token is not valid.")
    return _session(request, response, deps, deps.accounts.local())


@router.get("/me", responses=documented(401, 503))
def me(user: SignedIn, deps: Deps) -> UserJson:
    """Tell who one is."""
    account = deps.accounts.get(user.id)
    if account is None:
        raise unauthorised("There is no such account any more.")
    return UserJson.of(account)


@router.get("/session", responses=documented(503))
def session(request: Request, deps: Deps) -> CurrentJson:
    """Tell who is logged in, if anyone is: for the page's first call, where a visitor is no error."""
    # Read by hand: declared as a parameter, it would be listed as required authentication in the OpenAPI document.
    cookie = request.cookies.get(COOKIE)
    if cookie is None:
        return CurrentJson(user=None)
    try:
        return CurrentJson(user=me(checked(deps, Audience.SESSION, cookie), deps))
    except HTTPException:
        return CurrentJson(user=None)


@router.post("/logout", status_code=204, responses=documented(401, 403, 411, 413))
def logout(_user: SignedIn, request: Request, response: Response, deps: Deps) -> None:
    """Let the browser forget its session."""
    response.delete_cookie(COOKIE, path="/", secure=is_https(request, deps), httponly=True, samesite="lax")


@router.post("/ticket", responses=documented(401, 403, 411, 413))
def ticket(user: SignedIn, deps: Deps) -> TicketJson:
    """Get a ticket that opens streams for a minute, for where neither a header nor the cookie can be sent."""
    return TicketJson(ticket=deps.tokens.issue(Audience.STREAM, user.id, TICKET_S), expires_in=TICKET_S)
