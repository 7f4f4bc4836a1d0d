"""Taking a world home: a zip, or a folder whose page opens from disk."""

from __future__ import annotations

import tempfile
import zipfile
from contextlib import closing
from pathlib import Path

from generia_worker.client.client import GeneriaClient
from generia_worker.client.schedule import ChronicleDay
from generia_worker.client.status import GenerationStatus
from generia_worker.errors import ConfigurationError, NotFoundError
from generia_worker.gateway.dependencies import connect_services
from generia_worker.gateway.export import export_world
from generia_worker.settings import Settings

#: Where the demo leaves its worlds, in the data folder.
DEMO_FOLDER = "exports"


def export(settings: Settings, status: GenerationStatus, target: Path) -> list[str]:
    """Write a world to `target`: a zip if it is named so, else a new folder. Returns pictures that are missing.

    Raises:
        ConfigurationError: there is something at `target` already, or it cannot be written.
        NotFoundError: there is no such world.
        TransientError: a service or the endpoint is away.
    """
    if target.exists():
        raise ConfigurationError(f"{target} exists already: name another one.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Beside its place, so that it can be moved there when it is whole.
        with tempfile.TemporaryDirectory(prefix=".generia-", dir=target.parent) as folder:
            whole = Path(folder) / "world.zip"
            missing = _write(settings, status, whole)
            if target.suffix.lower() != ".zip":
                unpacked = Path(folder) / "world"
                with zipfile.ZipFile(whole) as archive:
                    archive.extractall(unpacked)
                whole = unpacked
            whole.rename(target)
    except OSError as error:
        raise ConfigurationError(f"{target} cannot be written: {error.strerror or error}") from None
    return missing


def _write(settings: Settings, status: GenerationStatus, file: Path) -> list[str]:
    chronicle = _chronicle(settings, status.world_id)
    services = connect_services(settings)
    try:
        return export_world(
            status.world_id,
            file,
            services=services,
            settings=settings,
            status=status.as_json(),
            chronicle=chronicle,
        )
    finally:
        services.close()


def _chronicle(settings: Settings, world_id: str) -> list[ChronicleDay]:
    with closing(GeneriaClient(settings.api_url, settings.api_token.get_secret_value())) as client:
        try:
            return client.chronicle(world_id)
        except NotFoundError:  # an endpoint of a version before knows no days
            return []
