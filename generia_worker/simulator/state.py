"""What one simulator holds between calls: its seed, its switches, its books and its counters."""

from __future__ import annotations

from collections import Counter, OrderedDict
from contextvars import ContextVar
from time import monotonic
from typing import Generic, TypeVar

from generia_worker.simulator.behaviour import Behaviour, Bucket, Provider
from generia_worker.simulator.dice import Attempts, Dice
from generia_worker.simulator.http import OUTAGES
from generia_worker.simulator.ledger import Entry, Ledger

V = TypeVar("V")

#: Worlds with a profile of their own that are remembered.
_PROFILES = 1000


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


class Profile:
    """What some callers meet: a behaviour, and what counts towards it (arrivals, repeats, tokens, billed calls)."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.attempts = Attempts()
        self.arrivals: Counter[Provider] = Counter()
        self.billed: Counter[Provider] = Counter()
        self._buckets: dict[Provider, TokenBucket] = {}

    def has_token(self, provider: Provider) -> bool:
        """Take a token of the provider's bucket; True where there is no bucket."""
        wanted: Bucket | None = self.behaviour.bucket.of(provider)
        if wanted is None:
            return True
        bucket = self._buckets.get(provider)
        if bucket is None or bucket.bucket != wanted:
            bucket = self._buckets[provider] = TokenBucket(wanted)
        return bucket.take()


#: The profile of the call that is being answered: every request is a task with a context of its own.
_serving: ContextVar[Profile | None] = ContextVar("serving", default=None)


class Simulator:
    """The state behind both APIs. Used from one event loop only.

    Calls of a world that has a profile of its own (`profile_of`) are treated by that one, all others by the common
    one; so worlds that meet different faults can be made side by side. Which world a call is for is what its
    `X-Generia-Request` begins with: `WORLD/STEP…`.
    """

    def __init__(self, seed: int, behaviour: Behaviour) -> None:
        self.seed = seed
        self._at_start = behaviour
        self.reset()

    def reset(self) -> None:
        """Forget every call and every world's profile; the behaviours are those of the start again."""
        self.common = Profile(self._at_start)
        self._of_worlds: Recent[Profile] = Recent(_PROFILES)
        self.ledger = Ledger()
        self.generations: Recent[tuple[float, dict[str, object]]] = Recent(20_000)

    def profile_of(self, world_id: str) -> Profile:
        """Return what calls of a world meet."""
        return self._of_worlds.get(world_id) or self.common

    def behave(self, behaviour: Behaviour, world_id: str = "") -> None:
        """Behave like this from now on; towards one world only, all of whose calls so far count, when it is named."""
        if not world_id:
            self.common.behaviour = behaviour
            return
        profile = Profile(behaviour)
        for entry in self.ledger.entries(f"{world_id}/"):
            profile.arrivals[entry.provider] += 1
            profile.billed[entry.provider] += entry.billed
        self._of_worlds.put(world_id, profile)

    def serve(self, request_name: str) -> None:
        """Say whose call is being answered; to be called at the beginning of each request."""
        _serving.set(self.profile_of(request_name.partition("/")[0]))

    @property
    def profile(self) -> Profile:
        """The profile of the call that is being answered."""
        return _serving.get() or self.common

    @property
    def behaviour(self) -> Behaviour:
        """How the call that is being answered is treated."""
        return self.profile.behaviour

    def bill(self, provider: Provider, request: str, kind: str, charged_usd: float) -> Entry:
        """Note a call that was done and is charged, whether or not its answer arrives.

        The credit of the account is spent by all worlds, also by those with a profile of their own.
        """
        for profile in {self.profile, self.common}:
            profile.billed[provider] += 1
        return self.ledger.bill(provider, request, kind, charged_usd)

    def arrive(self, provider: Provider, request_digest: str) -> Dice:
        """Count a call and return its dice; repeated calls draw anew, and outside the window nothing is hit."""
        profile = self.profile
        profile.arrivals[provider] += 1
        attempt = profile.attempts.next(f"{provider}:{request_digest}")
        active = profile.behaviour.only.holds(profile.arrivals[provider])
        return Dice(self.seed, provider, request_digest, attempt, active=active)

    def refusal(self, provider: Provider, dice: Dice, text: str) -> int | None:
        """Return the status with which this call is refused before any work is done, or None."""
        profile, behaviour = self.profile, self.behaviour
        limit = behaviour.no_credit_after.of(provider)
        if limit is not None and profile.billed[provider] + 1 >= limit:
            return 402
        lowered = text.casefold()
        if any(word.casefold() in lowered for word in behaviour.forbidden_words):
            return 403
        if not profile.has_token(provider) or dice.hit("429", behaviour.rate_429.of(provider)):
            return 429
        if dice.hit("5xx", behaviour.rate_5xx.of(provider)):
            return dice.random("which 5xx").choice(list(OUTAGES))
        for status, rates in behaviour.status_rates.items():
            if dice.hit(f"status {status}", rates.of(provider)):
                return status
        return None

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
