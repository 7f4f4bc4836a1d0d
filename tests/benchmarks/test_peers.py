"""What the comparison with other systems computes: the plan of the calls, CPU over a kill, figures and their table."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from rich.console import Console

from generia_worker.settings import Settings
from generia_worker.worlds.steps import STEPS
from tests.benchmarks.peers.calls import Branch, Call
from tests.benchmarks.peers.cpu import CpuAccount, tree_seconds
from tests.benchmarks.peers.measure import SYSTEMS
from tests.benchmarks.peers.over_http import Bare
from tests.benchmarks.peers.plan import world_plan
from tests.benchmarks.peers.table import Figures, Run, cell, figures, peers_table
from tests.benchmarks.peers.workers.job import Job, read_job
from tests.benchmarks.peers.workloads import WORKLOADS
from tests.docs.pages import codes_in, first_codes, table

_CAST_BATCH = Settings.model_fields["cast_batch_size"].default
_PLAN_BATCH = Settings.model_fields["plan_batch_size"].default


# --- the plan ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("users", "posts"), [(20, 24), (5, 15), (1, 1), (3, 1), (11, 12), (1, 60)])
def test_a_plan_holds_the_calls_that_the_step_table_expects(users: int, posts: int) -> None:
    plan = world_plan("w", users, posts)
    found = Counter(call.provider for call in plan)
    assert (found["llm"], found["images"]) == STEPS.expected_calls(
        users, posts, -(-users // _CAST_BATCH), _PLAN_BATCH
    )
    assert len({call.name for call in plan}) == found.total()
    assert all(call.name.startswith("w/") for call in plan)


def test_calls_depend_on_each_other_as_the_canvas_says() -> None:
    plan = world_plan("w", 2, 1)
    assert _steps(plan) == [
        {"describe~text-1"},
        {"illustrate~text-1"},
        {"illustrate~picture-1", "illustrate~picture-2"},
        {"cast/0~text-1"},
    ]
    with_post, without = plan.then
    assert _steps(with_post) == [{"character/01~text-1"}, {"plan/01~text-1"}]
    avatar, post = with_post.then
    assert _steps(avatar) == [{"avatar/01~picture-1"}]
    assert _steps(post) == [{"post/01/01~text-1"}, {"picture/01/01~picture-1"}]
    # No posts, no plan: its avatar follows the character itself.
    assert _steps(without) == [{"character/02~text-1"}, {"avatar/02~picture-1"}]
    assert without.then == ()


def _steps(branch: Branch) -> list[set[str]]:
    return [{call.name.removeprefix("w/") for call in stage} for stage in branch.stages]


def test_a_branch_is_found_by_its_path_and_survives_being_written_down() -> None:
    plan = world_plan("w", 3, 7)
    assert plan.at(()) is plan
    assert plan.at((1, 0)) is plan.then[1].then[0]
    assert Branch.from_json(plan.as_json()) == plan


def test_only_a_branch_of_one_call_needs_no_workflow() -> None:
    one, other = Call("a", "llm"), Call("b", "images")
    assert Branch(((one,),)).only_call == one
    assert Branch(((one,), (other,))).only_call is None
    assert Branch(((one,),), (Branch(((other,),)),)).only_call is None


def test_the_workloads_are_those_of_the_page() -> None:
    shown = {codes_in(row[0])[0]: row[1:] for row in table("workloads")}
    assert shown == {
        name: [
            str(one.worlds),
            f"{sum(len(list(plan)) for plan in one.plans().values()):,}",
            f"{one.llm_s:g} s, {one.image_s:g} s",
            f"{one.llm_slots} + {one.image_slots}",
        ]
        for name, one in WORKLOADS.items()
    }


def test_every_system_is_described() -> None:
    assert first_codes("peers") == list(SYSTEMS)


def test_the_bounds_are_the_queueing_model_s() -> None:
    pytest.importorskip("simpy")
    bounds = {name: round(one.bound_s(), 1) for name, one in WORKLOADS.items()}
    assert bounds == {"quick": 3.7, "quick-slots": 11.0, "real": 28.0, "kill": 28.0, "alone": 16.0}


def test_pictures_of_a_stage_are_drawn_together_where_there_are_slots() -> None:
    pytest.importorskip("simpy")
    from tests.benchmarks.ideal import Providers, seconds

    assert seconds([(1, 1)], Providers(2, 1)) == [14]
    assert seconds([(1, 1)], Providers(2, 1, image_slots=1)) == [15]


def test_a_worker_reads_the_job_that_was_stored(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job("http://127.0.0.1:1", {"llm": 5, "images": 3}, {"w": world_plan("w", 2, 3)}, "engine", 2)
    for name, value in job.store(tmp_path / "job.json").items():
        monkeypatch.setenv(name, value)
    assert read_job() == job


def test_the_database_of_bare_asyncio_lets_its_worker_in(tmp_path: Path) -> None:
    bare = Bare(tmp_path, {}, {})
    try:
        with MongoClient[Any](bare.start_engine()) as client:
            assert client.peers.calls.insert_one({"_id": "one"}).acknowledged
    finally:
        bare.stop()


# --- CPU ---------------------------------------------------------------------------------------------------------
def test_cpu_counts_from_the_opening_on_and_over_a_kill() -> None:
    used = {1: 10.0, 2: 3.0, 3: 0.5}
    account = CpuAccount(used.__getitem__)
    account.open("worker", 1)
    account.open("engine", 2)
    used |= {1: 12.0, 2: 4.0}
    assert account.seconds() == {"worker": 2.0, "engine": 1.0}
    account.close("worker")
    del used[1]  # killed
    assert account.seconds() == {"worker": 2.0, "engine": 1.0}
    account.open("worker", 3, from_birth=True)
    used |= {3: 1.5, 2: 6.0}
    assert account.seconds() == {"worker": 3.5, "engine": 3.0}


def test_cpu_of_a_tree_is_also_that_of_children_that_live_and_that_have_ended() -> None:
    pytest.importorskip("psutil")
    burn = "import time\nwhile time.process_time() < 0.3: pass\n"
    program = (
        f"import subprocess, sys\nburn = {burn!r}\n"
        "subprocess.run([sys.executable, '-c', burn])\n"
        "child = subprocess.Popen([sys.executable, '-c', burn + 'print(1, flush=True)\\ninput()'])\n"
        "child.wait()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()  # the first child has ended, the second one has burnt its share and waits
        # The system counts each child's time in whole ticks, of which there are mostly a hundred a second.
        assert tree_seconds(process.pid) >= 0.6 - 2 * 2 / os.sysconf("SC_CLK_TCK")
        process.kill()
    assert tree_seconds(process.pid) == 0.0
    assert tree_seconds(os.getpid()) > 0.0


# --- figures and their table -------------------------------------------------------------------------------------
def test_figures_are_medians_each_by_itself() -> None:
    runs = [
        Run(wall_s=3, calls=100, worker_s=1.0, engine_s=0.9, paid=100),
        Run(wall_s=1, calls=100, worker_s=2.0, engine_s=0.1, paid=107, in_flight=9),
        Run(wall_s=2, calls=100, worker_s=3.0, engine_s=0.5, services_s=0.4, paid=103, in_flight=4),
    ]
    found = figures(runs)
    expected = Figures(2, 20, 5, 0, 3, 4, (3, 1, 2))
    assert found == expected
    assert found.cpu_ms == 25


def test_a_cell_shows_what_was_paid_twice_where_workers_are_killed() -> None:
    found = Figures(28.44, 17.04, 13.2, 6.6, 50, 80).as_json()
    assert cell(found, kill=True) == "28.4 s, 30.2 ms (17.0 + 13.2; services 6.6), 50 twice of 80 in flight"
    whole = Figures(4.1, 0.5, 0.4, 0, 0, 0).as_json()
    assert cell(whole, kill=False) == "4.1 s, 0.9 ms (0.5 + 0.4)"
    assert "1 twice" in cell(whole | {"paid_twice": 1}, kill=False)
    assert cell({"failed": "1 worlds were not finished after 9 s"}, kill=True).startswith("1 worlds")


def test_the_table_has_a_row_a_system_and_the_bound_at_the_end() -> None:
    one = Figures(4.1, 0.5, 0.4, 0, 0, 0).as_json()
    found = {
        "workloads": {
            "quick": {"title": "…", "bound_s": 3.7, "kill": False, "systems": {"A": one}},
            "kill": {"title": "…", "bound_s": 28.0, "kill": True, "systems": {"B": one}},
        },
        "skipped": {"restate": "no restate-server on PATH"},
    }
    text = io.StringIO()
    Console(file=text, width=240).print(peers_table(found))
    rows = [line for line in text.getvalue().splitlines() if "│" in line]
    cells = [[part.strip() for part in row.strip("│").split("│")] for row in rows]
    assert cells[0] == ["A", "4.1 s, 0.9 ms (0.5 + 0.4)", "–"]
    assert cells[1][:2] == ["B", "–"]
    assert cells[2] == ["bound: the calls alone", "3.7 s", "28.0 s"]
    assert cells[3][0] == "restate: no restate-server on PATH"
