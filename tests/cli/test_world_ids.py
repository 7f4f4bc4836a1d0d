"""Ids as people type them."""

from __future__ import annotations

import random
import re
from uuid import UUID

import pytest

from generia_worker.cli.world_ids import find_id, short_ids
from generia_worker.errors import NotFoundError

IDS = ["5e9feddc-ae41", "5e9fed00-ae41", "0a", "0ab"]


@pytest.mark.parametrize(
    ("given", "found"), [("5e9fedd", IDS[0]), ("5e9fed0", IDS[1]), ("0a", "0a"), ("0ab", "0ab")]
)
def test_a_beginning_that_one_world_has_is_enough(given: str, found: str) -> None:
    assert find_id(given, IDS) == found


def test_what_several_begin_with_is_told_with_what_would_do() -> None:
    with pytest.raises(
        NotFoundError, match=r"2 worlds begin with '5e9fed' \(5e9feddc, 5e9fed00\): type more"
    ):
        find_id("5e9fed", IDS)


def test_what_none_begins_with_is_told_with_where_to_look() -> None:
    with pytest.raises(
        NotFoundError, match=re.escape("No world's id begins with 'x': 'generia worlds' lists yours.")
    ):
        find_id("x", IDS)


def test_what_is_shown_in_short_can_be_typed() -> None:
    dice = random.Random(7)
    ids = [str(UUID(int=dice.getrandbits(128))) for _ in range(2000)]
    ids += [ids[0][:-1] + digit for digit in "0123456789abcdef"] + ["w1", "w11"]
    for whole, short in short_ids(ids).items():
        assert find_id(short, ids) == whole
    assert max(map(len, short_ids(ids[1:2000]).values())) < 10
