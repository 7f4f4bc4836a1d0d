"""The bucket of pictures: reading, writing, and signed URLs."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import urllib3
from minio import Minio
from minio.error import S3Error

from generia_worker.settings import Settings

#: Signed URLs on pages stay the same for so long, so that a browser that asks again shows what it has.
_STABLE_S = 600
_PAGE_URL_S = 3600 + _STABLE_S
#: Above the largest picture: every object is written in one request.
_PART_BYTES = 128 * 1024 * 1024
_MISSING = frozenset({"NoSuchKey", "NoSuchObject", "NotFound", "404"})
_OURS_ALREADY = frozenset({"BucketAlreadyOwnedByYou", "BucketAlreadyExists"})


@dataclass(frozen=True, slots=True)
class FileInfo:
    """What the store says of an object without reading it."""

    size: int
    etag: str
    content_type: str


class Files:
    """One bucket. Calls raise MinioException or urllib3's HTTPError when the store is away or refuses."""

    def __init__(self, settings: Settings, now: Callable[[], datetime], *, connections: int) -> None:
        self._bucket = settings.s3_bucket
        self._region = settings.s3_region
        self._now = now
        self._pool = urllib3.PoolManager(
            maxsize=connections,
            block=True,
            timeout=urllib3.Timeout(connect=3, read=20),
            retries=urllib3.Retry(total=1, backoff_factor=0.1, redirect=0, respect_retry_after_header=False),
        )
        self._client = self._connect(settings, settings.s3_endpoint)
        public = settings.s3_public_endpoint
        # Signing does no I/O, but the host is part of the signature.
        self._signer = self._connect(settings, public) if public else self._client

    def _connect(self, settings: Settings, endpoint: str) -> Minio:
        return Minio(
            endpoint,
            access_key=settings.s3_access_key.get_secret_value(),
            secret_key=settings.s3_secret_key.get_secret_value(),
            secure=settings.s3_secure,
            region=self._region,
            http_client=self._pool,
        )

    def ensure_bucket(self) -> None:
        """Create the bucket unless it is there."""
        if self._client.bucket_exists(self._bucket):
            return
        try:
            self._client.make_bucket(self._bucket, location=self._region)
        except S3Error as error:  # another process was faster
            if error.code not in _OURS_ALREADY:
                raise

    def reachable(self) -> bool:
        """True when the bucket answers. Raises what the client raises when nothing answers."""
        return self._client.bucket_exists(self._bucket)

    def stat(self, key: str) -> FileInfo | None:
        """Return what the store says of an object, or None when there is none."""
        try:
            found = self._client.stat_object(self._bucket, key)
        except S3Error as error:
            if error.code in _MISSING:
                return None
            raise
        return FileInfo(found.size or 0, found.etag or "", found.content_type or "")

    def read(self, key: str, size: int) -> bytes:
        """Return the first `size` bytes of an object."""
        response = self._client.get_object(self._bucket, key)
        try:
            return response.read(size)
        finally:
            response.close()
            response.release_conn()

    def write(self, key: str, data: bytes, content_type: str) -> None:
        """Store an object, over the one that was there."""
        self._client.put_object(
            self._bucket, key, io.BytesIO(data), len(data), content_type=content_type, part_size=_PART_BYTES
        )

    def upload_url(self, key: str, lifetime_s: int) -> str:
        """Return a URL to which one object may be PUT, by a program beside us: only readers come from outside."""
        return self._client.presigned_put_object(self._bucket, key, timedelta(seconds=lifetime_s))

    def url(self, key: str, lifetime_s: int) -> str:
        """Return a URL from which one object can be read for so long."""
        return self._signer.presigned_get_object(self._bucket, key, timedelta(seconds=lifetime_s))

    def page_url(self, key: str | None) -> str:
        """Return a URL for a page (empty: no key), good for an hour and equal when asked again soon."""
        if not key:
            return ""
        seconds = int(self._now().timestamp()) // _STABLE_S * _STABLE_S
        return self._signer.presigned_get_object(
            self._bucket,
            key,
            timedelta(seconds=_PAGE_URL_S),
            request_date=datetime.fromtimestamp(seconds, UTC),
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()
