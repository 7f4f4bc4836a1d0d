"""The dearest bills: the most that calls of a model were billed, whatever price was configured for it.

A price that is configured may be wrong, and it may rise. A budget holds all the same: no call is held for at less than
what a call like it was billed before, in any world.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict

from generia_worker.billing.prices import Dearest
from generia_worker.providers.usage import Provider
from generia_worker.storage.database import Database


class Bills:
    """The collection `dearest_bills`: one document a model and host.

    `hosts`: where each provider is called. A model of one name has another price elsewhere.
    """

    def __init__(self, database: Database, hosts: Mapping[Provider, str]) -> None:
        self._rows = database.dearest_bills
        self._hosts = hosts
        #: What this process has written already: a bill that is not dearer costs no write.
        self._written: dict[str, Dearest] = {}
        self._lock = threading.Lock()

    def dearest(self, provider: Provider, model: str) -> Dearest | None:
        """Return the dearest bill of a model, or None when nothing of it was billed yet."""
        key = self._key(provider, model)
        row = self._rows.find_one({"_id": key}, {"_id": 0})
        if row is None:
            with self._lock:
                self._written.pop(key, None)
            return None
        return Dearest(**{name: row.get(name, default) for name, default in asdict(Dearest()).items()})

    def note(self, provider: Provider, model: str, bill: Dearest) -> None:
        """Remember a bill if it is the dearest one. May run twice."""
        key = self._key(provider, model)
        before = self._written.get(key)
        if before is not None and before == before.or_dearer(bill):
            return
        self._rows.update_one({"_id": key}, {"$max": asdict(bill)}, upsert=True)
        with self._lock:
            known = self._written.get(key)
            self._written[key] = bill if known is None else known.or_dearer(bill)

    def _key(self, provider: Provider, model: str) -> str:
        return f"{provider} {model} @ {self._hosts[provider]}"
