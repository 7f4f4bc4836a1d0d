"""The queues, and the priority band of a step: how deep into its world it lies. Pure.

Steps that wait for a provider are spread over *priority bands* by their depth: the first steps of every world in one
band, the tail of large worlds in another. Each band is a queue, and workers take the bands in turn, so each gets its
share of a provider whatever waits in the others: a small world, all of which is first steps, passes by the long tails
of large ones, and these get on too.
"""

from __future__ import annotations

from generia_worker.engine.step import Step

#: The queues of steps that wait for a provider; each has `BANDS` bands.
LLM, IMAGES = "llm", "images"
PAID = (LLM, IMAGES)
#: Everything else: steps without a paid call, the status, what the scheduler asks for, and suspects.
SERVICES, PROGRESS, MAINTENANCE, QUARANTINE = "services", "progress", "maintenance", "quarantine"
#: The queues that steps wait in.
STEP_QUEUES = (*PAID, SERVICES, QUARANTINE)
BANDS = 4
#: A band ends where a step's rank (about how many posts of its world come before it) passes these.
_BOUNDS = (2, 8, 32)


def band_of(step: Step) -> int:
    """Return the priority band of a step, from 0 (the first ones of its world) to `BANDS` - 1.

    The rank of the k-th post of character i is i·k: about how many posts of its world are written before it, since all
    characters write at the same time. That of a character is i, and the world's own steps come first.

        >>> band_of(Step("post", character=5, post=4))
        2
    """
    if step.character is None:
        return 0
    rank = step.character * (step.post or 1)
    return sum(rank > bound for bound in _BOUNDS)


def band(queue: str, number: int) -> str:
    """Return the name of a queue's band; the first one has the name of the queue itself."""
    return f"{queue}.{number}" if number else queue


def bands(queue: str) -> list[str]:
    """Return all bands of a queue; a queue that has none is its own."""
    return [band(queue, number) for number in range(BANDS if queue in PAID else 1)]


def queue_of(queue: str, step: Step) -> str:
    """Return the band of `queue` that a step waits in."""
    return band(queue, band_of(step)) if queue in PAID else queue


#: Every queue by the name that the broker knows.
QUEUES = tuple(
    name for queue in (*PAID, SERVICES, PROGRESS, MAINTENANCE, QUARANTINE) for name in bands(queue)
)
