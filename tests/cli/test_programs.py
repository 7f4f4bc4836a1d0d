"""The workers of one machine: threads for all slots, and no more processes than the cores can feed."""

from __future__ import annotations

import os
from collections import defaultdict
from typing import Any

import pytest

from generia_worker.cli.programs import programs, workers
from generia_worker.settings import Settings


def sizes(settings: Settings) -> dict[str, list[int]]:
    """Return the threads of each process, by queue."""
    found: dict[str, list[int]] = defaultdict(list)
    for worker in workers(settings):
        found[worker.queues].append(worker.threads)
    return dict(found)


def asked(slots: int, **settings: Any) -> Settings:
    both: dict[str, Any] = {"llm_concurrency": slots, "image_concurrency": slots}
    return Settings(_env_file=None, **(both | settings))


@pytest.mark.parametrize("cores", [1, 2, 4, 64])
@pytest.mark.parametrize("slots", [1, 50, 57, 200, 10_000])
def test_every_slot_can_be_used(monkeypatch: pytest.MonkeyPatch, slots: int, cores: int) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    for threads in (sizes(asked(slots))[queue] for queue in ("llm", "images")):
        assert slots < sum(threads) <= slots * 1.25 + 2
        assert max(threads) <= Settings.model_fields["http_max_connections"].default, (
            "one would wait for another"
        )


@pytest.mark.parametrize(
    ("slots", "cores", "processes"),
    [(50, 2, 1), (50, 64, 1), (100, 2, 1), (200, 2, 2), (200, 4, 2), (200, 6, 3), (200, 64, 4)],
)
def test_processes_go_by_cores(
    monkeypatch: pytest.MonkeyPatch, slots: int, cores: int, processes: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    found = sizes(asked(slots))
    assert [len(found[queue]) for queue in ("llm", "images")] == [processes] * 2


def test_who_says_how_many_threads_a_process_has_gets_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert sizes(asked(200, worker_threads=45))["llm"] == [45] * 5


def test_each_worker_has_a_name_of_its_own() -> None:
    names = [worker.name for worker in workers(asked(10_000))]
    assert len(set(names)) == len(names)


def test_what_people_wait_for_comes_before_what_makes_worlds() -> None:
    first = {one.name for one in programs(asked(4), flower=True) if not one.niceness}
    assert first == {"api", "gateway", "services", "flower"}
