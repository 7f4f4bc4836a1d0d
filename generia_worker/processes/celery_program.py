"""What Celery's own programs, worker, beat and Flower, have in common."""

from __future__ import annotations

from typing import Any

from generia_worker.errors import ConfigurationError


def working_app() -> Any:
    """Return the Celery application with its tasks, once MongoDB and the templates are known to be in order.

    Raises:
        ConfigurationError: MongoDB cannot be used, or a template cannot be read.
    """
    from generia_worker.app.celery_app import app
    from generia_worker.app.container import get_container

    prepare_database()
    if get_container().prompts is None:
        raise ConfigurationError("The prompt templates cannot be read.")
    return app


def naming_app() -> Any:
    """Return the Celery application for a program that runs no task and knows them by their names.

    It imports none of them, so that a new prompt or a changed task concerns the workers alone.
    """
    from generia_worker.app.celery_app import app

    app.conf.update(imports=())
    return app


def prepare_database() -> None:
    """Wait for MongoDB, make its indexes and bring older data up to date. Raises ConfigurationError."""
    from generia_worker.app.container import get_container
    from generia_worker.storage.migrations import migrate

    database = get_container().database
    database.wait_until_usable()
    database.ensure_indexes()
    migrate(database)
