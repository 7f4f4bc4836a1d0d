"""Ids of worlds as people type them: whole, or as much of the beginning as no other world's has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise, takewhile

from generia_worker.errors import NotFoundError

#: The fewest characters of an id that is shown in short: what is made later seldom makes it ambiguous.
_SHORTEST = 8


def short_ids(ids: Iterable[str]) -> dict[str, str]:
    """Return for each id its beginning that no other one has.

    >>> short_ids(["0123456789", "0123456799", "a"])
    {'0123456789': '012345678', '0123456799': '012345679', 'a': 'a'}
    """
    ordered = sorted(set(ids))
    # An id shares most with one of the two that it stands between.
    shared = [0, *(_shared(*two) for two in pairwise(ordered)), 0]
    return {one: one[: max(_SHORTEST, 1 + max(shared[at : at + 2]))] for at, one in enumerate(ordered)}


def _shared(one: str, other: str) -> int:
    """Return how many characters two ids have in common at their beginning."""
    return sum(1 for _ in takewhile(lambda two: two[0] == two[1], zip(one, other, strict=False)))


def find_id(given: str, ids: Sequence[str]) -> str:
    """Return the one of these ids that is, or alone begins with, what was given. Raises NotFoundError."""
    found = [one for one in ids if one.startswith(given)]
    if given in found:
        return given
    if not found:
        raise NotFoundError(f"No world's id begins with {given!r}: 'generia worlds' lists yours.")
    if len(found) > 1:
        short = short_ids(ids)
        some = ", ".join(short[one] for one in found[:3]) + (", …" if len(found) > 3 else "")
        raise NotFoundError(
            f"The ids of {len(found)} worlds begin with {given!r} ({some}): type more of the one that you mean."
        )
    return found[0]
