"""Every shape in which the image provider answers, over a real socket, and pictures that are none."""

from __future__ import annotations

import base64
import io
import random
import uuid
from typing import Any

import pytest
from PIL import Image

from generia_worker.errors import DamagedPictureError, PermanentError, TransientError
from generia_worker.providers.http import HttpPool
from generia_worker.providers.images import (
    ImageClient,
    ImageReceipt,
    ImageRequest,
    task_uuid,
)
from tests.providers.conftest import Serve
from tests.providers.server import Connection, Handler, Scripted, Seen

UID = task_uuid("world/picture/01/02", "1")
KEY = "rw-0123456789abcdef"
REQUEST = ImageRequest(UID, "a cat", 128, 64, "world/picture")


def client(pool: HttpPool, server: Scripted) -> ImageClient:
    return ImageClient(
        pool,
        base_url=server.address,
        api_key=KEY,
        model="runware:100@1",
        output_format="PNG",
        timeout_s=5,
        max_bytes=200_000,
    )


def item(uid: str = UID, **more: Any) -> dict[str, Any]:
    found = {
        "taskType": "imageInference",
        "taskUUID": uid,
        "imageUUID": "i",
        "imageURL": "http://h/i.png",
        "seed": 1,
    }
    return found | {"cost": 0.0006} | more


def problem(code: str, uid: str = UID) -> dict[str, Any]:
    return {"code": code, "message": f"about {code}", "parameter": "p", "taskUUID": uid}


def says(body: Any, status: int = 200, **headers: str) -> Handler:
    return lambda c, _: c.reply(body, status, **headers)


def picture(kind: str = "PNG", width: int = 128, height: int = 64) -> bytes:
    out = io.BytesIO()
    rng = random.Random(1)
    image = Image.new("RGB", (width, height))
    image.putdata([(rng.randrange(256), rng.randrange(256), 9) for _ in range(width * height)])
    # An MPO is a JPEG with a second picture behind the first.
    more = {"save_all": True, "append_images": [image]} if kind == "MPO" else {}
    image.save(out, kind, **more)
    return out.getvalue()


def test_task_uuids_are_stable_and_of_the_form_that_is_asked_for() -> None:
    assert task_uuid("a", "b") == task_uuid("a", "b")
    made = {task_uuid(*parts) for parts in [("a", "b"), ("ab",), ("a", "b", ""), ("b", "a"), ("é",)]}
    assert len(made) == 5
    assert all(uuid.UUID(one).version == 4 and uuid.UUID(one).variant == uuid.RFC_4122 for one in made)


def test_what_is_asked_and_answered(pool: HttpPool, serve: Serve) -> None:
    server = serve(says({"data": [item("other"), item()], "errors": [problem("invalidModel", "other")]}))
    got = client(pool, server).draw(REQUEST)
    assert got == ImageReceipt(UID, "i", "http://h/i.png", None, 0.0006)
    (task,) = server.seen[0].json
    assert (task["taskUUID"], task["positivePrompt"], task["width"], task["height"]) == (
        UID,
        "a cat",
        128,
        64,
    )
    assert (task["includeCost"], task["deliveryMethod"], task["numberResults"]) == (True, "sync", 1)
    assert server.seen[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("prompt", ["", "x", "y" * 9000])
def test_prompts_are_kept_within_the_bounds(pool: HttpPool, serve: Serve, prompt: str) -> None:
    server = serve(says({"data": [item()]}))
    client(pool, server).draw(ImageRequest(UID, prompt, 128, 64, "r"))
    assert 2 <= len(server.seen[0].json[0]["positivePrompt"]) <= 3000


@pytest.mark.parametrize(
    ("cost", "expected"), [(0, 0.0), (None, None), (True, None), ("0.1", None), (-1, None)]
)
def test_a_missing_cost_stays_unknown(
    pool: HttpPool, serve: Serve, cost: Any, expected: float | None
) -> None:
    assert client(pool, serve(says({"data": [item(cost=cost)]}))).draw(REQUEST).cost_usd == expected


def test_pictures_in_the_answer_itself(pool: HttpPool, serve: Serve) -> None:
    data = picture()
    encoded = base64.b64encode(data).decode()
    for field in ({"imageBase64Data": encoded}, {"imageDataURI": f"data:image/png;base64,{encoded}"}):
        asker = client(pool, serve(says({"data": [item(imageURL=None, **field)]})))
        receipt = asker.draw(REQUEST)
        assert (receipt.data, receipt.url) == (data, None)
        assert asker.download(receipt, 128, 64).data == data


def test_a_conflict_fetches_what_was_drawn(pool: HttpPool, serve: Serve) -> None:
    def handler(c: Connection, seen: Seen) -> None:
        if seen.json[0]["taskType"] == "getResponse":
            c.reply({"data": [item()]})
        else:
            c.reply({"errors": [problem("conflictTaskUUID")]}, 400)

    server = serve(handler)
    assert client(pool, server).draw(REQUEST).url == "http://h/i.png"
    assert [seen.json[0]["taskUUID"] for seen in server.seen] == [UID, UID]


def test_a_picture_in_the_making_is_asked_for_again_later(pool: HttpPool, serve: Serve) -> None:
    making = {"taskType": "imageInference", "taskUUID": UID, "status": "processing"}
    with pytest.raises(TransientError) as caught:
        client(pool, serve(says({"data": [making]}))).fetch(UID)
    assert caught.value.outcome_unknown


@pytest.mark.parametrize(
    ("status", "body", "kind", "outage", "fatal"),
    [
        (400, {"errors": [problem("invalidPositivePrompt")]}, PermanentError, None, False),
        (400, {"errors": [problem("inferenceFailed")]}, TransientError, False, None),
        (200, {"errors": [problem("timeoutProvider")]}, TransientError, False, None),
        (401, {"errors": [{"code": "invalidApiKey", "message": "no"}]}, PermanentError, None, True),
        (402, {"errors": [{"code": "insufficientCredits", "message": "no"}]}, PermanentError, None, True),
        (403, {"errors": [problem("contentFlagged")]}, PermanentError, None, False),
        (429, {}, TransientError, True, None),
        (500, b"<html>oops</html>", TransientError, False, None),
        (502, b"<html>oops</html>", TransientError, False, None),
        (503, {"errors": "busy"}, TransientError, True, None),
        (504, {"errors": [problem("timeoutProvider")]}, TransientError, False, None),
    ],
)
def test_refusals(
    pool: HttpPool,
    serve: Serve,
    status: int,
    body: Any,
    kind: type[Exception],
    outage: bool | None,
    fatal: bool | None,
) -> None:
    with pytest.raises(kind) as caught:
        client(pool, serve(says(body, status, Retry_After="2"))).draw(REQUEST)
    assert getattr(caught.value, "outage", None) is outage
    assert getattr(caught.value, "fatal_to_world", None) is fatal
    if status in (429, 503):
        assert getattr(caught.value, "retry_after_s", None) == 2.0


@pytest.mark.parametrize(
    "body", [{}, {"data": []}, {"data": None}, {"data": [item("other")]}, b"<html>", [1]]
)
def test_a_200_without_our_picture_may_have_been_billed(pool: HttpPool, serve: Serve, body: Any) -> None:
    with pytest.raises(TransientError) as caught:
        client(pool, serve(says(body))).draw(REQUEST)
    assert caught.value.outcome_unknown


def receipt_of(server: Scripted) -> ImageReceipt:
    return ImageReceipt(UID, "i", server.address + "/i.png?token=hidden", None, None)


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("MPO", "image/jpeg"), ("WEBP", "image/webp")],
)
def test_the_format_is_that_of_the_bytes(pool: HttpPool, serve: Serve, kind: str, content_type: str) -> None:
    data = picture(kind)
    server = serve(lambda c, _: c.reply(data, Content_Type="text/html"))
    got = client(pool, server).download(receipt_of(server), 128, 64)
    assert (got.content_type, got.width, got.height, got.data) == (content_type, 128, 64, data)
    assert "authorization" not in server.seen[0].headers


def overwritten(data: bytes, rng: random.Random) -> bytes:
    """Some of the first bytes, where the headers are, become others."""
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 12) if data else 0):
        changed[rng.randrange(min(len(data), 200))] = rng.randrange(256)
    return bytes(changed)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_damaged_pictures_are_called_that(pool: HttpPool, serve: Serve, kind: str) -> None:
    whole, rng = picture(kind), random.Random(kind)
    asker = client(pool, serve(says(b"")))

    def downloaded(data: bytes) -> tuple[int, int]:
        got = asker.download(ImageReceipt(UID, "i", None, data, None), 128, 64)
        return got.width, got.height

    for _ in range(60):
        # A PNG ends with 21 bytes that hold nothing of the picture.
        short = whole[: rng.randrange(len(whole) - 21)]
        for data in (short, overwritten(short, rng)):
            with pytest.raises(DamagedPictureError):
                downloaded(data)
    noticed = 0
    for _ in range(180):
        try:
            # Of WebP and JPEG there are bytes that nothing checks: any other value makes a picture, too.
            assert downloaded(overwritten(whole, rng)) == (128, 64)
        except DamagedPictureError:
            noticed += 1
    assert noticed > 90


def test_decoding_an_eighth_of_a_jpeg_finds_the_damage_that_decoding_all_of_it_does(pool: HttpPool) -> None:
    whole, rng = picture("JPEG"), random.Random(8)
    asker = ImageClient(
        pool,
        base_url="",
        api_key="",
        model="",
        output_format="JPG",
        timeout_s=1,
        max_bytes=1,
    )
    verdicts = set()
    for _ in range(300):
        begin = rng.randrange(len(whole))
        data = whole[:begin] + rng.randbytes(rng.randrange(3)) + whole[begin + rng.randrange(200) :]
        try:
            with Image.open(io.BytesIO(data)) as image:
                image.load()
            expected = min(image.size) >= 64
        except (OSError, ValueError, SyntaxError):
            expected = False
        try:
            found = asker.download(ImageReceipt(UID, "i", None, data, None), 128, 64).width == 128
        except DamagedPictureError:
            found = False
        assert found is expected
        verdicts.add(found)
    assert verdicts == {True, False}


@pytest.mark.parametrize("data", [b"", b"<html>", picture(width=63), b"GIF89a" + b"\0" * 50, picture()[:-60]])
def test_what_is_not_the_picture_is_refused(pool: HttpPool, serve: Serve, data: bytes) -> None:
    server = serve(lambda c, _: c.reply(data, Content_Type="image/png"))
    with pytest.raises(DamagedPictureError):
        client(pool, server).download(receipt_of(server), 128, 64)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("size", [(1024, 1024), (64, 64), (300, 100), (128, 65)])
def test_a_picture_of_another_size_is_scaled_and_cut(
    pool: HttpPool, serve: Serve, kind: str, size: tuple[int, int]
) -> None:
    """A red picture with a blue frame: of what is cut off nothing but the frame is lost."""
    image = Image.new("RGB", size, "blue")
    image.paste("red", (size[0] // 4, size[1] // 4, size[0] * 3 // 4, size[1] * 3 // 4))
    out = io.BytesIO()
    image.save(out, kind)
    server = serve(lambda c, _: c.reply(out.getvalue(), Content_Type="image/png"))
    got = client(pool, server).download(receipt_of(server), 128, 64)
    assert (got.width, got.height) == (128, 64)
    with Image.open(io.BytesIO(got.data)) as cut:
        assert (cut.size, cut.format) == ((128, 64), kind)
        middle = cut.convert("RGB").crop((60, 30, 68, 34)).resize((1, 1)).tobytes()
        assert middle[0] > 200
        assert max(middle[1:]) < 60


@pytest.mark.parametrize(
    "handler",
    [says(b"gone", 404), says(b"x" * 200_001), lambda c, _: c.drop(), says(b"", 302, Location="/x")],
)
def test_a_picture_that_cannot_be_had_now(pool: HttpPool, serve: Serve, handler: Handler) -> None:
    server = serve(handler)
    with pytest.raises(TransientError) as caught:
        client(pool, server).download(receipt_of(server), 128, 64)
    assert "hidden" not in caught.value.message
