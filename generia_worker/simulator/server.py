"""Serves the simulator on a real socket until it is told to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from generia_worker.errors import ConfigurationError
from generia_worker.http.addresses import listening
from generia_worker.settings import Settings
from generia_worker.simulator.app import create_app
from generia_worker.simulator.behaviour import parse_behaviour

#: Hung calls would otherwise keep the process alive.
_GRACE_S = 1


class SimulatorServer(uvicorn.Server):
    """A uvicorn server that returns after SIGTERM and SIGINT in place of dying of them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on the usual signals while the server runs."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        names = (signal.SIGINT, signal.SIGTERM)
        before = {name: signal.signal(name, self.handle_exit) for name in names}
        try:
            yield
        finally:
            for name, handler in before.items():
                signal.signal(name, handler)


def make_server(settings: Settings) -> SimulatorServer:
    """Return the server that these settings describe, not yet started. Raises ConfigurationError."""
    host, _, port = settings.simulator_bind.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        message = f"GENERIA_SIMULATOR_BIND is {settings.simulator_bind!r}; it must be host:port"
        raise ConfigurationError(message)
    behaviour = parse_behaviour(settings.simulator_behaviour)
    config = uvicorn.Config(
        create_app(settings.simulator_seed, behaviour.model_dump()),
        host=host.strip("[]"),
        port=int(port),
        # Answers that break off on purpose would be logged as errors.
        log_config=None,
        log_level="critical",
        access_log=False,
        lifespan="off",
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_GRACE_S,
    )
    return SimulatorServer(config)


def run(settings: Settings) -> None:
    """Serve both APIs on `simulator_bind` until SIGTERM or SIGINT.

    Raises:
        ConfigurationError: the address is taken, or it or the behaviours in the settings are malformed.
    """
    server = make_server(settings)
    server.run(listening("GENERIA_SIMULATOR_BIND", settings.simulator_bind))
