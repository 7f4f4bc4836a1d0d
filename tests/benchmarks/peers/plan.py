"""The paid calls of a world in which nothing goes wrong, by the step table: what every system makes, and what bounds it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from generia_worker.engine.step import Step
from generia_worker.settings import Settings
from generia_worker.worlds.steps import FAN_OUT, STEPS
from tests.benchmarks.peers.calls import Branch, Call, Stage

_CAST_BATCH: int = Settings.model_fields["cast_batch_size"].default
_PLAN_BATCH: int = Settings.model_fields["plan_batch_size"].default


def world_plan(world: str, users: int, posts: int) -> Branch:
    """Return the calls of a world whose posts are shared out evenly; their names begin with `world`.

    Its opening is one chain, as in `tasks/pipeline.py`; then come its characters side by side.
    """
    batches = -(-users // _CAST_BATCH)
    shares = [posts // users + (number < posts % users) for number in range(users)]
    characters = (_character(world, batches, number, share) for number, share in enumerate(shares, 1))
    return Branch(tuple(_stages(world, STEPS.opening(batches), 0)), tuple(characters))


def _character(world: str, batches: int, number: int, posts: int) -> Branch:
    steps = STEPS.of_character(number, posts)
    followers: dict[Step | None, list[Step]] = {}
    for step in steps:
        before = STEPS.predecessor(step, batches, {FAN_OUT.step(), *steps})
        followers.setdefault(before, []).append(step)

    def branch(chain: list[Step]) -> Branch:
        while len(found := followers.get(chain[-1], [])) == 1:
            chain = [*chain, *found]
        return Branch(tuple(_stages(world, chain, posts)), tuple(branch([step]) for step in found))

    return branch([FAN_OUT.step()])


def _stages(world: str, steps: Sequence[Step], posts: int) -> Iterator[Stage]:
    """Yield the stages of steps that follow each other: each text by itself, then the pictures of a step together.

    `posts` is the share of the character that the steps belong to.
    """
    for step in steps:
        spec, key = STEPS[step.kind], step.key(world)
        texts = -(-posts // _PLAN_BATCH) if spec.text_calls_by_posts else spec.text_calls
        for number in range(1, texts + 1):
            yield (Call(f"{key}~text-{number}", "llm"),)
        if spec.image_calls:
            yield tuple(
                Call(f"{key}~picture-{number}", "images") for number in range(1, spec.image_calls + 1)
            )
