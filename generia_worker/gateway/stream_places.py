"""Places for streams: how many may be open at once, of one person, from one address and in all."""

from __future__ import annotations

from collections import Counter

from generia_worker.errors import TransientError
from generia_worker.gateway.rate_limits import TooManyRequests
from generia_worker.settings import Settings

_RETRY_S = 10


class StreamPlaces:
    """Counts the open streams of one process. Used by its event loop alone."""

    def __init__(self, settings: Settings) -> None:
        self._most = settings.gateway_streams_max
        self._of_person = settings.gateway_streams_person
        self._from_address = settings.gateway_streams_address
        self._open: Counter[tuple[str, str]] = Counter()

    def take(self, person: str, address: str) -> StreamPlace:
        """Return a place, to be given back.

        Raises:
            TooManyRequests: this person or this address has too many streams open.
            TransientError: all places are taken.
        """
        if self._open["person", person] >= self._of_person:
            message = f"{self._of_person} streams of yours are open already: close one."
            raise TooManyRequests(message, retry_after_s=_RETRY_S)
        if self._open["address", address] >= self._from_address:
            message = f"{self._from_address} streams from your address are open already."
            raise TooManyRequests(message, retry_after_s=_RETRY_S)
        if self._open["all", ""] >= self._most:
            message = "Too many people follow worlds here: try again."
            raise TransientError(message, retry_after_s=_RETRY_S)
        return StreamPlace(self._open, (("person", person), ("address", address), ("all", "")))


class StreamPlace:
    """A place that is taken until it is given back, which may be done twice."""

    def __init__(self, counts: Counter[tuple[str, str]], keys: tuple[tuple[str, str], ...]) -> None:
        self._counts, self._keys = counts, keys
        self._counts.update(keys)

    def give_back(self) -> None:
        """Let somebody else have it."""
        self._counts.subtract(self._keys)
        for key in self._keys:
            if not self._counts[key]:
                del self._counts[key]
        self._keys = ()
