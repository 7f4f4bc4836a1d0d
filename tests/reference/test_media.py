"""The media service over real files: announced uploads, checked pictures, variants, signed URLs."""

from __future__ import annotations

import io
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from minio import Minio
from PIL import ExifTags, Image
from pymongo import MongoClient

from generia_worker.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermanentError,
)
from generia_worker.reference import registry
from generia_worker.reference.media import pictures
from generia_worker.reference.shared.signed_urls import s3_client
from generia_worker.rpc.channel import open_channel
from generia_worker.rpc.character_client import CharacterRecord
from generia_worker.rpc.media_client import MediaClient
from generia_worker.rpc.media_types import MediaType
from generia_worker.rpc.world_client import WorldRecord
from generia_worker.settings import Settings
from tests.reference.conftest import Clients, Upload, new_key, picture, put

UNKNOWN = "00000000-0000-4000-8000-000000000000"
BAD_IDS = ["", "../x", "a/b", "a\x00b", "..", "x" * 65, "a b", "é"]


@pytest.fixture
def store(settings: Settings) -> Minio:
    return s3_client(settings)


@dataclass(frozen=True)
class Announcement:
    """Arguments of presign_upload, all of them good."""

    world_id: str
    character_id: str = ""
    filename: str = "cover.png"
    content_type: str = "image/png"
    size: int = 1000
    media_type: MediaType = MediaType.WORLD_HEADER


def announce(clients: Clients, a: Announcement, key: str | None = None) -> tuple[str, str, int]:
    ticket = clients.media.presign_upload(
        a.world_id,
        a.character_id,
        a.filename,
        a.content_type,
        a.size,
        a.media_type,
        idempotency_key=key or new_key(),
    )
    return ticket.media_id, ticket.upload_url, ticket.expires_at


@pytest.mark.parametrize(
    ("media_type", "of_character", "key"),
    [
        (MediaType.WORLD_HEADER, False, "{world}/world_data/{media}.png"),
        (MediaType.WORLD_ICON, False, "{world}/world_data/{media}.png"),
        (MediaType.CHARACTER_AVATAR, True, "{world}/{character}/avatars/{media}.png"),
        (MediaType.POST_IMAGE, True, "{world}/{character}/posts/{media}.png"),
    ],
)
def test_upload_of_each_type_goes_to_its_folder_and_can_be_read(
    clients: Clients,
    upload: Upload,
    settings: Settings,
    world: WorldRecord,
    character: CharacterRecord,
    media_type: MediaType,
    of_character: bool,
    key: str,
) -> None:
    character_id = character.id if of_character else ""
    data = picture(size=(900, 300))
    media_id = upload(world.id, media_type, character_id, data=data)
    record = clients.media.get(media_id)
    assert (record.world_id, record.character_id, record.media_type) == (world.id, character_id, media_type)
    assert (record.filename, record.content_type, record.size) == ("a.png", "image/png", len(data))
    sizes = {v.name: (v.width, v.height) for v in record.variants}
    assert sizes == {"original": (900, 300), "thumbnail": (256, 85), "medium": (768, 256)}
    path = key.format(world=world.id, character=character.id, media=media_id)
    for variant in record.variants:
        reply = requests.get(variant.url, timeout=10)
        assert reply.status_code == 200
        assert reply.headers["Content-Type"] == "image/png"
        with Image.open(io.BytesIO(reply.content)) as image:
            assert (image.width, image.height) == (variant.width, variant.height)
        suffix = "" if variant.name == "original" else f"_{variant.name}"
        expected = path.replace(".png", f"{suffix}.png")
        assert urlsplit(variant.url).path == f"/{settings.s3_bucket}/{expected}"
    assert requests.get(record.variants[0].url, timeout=10).content == data


def test_media_of_the_world_may_name_the_world_as_character(clients: Clients, world: WorldRecord) -> None:
    media_id, url, expires_at = announce(clients, Announcement(world.id, character_id=world.id))
    assert clients.media.get(media_id).character_id == ""
    assert f"/_uploads/{media_id}.png" in url
    assert 0 < expires_at - time.time() <= 901
    assert clients.media.get(media_id).variants == ()


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        *[("world_id", {"world_id": bad}) for bad in BAD_IDS],
        *[("character_id", {"character_id": bad, "media_type": MediaType.POST_IMAGE}) for bad in BAD_IDS],
        ("character_id", {"character_id": "somebody"}),
        ("filename", {"filename": ""}),
        ("filename", {"filename": "cover"}),
        ("filename", {"filename": "cover.exe"}),
        ("filename", {"filename": "../cover.png"}),
        ("filename", {"filename": "a\\cover.png"}),
        ("filename", {"filename": "cover\n.png"}),
        ("filename", {"filename": "cover.png/x"}),
        ("filename", {"filename": "x" * 300 + ".png"}),
        ("filename", {"filename": "cover.jpg"}),
        ("content_type", {"content_type": "image/gif"}),
        ("content_type", {"content_type": "text/html"}),
        ("content_type", {"content_type": ""}),
        ("size", {"size": 0}),
        ("size", {"size": -1}),
        ("size", {"size": 2_000_001}),
        ("media_type", {"media_type": MediaType.UNKNOWN}),
    ],
)
def test_announcements_that_are_refused(
    clients: Clients, world: WorldRecord, field: str, changes: dict[str, object]
) -> None:
    arguments: dict[str, Any] = {"world_id": world.id, **changes}
    with pytest.raises(InvalidInputError, match=field):
        announce(clients, Announcement(**arguments))


def test_largest_file_is_accepted(clients: Clients, world: WorldRecord) -> None:
    announce(clients, Announcement(world.id, size=2_000_000))


def test_unknown_owners_are_not_found(
    clients: Clients, world: WorldRecord, character: CharacterRecord
) -> None:
    with pytest.raises(NotFoundError, match="world_id"):
        announce(clients, Announcement(UNKNOWN))
    other = clients.worlds.create("user-1", "", "", "Another world altogether", 1, 1)
    for world_id, character_id in ((world.id, UNKNOWN), (other.id, character.id)):
        with pytest.raises(NotFoundError, match="character_id"):
            announce(
                clients, Announcement(world_id, character_id=character_id, media_type=MediaType.POST_IMAGE)
            )


@pytest.mark.parametrize("media_id", BAD_IDS)
def test_bad_media_ids(clients: Clients, media_id: str) -> None:
    for call in (
        clients.media.get,
        clients.media.confirm,
        clients.media.get_url,
        lambda m: clients.media.optimize(m, []),
    ):
        with pytest.raises(InvalidInputError, match="media_id"):
            call(media_id)


def test_unknown_media_ids(clients: Clients) -> None:
    for call in (
        clients.media.get,
        clients.media.confirm,
        clients.media.get_url,
        lambda m: clients.media.optimize(m, []),
    ):
        with pytest.raises(NotFoundError, match="media_id"):
            call(UNKNOWN)


def test_the_same_key_announces_once_and_another_body_is_refused(
    clients: Clients, world: WorldRecord
) -> None:
    key = new_key()
    first, url, _ = announce(clients, Announcement(world.id), key)
    again, fresh, _ = announce(clients, Announcement(world.id), key)
    assert first == again
    assert urlsplit(url).path == urlsplit(fresh).path
    with pytest.raises(ConflictError, match="idempotency-key"):
        announce(clients, Announcement(world.id, size=1001), key)
    assert announce(clients, Announcement(world.id))[0] != first


def test_the_same_key_at_the_same_time_announces_once(clients: Clients, world: WorldRecord) -> None:
    key = new_key()
    with ThreadPoolExecutor(12) as pool:
        made = list(pool.map(lambda _: announce(clients, Announcement(world.id), key)[0], range(24)))
    assert len(set(made)) == 1


def test_confirming_what_was_not_uploaded(clients: Clients, upload: Upload, world: WorldRecord) -> None:
    media_id, url, _ = announce(clients, Announcement(world.id, size=len(picture())))
    with pytest.raises(PermanentError, match="nothing was uploaded") as caught:
        clients.media.confirm(media_id)
    assert "FAILED_PRECONDITION" in caught.value.message
    for call in (clients.media.get_url, lambda m: clients.media.optimize(m, [])):
        with pytest.raises(PermanentError, match="not confirmed"):
            call(media_id)
    put(url, picture())
    assert {v.name for v in clients.media.confirm(media_id)} == {"original", "thumbnail", "medium"}


def test_wrong_size_is_refused_until_the_right_file_is_there(
    clients: Clients, world: WorldRecord, store: Minio, settings: Settings
) -> None:
    data = picture()
    media_id, url, _ = announce(clients, Announcement(world.id, size=len(data)))
    # A store that looks at no signed header.
    store.put_object(
        settings.s3_bucket, f"_uploads/{media_id}.png", io.BytesIO(data + b"x"), len(data) + 1, "image/png"
    )
    with pytest.raises(PermanentError, match="size"):
        clients.media.confirm(media_id)
    put(url, data)
    clients.media.confirm(media_id)


def _truncated(kind: str) -> bytes:
    data = picture(kind, (600, 600))
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    "data",
    [
        b"<html>not a picture</html>",
        b"GIF89a" + b"\x00" * 100,
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 100,
        b"\xff\xd8\xff" + b"\x00" * 100,
        _truncated("PNG"),
        _truncated("JPEG"),
        _truncated("WEBP"),
    ],
    ids=["html", "gif", "png-head", "jpeg-head", "half-png", "half-jpeg", "half-webp"],
)
def test_what_is_no_whole_picture_is_refused(clients: Clients, world: WorldRecord, data: bytes) -> None:
    media_id, url, _ = announce(clients, Announcement(world.id, size=len(data)))
    put(url, data)
    with pytest.raises(InvalidInputError, match="picture"):
        clients.media.confirm(media_id)
    assert clients.media.get(media_id).variants == ()


def test_a_small_file_that_unpacks_to_very_many_pixels_is_refused(
    clients: Clients, world: WorldRecord
) -> None:
    side = int(pictures.MAX_PIXELS**0.5) + 100
    target = io.BytesIO()
    Image.new("1", (side, side)).save(target, format="PNG")
    data = target.getvalue()
    assert len(data) < 100_000
    media_id, url, _ = announce(clients, Announcement(world.id, size=len(data)))
    put(url, data)
    with pytest.raises(InvalidInputError, match="pixels"):
        clients.media.confirm(media_id)


@pytest.mark.parametrize(("kind", "content_type"), [("JPEG", "image/jpeg"), ("WEBP", "image/webp")])
def test_the_stored_type_is_that_of_the_bytes(
    clients: Clients, world: WorldRecord, kind: str, content_type: str
) -> None:
    data = picture(kind)
    media_id, url, _ = announce(clients, Announcement(world.id, size=len(data)))
    put(url, data)
    clients.media.confirm(media_id)
    record = clients.media.get(media_id)
    assert record.content_type == content_type
    assert len(record.variants) == 3
    for variant in record.variants:
        reply = requests.get(variant.url, timeout=10)
        assert reply.headers["Content-Type"] == content_type
        # A store that keeps no types goes by the ending.
        assert urlsplit(variant.url).path.endswith({"JPEG": ".jpg", "WEBP": ".webp"}[kind])
        with Image.open(io.BytesIO(reply.content)) as image:
            assert image.format == kind


def test_confirming_twice_gives_the_same_variants(
    clients: Clients, upload: Upload, world: WorldRecord
) -> None:
    media_id = upload(world.id, MediaType.WORLD_ICON)
    first, again = clients.media.confirm(media_id), clients.media.confirm(media_id)
    assert [(v.name, v.width, v.height) for v in first] == [(v.name, v.width, v.height) for v in again]


def test_what_a_version_before_announced_is_confirmed_where_it_was_uploaded(
    clients: Clients, upload: Upload, world: WorldRecord, settings: Settings, store: Minio
) -> None:
    data = picture()
    media_id = upload(world.id, MediaType.WORLD_ICON, data=data, confirm=False)
    key = f"{world.id}/world_data/{media_id}.png"
    store.put_object(settings.s3_bucket, key, io.BytesIO(data), len(data), "image/png")
    with MongoClient[dict[str, Any]](settings.mongo_uri.get_secret_value()) as client:
        client[settings.mongo_database]["media"].update_one({"_id": media_id}, {"$unset": {"upload_key": ""}})
    with registry.start(["media"], settings) as another, open_channel(another.addresses["media"]) as channel:
        variants = MediaClient(channel, 10).confirm(media_id)
    assert urlsplit(variants[0].url).path == f"/{settings.s3_bucket}/{key}"
    assert requests.get(variants[0].url, timeout=10).content == data


def test_small_pictures_are_not_blown_up(clients: Clients, upload: Upload, world: WorldRecord) -> None:
    media_id = upload(world.id, MediaType.WORLD_ICON, data=picture(size=(40, 30)))
    variants = clients.media.get(media_id).variants
    assert {(v.width, v.height) for v in variants} == {(40, 30)}
    # They need no variants of their own.
    assert {v.name for v in variants} == {"original", "thumbnail", "medium"}
    assert len({urlsplit(v.url).path for v in variants}) == 1


def test_variants_of_a_rotated_photo_stand_upright(clients: Clients, world: WorldRecord) -> None:
    target = io.BytesIO()
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # the camera was held sideways
    Image.new("RGB", (600, 300)).save(target, format="JPEG", exif=exif)
    data = target.getvalue()
    media_id, url, _ = announce(clients, Announcement(world.id, size=len(data)))
    put(url, data)
    sizes = {v.name: (v.width, v.height) for v in clients.media.confirm(media_id)}
    assert sizes == {"original": (300, 600), "thumbnail": (128, 256), "medium": (300, 600)}


def test_a_png_whose_checksum_is_wrong_is_refused() -> None:
    data = bytearray(picture())
    data[-13] ^= 1  # before the end, a chunk of twelve bytes: the checksum of the picture's own
    with pytest.raises(InvalidInputError, match="damaged"):
        pictures.inspect(bytes(data), [])


def test_palettes_and_transparency_survive(clients: Clients, world: WorldRecord) -> None:
    target = io.BytesIO()
    Image.new("RGBA", (900, 900), (10, 20, 30, 0)).quantize().save(target, format="PNG")
    medium = pictures.inspect(target.getvalue(), ["medium"]).variants["medium"]
    assert medium is not None
    with Image.open(io.BytesIO(medium.data)) as image:
        assert image.mode == "RGBA"
        pixel = image.getpixel((0, 0))
        assert isinstance(pixel, tuple)
        assert pixel[3] == 0


def test_optimize_makes_the_named_variants(clients: Clients, upload: Upload, world: WorldRecord) -> None:
    media_id = upload(world.id, MediaType.WORLD_HEADER, data=picture(size=(1000, 500)))
    made = clients.media.optimize(media_id, ["thumbnail", "thumbnail"])
    assert [(v.name, v.width, v.height) for v in made] == [("thumbnail", 256, 128)]
    assert requests.get(made[0].url, timeout=10).status_code == 200
    assert {v.name for v in clients.media.optimize(media_id, [])} == {"thumbnail", "medium"}
    assert {v.name for v in clients.media.get(media_id).variants} == {"original", "thumbnail", "medium"}
    with pytest.raises(InvalidInputError, match="variants_to_create"):
        clients.media.optimize(media_id, ["../gigantic"])


def test_signed_urls(clients: Clients, upload: Upload, world: WorldRecord) -> None:
    media_id = upload(world.id, MediaType.WORLD_HEADER)
    for asked, given in ((0, 3600), (60, 60), (604_800, 604_800)):
        url, expires_at = clients.media.get_url(media_id, "medium", asked)
        assert abs(expires_at - time.time() - given) < 10
        assert parse_qs(urlsplit(url).query)["X-Amz-Expires"] == [str(given)]
        assert requests.get(url, timeout=10).status_code == 200
    assert requests.get(url.split("?")[0], timeout=10).status_code in (400, 403)
    assert requests.get(url[:-1] + ("0" if url[-1] != "0" else "1"), timeout=10).status_code == 403
    assert clients.media.get_url(media_id, "", 0)[0].split("?")[0].endswith(f"{media_id}.png")
    for arguments, field in (
        (("medium", -1), "expires_in"),
        (("medium", 604_801), "expires_in"),
        (("large", 60), "variant"),
    ):
        with pytest.raises(InvalidInputError, match=field):
            clients.media.get_url(media_id, *arguments)


def test_health(clients: Clients) -> None:
    assert clients.media.healthy()
