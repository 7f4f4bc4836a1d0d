"""Every step dies at every point: before and after each write and each remote call, in turn, and is then run again.

In this process, by the real tasks against the real servers: what they call goes through proxies that count, and at
the chosen point raise something that nothing catches (and from then on at every further call: the process is dead).
Which steps there are, and what has to be done before each of them, is read from the step table. In worlds that live on,
the steps of a later round die in the same way.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from itertools import takewhile
from typing import Any

import pytest
import requests
from bson import json_util
from celery.exceptions import Ignore

from generia_worker.app.celery_app import app
from generia_worker.app.container import Container, use_container
from generia_worker.app.days import Days
from generia_worker.app.ordering import Ordering
from generia_worker.app.replies import Replies
from generia_worker.cli import programs
from generia_worker.client.order import Extension, Order, Talk
from generia_worker.client.replies import ReplyTerms
from generia_worker.embedded.stack import Stack
from generia_worker.engine.specs import StepSpec
from generia_worker.engine.step import Scope, Step, StepState
from generia_worker.rpc import character_client, interaction_client, media_client, post_client
from generia_worker.settings import Settings
from generia_worker.worlds.results import PublishedPost
from generia_worker.worlds.steps import (
    AVATAR,
    CAST,
    CHARACTER,
    CHRONICLE,
    DELIVER,
    FAN_OUT,
    FINISH,
    ILLUSTRATE,
    PICTURE,
    PLAN,
    POST,
    REPLY,
    STEPS,
)
from tests.fork_server import fork_server
from tests.integration.audit import EXACT, calls_of, wrong_counters

PROMPT = "A village of three very talkative lighthouse keepers"
USERS, POSTS = 3, 5
#: Rows of services that are named by an id of their own.
SERVICE_ROWS = ("characters", "posts", "media", "comments")
#: When worlds began that live on.
LONG_AGO = datetime(2026, 1, 1, 18, tzinfo=UTC)
#: What is done for each character or post.
EACH = (Scope.CHARACTER, Scope.POST)
#: Pictures are not looked at here.
SIZES: dict[str, Any] = {
    "cover_width": 128,
    "cover_height": 128,
    "icon_size": 128,
    "avatar_size": 128,
    "post_image_size": 128,
}
#: What a step writes, and what it calls: name of the collaborator → its methods that count.
REPOSITORIES = {
    "ledger": ("claim", "checkpoint", "commit", "release"),
    "requests": (
        *("give_up_on_open", "begin", "record_answer", "record_along"),
        *("mark_refused", "mark_ambiguous", "withdraw"),
    ),
    "holds": ("hold", "capture", "release"),
    "reply_holds": ("hold", "capture", "release"),
    "generations": ("store_shares",),
    "rows": ("open_waiting",),
    "http": ("exchange",),
}
CLIENTS = {
    "parameters": ("store",),
    "worlds": ("get", "update_params", "update_image"),
    "characters": ("create", "update"),
    "posts": ("create_ai", "character_posts"),
    "media": ("presign_upload", "confirm"),
    "interactions": ("like", "likes", "comment", "comments", "latest"),
}


class Died(BaseException):
    """Stands for the end of the process: nothing in the product catches it."""


@dataclass
class Fuse:
    """Counts points, and blows at one of them."""

    at: int | None = None
    passed: list[str] = field(default_factory=list)
    blown: bool = False

    def tick(self, point: str) -> None:
        """Pass a point, unless this is where it ends, or it has ended."""
        if self.blown:
            raise Died
        if self.at == len(self.passed):
            self.blown = True
            raise Died
        self.passed.append(point)


class Proxy:
    """Something real whose named methods tick before and after."""

    def __init__(self, real: Any, name: str, methods: tuple[str, ...], tick: Callable[[str], None]) -> None:
        self._real, self._name, self._methods, self._tick = real, name, methods, tick

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if name not in self._methods:
            return found
        point = f"{self._name}.{name}"

        def counted(*arguments: Any, **named: Any) -> Any:
            self._tick(f"before {point}")
            result = found(*arguments, **named)
            self._tick(f"after {point}")
            return result

        return counted


class Process:
    """A worker process as far as a task sees one. It lives again, as another owner, with every new fuse."""

    def __init__(self, settings: Settings) -> None:
        self.fuse = Fuse()
        self.container = Container(settings)
        shared = self.container.__dict__
        for name, methods in REPOSITORIES.items():
            shared[name] = Proxy(getattr(self.container, name), name, methods, self.tick)
        services = self.container.services
        proxies: dict[str, Any] = {
            n: Proxy(getattr(services, n), n, methods, self.tick) for n, methods in CLIENTS.items()
        }
        shared["services"] = replace(services, **proxies)

    def tick(self, point: str) -> None:
        """Pass a point."""
        self.fuse.tick(point)

    def begin(self, fuse: Fuse) -> None:
        """Be another process."""
        self.fuse = fuse
        self.container.owner = f"process-{uuid.uuid4().hex[:8]}"

    def run(self, world_id: str, step: Step) -> None:
        """Run the task of a step as a worker does; what it publishes waits in Redis for nobody."""
        use_container(self.container)
        try:
            later = {"in_round": step.round} if step.round > 1 else {}
            app.tasks[STEPS[step.kind].task](world_id, *step.indexes, **later)
        except Ignore:
            row = self.container.database.steps.find_one({"_id": step.key(world_id)}) or {}
            seen = {
                name: row.get(name) for name in ("state", "owner", "lease_until", "not_before", "failure")
            }
            grace_s = self.container.ledger.takeover_grace_s
            raise AssertionError(
                f"{step} of {world_id} had nothing to do: {seen}, grace {grace_s} s"
            ) from None


@dataclass(frozen=True)
class Template:
    """A world at some point of its life, of which any number can be made: what is stored of it, as JSON, and its ids."""

    rows: str
    ids: tuple[str, ...]
    states: dict[Step, StepState]

    @classmethod
    def of(cls, laboratory: Laboratory, world_id: str) -> Template:
        """Take a world as it is now; its pictures stay common to it and all that are made of it."""
        database = laboratory.container.database.database
        about = {"$or": [{"_id": world_id}, {"world_id": world_id}]}
        rows = {name: list(database[name].find(about)) for name in database.list_collection_names()}
        made = [row["_id"] for name in SERVICE_ROWS for row in rows.get(name, ()) if row["_id"] != world_id]
        states = laboratory.container.rows.states(world_id)
        return cls(json_util.dumps(rows), (world_id, *made), dict(states))

    def world(self, laboratory: Laboratory) -> str:
        """Make one more world of it; returns the world's id."""
        text, fresh = self.rows, [str(uuid.uuid4()) for _ in self.ids]
        for old, new in zip(self.ids, fresh, strict=True):
            text = text.replace(old, new)
        for name, rows in json_util.loads(text).items():
            if rows:
                laboratory.container.database.database[name].insert_many(rows)
        return fresh[0]

    def first(self, laboratory: Laboratory, spec: StepSpec[Any]) -> tuple[str, Step]:
        """Make one more world of it; returns that and its first step of a kind."""
        return self.world(laboratory), self.steps(spec)[0]

    def steps(self, spec: StepSpec[Any]) -> list[Step]:
        """Return the steps of a kind that are still to be done."""
        return [one for one in sorted(self.states) if one.kind == spec.kind and not self.states[one].is_final]


class Laboratory:
    """Servers, services and the simulator; no workers."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        #: Of the worlds to come; without one their calls are planned, and kept in the rows of their steps.
        self.budget: float | None = 1000.0
        self.whole, self.doomed = Process(settings), Process(settings)
        self.container = self.whole.container
        self.container.database.ensure_indexes()
        self.simulator = settings.llm_base_url.removesuffix("/api/v1")
        ready_made = {"prerendered": True}
        requests.put(f"{self.simulator}/_sim/behaviour", json=ready_made, timeout=10).raise_for_status()
        address = settings.redis_url.get_secret_value()
        app.conf.update(broker_url=address, result_backend=address)
        app.loader.import_default_modules()

    def new_world(self, users: int, posts: int, reactions: Talk = "none") -> str:
        """Return a world that is ordered and whose opening steps are in the ledger."""
        world_id = self.whole.container.services.worlds.create("tester", "", "", PROMPT, users, posts).id
        order = Order(
            world_id=world_id,
            user_prompt=PROMPT,
            users_count=users,
            posts_count=posts,
            reactions=reactions,
            budget=self.budget,
        )
        batches = -(-users // self.settings.cast_batch_size)
        limits = {"llm": 10_000, "images": 10_000}
        planned = {"llm": 5_000, "images": 5_000} if self.budget is None else None
        self.container.generations.accept(order, limits=limits, batches=batches, planned=planned)
        self.container.rows.add(world_id, STEPS.opening(batches), batches)
        return world_id

    def made(self, world_id: str, *steps: Step) -> str:
        """Run steps that are not done yet, without any fault; returns the world."""
        for step in steps:
            if self.result(world_id, step) is None:
                self.whole.run(world_id, step)
        return world_id

    def complete(self, world_id: str, before: StepSpec[Any] | None = None) -> str:
        """Run what is left of a world, kind by kind, without any fault: all of it, or what stands `before` a kind in the
        table. Returns the world."""
        for spec in takewhile(lambda one: one is not before, STEPS):
            states = self.container.rows.states(world_id)  # (the last cast step adds some)
            left = [one for one, state in states.items() if one.kind == spec.kind and not state.is_final]
            self.made(world_id, *sorted(left))
        self.container.status_refresh.refresh(world_id)
        return world_id

    def live_on(self, world_id: str, users: int, posts: int) -> int:
        """Let a completed world have one more day, as the scheduler does, with new characters; returns its round."""
        found = self.container.generations.get(world_id)
        if len(found.rounds) == 1:
            created = {"$set": {"created_at": LONG_AGO}}
            self.container.database.generations.update_one({"_id": world_id}, created)
        at = LONG_AGO + len(found.rounds) * timedelta(days=1)
        asked = Extension(users_count=users, posts_count=posts, budget=self.budget)
        Ordering(self.container).extend(world_id, asked, day=at.date().isoformat(), at=at)
        return len(found.rounds) + 1

    def result(self, world_id: str, step: Step) -> dict[str, Any] | None:
        """Return what a step has made, as it is stored; None when it is not done."""
        row = self.container.database.steps.find_one({"_id": step.key(world_id), "state": StepState.DONE})
        return row["result"] if row else None

    def crash(self, world_id: str, step: Step, at: int) -> str | None:
        """Run a step in a process that dies at a point, and again in another one.

        Returns the last point that the first process passed; None when it got to the end alive.
        """
        fuse = Fuse(at)
        self.doomed.begin(fuse)
        with suppress(Died):
            self.doomed.run(world_id, step)
        if not fuse.blown:
            return None
        steps = self.container.database.steps
        # Who "died" is a part of this process, and its thread that renews leases lives: the step is not its own any more.
        steps.update_one(
            {"_id": step.key(world_id), "state": "running"},
            {"$set": {"lease_until": datetime(2000, 1, 1, tzinfo=UTC), "owner": "died"}},
        )
        self.made(world_id, step)
        return fuse.passed[-1] if fuse.passed else "the beginning"

    def ledger_entries(self) -> list[dict[str, Any]]:
        """Return all calls that the simulator has billed."""
        entries = requests.get(f"{self.simulator}/_sim/ledger", timeout=60).json()["entries"]
        return [entry for entry in entries if entry["billed"]]


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory, no_other_stack: None) -> Iterator[Laboratory]:
    asked = Settings(_env_file=None, daily_replies_person=100, **SIZES)
    parts = [part for part in programs.programs(asked) if part.name in ("simulator", "services")]
    folder = tmp_path_factory.mktemp("crash")
    with Stack(programs.with_addresses(asked), folder, parts, fork_server=fork_server()) as stack:
        before = {name: app.conf[name] for name in ("broker_url", "result_backend")}
        laboratory = Laboratory(stack.settings)
        yield laboratory
        app.close()
        app.conf.update(before)
        laboratory.container.close()
        laboratory.doomed.container.close()


@pytest.fixture(scope="module")
def templates(laboratory: Laboratory) -> Callable[[], dict[str, Template]]:
    """Of a world with the budget of the moment: what it was before each of its kinds of steps."""

    @cache
    def with_budget(_: float | None) -> dict[str, Template]:
        world = laboratory.new_world(USERS, POSTS, "many")
        found = {
            spec.kind: Template.of(laboratory, laboratory.complete(world, before=spec))
            for spec in STEPS
            if not spec.is_aside
        }
        # What a template comes from can be made, too.
        check_whole(laboratory, laboratory.complete(world))
        return found

    return lambda: with_budget(laboratory.budget)


@pytest.fixture
def commented(laboratory: Laboratory) -> Callable[[int], tuple[str, Step]]:
    """A completed world in which a guest comments, as often as is asked for; each time there is a step that replies."""
    world = laboratory.complete(laboratory.new_world(1, 1))
    container = laboratory.container
    replies, service = Replies(container), container.interactions
    assert service is not None
    replies.switch_on(world, ReplyTerms(budget=100.0), container.database.now())
    (post,) = container.results.all_of(world, PICTURE.kind, PublishedPost).values()

    def comment(number: int) -> tuple[str, Step]:
        said = f"What number is {number}?"
        key = uuid.uuid4().hex
        service.comment("guest", post.post_id, world, said, idempotency_key=key, name="guest")
        (step,) = replies.heard(world, post.post_id, container.database.now())
        assert step == REPLY.step(number)
        return world, step

    return comment


def cast_of(laboratory: Laboratory, users: int, posts_count: int) -> str:
    world = laboratory.new_world(users, posts_count)
    last = [step for step in STEPS.opening(-(-users // 10)) if step.batch is not None][-1]
    return laboratory.made(world, *before(last), last)


def before(step: Step) -> list[Step]:
    """Return what has to be done before a step, as the table has it: all that it needs, and earlier batches."""
    found: list[Step] = [Step(step.kind, batch=batch) for batch in range(step.batch or 0)]
    spec = STEPS[step.kind].requires
    while spec is not None:
        found.append(spec.step(0) if spec.scope is Scope.BATCH else spec.within(step))
        spec = spec.requires
    return found[::-1]


def prepared(
    laboratory: Laboratory, request: pytest.FixtureRequest, spec: StepSpec[Any], n: int
) -> tuple[str, Step]:
    """Return the n-th step of a kind, at the point where it may begin: (world, step). Each is in a world of its own, but for
    replies."""
    if spec is REPLY:
        found: tuple[str, Step] = request.getfixturevalue("commented")(n)
        return found
    template: Template = request.getfixturevalue("templates")()[spec.kind]
    return template.first(laboratory, spec)


#: How often a step writes in a world without a budget: its claim, what it stores before it goes on, its end.
WRITES = {POST: 2, PLAN: 2, CHARACTER: 3, AVATAR: 3, PICTURE: 3}


@pytest.mark.parametrize("spec", WRITES, ids=lambda spec: spec.kind)
def test_the_bill_of_an_ordinary_step_is_no_write_of_its_own(
    laboratory: Laboratory, spec: StepSpec[Any]
) -> None:
    laboratory.budget = None
    world, step = cast_of(laboratory, 1, 1), spec.step(*[1] * (2 if spec.scope is Scope.POST else 1))
    laboratory.made(world, *(one for one in before(step) if one.character is not None))
    database = laboratory.container.database.database
    database.command("profile", 2)
    laboratory.made(world, step)
    database.command("profile", 0)
    ours = {
        "appName": f"generia {laboratory.container.owner}",
        "command.find": None,
        "command.aggregate": None,
    }
    seen = [
        row
        for row in database["system.profile"].find(ours)
        if row["op"] != "getmore"
        and row["command"].get("q", row["command"].get("query", {})).get("_id") == step.key(world)
    ]
    assert len(seen) == WRITES[spec], seen
    (call,) = [call for call in calls_of(database, world) if call["step"] == step.name]
    assert (call["state"], call["planned"]) == ("answered", True)
    assert database["api_requests_history"].count_documents({"world_id": world, "step": step.name}) == 0


def test_of_every_kind_the_first_planned_call_is_the_one_that_its_claim_announced(
    laboratory: Laboratory,
) -> None:
    laboratory.budget = None
    world = cast_of(laboratory, 1, 1)
    laboratory.made(world, *STEPS.opening(1)[:-1], *STEPS.of_character(1, 1))
    found = {
        row["kind"]: row["call"] for row in laboratory.container.database.steps.find({"world_id": world})
    }
    # Of reactions and of days the world has none.
    paid = {kind for kind in found if STEPS[kind].text_calls or STEPS[kind].image_calls}
    assert len(paid) >= 8
    assert {kind for kind, call in found.items() if call and call["state"] == "answered"} == paid
    assert {kind for kind, call in found.items() if call is not None} == paid


#: Steps that create something in a service (`illustrate` makes its pictures as `avatar` does).
CREATING = (CHARACTER, AVATAR, PICTURE, DELIVER, REPLY)


@pytest.fixture(params=[1000.0, None], ids=["budget", "planned"])
def budget(laboratory: Laboratory, request: pytest.FixtureRequest) -> float | None:
    """The budget of the worlds of a test: with one, dollars are set aside and given back too."""
    given: float | None = request.param
    laboratory.budget = given
    return given


@pytest.mark.usefixtures("budget")
@pytest.mark.parametrize("spec", [one for one in STEPS if not one.days_only], ids=lambda spec: spec.kind)
def test_a_crash_at_any_point_changes_nothing_but_the_bill_of_one_call(
    laboratory: Laboratory, request: pytest.FixtureRequest, spec: StepSpec[Any]
) -> None:
    crash_everywhere(laboratory, partial(prepared, laboratory, request, spec), spec)


@pytest.mark.usefixtures("budget")
@pytest.mark.parametrize("spec", CREATING, ids=lambda spec: spec.kind)
def test_also_where_services_ignore_the_idempotency_key(
    laboratory: Laboratory,
    request: pytest.FixtureRequest,
    spec: StepSpec[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (character_client, post_client, media_client, interaction_client):
        monkeypatch.setattr(module, "idempotency_metadata", lambda _key: ())
    orphans = 1 if spec is CHARACTER else 0
    crash_everywhere(laboratory, partial(prepared, laboratory, request, spec), spec, orphans=orphans)


@pytest.mark.usefixtures("budget")
@pytest.mark.parametrize("spec", [CAST, CHRONICLE, FAN_OUT, FINISH], ids=lambda spec: spec.kind)
def test_what_a_day_has_once_dies_at_another_point_each_day(
    laboratory: Laboratory, spec: StepSpec[Any]
) -> None:
    world = laboratory.new_world(1, 1)

    def next_day(number: int) -> tuple[str, Step]:
        check_whole(laboratory, laboratory.complete(world))
        in_round = laboratory.live_on(world, int(spec is CAST), 1)
        assert in_round == number + 1
        laboratory.complete(world, before=spec)
        return world, spec.step(*[0] * (spec.scope is Scope.BATCH), in_round=in_round)

    crash_everywhere(laboratory, next_day, spec)
    check_whole(laboratory, laboratory.complete(world))


#: What everybody does on a day with a budget; without one, where paid calls of both kinds are in their steps' rows.
OF_A_DAY = [(one, 1000.0) for one in STEPS if one.scope in EACH] + [(POST, None), (PICTURE, None)]


@pytest.mark.parametrize(
    ("spec", "budget"), OF_A_DAY, ids=lambda one: getattr(one, "kind", "budget" if one else "planned")
)
def test_a_crash_at_any_point_of_a_step_of_a_day(
    laboratory: Laboratory,
    days: Callable[[], dict[str, Template]],
    spec: StepSpec[Any],
    budget: float | None,
) -> None:
    laboratory.budget = budget
    template = days()[spec.kind]
    assert {one.round for one in template.steps(spec)} == {1 if spec.once else 2}
    world = crash_everywhere(laboratory, lambda _: template.first(laboratory, spec), spec)
    check_whole(laboratory, laboratory.complete(world))


@pytest.fixture(scope="module")
def days(laboratory: Laboratory) -> Callable[[], dict[str, Template]]:
    """Of a world with one new character on its second day, with the budget of the moment: what it was before each kind of
    what everybody does."""

    @cache
    def with_budget(_: float | None) -> dict[str, Template]:
        # Everybody is spoken to.
        world = laboratory.complete(laboratory.new_world(USERS, USERS, "many"))
        laboratory.live_on(world, 1, USERS + 1)
        return {
            spec.kind: Template.of(laboratory, laboratory.complete(world, before=spec))
            for spec in STEPS
            if spec.scope in EACH
        }

    return lambda: with_budget(laboratory.budget)


def crash_everywhere(
    laboratory: Laboratory,
    prepare: Callable[[int], tuple[str, Step]],
    spec: StepSpec[Any],
    *,
    orphans: int = 0,
) -> str:
    """Let steps of a kind die at one point after the other, and compare what is left with a run that lived.

    `prepare` returns the n-th of them, which may begin. Returns the world of the one that died last.
    """
    tried: list[tuple[str, Step, str]] = []
    whole: tuple[str, Step] | None = None
    while whole is None:
        first = prepare(len(tried) + 1)
        point = laboratory.crash(*first, at=len(tried))
        if point is None:
            whole = first
        else:
            tried.append((*first, point))
    assert len(tried) >= 4, "no point was found to die at"
    assert any(point.startswith("after") for *_, point in tried)
    bill: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for entry in laboratory.ledger_entries():
        world, _, rest = str(entry["request"]).partition("/")
        bill.setdefault((world, rest.partition("#")[0]), []).append(entry)
    normal = len(bill.get((whole[0], whole[1].name), []))
    left = Counter[str]()
    for world, step, point in tried:
        try:
            entries = bill.get((world, step.name), [])
            check_money(laboratory, world, step, entries, normal)
            check_step(laboratory, world, step, whole)
            left[point] += check_services(laboratory, world, step)
        except AssertionError as error:
            error.add_note(f"{step} of {world} died after this point: {point}")
            raise
    assert all(count <= orphans for count in left.values()), left
    for world in {world for world, *_ in tried}:
        check_world(laboratory, world)
    return tried[-1][0]


def check_money(
    laboratory: Laboratory, world: str, step: Step, entries: list[dict[str, Any]], normal: int
) -> None:
    """The bill is that of a run without a crash, but for one text call that died between call and record."""
    rows = [
        row for row in calls_of(laboratory.container.database.database, world) if row["step"] == step.name
    ]
    by_state = Counter(row["state"] for row in rows)
    assert set(by_state) <= {"answered", "ambiguous"}, by_state
    assert by_state["answered"] == normal
    assert by_state["ambiguous"] <= 1
    assert all(row["provider"] == "llm" for row in rows if row["state"] == "ambiguous")
    assert normal <= len(entries) <= normal + by_state["ambiguous"]
    known = {row["_id"]: row for row in rows}
    for entry in entries:
        row = known[entry["request"]]
        assert row["state"] == "ambiguous" or abs(row["cost_usd"] - entry["charged_usd"]) < EXACT


def check_step(laboratory: Laboratory, world: str, step: Step, whole: tuple[str, Step]) -> None:
    """The ledger says of the step what it says of one that lived."""
    rows = laboratory.container.database.steps
    row, other = rows.find_one({"_id": step.key(world)}), rows.find_one({"_id": whole[1].key(whole[0])})
    assert row is not None
    assert other is not None
    assert row["state"] == other["state"] == "done"
    assert (row["owner"], row["lease_until"]) == (None, None)
    assert row["attempts"] == 0
    assert set(row["checkpoints"]) == set(other["checkpoints"])
    assert set(row["result"]) == set(other["result"])
    # (those of characters hold ids)
    if step == whole[1] and step.character is None and step.kind != ILLUSTRATE.kind:
        assert row["result"] == other["result"]


def check_services(laboratory: Laboratory, world: str, step: Step) -> int:
    """The services hold what the ledger says; returns how many characters nothing refers to."""
    database = laboratory.container.database.client[laboratory.settings.mongo_database]
    result = laboratory.result(world, step) or {}
    if step.kind == CHARACTER.kind:
        name = result["detail"]["display_name"]
        same = [row["_id"] for row in database["characters"].find({"world_id": world, "display_name": name})]
        assert result["character_id"] in same
        return len(same) - 1
    if step.kind == PICTURE.kind:
        draft = laboratory.result(world, POST.within(step)) or {}
        same = [
            row["_id"] for row in database["posts"].find({"world_id": world, "caption": draft["content"]})
        ]
        assert same == [result["post_id"]]
    if step.kind == AVATAR.kind:
        character = laboratory.result(world, CHARACTER.within(step)) or {}
        row = database["characters"].find_one({"_id": character["character_id"]}) or {}
        assert row["avatar_media_id"] == result["media_id"]
    if step.kind == ILLUSTRATE.kind:
        row = database["worlds"].find_one({"_id": world}) or {}
        assert row["image_media_id"] == result["header_media_id"]
        assert row["icon_media_id"] == result["icon_media_id"]
    if step.kind == DELIVER.kind:
        made = laboratory.container.results.all_of(
            world, PICTURE.kind, PublishedPost, character=step.character, in_round=step.round
        )
        posts = [one.post_id for one in made.values()]
        likes, comments = (
            list(database[name].find({"post_id": {"$in": posts}})) for name in ("likes", "comments")
        )
        assert (len(likes), len(comments)) == (result["likes"], result["comments"])
        assert len({(row["user_id"], row["text"]) for row in comments}) == len(comments)
    if step.kind == REPLY.kind:
        row = laboratory.container.database.steps.find_one({"_id": step.key(world)}) or {}
        said = database["comments"].find({"world_id": world, "text": row["checkpoints"]["reply"]})
        assert [row["user_id"] for row in said] == [
            one["_id"] for one in database["characters"].find({"world_id": world})
        ]
    for name in ("media_id", "header_media_id", "icon_media_id"):
        if name in result:
            assert (database["media"].find_one({"_id": result[name]}) or {})["state"] == "confirmed"
    return 0


def check_whole(laboratory: Laboratory, world: str) -> None:
    """Everything that was ordered of a completed world, in all of its rounds, is there: once."""
    status = laboratory.container.status.get(world)
    database = laboratory.container.database.client[laboratory.settings.mongo_database]
    order = laboratory.container.generations.get(world)
    assert (status["status"], status["error"]) == ("completed", None)
    assert (status["users_created"], status["posts_created"]) == (order.users_count, order.posts_count)
    assert (status["tasks_completed"], status["task_predicted"]) == (status["tasks_total"], 0)
    for name, number in (("characters", order.users_count), ("posts", order.posts_count)):
        assert database[name].count_documents({"world_id": world}) == number
    days = [one.day for one in Days(laboratory.container).chronicle(world)]
    assert days == sorted({LONG_AGO.date() + timedelta(days=n) for n in range(1, len(order.rounds))})
    check_world(laboratory, world)


def check_world(laboratory: Laboratory, world: str) -> None:
    """The status document equals the ledger, and what is set aside equals the calls."""
    container = laboratory.container
    container.status_refresh.refresh(world)
    status = container.status.get(world)
    steps = list(container.database.steps.find({"world_id": world}))
    calls = calls_of(container.database.database, world)
    assert wrong_counters(status, steps, calls) == []
    assert status["tasks_total"] == sum(not STEPS[row["kind"]].is_aside for row in steps)
    for holds, rows, account in (
        (container.holds, container.database.generations, None),
        (container.reply_holds, container.database.replies, "replies"),
    ):
        order = rows.find_one({"_id": world})
        if order is None:
            continue
        holds.reconcile(world, 0)
        holds.reconcile(world, 0)
        order = rows.find_one({"_id": world}) or {}
        own = [row for row in calls if row.get("account") == account]
        reserved, planned = order["reserved"], order.get("planned") or {"llm": 0, "images": 0}
        for provider in ("llm", "images"):
            held = sum(row["provider"] == provider and not row["planned"] for row in own)
            assert reserved[provider] == planned[provider] + held
        usd = sum(row["worst_usd"] if row["cost_usd"] is None else row["cost_usd"] for row in own)
        usd = 0.0 if order["budget_usd"] is None else usd
        assert abs(reserved["usd"] - usd) < EXACT
