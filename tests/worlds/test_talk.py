"""Who is shown which posts, and how much there is to say of them at most."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generia_worker.client.order import POSTS_MAX, TALK, USERS_MAX
from generia_worker.worlds.shares import share_posts
from generia_worker.worlds.talk import AMOUNTS, READERS, SHOWN_MAX, most, readers


@settings(deadline=None, max_examples=40)
@given(st.integers(1, USERS_MAX), st.integers(1, POSTS_MAX), st.integers(0, 3))
def test_each_post_has_as_many_readers_as_another_or_all_that_there_are(
    users: int, posts: int, favoured: int
) -> None:
    shares = share_posts([20 if index < favoured else 1 for index in range(users)], posts)
    shown = readers("w1", dict(enumerate(shares, start=1)))
    assert set(shown) == set(range(1, users + 1))
    count: Counter[tuple[int, int]] = Counter()
    for reader, mine in shown.items():
        assert len(mine) <= SHOWN_MAX
        assert len(set(mine)) == len(mine)
        assert all(author != reader and 1 <= post <= shares[author - 1] for author, post in mine)
        count.update(mine)
    if max(map(len, shown.values())) < SHOWN_MAX:  # there was room for all
        everything = {(author, n) for author, share in enumerate(shares, 1) for n in range(1, share + 1)}
        assert all(count[post] == min(READERS, users - 1) for post in everything)


def test_who_reads_what_is_drawn_once_a_world() -> None:
    shares = dict.fromkeys(range(1, 21), 7)
    first = readers("w1", shares)
    assert readers("w1", dict(reversed(shares.items()))) == first
    assert readers("w2", shares)[3] != first[3]
    assert first[4] != first[3]


def test_only_who_takes_part_in_a_round_is_shown_what_it_made() -> None:
    assert readers("w1/2", {3: 2, 41: 1}) == {3: ((41, 1),), 41: ((3, 1), (3, 2))}
    assert readers("w1/2", {7: 3}) == {7: ()}


def test_the_largest_order_has_six_readers_a_post() -> None:
    shown = readers("w1", dict(enumerate(share_posts([1] * USERS_MAX, POSTS_MAX), start=1)))
    count = Counter(post for mine in shown.values() for post in mine)
    assert set(count.values()) == {READERS}
    assert len(count) == POSTS_MAX


def test_every_word_for_how_much_is_known() -> None:
    assert {"none", *AMOUNTS} == set(TALK)
    assert AMOUNTS["some"].comments < AMOUNTS["many"].comments


@pytest.mark.parametrize(
    ("reactions", "users", "posts", "expected"),
    [
        ("none", 5, 15, (0, 0)),
        ("some", 1, 15, (0, 0)),
        ("some", 2, 1, (2, 4)),
        ("some", 5, 15, (20, 20)),
        ("many", 40, 250, (400, 400)),
        ("many", 40, 3, (120, 135)),
    ],
)
def test_how_much_is_said_at_most(reactions: str, users: int, posts: int, expected: tuple[int, int]) -> None:
    found = most(reactions, users, posts)
    assert (found["likes"], found["comments"]) == expected
