"""Signed URLs of pictures. Signing asks no server: every service shows pictures, and none but media needs the bucket."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from urllib.parse import urlsplit

import urllib3
from minio import Minio

from generia_worker.settings import Settings

#: Seconds for which the signed URL of a picture on a page stays the same, so that browsers can use their cache.
_STABLE_S = 600
_PAGE_URL_S = 3600 + _STABLE_S
#: Signed URLs that are kept, half a kilobyte each.
_REMEMBERED = 2_000


def s3_client(settings: Settings, url: str = "", pool: urllib3.PoolManager | None = None) -> Minio:
    """Return a client of the S3 server, for readers outside under another `url` (scheme, host, port).

    Connects with the first call.
    """
    parts = urlsplit(url)
    return Minio(
        parts.netloc or settings.s3_endpoint,
        access_key=settings.s3_access_key.get_secret_value(),
        secret_key=settings.s3_secret_key.get_secret_value(),
        secure=parts.scheme == "https" if url else settings.s3_secure,
        region=settings.s3_region,
        http_client=pool,
    )


class SignedUrls:
    """Signs URLs of the bucket's objects for readers, who may be outside: with the public endpoint, if there is one."""

    def __init__(self, settings: Settings, now: Callable[[], datetime]) -> None:
        self._bucket = settings.s3_bucket
        self._now = now
        # The host is part of the signature.
        self._signer = s3_client(settings, settings.s3_public_url)
        # A page is shown often, and a picture on many of them.
        self._signed = lru_cache(_REMEMBERED)(self._sign)

    def url(self, key: str, lifetime_s: int) -> str:
        """Return a URL from which one object can be read for `lifetime_s` seconds."""
        return self._signer.presigned_get_object(self._bucket, key, timedelta(seconds=lifetime_s))

    def page_url(self, key: str | None) -> str:
        """Return a URL for a page (empty: no key), good for an hour and equal when asked again soon."""
        if not key:
            return ""
        return self._signed(key, int(self._now().timestamp()) // _STABLE_S * _STABLE_S)

    def _sign(self, key: str, seconds: int) -> str:
        return self._signer.presigned_get_object(
            self._bucket,
            key,
            timedelta(seconds=_PAGE_URL_S),
            request_date=datetime.fromtimestamp(seconds, UTC),
        )
