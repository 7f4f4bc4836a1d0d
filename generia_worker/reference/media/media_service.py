# ruff: noqa: N802, ARG002 - names and signatures are the contract's
"""The reference media service: announced uploads, checked pictures, their variants and signed URLs."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import ClassVar
from uuid import uuid4

import grpc
from cachetools import LRUCache
from pymongo import ASCENDING, IndexModel

from generia_worker.errors import PermanentError
from generia_worker.reference.media import pictures
from generia_worker.reference.media.bucket import Bucket
from generia_worker.reference.shared import lookups, validation
from generia_worker.reference.shared.base_service import Service
from generia_worker.reference.shared.idempotency import KEY_INDEX, IdempotencyKey
from generia_worker.reference.shared.resources import CONNECTIONS, Resources
from generia_worker.rpc import wire
from generia_worker.rpc.media_types import ImageFormat, MediaType, object_key
from generia_worker.storage.mongo import Document

UPLOAD_S = 900
#: Where files wait to be checked. No world's id begins like this.
UPLOADS = "_uploads"
#: Announced pictures that are kept in memory.
_ANNOUNCED = 1_000
URL_DEFAULT_S, URL_MAX_S = 3600, 7 * 24 * 3600
_EXTENSIONS = {
    ".png": ImageFormat.PNG,
    ".jpg": ImageFormat.JPEG,
    ".jpeg": ImageFormat.JPEG,
    ".webp": ImageFormat.WEBP,
}


class MediaService(Service, wire.MediaServiceServicer):
    """A picture is `announced` when its URL is given out, and `confirmed` once its bytes were checked."""

    name = "media"
    indexes: ClassVar = {"media": [IndexModel([("world_id", ASCENDING)]), KEY_INDEX]}

    def __init__(self, resources: Resources) -> None:
        super().__init__(resources)
        self._media = resources.collection("media")
        self._bucket = Bucket(resources.settings, connections=CONNECTIONS)
        # Mostly the process that announced a picture is soon asked to confirm it.
        self._to_confirm: LRUCache[str, Document] = LRUCache(_ANNOUNCED)
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """Make sure that the indexes and the bucket exist."""
        super().prepare()
        self._bucket.ensure_exists()
        # A store on a file system removes a folder with its last file, also while another one is being uploaded into it.
        self._bucket.write(f"{UPLOADS}/.keep", b"", "text/plain")

    def add_to(self, server: grpc.Server) -> None:
        """Let a server answer the calls of the media service."""
        wire.add_MediaServiceServicer_to_server(self, server)

    def close(self) -> None:
        """Close the connections to the bucket."""
        self._bucket.close()

    def GetPresignedUploadURL(
        self, request: wire.media.GetPresignedUploadURLRequest, context: grpc.ServicerContext
    ) -> wire.media.GetPresignedUploadURLResponse:
        """Announce a picture and give out the URL to which it is to be PUT."""
        media = self._announced(request)

        def owned() -> Document:
            self._check_owner(media)
            return media

        stored = IdempotencyKey.of(context, request).create(self._media, owned)
        if stored["state"] == "announced":
            with self._lock:
                self._to_confirm[stored["_id"]] = stored
        expires_at = int(self._resources.now().timestamp()) + UPLOAD_S
        url = self._bucket.upload_url(_upload_key(stored), request.content_type, stored["size"], UPLOAD_S)
        return wire.media.GetPresignedUploadURLResponse(
            media_id=stored["_id"], upload_url=url, expires_at=expires_at
        )

    def _announced(self, request: wire.media.GetPresignedUploadURLRequest) -> Document:
        name, extension = validation.filename(request.filename)
        if extension not in _EXTENSIONS:
            validation.refuse("filename", "must end in .png, .jpg, .jpeg or .webp")
        if request.content_type not in set(ImageFormat):
            validation.refuse("content_type", f"must be one of {', '.join(ImageFormat)}")
        if _EXTENSIONS[extension] != request.content_type:
            validation.refuse("filename", f"ends in {extension}, which is not {request.content_type}")
        validation.number(request.size, "size", 1, self._resources.settings.image_max_bytes)
        media_type = _media_type(request.media_type)
        media_id = str(uuid4())
        character_id = validation.optional_id(request.character_id, "character_id")
        if media_type.belongs_to_world:
            if character_id not in ("", request.world_id):
                validation.refuse("character_id", "must be empty for a picture of the world itself")
            character_id = ""
        return {
            "_id": media_id,
            "world_id": request.world_id,
            "character_id": character_id,
            "filename": name,
            "content_type": request.content_type,
            "size": request.size,
            "media_type": int(media_type),
            "key": object_key(media_type, request.world_id, character_id, media_id, extension),
            "upload_key": f"{UPLOADS}/{media_id}{extension}",
            "state": "announced",
            "variants": {},
            "created_at": self._resources.now(),
        }

    def _check_owner(self, media: Document) -> None:
        lookups.require_world(self._resources, media["world_id"])
        # An avatar may be uploaded before its character is created.
        if media["media_type"] == MediaType.POST_IMAGE:
            lookups.character_in_world(self._resources, media["character_id"], media["world_id"])

    def ConfirmUpload(
        self, request: wire.media.ConfirmUploadRequest, context: grpc.ServicerContext
    ) -> wire.media.ConfirmUploadResponse:
        """Check the uploaded bytes, move them to where no URL writes, and make the variants; repeated, only answer."""
        with self._lock:
            media = self._to_confirm.pop(request.media_id, None)
        media = media or lookups.media(self._resources, request.media_id)
        if media["state"] != "confirmed" or not self._is_unchanged(media):
            media = self._confirm(media)
        if _upload_key(media) != media["key"]:
            self._bucket.remove(_upload_key(media))
        return wire.media.ConfirmUploadResponse(success=True, variants=self._variants(media))

    def _is_unchanged(self, media: Document) -> bool:
        """True when the store still holds the bytes that were confirmed."""
        info = self._bucket.stat(media["key"])
        return info is not None and (info.size, info.etag) == (media["size"], media["etag"])

    def _confirm(self, media: Document) -> Document:
        stored = self._bucket.read(_upload_key(media), media["size"])
        if stored is None:
            # Another process may have confirmed it, and moved it away.
            known = lookups.media(self._resources, media["_id"])
            if known["state"] == "confirmed" and self._is_unchanged(known):
                return known
            raise PermanentError(f"media_id {media['_id']}: nothing was uploaded yet")
        if stored.info.size != media["size"] or len(stored.data) != media["size"]:
            raise PermanentError(
                f"media_id {media['_id']}: size is {stored.info.size} bytes, but {media['size']} were announced"
            )
        seen = pictures.inspect(stored.data, list(pictures.VARIANTS))
        # The bytes that were looked at, not a copy of what is there by now; with the type and the ending that they have, not
        # with those that the uploader claimed.
        key = f"{media['key'].rpartition('.')[0]}{seen.format.extension}"
        etag = self._bucket.write(key, stored.data, seen.format.value)
        original = {"key": key, "width": seen.width, "height": seen.height}
        change = {
            "state": "confirmed",
            "key": key,
            "content_type": seen.format.value,
            "etag": etag,
            "variants": {"original": original} | self._store(original, seen),
            "confirmed_at": self._resources.now(),
        }
        self._media.update_one({"_id": media["_id"]}, {"$set": change})
        confirmed = {**media, **change}
        self._resources.facts.note("media", confirmed)
        return confirmed

    def _store(self, original: Document, seen: pictures.Inspected) -> dict[str, Document]:
        """Store the variants; one for which the original is small enough is the original."""
        stem, _, ending = original["key"].rpartition(".")
        stored: dict[str, Document] = {}
        for name, picture in seen.variants.items():
            if picture is None:
                stored[name] = original
                continue
            stored[name] = {
                "key": f"{stem}_{name}.{ending}",
                "width": picture.width,
                "height": picture.height,
            }
            self._bucket.write(stored[name]["key"], picture.data, seen.format.value)
        return stored

    def OptimizeImage(
        self, request: wire.media.OptimizeImageRequest, context: grpc.ServicerContext
    ) -> wire.media.OptimizeImageResponse:
        """Make the named variants (none named: all) again from the original."""
        names = list(dict.fromkeys(request.variants_to_create)) or list(pictures.VARIANTS)
        for name in names:
            if name not in pictures.VARIANTS:
                validation.refuse("variants_to_create", f"must be of {', '.join(pictures.VARIANTS)}")
        media = lookups.media(self._resources, request.media_id)
        lookups.require_confirmed(media)
        stored = self._bucket.read(media["key"], media["size"])
        if stored is None:
            raise PermanentError(f"media_id {media['_id']}: the uploaded file is gone")
        made = self._store(media["variants"]["original"], pictures.inspect(stored.data, names))
        self._media.update_one(
            {"_id": media["_id"]}, {"$set": {f"variants.{name}": variant for name, variant in made.items()}}
        )
        return wire.media.OptimizeImageResponse(variants=self._variants({**media, "variants": made}))

    def GetMedia(
        self, request: wire.media.GetMediaRequest, context: grpc.ServicerContext
    ) -> wire.media.Media:
        """Return what is known of a picture; without variants before it is confirmed."""
        media = lookups.media(self._resources, request.media_id)
        return wire.media.Media(
            media_id=media["_id"],
            character_id=media["character_id"],
            world_id=media["world_id"],
            filename=media["filename"],
            content_type=media["content_type"],
            size=media["size"],
            variants=self._variants(media),
            created_at=validation.iso(media["created_at"]),
            media_type=wire.media.MediaType.ValueType(media["media_type"]),
        )

    def GetMediaURL(
        self, request: wire.media.GetMediaURLRequest, context: grpc.ServicerContext
    ) -> wire.media.GetMediaURLResponse:
        """Return a signed URL of one variant, good for `expires_in` seconds (0: an hour)."""
        name = request.variant or "original"
        if name != "original" and name not in pictures.VARIANTS:
            validation.refuse("variant", f"must be one of original, {', '.join(pictures.VARIANTS)}")
        lifetime_s = request.expires_in or URL_DEFAULT_S
        validation.number(lifetime_s, "expires_in", 1, URL_MAX_S)
        media = lookups.media(self._resources, request.media_id)
        lookups.require_confirmed(media)
        expires_at = int(self._resources.now().timestamp()) + lifetime_s
        url = self._resources.urls.url(media["variants"][name]["key"], lifetime_s)
        return wire.media.GetMediaURLResponse(url=url, expires_at=expires_at)

    def HealthCheck(
        self, request: wire.media.HealthCheckRequest, context: grpc.ServicerContext
    ) -> wire.media.HealthCheckResponse:
        """Say whether the database and the bucket answer."""
        state = wire.media.HealthCheckResponse
        serving = lookups.is_serving(self._resources, self._bucket.is_reachable)
        return state(status=state.SERVING if serving else state.NOT_SERVING)

    def _variants(self, media: Document) -> Iterable[wire.media.MediaVariant]:
        for name, variant in media["variants"].items():
            url = self._resources.urls.page_url(variant["key"])
            yield wire.media.MediaVariant(
                name=name, url=url, width=variant["width"], height=variant["height"]
            )


def _upload_key(media: Document) -> str:
    """Return where a picture is uploaded to; a version before let it be uploaded to where it stays."""
    return str(media.get("upload_key", media["key"]))


def _media_type(number: int) -> MediaType:
    try:
        media_type = MediaType(number)
    except ValueError:
        media_type = MediaType.UNKNOWN
    if media_type is MediaType.UNKNOWN:
        validation.refuse("media_type", "must be one of the known types")
    return media_type
