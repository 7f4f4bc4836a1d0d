"""What takes TCP connections in a test, each in a thread of its own."""

from __future__ import annotations

import socket
import threading


class Listener:
    """Takes connections on a free port of the loopback interface, from `start` on; `serve` says what becomes of each."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]

    def start(self) -> None:
        """Take connections from now on."""
        threading.Thread(target=self._accept, daemon=True).start()

    def serve(self, client: socket.socket) -> None:
        """Talk to one client, until it or the test has enough."""
        raise NotImplementedError

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()
