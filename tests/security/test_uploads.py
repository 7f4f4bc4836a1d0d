"""Uploads: an address takes the file that was announced and no other, and none once that was confirmed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from generia_worker.errors import GeneriaError
from generia_worker.reference.shared.signed_urls import s3_client
from generia_worker.rpc.media_types import MediaType
from generia_worker.rpc.world_client import WorldRecord
from generia_worker.settings import Settings
from tests.books import in_parallel
from tests.reference.conftest import PROMPT, Clients, new_key, picture, put

SCRIPT = b"<html><script>alert(1)</script></html>"


@pytest.fixture
def world(clients: Clients) -> WorldRecord:
    """A world of these services."""
    return clients.worlds.create("user-1", "Tiefwerk", "", PROMPT, 3, 5)


def announce(clients: Clients, world: WorldRecord, data: bytes) -> tuple[str, str]:
    ticket = clients.media.presign_upload(
        world.id, "", "a.png", "image/png", len(data), MediaType.WORLD_ICON, idempotency_key=new_key()
    )
    return ticket.media_id, ticket.upload_url


def stored(settings: Settings, prefix: str) -> list[str]:
    found = s3_client(settings).list_objects(settings.s3_bucket, prefix, recursive=True)
    return [one.object_name or "" for one in found]


def test_an_address_takes_what_was_announced_alone(
    clients: Clients,
    world: WorldRecord,
    settings: Settings,
) -> None:
    data = picture()
    media_id, url = announce(clients, world, data)
    signed = parse_qs(urlsplit(url).query)["X-Amz-SignedHeaders"]
    assert signed == ["content-length;content-type;host"]

    def chunks() -> Iterator[bytes]:
        yield data

    tries: list[tuple[bytes | Iterator[bytes], dict[str, str]]] = [
        (data, {"Content-Type": "text/html"}),
        (data, {"Content-Type": "image/svg+xml"}),
        (data, {}),
        (data + b"x", {"Content-Type": "image/png"}),
        (data[:-1], {"Content-Type": "image/png"}),
        (b"x" * 1_000_000, {"Content-Type": "image/png"}),
        (b"", {"Content-Type": "image/png"}),
        (chunks(), {"Content-Type": "image/png"}),
    ]
    for body, headers in tries:
        reply = requests.put(url, data=body, headers=headers, timeout=10)
        assert reply.status_code in (400, 403, 411), (reply.status_code, headers)
    assert requests.post(url, data=data, headers={"Content-Type": "image/png"}, timeout=10).status_code >= 400
    other = url.replace(f"_uploads/{media_id}.png", f"{world.id}/world_data/{media_id}.png")
    assert (
        requests.put(other, data=data, headers={"Content-Type": "image/png"}, timeout=10).status_code == 403
    )
    assert not [key for key in stored(settings, "_uploads/") if media_id in key]
    put(url, data)
    clients.media.confirm(media_id)


def test_what_is_confirmed_stays_as_it_is(
    clients: Clients,
    world: WorldRecord,
    settings: Settings,
) -> None:
    data = picture(color="#ff0000")
    # As long as the picture: the address still takes it.
    script = SCRIPT.ljust(len(data))
    media_id, url = announce(clients, world, data)
    put(url, data)
    shown = clients.media.confirm(media_id)
    assert not [key for key in stored(settings, "_uploads/") if media_id in key], "it was moved"
    put(url, script)
    for _ in range(2):
        # Confirmed once more, for good measure.
        for variant in (*shown, *clients.media.confirm(media_id), *clients.media.get(media_id).variants):
            reply = requests.get(variant.url, timeout=10)
            assert reply.headers["Content-Type"] == "image/png"
            assert SCRIPT not in reply.content
    assert requests.get(shown[0].url, timeout=10).content == data
    assert not [key for key in stored(settings, "_uploads/") if media_id in key], "what came late is gone"


def test_a_picture_is_served_as_one_whatever_the_store_was_told(
    clients: Clients,
    world: WorldRecord,
    settings: Settings,
) -> None:
    data = picture()
    media_id, url = announce(clients, world, data)
    put(url, data)
    shown = clients.media.confirm(media_id)[0].url
    key = urlsplit(shown).path.removeprefix(f"/{settings.s3_bucket}/")
    s3_client(settings).put_object(settings.s3_bucket, key, io.BytesIO(data), len(data), "text/html")
    for address in (shown, clients.media.get_url(media_id)[0]):
        assert requests.get(address, timeout=10).headers["Content-Type"] == "image/png"
    # The type is part of the signature.
    forged = shown.replace("image%2Fpng", "text%2Fhtml")
    assert forged != shown
    assert requests.get(forged, timeout=10).status_code == 403


def test_uploads_of_several_at_once_do_not_disturb_each_other(clients: Clients, world: WorldRecord) -> None:
    """A store on a file system removes a folder with its last file, which may be the moment in which another arrives."""
    data = picture()
    tickets = iter([announce(clients, world, data) for _ in range(160)])
    failed: list[object] = []

    def work(_: int) -> None:
        for media_id, url in tickets:
            reply = requests.put(url, data=data, headers={"Content-Type": "image/png"}, timeout=20)
            try:
                clients.media.confirm(media_id)
            except GeneriaError as error:
                failed.append(error)
            if reply.status_code != 200:
                failed.append(reply.status_code)

    in_parallel(work, 2)
    assert not failed
