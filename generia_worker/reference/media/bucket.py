"""The bucket of pictures: reading, writing, and URLs for uploads."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import urllib3
from minio.error import MinioException, S3Error

from generia_worker.reference.shared.signed_urls import s3_client, sign_upload
from generia_worker.settings import Settings

#: Above the largest picture: every object is written in one request.
_PART_BYTES = 128 * 1024 * 1024
_MISSING = frozenset({"NoSuchKey", "NoSuchObject", "NotFound", "404"})
_EXISTS = frozenset({"BucketAlreadyOwnedByYou", "BucketAlreadyExists"})


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What the store says of an object; `size` in bytes."""

    size: int
    etag: str
    content_type: str


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object with its bytes: all of them, unless there are more than were asked for."""

    info: ObjectInfo
    data: bytes


class Bucket:
    """One bucket. Calls raise MinioException or urllib3's HTTPError when the store is away or refuses."""

    def __init__(self, settings: Settings, *, connections: int) -> None:
        self._settings = settings
        self._name = settings.s3_bucket
        self._region = settings.s3_region
        self._pool = urllib3.PoolManager(
            maxsize=connections,
            block=True,
            timeout=urllib3.Timeout(connect=3, read=20),
            retries=urllib3.Retry(total=1, backoff_factor=0.1, redirect=0, respect_retry_after_header=False),
        )
        self._client = s3_client(settings, pool=self._pool)

    def ensure_exists(self) -> None:
        """Create the bucket unless it is there."""
        if self._client.bucket_exists(self._name):
            return
        try:
            self._client.make_bucket(self._name, location=self._region)
        except S3Error as error:  # another process was faster
            if error.code not in _EXISTS:
                raise

    def is_reachable(self) -> bool:
        """True when the bucket answers. Raises what the client raises when nothing answers."""
        return self._client.bucket_exists(self._name)

    def stat(self, key: str) -> ObjectInfo | None:
        """Return what the store says of an object, or None when there is none."""
        try:
            found = self._client.stat_object(self._name, key)
        except S3Error as error:
            if error.code in _MISSING:
                return None
            raise
        return ObjectInfo(found.size or 0, found.etag or "", found.content_type or "")

    def read(self, key: str, limit: int) -> StoredObject | None:
        """Return an object with at most `limit` of its bytes, or None when there is none."""
        try:
            response = self._client.get_object(self._name, key)
        except MinioException:
            # Only HEAD tells a missing object the same way for all stores: rclone's answer to GET is unknown to the client.
            if self.stat(key) is None:
                return None
            raise
        try:
            # One byte more is asked for: the connection is free again once the end was read.
            data = response.read(limit + 1)
            headers = response.headers
            info = ObjectInfo(
                int(headers.get("Content-Length", len(data))),
                headers.get("ETag", "").strip('"'),
                headers.get("Content-Type", ""),
            )
            return StoredObject(info, data[:limit])
        finally:
            response.close()
            response.release_conn()

    def write(self, key: str, data: bytes, content_type: str) -> str:
        """Store an object, replacing one with the same key; returns its ETag."""
        stored = self._client.put_object(
            self._name, key, io.BytesIO(data), len(data), content_type=content_type, part_size=_PART_BYTES
        )
        return stored.etag or ""

    def remove(self, key: str) -> None:
        """Remove an object; harmless when there is none."""
        self._client.remove_object(self._name, key)

    def upload_url(self, key: str, content_type: str, size: int, lifetime_s: int) -> str:
        """Return a URL to which one object of this type and size (in bytes) may be PUT, and no other.

        By a program beside us: only readers come from outside.
        """
        url = self._client.presigned_put_object(self._name, key, timedelta(seconds=lifetime_s))
        headers = {"content-length": str(size), "content-type": content_type}
        return sign_upload(url, self._settings, headers, lifetime_s, datetime.now(UTC))

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()
