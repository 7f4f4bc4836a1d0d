"""The processes of the platform, one module each: `python -m generia_worker.processes.worker`, or `generia worker`.

Each imports what its process needs and no more, so that an image of it changes when that changes and at no other time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click

from generia_worker import __version__
from generia_worker.errors import GeneriaError
from generia_worker.observability import logs, tracing
from generia_worker.settings import Settings, SettingsError, get_settings
from generia_worker.text import printable

F = TypeVar("F", bound=Callable[..., Any])


def reports_errors(command: F) -> F:
    """Turn our errors into one line that says what to do, and an exit status of 1."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except (GeneriaError, SettingsError) as error:
            raise click.ClickException(printable(str(error))) from None

    return wrapped  # type: ignore[return-value]


class Dollars(click.FloatRange):
    """An amount of dollars as an option: a number between bounds, which `nan` is not."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the amount. Raises click's BadParameter."""
        amount = super().convert(value, param, ctx)
        if not math.isfinite(amount):
            self.fail(f"{value} is no amount of dollars.", param, ctx)
        return amount


def set_up_process(traced_as: str = "") -> Settings:
    """Return this process's settings, its logs set up by them, and its traces where it has a name for them.

    Raises ConfigurationError when it is to be traced and cannot.
    """
    settings = get_settings()
    logs.set_up(settings.log_level, settings.log_format)
    if traced_as and settings.otlp_endpoint:
        tracing.start(traced_as, __version__, settings.otlp_endpoint)
    return settings
