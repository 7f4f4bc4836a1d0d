"""Secrets that stand in files, as container engines hand them over: `<NAME>_FILE` names the file that holds `<NAME>`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

SUFFIX = "_FILE"
#: A secret is a line; whatever is larger was named by mistake.
_MOST_BYTES = 64 * 1024


def read_secrets(variables: Iterable[str], environ: Mapping[str, str | None]) -> dict[str, str]:
    """Return the secrets that `environ` names files for, by variable, without the line end that editors add.

    Raises:
        ValueError: a file is missing, empty or no text, or a secret is given twice; the message names the variable and
            the file, never what is in it.
    """
    found = {}
    for variable in variables:
        named = environ.get(variable + SUFFIX)
        if not named:
            continue
        if environ.get(variable):
            message = f"{variable} and {variable}{SUFFIX} are both set: keep one of them."
            raise ValueError(message)
        found[variable] = _read(variable + SUFFIX, Path(named).expanduser())
    return found


def _read(variable: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1).decode("utf-8").rstrip("\r\n")
    except OSError as error:
        message = f"{variable}: {path} cannot be read ({error.strerror})."
        raise ValueError(message) from None
    except UnicodeDecodeError:
        message = f"{variable}: {path} is no text."
        raise ValueError(message) from None
    if not text or len(text) > _MOST_BYTES:
        message = f"{variable}: {path} is {'too large for a secret' if text else 'empty'}."
        raise ValueError(message)
    return text


class SecretFiles(PydanticBaseSettingsSource):
    """The secrets that one environment names files for, as a source of settings.

    `names` maps each variable that may hold a secret to the name under which its setting is given.
    """

    def __init__(
        self, settings_cls: type[BaseSettings], names: Mapping[str, str], environ: Mapping[str, str | None]
    ) -> None:
        super().__init__(settings_cls)
        self._names = names
        self._environ = environ

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """Not used: all fields are read at once."""
        return None, field_name, False

    def __call__(self) -> dict[str, str]:
        """Return what the files hold, by the names of settings. Raises ValueError."""
        return {
            self._names[name]: secret for name, secret in read_secrets(self._names, self._environ).items()
        }
