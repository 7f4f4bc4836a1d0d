"""What Celery's own programs, worker, beat and Flower, have in common."""

from __future__ import annotations

from typing import Any

from generia_worker.errors import ConfigurationError


def checked_app() -> Any:
    """Return the Celery application, once MongoDB and the templates are known to be in order.

    Raises:
        ConfigurationError: MongoDB cannot be used, or a template cannot be read.
    """
    from generia_worker.app.celery_app import app
    from generia_worker.app.container import get_container
    from generia_worker.storage.migrations import migrate

    container = get_container()
    container.database.require_usable()
    container.database.ensure_indexes()
    migrate(container.database)
    if container.prompts is None:
        raise ConfigurationError("The prompt templates cannot be read.")
    return app
