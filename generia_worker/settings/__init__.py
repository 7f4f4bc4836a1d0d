"""The settings of every process: read from the environment, nowhere else."""

from generia_worker.settings.settings import (
    INHERITED,
    PREFIX,
    Settings,
    SettingsError,
    concealed,
    get_settings,
    load_settings,
    secret_variables,
)

__all__ = [
    "INHERITED",
    "PREFIX",
    "Settings",
    "SettingsError",
    "concealed",
    "get_settings",
    "load_settings",
    "secret_variables",
]
