"""What every system is given to do."""

from __future__ import annotations

from dataclasses import dataclass

from tests.benchmarks.peers.calls import Branch
from tests.benchmarks.peers.plan import world_plan

USERS, POSTS = 20, 100


@dataclass(frozen=True, slots=True)
class Workload:
    """Worlds of 20 characters and 100 posts, ordered together; how long a call takes, and how many are made at a time."""

    worlds: int
    llm_s: float
    image_s: float
    llm_slots: int
    image_slots: int
    #: All workers are killed with SIGKILL once half of the calls were billed, and started again some seconds later.
    kill: bool = False

    @property
    def title(self) -> str:
        """What it is, as a table's heading says it."""
        slots = f"{self.llm_slots} + {self.image_slots} slots"
        killed = ", workers killed" if self.kill else ""
        return f"{self.worlds} of {USERS}/{POSTS}, {self.llm_s:g} s and {self.image_s:g} s, {slots}{killed}"

    def plans(self) -> dict[str, Branch]:
        """Return the calls of each world by its name."""
        names = [f"world-{number:02d}" for number in range(self.worlds)]
        return {name: world_plan(name, USERS, POSTS) for name in names}

    def bound_s(self) -> float:
        """Return how long it takes when nothing but the calls takes time."""
        from tests.benchmarks.ideal import Providers, seconds  # the extra `bench`

        providers = Providers(self.llm_s, self.image_s, self.llm_slots, self.image_slots)
        return max(seconds([(USERS, POSTS)] * self.worlds, providers))


WORKLOADS = {
    "quick": Workload(10, 0.3, 0.2, 200, 200),
    "quick-slots": Workload(10, 0.3, 0.2, 50, 30),
    "real": Workload(3, 2.0, 1.0, 50, 30),
    "kill": Workload(3, 2.0, 1.0, 50, 30, kill=True),
    "alone": Workload(1, 2.0, 1.0, 200, 200),
}
