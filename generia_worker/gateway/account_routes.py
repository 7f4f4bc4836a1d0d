"""Accounts: registering, logging in and out, another password, and tickets."""

from __future__ import annotations

from contextlib import suppress

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from generia_worker.errors import InvalidInputError
from generia_worker.gateway import usernames
from generia_worker.gateway.accounts import Account
from generia_worker.gateway.auth import (
    COOKIE,
    AdmittingRoute,
    Caller,
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
    PasswordBody,
    RegisterBody,
    SessionJson,
    TicketJson,
    UserJson,
)
from generia_worker.gateway.tokens import TICKET_S, Audience, TokenRefused
from generia_worker.http.problems import CodedHTTPException, documented
from generia_worker.rpc.users import LOCAL_USER

router = APIRouter(prefix="/api/v1/auth", tags=["accounts"], route_class=AdmittingRoute)


def _session(request: Request, response: Response, deps: Dependencies, account: Account) -> SessionJson:
    """Open a session: its cookie for the page, an access token for programs. Both end with it."""
    s = deps.settings
    session_id = deps.accounts.open_session(account.id, max(s.session_s, s.access_token_s))
    response.set_cookie(
        COOKIE,
        deps.tokens.issue(Audience.SESSION, account.id, session_id, s.session_s),
        max_age=s.session_s,
        path="/",
        secure=is_https(request, deps),
        httponly=True,
        samesite="lax",
    )
    token = deps.tokens.issue(Audience.ACCESS, account.id, session_id, s.access_token_s)
    return SessionJson(access_token=token, expires_in=s.access_token_s, user=UserJson.of(account))


@router.post(
    "/register",
    status_code=201,
    responses=documented(400, 403, 409, 411, 413, 422, 429, 503),
    dependencies=[Depends(no_foreign_page)],
)
async def register(body: RegisterBody, request: Request, response: Response, deps: Deps) -> SessionJson:
    """Make an account and log in: answers with a token, and sets the session's cookie."""
    await run_in_threadpool(deps.rate_limits.hit, "register", address_of(request))
    account = await deps.passwords.run(_register, deps, body)
    return await run_in_threadpool(_session, request, response, deps, account)


def _register(deps: Dependencies, body: RegisterBody) -> Account:
    """Store a new account, of somebody who may register here. Raises HTTPException (403), AccountExistsError."""
    how, accounts = deps.settings.gateway_registration, deps.accounts
    if how == "closed":
        raise CodedHTTPException(403, "Nobody can register here.", "registration_closed")
    if how == "open":
        return accounts.register(body.username, body.email, body.password)
    good_until = accounts.take_invitation(body.invitation) if body.invitation else None
    if good_until is None:
        detail = "Here one registers by invitation: ask for a link, which is good once."
        raise CodedHTTPException(403, detail, "invitation_needed")
    try:
        return accounts.register(body.username, body.email, body.password)
    except BaseException:
        accounts.give_invitation_back(body.invitation, good_until)
        raise


@router.post(
    "/login",
    responses=documented(400, 401, 403, 411, 413, 422, 429, 503),
    dependencies=[Depends(no_foreign_page)],
)
async def login(body: LoginBody, request: Request, response: Response, deps: Deps) -> SessionJson:
    """Log in with the e-mail address, or the user name, and the password."""
    attempt = _Attempt(deps, request, body.email)
    await run_in_threadpool(attempt.count)
    account = await deps.passwords.run(deps.accounts.log_in, body.email, body.password)
    if account is None:
        raise unauthorised("The name or the password is wrong.", "login_wrong")
    await run_in_threadpool(attempt.succeeded)
    return await run_in_threadpool(_session, request, response, deps, account)


class _Attempt:
    """A password that is tried. Wrong ones are counted by address and name together: nobody is shut out from elsewhere."""

    def __init__(self, deps: Dependencies, request: Request, name: str) -> None:
        self._limits = deps.rate_limits
        self._address = address_of(request)
        self._both = f"{self._address} {usernames.key(name)}"

    def count(self) -> None:
        """Count the attempt before its password is looked at. Raises TooManyRequests."""
        self._limits.hit("address", self._address)
        self._limits.hit("login", self._both)

    def succeeded(self) -> None:
        """Forget the wrong ones."""
        self._limits.forget("login", self._both)


@router.post("/password", responses=documented(400, 401, 403, 409, 411, 413, 422, 429, 503))
async def change_password(
    body: PasswordBody, user: SignedIn, request: Request, response: Response, deps: Deps
) -> SessionJson:
    """Change the password. Every session ends, this one too: the answer opens a new one, as a login does."""
    attempt = _Attempt(deps, request, user.id)
    await run_in_threadpool(attempt.count)
    changed = await deps.passwords.run(
        deps.accounts.change_password, user.id, body.old_password, body.new_password
    )
    if not changed:
        raise InvalidInputError("The password is wrong.", field="old_password").with_code("password_wrong")
    await run_in_threadpool(attempt.succeeded)
    return await run_in_threadpool(_renewed, request, response, deps, user)


def _renewed(request: Request, response: Response, deps: Dependencies, user: Caller) -> SessionJson:
    account = deps.accounts.get(user.id)
    if account is None:
        raise unauthorised("There is no such account any more.", "session_ended")
    return _session(request, response, deps, account)


@router.post(
    "/local",
    responses=documented(400, 401, 403, 411, 413, 422, 429, 503),
    dependencies=[Depends(no_foreign_page)],
)
def log_in_locally(body: LocalLoginBody, request: Request, response: Response, deps: Deps) -> SessionJson:
    """Log in as the person at the command line, with the token of the link that it prints."""
    deps.rate_limits.hit("address", address_of(request))
    try:
        link = deps.tokens.claims_of(Audience.LOCAL_LOGIN, body.token)
    except TokenRefused as error:
        raise unauthorised(error.message, "link_not_valid") from None
    if link.user_id != LOCAL_USER or not deps.accounts.use_link(link.session_id, link.expires_at):
        detail = "This link was used before: get another one with 'generia login'."
        raise unauthorised(detail, "link_not_valid")
    return _session(request, response, deps, deps.accounts.local())


@router.get("/me", responses=documented(401, 503))
def me(user: SignedIn, deps: Deps) -> UserJson:
    """Tell who one is."""
    account = deps.accounts.get(user.id)
    if account is None:
        raise unauthorised("There is no such account any more.", "session_ended")
    return UserJson.of(account)


@router.get("/session", responses=documented(503))
def session(request: Request, deps: Deps) -> CurrentJson:
    """Tell who is logged in, if anyone is: for the page's first call, where a visitor is no error."""
    # Read by hand: declared as a parameter, it would be listed as required authentication in the OpenAPI document.
    cookie = request.cookies.get(COOKIE)
    user = None
    if cookie is not None:
        with suppress(HTTPException):
            user = me(checked(deps, Audience.SESSION, cookie), deps)
    return CurrentJson(
        user=user,
        registration=deps.settings.gateway_registration,
        reactions=deps.services.interactions is not None,
        simulated=deps.settings.simulated,
    )


@router.post("/logout", status_code=204, responses=documented(401, 403, 411, 413, 503))
def logout(user: SignedIn, request: Request, response: Response, deps: Deps) -> None:
    """End the session, with every token that belongs to it, and let the browser forget its cookie."""
    deps.accounts.end_session(user.id, user.session_id)
    response.delete_cookie(COOKIE, path="/", secure=is_https(request, deps), httponly=True, samesite="lax")


@router.post("/ticket", responses=documented(401, 403, 411, 413, 503))
def ticket(user: SignedIn, deps: Deps) -> TicketJson:
    """Get a ticket that opens streams for a minute, for where neither a header nor the cookie can be sent."""
    token = deps.tokens.issue(Audience.STREAM, user.id, user.session_id, TICKET_S)
    return TicketJson(ticket=token, expires_in=TICKET_S)
