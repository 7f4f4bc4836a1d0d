"""Worlds while everything happens to their workers and servers: row 27.

    python -m tests.faults.chaos --seed 7 --worlds 20 --minutes 10 [--time-scale 0.1] [--services plain] [--dear 640]

A stack of its own; worlds are ordered over the first part of the time, faults come in random order every 5 to 40 s (scaled).
Worlds that are completed live on: each gets one round more, by hand or as the day of a schedule, and a comment by a person
that the character is to reply to.
Then everything is left in peace, and every world must come to an end and add up. The exit status is 1 when anything is lost,
doubled, or costs something that nobody can explain. The same seed gives the same orders and faults; what they hit is up to
the machine.

With `--dear 640` pictures cost 640 times what the price table says (a cover $0.048), and every world has a budget, which may
be too small for it: no world may cost a cent more. The first picture that a model ever bills may: what it costs is known
afterwards, so no budget here is smaller than one picture.

With `--services plain` the services are like those that others wrote: they know no idempotency keys, and while something
behind them is away they say NOT_FOUND, UNKNOWN or INTERNAL. Then a world may end with failures, if it tells them; and a
character that was made twice is one too many that nothing refers to.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import redis
from pymongo.errors import PyMongoError

from generia_worker.client.order import TALK, Extension, Order, Talk
from generia_worker.client.replies import ReplyTerms
from generia_worker.client.schedule import Schedule
from generia_worker.engine.queues import QUEUES
from generia_worker.errors import GeneriaError
from generia_worker.rpc.channel import open_channel
from generia_worker.rpc.interaction_client import InteractionClient
from tests.faults.harness import PROMPT, Faults, start_stack
from tests.faults.servers import (
    cut_connections,
    drop_message,
    flush,
    redis_down,
    step_down,
)
from tests.faults.wires import GrpcProxy, Wires, start_wired
from tests.integration.audit import EXACT, calls_of

#: A world that has not ended so long after the last fault (scaled, plus what a machine needs) is lost.
DRAIN_S, DRAIN_MARGIN_S = 600.0, 90.0
FAULTS_EVERY_S = (5.0, 40.0)
#: The part of the time in which worlds are ordered.
ORDERING = 0.7

#: What services say that others wrote while their database or another service is away.
_WRONG_CODES = ("NOT_FOUND", "UNKNOWN", "INTERNAL")

#: From the dearest picture with `--dear 640` and the worst case of a text beside it to what a whole world costs.
_BUDGETS_USD = (0.05, 0.7)
#: What the replies of a world may cost: enough for those that are asked for here.
_REPLIES_USD = 0.5
_VISITOR = "visitor"

T = TypeVar("T")


@dataclass
class Report:
    """What happened, and what came of it."""

    seed: int
    worlds: int
    faults: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    extensions: int = 0
    days: int = 0
    replies: int = 0
    drained_s: float = 0.0
    ambiguous_calls: int = 0
    ambiguous_usd: float = 0.0
    answered_twice: int = 0
    billed_usd: float = 0.0
    recorded_usd: float = 0.0
    failed_steps: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """True when nothing is lost, doubled or unexplained."""
        return not (self.lost or self.doubled or self.unexplained)

    def as_json(self) -> dict[str, Any]:
        """Return the report for a program."""
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        return plain | {"faults": dict(self.faults), "ended": dict(self.ended), "sound": self.sound}

    def as_text(self) -> str:
        """Return the report for a person."""
        lines = [
            f"seed {self.seed}: {self.worlds} worlds, {self.faults.total()} faults, drained in {self.drained_s:.0f} s",
            "faults: " + ", ".join(f"{name} {n}" for name, n in sorted(self.faults.items())),
            "worlds: " + ", ".join(f"{state} {n}" for state, n in sorted(self.ended.items())),
            f"lived on: {self.extensions} were extended, {self.days} had a day, {self.replies} people got a reply",
            f"billed ${self.billed_usd:.6f}, recorded ${self.recorded_usd:.6f}; {self.ambiguous_calls} ambiguous calls "
            f"(${self.ambiguous_usd:.6f} of the bill), {self.answered_twice} answered twice",
        ]
        for name in ("failed_steps", "orphans", "lost", "doubled", "unexplained"):
            found: list[str] = getattr(self, name)
            lines.append(f"{name.replace('_', ' ')}: {len(found)}")
            lines += [f"  {text}" for text in found[:20]]
        return "\n".join(lines)


class Chaos:
    """One run over one stack."""

    def __init__(
        self,
        faults: Faults,
        seed: int,
        worlds: int,
        seconds: float,
        wires: Wires | None = None,
        *,
        budgets: bool = False,
    ) -> None:
        """`wires`: those to services that know no keys."""
        self._has_budgets = budgets
        self._budgets: dict[str, float] = {}
        self.faults = faults
        self._wires = wires
        self.report = Report(seed, worlds)
        self._random = random.Random(seed)
        self._seconds = seconds
        self._orders: dict[str, tuple[int, int]] = {}
        #: Those that live on: their posts a day, 0 where they were extended.
        self._living: dict[str, int] = {}
        self._timers: list[threading.Timer] = []
        #: Workers that were stopped in mid-call, each time with all their calls: those may be answered twice.
        self.frozen = 0

    # --- what happens ------------------------------------------------------------------------------------------
    def run(self) -> Report:
        """Order, break, wait, audit."""
        ordering = threading.Thread(target=self._order_all, args=(random.Random(self.report.seed + 1),))
        end = time.monotonic() + self._seconds
        living = threading.Thread(target=self._let_live_on, args=(random.Random(self.report.seed + 2), end))
        ordering.start()
        living.start()
        kinds = self._kinds()
        while True:
            pause = self._random.uniform(*FAULTS_EVERY_S) * self.faults.scale
            if time.monotonic() + pause >= end:
                break
            time.sleep(pause)
            name = self._random.choice(sorted(kinds))
            with suppress(redis.RedisError, PyMongoError, ProcessLookupError):  # it is broken already
                kinds[name]()
                self.report.faults[name] += 1
        ordering.join()
        living.join()
        for timer in self._timers:
            timer.join()
        self._peace()
        self._end_days()
        self._drain()
        self._count_days()
        for world, (users, posts) in self._orders.items():
            self._audit(world, users, posts)
        return self.report

    def _order_all(self, dice: random.Random) -> None:
        count = self.report.worlds
        for _ in range(count):
            users = dice.randint(1, 4)
            posts = dice.randint(users, 8)
            budget = round(dice.uniform(*_BUDGETS_USD), 6) if self._has_budgets else None
            reactions: Talk = dice.choice(TALK)
            world = self._insist(partial(self.faults.new_world, PROMPT, users, posts, budget, reactions))
            self._orders[world] = (users, posts)
            if budget is not None:
                self._budgets[world] = budget
            order = Order(
                world_id=world,
                user_prompt=PROMPT,
                users_count=users,
                posts_count=posts,
                budget=budget,
                reactions=reactions,
            )
            self._insist(partial(self.faults.client.order, order))
            time.sleep(dice.uniform(0, 2) * self._seconds * ORDERING / count)

    def _let_live_on(self, dice: random.Random, end: float) -> None:
        """Give every world that is completed before `end` one round more: beat begins a day at once."""
        while time.monotonic() < end:
            for world in set(self._orders) - set(self._living):
                if self._insist(partial(self.faults.client.status, world)).status == "completed":
                    self._lives_on(world, dice)
            time.sleep(0.2)

    def _lives_on(self, world: str, dice: random.Random) -> None:
        self._is_commented(world)
        client, posts = self.faults.client, dice.randint(1, 3)
        budget = _BUDGETS_USD[1] if self._has_budgets else None
        is_day = len(self._living) % 2 == 1
        if is_day:
            asked = Schedule(posts_a_day=posts, budget_a_day=budget)
            self._insist(partial(client.schedule, world, asked))
        else:
            users = dice.randint(0, 2)
            more = Extension(users_count=users, posts_count=posts, budget=budget, request_id="more")
            self._insist(partial(client.extend, world, more))
            before = self._orders[world]
            self._orders[world] = (before[0] + users, before[1] + posts)
            self.report.extensions += 1
            if budget is not None:
                self._budgets[world] += budget
        self._living[world] = posts if is_day else 0

    def _is_commented(self, world: str) -> None:
        """Let a person comment on a post of a world; whoever insists may comment twice where services know no keys."""
        published = {"world_id": world, "kind": "picture", "state": "done"}
        found = self._insist(partial(self.faults.db["generation_steps"].find_one, published))
        if found is None:  # no picture was within the budget
            return
        post = found["result"]["post_id"]
        self._insist(partial(self.faults.client.replies, world, ReplyTerms(budget=_REPLIES_USD)))
        settings = self.faults.settings
        with open_channel(settings.interaction_service, settings.rpc_token.get_secret_value()) as channel:
            people = InteractionClient(channel, settings.rpc_timeout_s)
            self._insist(
                partial(people.comment, _VISITOR, post, world, "Who would not?", idempotency_key=world)
            )
        self._insist(partial(self.faults.client.heard, world, post))
        if world in self._budgets:
            self._budgets[world] += _REPLIES_USD

    def _end_days(self) -> None:
        """Let no further day begin; what was begun is to be made."""
        for world, posts_a_day in self._living.items():
            if posts_a_day:
                self._insist(partial(self.faults.client.end_schedule, world))

    def _count_days(self) -> None:
        for world, posts_a_day in self._living.items():
            if not posts_a_day:
                continue
            days = self.faults.client.schedule(world).days
            users, posts = self._orders[world]
            self._orders[world] = (users, posts + days * posts_a_day)
            self.report.days += days
            if days > 1:
                self.report.doubled.append(f"{world}: {days} days in one")
            if self._has_budgets:
                self._budgets[world] += days * _BUDGETS_USD[1]

    def _insist(self, work: Callable[[], T]) -> T:
        """Do what a patient client does: the same again until it is answered."""
        while True:
            try:
                return work()
            except (GeneriaError, PyMongoError):
                time.sleep(0.5)

    # --- faults ------------------------------------------------------------------------------------------------
    def _kinds(self) -> dict[str, Callable[[], object]]:
        plain = {"services say the wrong thing": self._wrong_codes} if self._wires else {}
        return plain | {
            "kill a worker": lambda: self._kill(self._random.choice(self._workers())),
            "kill all workers": lambda: self._kill(*self._workers()),
            "kill the scheduler": lambda: self._kill("beat"),
            "freeze a worker": self._freeze,
            "cut all connections to Redis": lambda: cut_connections(self.faults),
            "restart Redis": self._restart_redis,
            "flush Redis": lambda: flush(self.faults),
            "drop messages": self._drop,
            "step MongoDB down": lambda: step_down(self.faults),
        }

    def _workers(self) -> list[str]:
        return sorted(name for name in self.faults.stack.processes if name.startswith("worker-"))

    def _kill(self, *names: str) -> None:
        for name in names:
            pid = self.faults.stack.processes[name].pid
            if pid:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _freeze(self) -> None:
        pid = self.faults.stack.processes[self._random.choice(self._workers())].pid
        if not pid:
            return
        try:
            os.kill(pid, signal.SIGSTOP)
        except ProcessLookupError:  # another fault has just killed it
            return
        self.frozen += 1
        timer = threading.Timer(self._random.uniform(5, 60) * self.faults.scale, _thaw, (pid,))
        timer.start()
        self._timers.append(timer)

    def _wrong_codes(self) -> None:
        """Let one service say the same of every call for a while, as one does whose database is away."""
        assert self._wires is not None
        proxy = self._wires.services[self._random.choice(sorted(self._wires.services))]
        code = self._random.choice(_WRONG_CODES)
        proxy.rule = lambda _: code
        timer = threading.Timer(self._random.uniform(5, 120) * self.faults.scale, _mend, (proxy,))
        timer.start()
        self._timers.append(timer)

    def _restart_redis(self) -> None:
        with redis_down(self.faults, keeps_data=self._random.random() < 0.5):
            time.sleep(self._random.uniform(0, 15) * self.faults.scale)

    def _drop(self) -> None:
        dropped = [drop_message(self.faults, queue) for queue in QUEUES]
        if any(dropped):
            self.report.faults["(messages lost so)"] += sum(dropped)

    # --- and then ----------------------------------------------------------------------------------------------
    def _peace(self) -> None:
        """Start again what was given up because it was killed too often."""
        for process in self.faults.stack.processes.values():
            if process.failure is not None:
                process.stop()
                process.start()

    def _drain(self) -> None:
        began = time.monotonic()
        deadline = began + DRAIN_S * self.faults.scale + DRAIN_MARGIN_S
        open_worlds = set(self._orders)
        while open_worlds and time.monotonic() < deadline:
            # (All of them each time: a day may begin at the last moment.)
            open_worlds = {world for world in self._orders if self.faults.loose_ends(world)}
            time.sleep(0.2)
        self.report.drained_s = time.monotonic() - began
        self.report.lost += [f"{world}: {self.faults.loose_ends(world)[:5]}" for world in sorted(open_worlds)]

    def _audit(self, world: str, users: int, posts: int) -> None:
        db, report = self.faults.db, self.report
        status = self.faults.client.status(world)
        report.ended[str(status.status)] += 1
        steps = list(db["generation_steps"].find({"world_id": world}))
        for row in steps:
            if row["state"] == "failed":
                report.failed_steps.append(f"{row['_id']}: {row['failure']['reason']}")
        # What becomes of a reply is no matter of its world.
        own = [row for row in steps if row["kind"] != "reply"]
        unmade = sum(row["state"] in ("failed", "skipped") for row in own)
        failed = sum(row["state"] == "failed" for row in own)
        if (failed or status.status != "completed") and not status.error:
            report.unexplained.append(f"{world}: {failed} steps failed, and the status does not say why")
        if status.status == "completed" and not unmade:
            if (status.users_created, status.posts_created) != (users, posts):
                report.lost.append(
                    f"{world}: {status.users_created}/{status.posts_created} of {users}/{posts}"
                )
            if len(own) != status.tasks_completed:
                report.lost.append(f"{world}: {status.tasks_completed} tasks are counted of {len(own)}")
        self._audit_things(world, steps)
        self._audit_money(world)

    def _audit_things(self, world: str, steps: list[dict[str, Any]]) -> None:
        """Compare what the services have with what the ledger says was made."""
        kinds = (("character", "character_id", "characters"), ("picture", "post_id", "posts"))
        for kind, name, collection in kinds:
            known = {s["result"][name] for s in steps if s["kind"] == kind and s["state"] == "done"}
            there = {row["_id"] for row in self.faults.db[collection].find({"world_id": world}, {"_id": 1})}
            self.report.lost += [f"{world}: {collection} {one}" for one in sorted(known - there)]
            # What a step had made before it failed for good is nobody's double.
            if not any(s["kind"] == kind and s["state"] == "failed" for s in steps):
                found = [f"{world}: {collection} {one}" for one in sorted(there - known)]
                # Posts are looked for before they are made again; of characters there is no list.
                if self._wires is not None and kind == "character":
                    self.report.orphans += found
                else:
                    self.report.doubled += found
        replies = [s for s in steps if s["kind"] == "reply"]
        answered = sum(s["result"]["replies"] for s in replies if s["state"] == "done")
        self.report.replies += answered
        asked = self.faults.db["comments"].count_documents({"world_id": world, "user_id": _VISITOR})
        if len(replies) != asked:
            (self.report.lost if len(replies) < asked else self.report.doubled).append(
                f"{world}: {len(replies)} steps reply to {asked} comments"
            )
        for name in ("likes", "comments"):
            of_characters = {"world_id": world, "user_id": {"$ne": _VISITOR}}
            counted = self.faults.db[name].count_documents(of_characters)
            said = sum(s["result"][name] for s in steps if s["kind"] == "deliver" and s["state"] == "done")
            said += answered if name == "comments" else 0
            if counted < said:
                self.report.lost.append(f"{world}: {said - counted} {name}")
            if counted > said and not any(
                s["kind"] in ("deliver", "reply") and s["state"] == "failed" for s in steps
            ):
                self.report.doubled.append(f"{world}: {counted - said} {name}")
        media = [row["media_id"] for row in self.faults.db["posts"].find({"world_id": world})]
        confirmed = self.faults.db["media"].count_documents({"_id": {"$in": media}, "state": "confirmed"})
        if confirmed != len(media):
            self.report.lost.append(f"{world}: {len(media) - confirmed} posts without their picture")

    def _audit_money(self, world: str) -> None:
        """Compare the provider's bill with the records: equal, but for calls of which nobody knows."""
        report = self.report
        calls = {row["_id"]: row for row in calls_of(self.faults.db, world)}
        bill = self.faults.billed(world)
        for request, n in Counter(entry["request"] for entry in bill).items():
            if n > 1:
                report.doubled.append(f"{request} was billed {n} times")
        bought = Counter(row["call"] for row in calls.values() if row["state"] == "answered")
        report.answered_twice += sum(bought.values()) - len(bought)
        for entry in bill:
            row = calls.get(entry["request"])
            if row is None or row["state"] in ("intent", "refused"):
                report.unexplained.append(f"{entry['request']} was billed, and is not recorded")
            elif row["state"] == "ambiguous":
                report.ambiguous_usd += entry["charged_usd"]
            elif abs(row["cost_usd"] - entry["charged_usd"]) > EXACT:
                report.unexplained.append(
                    f"{entry['request']} cost {entry['charged_usd']}, not {row['cost_usd']}"
                )
        status = self.faults.client.status(world)
        report.ambiguous_calls += sum(row["state"] == "ambiguous" for row in calls.values())
        billed = sum(entry["charged_usd"] for entry in bill)
        report.billed_usd += billed
        if billed > self._budgets.get(world, billed) + EXACT:
            report.unexplained.append(
                f"{world} was billed ${billed}, with a budget of ${self._budgets[world]}"
            )
        replies = sum(entry["charged_usd"] for entry in bill if "/reply/" in entry["request"])
        if replies > _REPLIES_USD + EXACT:
            report.unexplained.append(f"{world}: replies for ${replies}, with a budget of ${_REPLIES_USD}")
        report.recorded_usd += status.cost_usd
        recorded = sum(row["cost_usd"] or 0 for row in calls.values())
        if abs(recorded - status.cost_usd) > EXACT:
            report.unexplained.append(f"{world}: the status says ${status.cost_usd}, its calls ${recorded}")


def _thaw(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def _mend(proxy: GrpcProxy) -> None:
    proxy.rule = lambda _: "pass"


def run(
    folder: Path,
    *,
    seed: int,
    worlds: int,
    seconds: float,
    scale: float,
    services: str = "reference",
    dear: float | None = None,
) -> Report:
    """Start a stack in this folder, let it all happen, and report."""
    timeouts: dict[str, Any] = {"redis_timeout_s": 2, "mongo_timeout_s": max(1.0, 10 * scale)}
    wires: Wires | None = None
    if services == "plain":
        faults, wires = start_wired(folder, scale, **timeouts)
        for proxy in wires.services.values():
            proxy.forgets_keys = True
    else:
        faults = start_stack(folder, scale, **timeouts)
    try:
        # The refusals send steps to wait outside of the queues.
        latency = {"mean_s": 0.4, "sigma_s": 0.2}
        faults.behave(
            latency={"llm": latency, "images": latency},
            rate_429=0.05,
            retry_after_s=5 * scale,
            image_price_factor=dear or 1,
        )
        chaos = Chaos(faults, seed, worlds, seconds, wires, budgets=dear is not None)
        report = chaos.run()
        # Only an owner that was frozen in a call can get its answer beside its successor's.
        if report.answered_twice and not chaos.frozen:
            report.doubled.append(f"{report.answered_twice} calls were answered twice, and nobody was frozen")
        return report
    finally:
        faults.close()
        if wires is not None:
            wires.close()


def main(arguments: list[str] | None = None) -> int:
    """Run and print; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--worlds", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--time-scale", type=float, default=0.1)
    parser.add_argument("--services", choices=["reference", "plain"], default="reference")
    parser.add_argument(
        "--dear", type=float, help="pictures cost so many times what is said; worlds have budgets"
    )
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="generia-chaos-", ignore_cleanup_errors=True) as folder:
        report = run(
            Path(folder),
            seed=asked.seed,
            worlds=asked.worlds,
            seconds=asked.minutes * 60,
            scale=asked.time_scale,
            services=asked.services,
            dear=asked.dear,
        )
    print(json.dumps(report.as_json()) if asked.json else report.as_text())
    return 0 if report.sound else 1


if __name__ == "__main__":
    sys.exit(main())
