"""What the tests of faults have in common: a stack whose processes can be killed, frozen and doomed, and the proof that
a world came out of it whole."""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pymongo import MongoClient

from generia_worker.cli import programs
from generia_worker.client.status import GenerationStatus
from generia_worker.embedded import process as local_process
from generia_worker.embedded.process import ManagedProcess
from generia_worker.embedded.stack import Program, Stack, program_environment
from generia_worker.errors import TransientError
from generia_worker.processes.health_checks import worker_answers
from generia_worker.settings import Settings
from generia_worker.worlds.steps import STEPS
from tests.fork_server import fork_server
from tests.integration.audit import EXACT, Audit, calls_of, wrong_counters
from tests.integration.conftest import SMALL_PICTURES, Platform

PROMPT = "A village of three very talkative lighthouse keepers"
#: Text that arrives on the wire in a moment never needs longer, whatever the machine is busy with.
_POLL_S = 0.05
_END_STATES = ("done", "failed", "skipped", "cancelled")

T = TypeVar("T")


def scaled_settings(scale: float, **changed: Any) -> Settings:
    """Return the delivered settings with all times scaled; `changed` wins, and is not scaled."""
    fast = {
        "lease_s": 20 * scale,
        "lease_renew_s": 5 * scale,
        "step_deadline_s": 600 * scale,
        "visibility_timeout_s": 1800 * scale,
        "recover_every_s": 10 * scale,
        "publish_timeout_s": 10 * scale,
        "sweep_every_s": 5 * scale,
        # Ten times a second, what is scheduled would cost more than what a test does.
        "pump_every_s": max(0.5 * scale, 0.2),
        "park_after_s": 2 * scale,
        "outage_max_s": 3600 * scale,
        "retry_backoff_s": 0.5 * scale,
        "retry_backoff_max_s": 30 * scale,
        "grace_s": 25 * scale,
        "llm_timeout_s": 120 * scale,
        "image_timeout_s": 120 * scale,
        # A loaded machine needs its seconds for a call that is not at fault.
        "rpc_timeout_s": max(15 * scale, 5),
        **SMALL_PICTURES,
    }
    return Settings(_env_file=None, **(fast | changed))


def start_stack(folder: Path, scale: float, **changed: Any) -> Faults:
    """Start a whole stack whose workers can be doomed."""
    asked = scaled_settings(scale, **changed)
    # Tests kill the same program every few seconds: that is no program which crashes as soon as it starts.
    local_process.STABLE_AFTER_S = 0.5
    doom_file = folder / "doom"
    # Nothing here goes through the gateway.
    parts = [_doomed(part, doom_file) for part in programs.programs(asked) if part.name != "gateway"]
    stack = Stack(programs.with_addresses(asked), folder, parts, fork_server=fork_server())
    stack.start()
    return Faults(stack, scale, doom_file)


def _doomed(program: Program, doom_file: Path) -> Program:
    """Let a worker run inside `doomed_worker`."""
    if not program.name.startswith("worker-"):
        return program
    plain = program.argv(Settings(_env_file=None))
    arguments = plain[plain.index("generia_worker.cli.main") + 1 :]
    command = [sys.executable, "-P", "-m", "tests.faults.doomed_worker", *arguments]
    return replace(program, argv=lambda _: command, env={**program.env, "DOOM_FILE": str(doom_file)})


class Faults(Platform):
    """A running stack, what can be done to it, and what must hold afterwards."""

    def __init__(self, stack: Stack, scale: float, doom_file: Path) -> None:
        super().__init__(stack)
        self.scale = scale
        #: How much longer everything may take than at the small scale.
        self.patience = max(1.0, 5 * scale)
        self._doom_file = doom_file
        self._frozen: set[int] = set()
        mongo: MongoClient[dict[str, Any]] = MongoClient(
            self.settings.mongo_uri.get_secret_value(), tz_aware=True
        )
        self.db = mongo[self.settings.mongo_database]
        self._mongo = mongo

    # --- worlds --------------------------------------------------------------------------------------------------
    def new(self, users: int, posts: int, prompt: str = PROMPT, **limits: Any) -> str:
        """Create and order a world; returns its id."""
        return self.order(prompt, users, posts, **limits)

    def step(self, world_id: str, step: str) -> dict[str, Any]:
        """Return the ledger's row of a step; empty when there is none."""
        return self.db["generation_steps"].find_one({"_id": f"{world_id}/{step}"}) or {}

    def state(self, world_id: str, step: str) -> str:
        """Return the state of a step, `""` when there is no such step."""
        return str(self.step(world_id, step).get("state", ""))

    def has_begun(self, world_id: str, step: str) -> bool:
        """True once a worker has taken a step. It may be done already: on a busy machine, looking for one that runs can
        miss it."""
        return self.state(world_id, step) in ("running", "done")

    def answers(self, world_id: str, step: str) -> int:
        """Return how many usable answers to the calls of a step were recorded."""
        calls = calls_of(self.db, world_id)
        return sum((call["step"], call["state"]) == (step, "answered") for call in calls)

    # --- waiting -------------------------------------------------------------------------------------------------
    def until(self, condition: Callable[[], T | None], what: str, timeout_s: float = 60) -> T:
        """Wait until `condition` returns something true, and return that. Fails with `what` after `timeout_s` (at the
        small scale; with the delivered durations it waits longer)."""
        timeout_s *= self.patience
        deadline = time.monotonic() + timeout_s
        while True:
            found = condition()
            if found:
                return found
            if time.monotonic() > deadline:
                message = f"did not happen within {timeout_s:g} s: {what}"
                raise AssertionError(message)
            time.sleep(_POLL_S)

    def pause(self) -> None:
        """Give others a moment, for a test that repeats something until a condition holds."""
        time.sleep(_POLL_S)

    def billed(self, world_id: str, about: str = "") -> list[dict[str, Any]]:
        """Return what the simulator has billed for a world so far, of calls whose key holds `about`.

        A call is billed when it arrives, so that one which is being answered slowly is among them.
        """
        return [entry for entry in self.bill(f"{world_id}/{about}") if entry["billed"]]

    # --- processes -----------------------------------------------------------------------------------------------
    def pid(self, name: str) -> int:
        """Return the process id of a program itself, waiting for it to run."""
        return self.until(lambda: self.stack.processes[name].pid, f"{name} runs")

    def pids(self) -> list[int]:
        """Return the pids of all programs that run."""
        return [pid for process in self.stack.processes.values() if (pid := process.pid) is not None]

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Send a signal to a program (not to its keeper, which starts it again); returns its process id.

        One that has just ended, and whose keeper did not say so yet, gets it once it runs again.
        """

        def sent() -> int | None:
            pid = self.stack.processes[name].pid
            if pid is not None:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    return None
            return pid

        return self.until(sent, f"{name} runs")

    @contextmanager
    def frozen(self, name: str) -> Iterator[int]:
        """Stop a program in its tracks (SIGSTOP) for as long as the block runs."""
        with self.frozen_pid(self.kill(name, signal.SIGSTOP)) as pid:
            yield pid

    @contextmanager
    def frozen_pid(self, pid: int) -> Iterator[int]:
        """Stop a process of this stack in its tracks (SIGSTOP) for as long as the block runs."""
        assert pid > 0, "it has ended already; the number 0 stands for all processes of this test"
        self._frozen.add(pid)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield pid
        finally:
            self._thaw(pid)

    def _thaw(self, pid: int) -> None:
        self._frozen.discard(pid)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    def restarted(self, name: str, old_pid: int) -> int:
        """Wait until a program runs again under another process id than `old_pid`."""

        def fresh() -> int:
            pid = self.stack.processes[name].pid
            return pid if pid and pid != old_pid else 0

        return self.until(fresh, f"{name} runs again")

    def workers_answer(self) -> None:
        """Wait until every worker takes messages."""
        names = [name.removeprefix("worker-") for name in self.stack.processes if name.startswith("worker-")]
        self.until(
            lambda: all(worker_answers(self.settings, name) for name in names), "all workers answer", 90
        )

    @contextmanager
    def another_worker(
        self, name: str = "spare", queues: str = "llm,images", clock_s: float = 0
    ) -> Iterator[ManagedProcess]:
        """One more worker for as long as the block runs, its clock wrong by `clock_s`."""
        settings = self.settings
        environment = {"DOOM_FILE": str(self._doom_file)}
        if clock_s:
            environment["DOOM_CLOCK_S"] = str(clock_s)
        # (Not forked: what a fork server has imported knows the right time already.)
        command = [sys.executable, "-P", "-m", "tests.faults.doomed_worker"]
        process = ManagedProcess(
            f"worker-{name}",
            [*command, "worker", "--name", name, "--queues", queues],
            env=program_environment(settings) | environment,
            log_path=self.stack.data_dir / "logs" / f"worker-{name}.log",
            ready=lambda: worker_answers(settings, name, anywhere=True),
            stop_timeout_s=settings.grace_s + 5,
        )
        process.start()
        try:
            yield process
        finally:
            process.stop()

    @contextmanager
    def another_scheduler(self) -> Iterator[ManagedProcess]:
        """One more beat for as long as the block runs."""
        settings = self.settings.model_copy(update={"data_dir": self.stack.data_dir / "another"})
        process = ManagedProcess(
            "beat-2",
            [sys.executable, "-m", "generia_worker.cli.main", "beat"],
            env=program_environment(settings),
            log_path=self.stack.data_dir / "logs" / "beat-2.log",
        )
        process.start()
        try:
            yield process
        finally:
            process.stop()

    def owner_pid(self, world_id: str, step: str) -> int:
        """Return the process id of a running step's owner, 0 when nobody works on it."""
        owner = self.step(world_id, step).get("owner")
        return int(owner.split(":")[1]) if owner else 0

    # --- doom ----------------------------------------------------------------------------------------------------
    def arm(
        self,
        point: str,
        when: str,
        *match: str,
        nth: int = 1,
        number: int = signal.SIGKILL,
        again: bool = False,
        also: str = "",
    ) -> None:
        """Let the first worker process that gets to `point` (see `doomed_worker`) die there, once or each time."""
        orders = {
            "point": point,
            "when": when,
            "match": match,
            "nth": nth,
            "signal": int(number),
            "again": again,
            # Stale messages of worlds that ended before must not trip the trap.
            "other_than": [
                row["_id"] for row in self.db["generations"].find({"_id": {"$ne": also}}, {"_id": 1})
            ],
        }
        self._deaths_file.unlink(missing_ok=True)
        draft = self._doom_file.with_suffix(".draft")
        draft.write_text(json.dumps(orders))
        draft.rename(self._doom_file)

    def disarm(self) -> None:
        """Let nothing die any more."""
        self._doom_file.unlink(missing_ok=True)

    @property
    def _deaths_file(self) -> Path:
        return self._doom_file.with_suffix(".deaths")

    def deaths(self) -> list[str]:
        """Return where processes died since the last `arm`: `pid point about`."""
        return self._deaths_file.read_text().splitlines() if self._deaths_file.exists() else []

    def died(self, count: int = 1, timeout_s: float = 60) -> None:
        """Wait until so many processes have died at the point that was armed."""
        self.until(lambda: len(self.deaths()) >= count, f"{count} deaths at the armed point", timeout_s)

    # --- messages ------------------------------------------------------------------------------------------------
    def send(self, task: str, *arguments: Any, times: int = 1, **options: Any) -> None:
        """Publish a task's message, the same one (with one task id) when `times` is more than one."""
        with self.celery() as celery:
            options.setdefault("task_id", os.urandom(8).hex())
            for _ in range(times):
                celery.send_task(task, args=arguments, **options)

    # --- order ---------------------------------------------------------------------------------------------------
    def mend(self) -> None:
        """Undo what a test did: nothing is armed or frozen, providers behave, all programs run."""
        self.disarm()
        for pid in list(self._frozen):
            self._thaw(pid)
        self.behave()
        given_up = [process for process in self.stack.processes.values() if process.failure is not None]
        failures = [process.failure for process in given_up]
        for process in given_up:
            process.stop()
            process.start()
        assert not failures, failures

    def close(self) -> None:
        """Stop the stack."""
        self.disarm()
        for pid in list(self._frozen):
            self._thaw(pid)
        self._mongo.close()
        self.stack.stop()

    # --- proof ---------------------------------------------------------------------------------------------------
    def ended(self, world_id: str, timeout_s: float = 60) -> GenerationStatus:
        """Wait until a world has ended and nothing of it is held, scheduled or uncounted; return its status."""
        with suppress(TransientError):
            self.wait(world_id, timeout_s * self.patience)
        self.until(lambda: not self.loose_ends(world_id), f"an end of {world_id}:{self._story(world_id)}", 20)
        return self.client.status(world_id)

    def loose_ends(self, world_id: str) -> list[str]:
        """Return what of a world is still under way."""
        steps = self.db["generation_steps"]
        query = {"world_id": world_id}
        loose = [row["_id"] for row in steps.find({**query, "state": {"$nin": _END_STATES}})]
        loose += [
            row["_id"]
            for row in steps.find(
                {
                    **query,
                    "$or": [{"owner": {"$ne": None}}, {"not_before": {"$ne": None}}],
                }
            )
        ]
        calls = calls_of(self.db, world_id)
        loose += [row["_id"] for row in calls if row.get("unsettled") or row["state"] == "intent"]
        status = self.db["world_generation_status"].find_one({"_id": world_id}) or {}
        if status.get("status") not in ("completed", "failed", "cancelled"):
            loose.append(f"status {status.get('status')}")
        loose += wrong_counters(status, steps.find(query), calls) if status else []
        return loose

    def _story(self, world_id: str) -> str:
        """Return what a failed test should show of a world."""
        rows = self.db["generation_steps"].find({"world_id": world_id}).sort("_id", 1)
        fields = ("step", "state", "owner", "lease_until", "ready_at", "attempts", "takeovers", "failure")
        lines = ["  ".join(f"{name}={row.get(name)}" for name in fields) for row in rows]
        return "\n".join(["", *lines, f"loose: {self.loose_ends(world_id)}"])

    def assert_whole(
        self,
        world_id: str,
        users: int,
        posts: int,
        *,
        ambiguous: int = 0,
        twice: int = 0,
        timeout_s: float = 60,
    ) -> GenerationStatus:
        """Assert that a world is complete, once, and honestly counted.

        `ambiguous` is how many text calls were in flight at the instant of a kill: so many at most may have been billed
        without anybody having got their answers. `twice` is how many owners were frozen in a text call: so many at most
        may have been bought by two.
        """
        status = self.ended(world_id, timeout_s)
        audit = Audit(self.settings, world_id)
        try:
            audit.check(status, users, posts)
        except AssertionError as error:
            error.add_note(self._story(world_id))
            raise
        self.assert_no_orphans(world_id)
        self.assert_honest(world_id, status, ambiguous=ambiguous, twice=twice)
        return status

    def assert_no_orphans(self, world_id: str) -> None:
        """Assert that everything in the services is what the ledger knows, and nothing else."""
        rows = list(self.db["generation_steps"].find({"world_id": world_id, "state": "done"}))
        for kind, field, collection in (
            ("character", "character_id", "characters"),
            ("picture", "post_id", "posts"),
        ):
            known = sorted(row["result"][field] for row in rows if row["kind"] == kind)
            there = sorted(row["_id"] for row in self.db[collection].find({"world_id": world_id}))
            assert known == there, f"{collection} that the ledger does not know, or the other way round"

    def assert_honest(
        self, world_id: str, status: GenerationStatus, *, ambiguous: int = 0, twice: int = 0
    ) -> None:
        """Assert that what was recorded is what was billed, call by call, and that no call was bought twice."""
        calls = {row["_id"]: row for row in calls_of(self.db, world_id)}
        bill = self.billed(world_id)
        per_request = Counter(entry["request"] for entry in bill)
        assert not {key: n for key, n in per_request.items() if n > 1}, "billed twice under one request"
        for entry in bill:
            row = calls.get(entry["request"])
            assert row is not None, f"billed but not recorded: {entry}"
            assert row["state"] in ("answered", "spoiled", "ambiguous"), (entry, row)
            if row["state"] != "ambiguous":
                assert abs(row["cost_usd"] - entry["charged_usd"]) < EXACT
        for row in calls.values():
            if row["state"] in ("answered", "spoiled"):
                assert row["_id"] in per_request, f"recorded but not billed: {row['_id']}"
        bought = Counter(row["call"] for row in calls.values() if row["state"] == "answered")
        again = {call: n for call, n in bought.items() if n > 1}
        assert sum(again.values()) - len(again) <= twice, again
        unknown = [row["_id"] for row in calls.values() if row["state"] == "ambiguous"]
        assert len(unknown) <= ambiguous, unknown
        assert status.ambiguous_calls_LLM + status.ambiguous_calls_images == len(unknown)
        self._assert_reserved(world_id, list(calls.values()))

    def _assert_reserved(self, world_id: str, calls: list[dict[str, Any]]) -> None:
        """Assert that what is set aside is what was billed, and the worst case of what nobody knows."""

        kept = [row for row in calls if row["state"] in ("answered", "spoiled", "ambiguous")]
        for rows, account in (("generations", None), ("replies", "replies")):
            own = [row for row in kept if row.get("account") == account]
            self._assert_account(world_id, rows, own)

    def _assert_account(self, world_id: str, rows: str, kept: list[dict[str, Any]]) -> None:
        def adds_up() -> bool:
            order = self.db[rows].find_one({"_id": world_id})
            if order is None:
                return not kept
            reserved = order["reserved"]
            # Dollars are set aside of a budget only; a later round may have one where the first had none.
            counted = [row for row in kept if not row.get("planned")]
            usd = sum(row["worst_usd"] if row["cost_usd"] is None else row["cost_usd"] for row in counted)
            usd = usd if order["budget_usd"] is not None else 0.0
            # Planned calls are set aside with the order, made or not.
            held = Counter(order.get("planned") or {})
            held.update(row["provider"] for row in counted)
            return (
                reserved["llm"] == held["llm"]
                and reserved["images"] == held["images"]
                and bool(abs(reserved["usd"] - usd) < EXACT)
            )

        self.until(adds_up, f"the reservation of {world_id} in {rows} equals its calls", 15)


def task_of(name: str) -> tuple[str, list[int]]:
    """Return the task of a step and its indexes."""
    step = STEPS.parse(name)
    return STEPS[step.kind].task, list(step.indexes)


def in_parallel(*jobs: Callable[[], Any]) -> None:
    """Run jobs at the same time and wait for all; the first error is raised."""
    errors: list[BaseException] = []

    def run(job: Callable[[], Any]) -> None:
        try:
            job()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=functools.partial(run, job)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
