"""Keeps the leases of this process's steps (and its slots at the providers) alive: one update for all of them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from generia_worker.engine.ledger import Claim, Ledger

log = logging.getLogger(__name__)


class LeaseKeeper:
    """Renews leases every `every_s` seconds, only of steps younger than `deadline_s`: a hung thread loses its step."""

    def __init__(
        self,
        ledger: Ledger,
        owner: str,
        *,
        every_s: float,
        deadline_s: float,
        also: Sequence[Callable[[], None]] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._owner = owner
        self._every_s = every_s
        self._deadline_s = deadline_s
        self._also = also
        self._clock = clock
        self._held: dict[str, float] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._started = False

    @contextmanager
    def holding(self, claim: Claim) -> Iterator[None]:
        """Keep the lease of a claim alive for as long as the block runs."""
        with self._lock:
            self._held[claim.key] = self._clock()
            if not self._started:
                self._started = True
                # Apart from each other: a Redis that hangs must not cost the leases.
                for name, run in (("lease-keeper", self._run), ("slot-keeper", self._run_also)):
                    threading.Thread(target=run, name=name, daemon=True).start()
        try:
            yield
        finally:
            with self._lock:
                self._held.pop(claim.key, None)

    def renew_now(self) -> None:
        """Renew every lease that is young enough; those that were lost are dropped (their commits will fail)."""
        now = self._clock()
        with self._lock:
            young = {key: since for key, since in self._held.items() if now - since < self._deadline_s}
        if not young:
            return
        alive = self._ledger.renew(self._owner, list(young))
        for key in young.keys() - alive:
            with self._lock:
                # Not one that was given back and claimed again meanwhile.
                lost = self._held.get(key) == young[key]
                if lost:
                    del self._held[key]
            if lost:
                # Taken over, or just committed: who works on it learns that from the fence.
                log.debug("Step %s is not renewed any more.", key)

    def _run(self) -> None:
        while not self._stopped.wait(self._every_s):
            try:
                self.renew_now()
            except PyMongoError as error:
                log.warning("Leases could not be renewed: %s", type(error).__name__)

    def _run_also(self) -> None:
        while not self._stopped.wait(self._every_s):
            for renew in self._also:
                try:
                    renew()
                except RedisError as error:
                    log.warning("Slots could not be renewed: %s", type(error).__name__)

    def close(self) -> None:
        """Stop renewing."""
        self._stopped.set()
