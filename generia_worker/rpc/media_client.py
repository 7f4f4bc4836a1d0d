"""Client of the media service."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import grpc

from generia_worker.errors import GeneriaError, PermanentError
from generia_worker.rpc import wire
from generia_worker.rpc.channel import idempotency_metadata
from generia_worker.rpc.media_types import MediaType
from generia_worker.rpc.status_codes import translated


@dataclass(frozen=True, slots=True)
class UploadTicket:
    """Permission to PUT one file to `upload_url` until `expires_at` (Unix seconds). The URL is a secret."""

    media_id: str
    upload_url: str
    expires_at: int

    def __repr__(self) -> str:
        return f"UploadTicket(media_id={self.media_id!r}, expires_at={self.expires_at})"


@dataclass(frozen=True, slots=True)
class MediaVariantRecord:
    """One size of a picture; `url` is signed and expires."""

    name: str
    url: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class MediaRecord:
    """A picture as its service knows it; without variants before its upload is confirmed."""

    media_id: str
    character_id: str
    world_id: str
    filename: str
    content_type: str
    size: int
    variants: tuple[MediaVariantRecord, ...]
    created_at: str
    media_type: MediaType


class MediaClient:
    """Calls the media service; every method raises what `status_codes.translated` says."""

    def __init__(self, channel: grpc.Channel, timeout_s: float) -> None:
        self._stub = wire.MediaServiceStub(channel)
        self._timeout_s = timeout_s

    def presign_upload(
        self,
        world_id: str,
        character_id: str,
        filename: str,
        content_type: str,
        size: int,
        media_type: MediaType,
        *,
        idempotency_key: str,
    ) -> UploadTicket:
        """Announce a picture of `size` bytes; an equal key and body gives the same media id and a fresh URL.

        `character_id` is empty for the pictures of the world itself.
        """
        with translated("GetPresignedUploadURL"):
            request = wire.media.GetPresignedUploadURLRequest(
                world_id=world_id,
                character_id=character_id,
                filename=filename,
                content_type=content_type,
                size=size,
                media_type=wire.media.MediaType.ValueType(int(media_type)),
            )
            answer = self._stub.GetPresignedUploadURL(
                request, timeout=self._timeout_s, metadata=idempotency_metadata(idempotency_key)
            )
        return UploadTicket(answer.media_id, answer.upload_url, answer.expires_at)

    def confirm(self, media_id: str) -> tuple[MediaVariantRecord, ...]:
        """Tell the service that the file is uploaded; returns its variants. May be repeated."""
        with translated("ConfirmUpload"):
            request = wire.media.ConfirmUploadRequest(media_id=media_id)
            answer = self._stub.ConfirmUpload(request, timeout=self._timeout_s)
        if not answer.success:
            raise PermanentError(f"ConfirmUpload was refused for media {media_id}.")
        return _variants(answer.variants)

    def get(self, media_id: str) -> MediaRecord:
        """Return what is known of a picture."""
        with translated("GetMedia"):
            request = wire.media.GetMediaRequest(media_id=media_id)
            answer = self._stub.GetMedia(request, timeout=self._timeout_s)
        known = int(answer.media_type) in [kind.value for kind in MediaType]
        return MediaRecord(
            media_id=answer.media_id,
            character_id=answer.character_id,
            world_id=answer.world_id,
            filename=answer.filename,
            content_type=answer.content_type,
            size=answer.size,
            variants=_variants(answer.variants),
            created_at=answer.created_at,
            media_type=MediaType(answer.media_type) if known else MediaType.UNKNOWN,
        )

    def get_url(self, media_id: str, variant: str = "original", expires_in: int = 0) -> tuple[str, int]:
        """Return a signed URL and when it expires (Unix seconds); 0 seconds: the service's default."""
        with translated("GetMediaURL"):
            request = wire.media.GetMediaURLRequest(media_id=media_id, variant=variant, expires_in=expires_in)
            answer = self._stub.GetMediaURL(request, timeout=self._timeout_s)
        return answer.url, answer.expires_at

    def optimize(self, media_id: str, variants_to_create: Sequence[str]) -> tuple[MediaVariantRecord, ...]:
        """Have variants made (again) from the original."""
        with translated("OptimizeImage"):
            request = wire.media.OptimizeImageRequest(
                media_id=media_id, variants_to_create=variants_to_create
            )
            return _variants(self._stub.OptimizeImage(request, timeout=self._timeout_s).variants)

    def healthy(self) -> bool:
        """True when the service answers that it serves; never raises a GeneriaError."""
        try:
            with translated("HealthCheck"):
                answer = self._stub.HealthCheck(wire.media.HealthCheckRequest(), timeout=self._timeout_s)
        except GeneriaError:
            return False
        return answer.status == wire.media.HealthCheckResponse.SERVING


def _variants(variants: Iterable[wire.media.MediaVariant]) -> tuple[MediaVariantRecord, ...]:
    return tuple(MediaVariantRecord(v.name, v.url, v.width, v.height) for v in variants)
