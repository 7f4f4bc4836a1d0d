"""How much characters have to say of each other's posts, and who is shown which of them. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

#: The posts that one character is shown at most, and the characters that each post is shown to where there are so many.
SHOWN_MAX, READERS = 40, 6


@dataclass(frozen=True, slots=True)
class Amount:
    """What each character says at most: likes and comments under posts of others, answers under its own."""

    likes: int
    comments: int
    answers: int


AMOUNTS: Mapping[str, Amount] = {"some": Amount(4, 2, 2), "many": Amount(10, 5, 5)}


def most(reactions: str, users: int, posts: int) -> dict[str, int]:
    """Return how many likes and comments a world will have at most: {"likes": …, "comments": …}.

    >>> most("some", users=5, posts=15)
    {'likes': 20, 'comments': 20}
    """
    amount = AMOUNTS.get(reactions)
    if amount is None or users < 2:
        return {"likes": 0, "comments": 0}
    # Nobody reacts to posts of its own.
    others = min(SHOWN_MAX, posts)
    comments = users * min(amount.comments, others)
    return {
        "likes": users * min(amount.likes, others),
        "comments": comments + min(comments, min(users, posts) * amount.answers),
    }


@lru_cache(maxsize=64)
def _readers(key: str, shares: tuple[tuple[int, int], ...]) -> Mapping[int, tuple[tuple[int, int], ...]]:
    rng = random.Random(key)
    posts = [(author, number) for author, share in shares for number in range(1, share + 1)]
    shown: dict[int, list[tuple[int, int]]] = {reader: [] for reader, _ in shares}
    taken: set[tuple[int, tuple[int, int]]] = set()
    for _ in range(READERS):
        rng.shuffle(posts)
        for post in posts:
            free = [
                reader
                for reader, mine in shown.items()
                if reader != post[0] and (reader, post) not in taken and len(mine) < SHOWN_MAX
            ]
            if free:
                reader = min(free, key=lambda one: (len(shown[one]), rng.random()))
                shown[reader].append(post)
                taken.add((reader, post))
    return {
        reader: tuple(sorted(mine, key=lambda post: (post[1], post[0]))) for reader, mine in shown.items()
    }


def readers(key: str, shares: Mapping[int, int]) -> Mapping[int, tuple[tuple[int, int], ...]]:
    """Return which posts each character is shown, as (author, post) in the order of a feed; `shares` are how many posts each
    character has.

    Everybody is shown everything of others in a small world. In a larger one each post goes to the `READERS` that have
    the least to read, in turns: where there is not room for all, the posts have as many readers as one another, or one more.
    The same `key` gives the same.
    """
    return _readers(key, tuple(sorted(shares.items())))
