"""The queues, and how deep into its world a step lies. Pure.

Steps that wait for a provider are spread over *lanes* by their depth: the first steps of every world in one lane, the
tail of large worlds in another. Workers take the lanes in turn, so each gets its share of a provider whatever waits in
the others: a small world, all of which is first steps, passes by the long tails of large ones, and these get on too.
"""

from __future__ import annotations

from generia_worker.engine.step import Step, StepKind

#: The queues of steps that wait for a provider; each has `LANES` lanes.
PAID = ("llm", "images")
#: Everything else: steps without a paid call, settling, what the scheduler asks for, and suspects.
START, PROGRESS, MAINTENANCE, QUARANTINE = "services", "progress", "maintenance", "quarantine"
LANES = 4
#: A lane ends where a step's rank (about how many posts of its world come before it) passes these.
_BOUNDS = (2, 8, 32)


def lane_of(step: Step) -> int:
    """Return the lane of a step, from 0 (the first ones of its world) to `LANES` - 1.

    The rank of the k-th post of character i is i·k: about how many posts of its world are written before it, since all
    characters write at the same time. That of a character is i, and the world's own steps come first.
    """
    if step.first is None or step.kind is StepKind.CAST:
        return 0
    rank = step.first * (step.second or 1)
    return sum(rank > bound for bound in _BOUNDS)


def lane(queue: str, number: int) -> str:
    """Return the name of a queue's lane; the first one has the name of the queue itself."""
    return f"{queue}.{number}" if number else queue


def lanes(queue: str) -> list[str]:
    """Return all lanes of a queue; a queue that has none is its own."""
    return [lane(queue, number) for number in range(LANES if queue in PAID else 1)]


#: Every queue by the name that the broker knows.
QUEUES = tuple(name for queue in (*PAID, START, PROGRESS, MAINTENANCE, QUARANTINE) for name in lanes(queue))
