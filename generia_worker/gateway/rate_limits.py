"""Rate limits that hold over all processes of the gateway, through Redis."""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import math
import time
from collections.abc import Callable

from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

from generia_worker.errors import TransientError
from generia_worker.settings import Settings

log = logging.getLogger(__name__)

#: A person waits for this: Redis gets less time than elsewhere.
_REDIS_S = 1.0
#: Seconds after a failure during which Redis is not asked, and this process counts by itself.
_AWAY_S = 5.0


class TooManyRequests(TransientError):  # noqa: N818 - HTTP's phrase
    """Raised when a rate limit of the settings is exceeded; `retry_after_s` says when to try again."""


class RateLimits:
    """Counts what was done, by rate and key."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._rates = {
            "register": parse_many(settings.gateway_rate_register),
            "login": parse_many(settings.gateway_rate_login),
            "address": parse_many(settings.gateway_rate_address),
            "create": parse_many(settings.gateway_rate_create),
            "react": parse_many(settings.gateway_rate_react),
        }
        options = {"socket_timeout": _REDIS_S, "socket_connect_timeout": _REDIS_S}
        url = settings.redis_url.get_secret_value()
        storage = RedisStorage(url, key_prefix="generia:rate", **options)  # type: ignore[arg-type]
        self._shared = MovingWindowRateLimiter(storage)
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._clock, self._now = clock, now
        self._away_until = -math.inf

    def hit(self, action: str, key: str) -> None:
        """Count one more `action` (register, login, address, create, react) by `key`. Raises TooManyRequests."""
        for rate in self._rates[action]:
            wait_s = self._wait_s(rate, _name(action, key))
            if wait_s is not None:
                message = f"Too often: {rate.amount} a {_window(rate)} at most. Try again in {wait_s} s."
                raise TooManyRequests(message, retry_after_s=wait_s)

    def forget(self, action: str, key: str) -> None:
        """Count anew, from none."""
        for rate in self._rates[action]:
            self._own.clear(rate, _name(action, key))
            if self._clock() >= self._away_until:
                try:
                    self._shared.clear(rate, _name(action, key))
                except RedisError as error:
                    log.warning("A rate is not forgotten: Redis is away (%s)", type(error).__name__)
                    self._away_until = self._clock() + _AWAY_S

    def _wait_s(self, rate: RateLimitItem, key: str) -> int | None:
        """Return None when there is room, else in how many seconds there will be."""
        if self._clock() >= self._away_until:
            try:
                return self._try(self._shared, rate, key)
            except RedisError as error:
                log.warning(
                    "Rates are counted by this process alone: Redis is away (%s)", type(error).__name__
                )
                self._away_until = self._clock() + _AWAY_S
        return self._try(self._own, rate, key)

    def _try(self, limiter: MovingWindowRateLimiter, rate: RateLimitItem, key: str) -> int | None:
        if limiter.hit(rate, key):
            return None
        return max(1, math.ceil(limiter.get_window_stats(rate, key).reset_time - self._now()))


def _name(action: str, key: str) -> str:
    # Hashed: names and addresses of people have no business in the keys of Redis.
    return f"{action}:{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def _window(rate: RateLimitItem) -> str:
    name = rate.GRANULARITY.name
    return name if rate.multiples == 1 else f"{rate.multiples} {name}s"


def network_of(address: str) -> str:
    """Return what stands for a caller's address: of IPv6 the /64, which is one customer's."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 6:
        # A socket for both versions names IPv4 callers so, who would all be of one network.
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
