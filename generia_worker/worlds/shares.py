"""Who writes how many posts: of a first round, and of a later one. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from generia_worker.engine.rounds import Round
from generia_worker.engine.step import Step, StepState
from generia_worker.worlds.steps import CHARACTER, PICTURE


def share_posts(wishes: Sequence[int], posts_count: int) -> list[int]:
    """Share out `posts_count` posts in proportion to `wishes`, so that they sum up exactly.

    Everybody gets at least one post while there are enough; where there are fewer posts than characters, the first
    ones get one each. The largest remainders take what rounding leaves over (Hamilton's method), earlier ones first.
    """
    count = len(wishes)
    if posts_count <= count:
        return [1 if index < posts_count else 0 for index in range(count)]
    weights = [max(wish, 1) for wish in wishes]
    spare = posts_count - count
    quotas = [spare * weight / sum(weights) for weight in weights]
    shares = [int(quota) for quota in quotas]
    by_remainder = sorted(range(count), key=lambda i: (shares[i] - quotas[i], i))
    for index in by_remainder[: spare - sum(shares)]:
        shares[index] += 1
    return [1 + share for share in shares]


def share_round(one: Round, wishes: Mapping[int, int], written: Mapping[int, int]) -> dict[int, int]:
    """Share out the posts of a later round among its new characters and those who were there before.

    `wishes` are those of all by their numbers, `written` how many posts each of the earlier ones that exist has. The new
    ones get a post each while there are enough, and then who has the fewest for what it wishes gets the next (the method
    of Webster and Sainte-Laguë, over all rounds), lower numbers first. So nobody is left out for long, and the posts sum up
    exactly. Returns the shares of all new ones, and of the others who write.
    """
    new = [number for number in wishes if one.is_new(number)]
    shares = {number: 1 if at < one.posts else 0 for at, number in enumerate(new)}
    everybody = [*(number for number in wishes if number in written), *new]

    def due(number: int) -> tuple[float, int]:
        has = written.get(number, 0) + shares.get(number, 0)
        return (has + 0.5) / max(wishes[number], 1), number

    for _ in range(one.posts - sum(shares.values())):
        number = min(everybody, key=due)
        shares[number] = shares.get(number, 0) + 1
    return dict(sorted(shares.items()))


def written_by(states: Mapping[Step, StepState]) -> dict[int, int]:
    """Return how many posts each character of a world has that exists, from the states of its steps."""
    done = [step for step, state in states.items() if state is StepState.DONE]
    posts = Counter(step.character for step in done if step.kind == PICTURE.kind)
    return {
        step.character or 0: posts[step.character] for step in sorted(done) if step.kind == CHARACTER.kind
    }
