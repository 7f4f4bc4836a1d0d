"""Signed URLs of pictures. Signing asks no server: every service shows pictures, and none but media needs the bucket."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import PurePosixPath
from urllib.parse import quote, urlsplit

import urllib3
from minio import Minio

from generia_worker.rpc.media_types import ImageFormat
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
        return self._signer.presigned_get_object(
            self._bucket, key, timedelta(seconds=lifetime_s), response_headers=_served_as(key)
        )

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
            response_headers=_served_as(key),
            request_date=datetime.fromtimestamp(seconds, UTC),
        )


def _served_as(key: str) -> dict[str, str | list[str] | tuple[str]] | None:
    """Return what the store is to say of an object, whatever was said when it was written: a picture of its key's type."""
    ending = PurePosixPath(key).suffix.lower()
    kind = next((one for one in ImageFormat if one.extension == ending.replace(".jpeg", ".jpg")), None)
    return None if kind is None else {"response-content-type": kind.value}


def sign_upload(
    url: str, settings: Settings, headers: Mapping[str, str], lifetime_s: int, now: datetime
) -> str:
    """Return an address to which one object may be PUT with exactly these headers (names in small letters).

    `url` is the object's own, without a query. AWS Signature Version 4 in the query, as in
    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html: what the library signs is the host alone.
    """
    parts = urlsplit(url)
    signed = dict(sorted({**headers, "host": parts.netloc}.items()))
    names = ";".join(signed)
    moment = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{moment[:8]}/{settings.s3_region}/s3/aws4_request"
    query = _encoded(
        {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{settings.s3_access_key.get_secret_value()}/{scope}",
            "X-Amz-Date": moment,
            "X-Amz-Expires": str(lifetime_s),
            "X-Amz-SignedHeaders": names,
        }
    )
    lines = [f"{name}:{value}" for name, value in signed.items()]
    request = "\n".join(["PUT", parts.path, query, *lines, "", names, "UNSIGNED-PAYLOAD"])
    digest = hashlib.sha256(request.encode()).hexdigest()
    key = f"AWS4{settings.s3_secret_key.get_secret_value()}".encode()
    for part in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return f"{parts.scheme}://{parts.netloc}{parts.path}?{query}&X-Amz-Signature={key.hex()}"


def _encoded(query: Mapping[str, str]) -> str:
    return "&".join(f"{name}={quote(value, safe='-_.~')}" for name, value in sorted(query.items()))
