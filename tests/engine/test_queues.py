"""Queues and their priority bands: a small world passes by the tail of a large one."""

from __future__ import annotations

import pytest

from generia_worker.engine.queues import BANDS, QUEUES, band_of, bands, queue_of
from generia_worker.engine.step import Step


def post(character: int, number: int) -> Step:
    return Step("post", character=character, post=number)


@pytest.mark.parametrize(
    ("step", "band"),
    [
        (Step("describe"), 0),
        (Step("cast", batch=3), 0),
        (Step("character", character=2), 0),
        (Step("character", character=3), 1),
        (Step("character", character=40), 3),
        (post(1, 1), 0),
        (post(1, 2), 0),
        (post(1, 3), 1),
        (post(2, 4), 1),
        (post(3, 3), 2),
        (post(8, 4), 2),
        (post(3, 11), 3),
        (post(1, 250), 3),
    ],
)
def test_the_band_of_a_step_is_how_deep_it_lies_in_its_world(step: Step, band: int) -> None:
    assert band_of(step) == band


def test_a_world_of_1_1_is_all_in_the_first_band() -> None:
    steps = [Step("describe"), Step("cast", batch=0), Step("character", character=1), post(1, 1)]
    assert {queue_of("llm", step) for step in steps} == {"llm"}


def test_only_queues_of_providers_have_bands() -> None:
    assert bands("llm") == ["llm", "llm.1", "llm.2", "llm.3"]
    assert bands("services") == ["services"]
    assert queue_of("images", post(40, 7)) == "images.3"
    assert queue_of("services", post(40, 7)) == "services"


def test_every_queue_is_known_to_the_broker_once() -> None:
    assert len(set(QUEUES)) == len(QUEUES) == 2 * BANDS + 4
    assert {"llm", "images.3", "services", "progress", "maintenance", "quarantine"} <= set(QUEUES)
