"""What one simulator holds between calls: its seed, its switches, its books and its counters."""

from __future__ import annotations

from collections import OrderedDict
from time import monotonic
from typing import Generic, TypeVar

from generia_worker.simulator.behaviour import Behaviour, Bucket, Provider
from generia_worker.simulator.dice import Attempts, Dice
from generia_worker.simulator.http import OUTAGES
from generia_worker.simulator.ledger import Ledger

V = TypeVar("V")


class Recent(Generic[V]):
    """A dict that keeps only the latest entries."""

    def __init__(self, limit: int) -> None:
        self._items: OrderedDict[str, V] = OrderedDict()
        self._limit = limit

    def put(self, key: str, value: V) -> None:
        """Store an entry; the oldest one goes when there are too many."""
        self._items[key] = value
        self._items.move_to_end(key)
        while len(self._items) > self._limit:
            self._items.popitem(last=False)

    def get(self, key: str) -> V | None:
        """Return the entry, or None."""
        return self._items.get(key)


class TokenBucket:
    """Fills with `per_s` tokens a second up to `burst`; each call takes one."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self._tokens = float(bucket.burst)
        self._at = monotonic()

    def take(self) -> bool:
        """Take a token; False when there is none."""
        now = monotonic()
        self._tokens = min(self.bucket.burst, self._tokens + (now - self._at) * self.bucket.per_s)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Simulator:
    """The state behind both APIs. Used from one event loop only."""

    def __init__(self, seed: int, behaviour: Behaviour) -> None:
        self.seed = seed
        self._at_start = behaviour
        self.behaviour = behaviour
        self.reset()

    def reset(self) -> None:
        """Forget every call and go back to the behaviours of the start."""
        self.behaviour = self._at_start
        self.ledger = Ledger()
        self.attempts = Attempts()
        self._arrivals: dict[Provider, int] = {"llm": 0, "images": 0}
        self._buckets: dict[Provider, TokenBucket] = {}
        self.generations: Recent[tuple[float, dict[str, object]]] = Recent(20_000)

    def arrive(self, provider: Provider, request_digest: str) -> Dice:
        """Count a call and return its dice; repeated calls draw anew, and outside the window nothing is hit."""
        self._arrivals[provider] += 1
        attempt = self.attempts.next(f"{provider}:{request_digest}")
        active = self.behaviour.only.holds(self._arrivals[provider])
        return Dice(self.seed, provider, request_digest, attempt, active=active)

    def refusal(self, provider: Provider, dice: Dice, text: str) -> int | None:
        """Return the status with which this call is refused before any work is done, or None."""
        behaviour = self.behaviour
        limit = behaviour.no_credit_after.of(provider)
        if limit is not None and self.ledger.calls(provider) + 1 >= limit:
            return 402
        lowered = text.casefold()
        if any(word.casefold() in lowered for word in behaviour.forbidden_words):
            return 403
        if self._storm(provider) or dice.hit("429", behaviour.rate_429.of(provider)):
            return 429
        if dice.hit("5xx", behaviour.rate_5xx.of(provider)):
            return dice.random("which 5xx").choice(list(OUTAGES))
        for status, rates in behaviour.status_rates.items():
            if dice.hit(f"status {status}", rates.of(provider)):
                return status
        return None

    def _storm(self, provider: Provider) -> bool:
        wanted: Bucket | None = self.behaviour.bucket.of(provider)
        if wanted is None:
            return False
        bucket = self._buckets.get(provider)
        if bucket is None or bucket.bucket != wanted:
            bucket = self._buckets[provider] = TokenBucket(wanted)
        return not bucket.take()

    def latency_s(self, provider: Provider, dice: Dice) -> float:
        """Return how long this call takes."""
        latency = self.behaviour.latency.of(provider)
        if latency.fixed_s is not None:
            seconds = float(latency.fixed_s)
        else:
            drawn = dice.random("latency").gauss(latency.mean_s, latency.sigma_s)
            seconds = max(drawn, latency.mean_s / 5)
        if dice.hit("slow tail", self.behaviour.slow_tail.of(provider)):
            seconds += self.behaviour.slow_tail_s
        return seconds
