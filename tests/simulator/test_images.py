"""The image API."""

from __future__ import annotations

import base64
import io
import uuid

import pytest
import requests
from PIL import Image

from tests.simulator.conftest import Sim, StartSim

_FORMATS = {"JPG": ("JPEG", "image/jpeg"), "PNG": ("PNG", "image/png"), "WEBP": ("WEBP", "image/webp")}


@pytest.mark.parametrize(
    ("image_format", "width", "height"),
    [("JPG", 1024, 512), ("PNG", 128, 128), ("WEBP", 2048, 320), ("PNG", 320, 2048)],
)
def test_a_picture_has_the_size_and_format_that_was_asked_for(
    sim: Sim, image_format: str, width: int, height: int
) -> None:
    answer = sim.draw(sim.task(width=width, height=height, outputFormat=image_format)).json()
    url = answer["data"][0]["imageURL"]
    assert url.startswith(f"{sim.base}/images/")
    got = requests.get(url, timeout=20)
    image = Image.open(io.BytesIO(got.content))
    assert (image.format, got.headers["content-type"]) == _FORMATS[image_format]
    assert image.size == (width, height)


def test_an_answer_names_its_task_and_its_cost(sim: Sim) -> None:
    task = sim.task(width=1024, height=1024)
    item = sim.draw(task).json()["data"][0]
    assert (item["taskType"], item["taskUUID"], item["cost"]) == ("imageInference", task["taskUUID"], 0.0006)
    assert uuid.UUID(item["imageUUID"])
    small = sim.draw(sim.task(width=512, height=512)).json()["data"][0]
    assert small["cost"] == pytest.approx(0.00015)
    silent = sim.draw(sim.task(includeCost=False)).json()["data"][0]
    assert "cost" not in silent
    books = sim.ledger()
    assert books["images"]["calls"] == 3
    assert books["entries"][0]["request"] == task["taskUUID"]
    assert all(entry["billed"] and entry["answered"] for entry in books["entries"])


def test_bytes_come_inside_the_answer_too(sim: Sim) -> None:
    task = sim.task(outputFormat="PNG")
    by_url = requests.get(sim.draw(task).json()["data"][0]["imageURL"], timeout=20).content
    fetch = {"taskType": "getResponse", "taskUUID": task["taskUUID"]}
    assert requests.get(sim.draw(fetch).json()["data"][0]["imageURL"], timeout=20).content == by_url
    encoded = sim.draw(sim.task(outputType="base64Data")).json()["data"][0]["imageBase64Data"]
    assert base64.b64decode(encoded).startswith(b"\xff\xd8\xff")
    uri = sim.draw(sim.task(outputType="dataURI", outputFormat="WEBP")).json()["data"][0]["imageDataURI"]
    assert uri.startswith("data:image/webp;base64,")


def test_a_used_uuid_conflicts_and_its_result_can_be_fetched_for_nothing(sim: Sim) -> None:
    task = sim.task()
    first = sim.draw(task).json()["data"][0]
    again = sim.draw(task)
    assert again.status_code == 400
    assert again.json()["errors"][0] | {"message": ""} == {
        "code": "conflictTaskUUID", "message": "", "parameter": "taskUUID", "taskUUID": task["taskUUID"],
        "taskType": "imageInference",
    }  # fmt: skip
    fetched = sim.draw({"taskType": "getResponse", "taskUUID": task["taskUUID"]}).json()["data"][0]
    assert fetched == first
    assert sim.ledger()["images"] == {"calls": 1, "cost": first["cost"]}
    unknown = sim.draw({"taskType": "getResponse", "taskUUID": str(uuid.uuid4())})
    assert unknown.status_code == 400


@pytest.mark.parametrize(
    ("changes", "parameter"),
    [
        ({"taskUUID": "123"}, "taskUUID"),
        ({"taskUUID": str(uuid.uuid1())}, "taskUUID"),
        ({"taskType": "videoInference"}, "taskType"),
        ({"width": 1000}, "width"),
        ({"height": 64}, "height"),
        ({"height": 2112}, "height"),
        ({"positivePrompt": ""}, "positivePrompt"),
        ({"positivePrompt": "x" * 3001}, "positivePrompt"),
        ({"model": "flux"}, "model"),
        ({"outputType": "bytes"}, "outputType"),
        ({"outputFormat": "GIF"}, "outputFormat"),
        ({"numberResults": 0}, "numberResults"),
    ],
)
def test_bad_tasks_are_refused(sim: Sim, changes: dict[str, object], parameter: str) -> None:
    answer = sim.draw(sim.task(**changes))
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["parameter"] == parameter
    assert sim.ledger()["images"]["calls"] == 0


def test_the_body_must_be_an_array(sim: Sim) -> None:
    headers = {"Authorization": "Bearer sim-x"}
    for body in (sim.task(), [], ["x"], "x"):
        answer = requests.post(f"{sim.base}/v1", json=body, headers=headers, timeout=10)
        assert answer.status_code == 400
        assert answer.json()["errors"]


def test_a_request_may_succeed_in_part(sim: Sim) -> None:
    good, bad = sim.task(numberResults=2), sim.task(width=1)
    answer = sim.draw(good, bad)
    assert answer.status_code == 200
    assert [item["taskUUID"] for item in answer.json()["data"]] == [good["taskUUID"]] * 2
    assert [error["taskUUID"] for error in answer.json()["errors"]] == [bad["taskUUID"]]
    assert sim.ledger()["images"] == {"calls": 1, "cost": pytest.approx(2 * 0.0006 / 16)}


def test_a_picture_that_nobody_ordered_is_not_there(sim: Sim) -> None:
    assert requests.get(f"{sim.base}/images/{uuid.uuid4()}.jpg", timeout=10).status_code == 404


def test_pictures_are_the_same_for_the_same_order_and_others_for_others(
    start_sim: StartSim, sim: Sim
) -> None:
    twin = start_sim(seed=1)
    task = sim.task(outputFormat="PNG")
    pictures = [
        requests.get(server.draw(order).json()["data"][0]["imageURL"], timeout=20).content
        for server, order in (
            (sim, task),
            (twin, task),
            (sim, sim.task(outputFormat="PNG")),
            (sim, sim.task(outputFormat="PNG", positivePrompt="Portrait of a fox")),
        )
    ]
    assert pictures[0] == pictures[1]
    assert len(set(pictures)) == 3
