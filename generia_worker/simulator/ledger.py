"""The provider's own books: every call, what it charged, and for which request of the worker."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from generia_worker.simulator.behaviour import Provider

_KEPT_ENTRIES = 200_000


@dataclass(slots=True)
class Entry:
    """One call. `answered` says that the whole answer was handed to a connection that was still open."""

    provider: Provider
    request: str
    kind: str
    status: int
    charged_usd: float = 0.0
    billed: bool = False
    answered: bool = False
    at: float = field(default_factory=time.time)


class Ledger:
    """Sums that stay exact, and the latest entries (a bounded number)."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_KEPT_ENTRIES)
        self._calls: dict[Provider, int] = {"llm": 0, "images": 0}
        self._cost: dict[Provider, Decimal] = {"llm": Decimal(0), "images": Decimal(0)}

    def refuse(self, provider: Provider, request: str, kind: str, status: int) -> Entry:
        """Note a call that was refused, or that costs nothing."""
        entry = Entry(provider, request, kind, status)
        self._entries.append(entry)
        return entry

    def bill(
        self, provider: Provider, request: str, kind: str, charged_usd: float, status: int = 200
    ) -> Entry:
        """Note a call that was done and is charged, whether or not its answer arrives."""
        entry = Entry(provider, request, kind, status, charged_usd, billed=True)
        self._entries.append(entry)
        self._calls[provider] += 1
        self._cost[provider] += Decimal(repr(charged_usd))
        return entry

    def entries(self, request: str) -> list[Entry]:
        """Return the entries of all requests whose name begins like this."""
        return [entry for entry in self._entries if entry.request.startswith(request)]

    def as_document(self, request: str = "") -> dict[str, Any]:
        """Return the books as `GET /_sim/ledger` shows them: sums of all calls, and the entries of these requests."""
        sums: dict[str, Any] = {
            provider: {"calls": self._calls[provider], "cost": float(self._cost[provider])}
            for provider in self._calls
        }
        return {**sums, "entries": [asdict(entry) for entry in self.entries(request)]}
