"""The one exception tree. Facts are attributes, so that callers decide on them and never parse a message."""

from __future__ import annotations

from typing import Any, Self

from generia_worker.text import redact


class GeneriaError(Exception):
    """Raised when Generia cannot do what was asked; the base of every error that is ours.

    The message is written for a person: what went wrong and what to do. No message holds a configured secret: what is told
    of an error (ledger, answers, logs, Flower) is its message. Errors survive pickling.

    `refuses_contents` says that the other side may not take what it was sent: the same again may be refused for ever.
    `code` names what went wrong for programs, such as a page that says it in the reader's language; empty: as the kind.
    """

    refuses_contents = False
    code = ""

    def __init__(self, message: str) -> None:
        message = redact(message)
        super().__init__(message)
        self.message = message

    def with_code(self, code: str) -> Self:
        """Return this error, with a code."""
        self.code = code
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.__dict__.copy())


def _rebuild(kind: type[GeneriaError], message: str, facts: dict[str, Any]) -> GeneriaError:
    error = kind.__new__(kind)
    Exception.__init__(error, message)
    error.__dict__.update(facts)
    return error


class ConfigurationError(GeneriaError):
    """Raised when a setting, a template or this machine does not allow Generia to start."""


class TransientError(GeneriaError):
    """Raised when the same attempt may succeed later; the step decides whether and when.

    `retry_after_s` is what the other side asked for, in seconds, or None. `outcome_unknown` says that the other side
    may have done (and billed) what was asked. `outage` says that the other side refuses everybody for now, so that
    waiting should not count as an attempt.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: float | None = None,
        outcome_unknown: bool = False,
        outage: bool = False,
    ) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.outcome_unknown = outcome_unknown
        self.outage = outage


class BusyError(TransientError):
    """Raised when what a step needs is in other hands just now: waiting for it is no attempt."""


class DamagedPictureError(TransientError):
    """Raised when a picture that was paid for arrives as something else than was asked for."""


class PermanentError(GeneriaError):
    """Raised when trying again cannot help: the request itself is wrong or refused.

    `fatal_to_world` says that no further step of the world can succeed either (no credit, a wrong key).
    """

    def __init__(self, message: str, *, fatal_to_world: bool = False) -> None:
        super().__init__(message)
        self.fatal_to_world = fatal_to_world


class AnswerRefused(PermanentError):  # noqa: N818
    """Raised when a model declines to answer, in its own words; it was billed."""


class NotFoundError(PermanentError):
    """Raised when a service does not know the id that it was given."""

    code = "not_found"


class UnimplementedError(PermanentError):
    """Raised when a service of the platform lacks a call that is optional for it; the message names the call."""


class InvalidInputError(PermanentError):
    """Raised when an order or an argument breaks a rule; `field` names it."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class ConflictError(PermanentError):
    """Raised when the id is already used for something else."""


class AllowanceExceeded(PermanentError):  # noqa: N818 - the field's noun
    """Raised when a person, or all together, have used up what a day allows; the message says what is left."""

    code = "allowance_exceeded"


class InvalidAnswerError(GeneriaError):
    """Raised when a model's answer does not fit what was asked; `problems` lists why, for the re-ask."""

    def __init__(self, message: str, problems: list[str] | None = None) -> None:
        super().__init__(message)
        self.problems = problems or [message]


class AnswerTooLongError(InvalidAnswerError):
    """Raised when a model's answer was cut off at its token limit."""


class BudgetExceeded(GeneriaError):  # noqa: N818 - the field's noun; it is a state more than an error
    """Raised when a paid call does not fit the world's limits or its budget any more; nothing was called."""


class WorldCancelled(BudgetExceeded):
    """Raised when a paid call is not made because the world was cancelled."""


class LeaseLost(GeneriaError):  # noqa: N818
    """Raised when a step was taken over by another owner: what this one did must not be committed."""
