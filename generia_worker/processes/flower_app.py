"""Flower over our Celery application: behind a password, read-only, tasks named by world and step."""

from __future__ import annotations

import ast
import base64
import hmac
import logging
import signal
import sys
from contextlib import suppress
from typing import Any

from celery import Celery
from flower.app import Flower
from flower.urls import settings as flower_settings
from tornado.httputil import HTTPServerRequest
from tornado.options import options
from tornado.web import RequestHandler

from generia_worker.errors import ConfigurationError
from generia_worker.http.addresses import cannot_listen, split
from generia_worker.processes.health_checks import flower_login
from generia_worker.settings import Settings

log = logging.getLogger(__name__)

#: Tasks that are remembered; older ones are forgotten. A world of 40 characters and 250 posts has about 600.
_TASKS_MAX = 20_000
#: The one thing that its pages send.
_TABLE = "/tasks/datatable"
_COLUMNS = "name,args,state,exception,received,started,container,worker,uuid"


class _Unknown(RequestHandler):
    """Asks for the password."""

    def prepare(self) -> None:
        """Refuse, whatever was asked for."""
        self.set_status(401)
        self.set_header("WWW-Authenticate", 'Basic realm="Generia", charset="UTF-8"')
        self.finish("Flower needs its user and password.")

    def check_xsrf_cookie(self) -> None:
        """Nothing is done here that a foreign page could want."""


class _Forbidden(_Unknown):
    """Refuses what would change something."""

    def prepare(self) -> None:
        """Refuse, whatever was asked for."""
        self.set_status(403)
        self.finish("Flower only shows; worlds are stopped and retried through Generia.")


class GuardedFlower(Flower):  # type: ignore[misc] # flower has no types
    """Flower that asks for the password before anything (pages, API, files, metrics, health check) and only shows."""

    def __init__(self, login: str, **kwargs: Any) -> None:
        self._pass = b"Basic " + base64.b64encode(login.encode())
        super().__init__(**kwargs)

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """Choose who answers a request."""
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), self._pass):
            return self.get_handler_delegate(request, _Unknown)
        # Steps are stopped and tried again through the endpoint: the ledger would not know what Flower did.
        if request.method not in ("GET", "HEAD") and request.path != _TABLE:
            return self.get_handler_delegate(request, _Forbidden)
        return super().find_handler(request, **kwargs)


def in_words(task: Any) -> Any:
    """Say which part of which world a task is about (`07/03 WORLD`); Flower calls this with a copy for each line."""
    with suppress(ValueError, SyntaxError, TypeError):  # none of a world's
        world_id, *numbers = ast.literal_eval(task.args)
        task.args = " ".join(["/".join(f"{number:02d}" for number in numbers), world_id]).strip()
    return task


def run(settings: Settings, celery: Celery) -> None:
    """Serve Flower on `flower_bind` until SIGTERM or SIGINT.

    Raises:
        ConfigurationError: no password is configured.
    """
    if not settings.flower_password.get_secret_value():
        raise ConfigurationError("Flower does not run without a password: set GENERIA_FLOWER_PASSWORD.")
    host, port = split(settings.flower_bind)
    options.address, options.port = host, port
    # Also told to Flower itself, which otherwise would refuse its API.
    options.basic_auth = [flower_login(settings)]
    options.tasks_columns = _COLUMNS
    options.format_task = in_words
    options.max_tasks = _TASKS_MAX
    options.read_only = True  # takes the buttons away
    application = GuardedFlower(flower_login(settings), capp=celery, options=options, **flower_settings)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        application.start_http_server()
    except OSError as error:
        raise cannot_listen("GENERIA_FLOWER_BIND", settings.flower_bind, error) from None
    log.info("Flower listens on %s", settings.flower_bind)
    try:
        application.start()
    except (KeyboardInterrupt, SystemExit):
        application.stop()
