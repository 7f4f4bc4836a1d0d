"""Services, the media store and MongoDB that do what they are asked and do not say so, or say so and do not: rows 16, 19
and 24. Every wire that leaves the workers has a proxy in it."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.faults.harness import PROMPT, Faults
from tests.faults.servers import stopped
from tests.faults.wires import Wires, start_wired

#: What a world of two characters and three posts takes: described, illustrated and cast; then two calls a character (detail
#: and plan) and one a post. None of them is to be made twice because something else failed.
USERS, POSTS = 2, 3
LLM_CALLS, IMAGE_CALLS = 3 + 2 * USERS + POSTS, 2 + USERS + POSTS


@pytest.fixture(scope="module")
def wired(
    tmp_path_factory: pytest.TempPathFactory, time_scale: float, no_other_stack: None
) -> Iterator[tuple[Faults, Wires]]:
    """A stack with proxies on its wires. Deadlines are so short that a held-back answer costs a test seconds."""
    folder = tmp_path_factory.mktemp("wired")
    faults, wires = start_wired(folder, time_scale, rpc_timeout_s=1.5, mongo_timeout_s=2)
    yield faults, wires
    faults.close()
    wires.close()


@pytest.fixture
def wires(wired: tuple[Faults, Wires]) -> Iterator[Wires]:
    """The proxies, letting everything pass before and after."""
    wired[1].mend()
    yield wired[1]
    wired[1].mend()


@pytest.fixture
def faults(wired: tuple[Faults, Wires], wires: Wires) -> Faults:
    """The stack behind the proxies."""
    wired[0].mend()
    return wired[0]


def first(what: str, times: int, *methods: str) -> Callable[[str], str]:
    """Return a rule: the first so many calls of each of these methods are treated so, all others pass."""
    seen: Counter[str] = Counter()

    def rule(method: str) -> str:
        if method not in methods:
            return "pass"
        seen[method] += 1
        return what if seen[method] <= times else "pass"

    return rule


def assert_whole_and_frugal(faults: Faults, world: str) -> None:
    """Assert that the world is whole, and that nothing was bought again."""
    status = faults.assert_whole(world, USERS, POSTS)
    assert (status.api_calls_made_LLM, status.api_calls_made_images) == (LLM_CALLS, IMAGE_CALLS)


CREATING = ("CreateCharacter", "CreateAIPost", "GetPresignedUploadURL", "ConfirmUpload")
TELLING = ("UpdateWorldParams", "UpdateWorldImage", "UpdateCharacter", "GetWorld")


# --- gRPC --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("what", "times"), [("late", 1), ("lose", 2), ("refuse", 2)])
def test_a_service_that_did_it_and_did_not_say_so(
    faults: Faults, wires: Wires, what: str, times: int
) -> None:
    for proxy in wires.services.values():
        proxy.rule = first(what, times, *CREATING, *TELLING)
    world = faults.order(PROMPT, USERS, POSTS)
    assert_whole_and_frugal(faults, world)
    for name, methods in (("character", CREATING[:1]), ("post", CREATING[1:2]), ("media", CREATING[2:])):
        treated = Counter(method for method, did in wires.services[name].calls if did == what)
        assert all(treated[method] == times for method in methods), treated


def test_posts_are_created_once_where_keys_are_ignored(faults: Faults, wires: Wires) -> None:
    posts = wires.services["post"]
    posts.forgets_keys, posts.rule = True, first("lose", 2, "CreateAIPost")
    world = faults.order(PROMPT, USERS, POSTS)
    assert_whole_and_frugal(faults, world)
    assert posts.did("lose") == 2


def test_services_that_name_the_wrong_reason_while_something_behind_them_is_away(
    faults: Faults, wires: Wires
) -> None:
    """As the original ones do, one code after the other: for longer than the attempts of a step would last."""
    codes = ("NOT_FOUND", "UNKNOWN", "INTERNAL")
    in_turn = itertools.cycle(codes)
    away_until = [float("inf")]

    def rule(method: str) -> str:
        if method not in (*CREATING, "UpdateCharacter", "UpdateWorldParams"):
            return "pass"
        return next(in_turn) if time.monotonic() < away_until[0] else "pass"

    wires.services["character"].rule = rule
    wires.services["post"].rule = rule
    world = faults.order(PROMPT, USERS, POSTS)
    proxy = wires.services["character"]
    enough = 3 * USERS * faults.settings.step_max_retries
    faults.until(lambda: sum(map(proxy.did, codes)) > enough, "nobody gives up")
    assert all(map(proxy.did, codes))
    away_until[0] = 0
    assert_whole_and_frugal(faults, world)


def test_services_that_are_down_and_then_slow(faults: Faults, wires: Wires) -> None:
    for proxy in wires.services.values():
        proxy.slow_s = 0.4
        proxy.rule = lambda _: "slow"
    world = faults.order(PROMPT, USERS, POSTS)
    faults.until(lambda: faults.billed(world, "character"), "the characters are being written")
    with stopped(faults.stack.processes["services"]):
        time.sleep(30 * faults.scale)
    assert_whole_and_frugal(faults, world)


# --- the media store ---------------------------------------------------------------------------------------------
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
#: What workers send, and not what the media service stores by itself.
UPLOAD = (b"PUT /", b"X-Amz-Signature=")
STORED = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("how", ["refuses", "loses its answer", "says it stored what it did not"])
def test_uploads_that_fail(faults: Faults, wires: Wires, how: str) -> None:
    if how == "loses its answer":
        wires.s3.lose(*UPLOAD, times=3)
    else:
        wires.s3.answer(UNAVAILABLE if how == "refuses" else STORED, *UPLOAD, times=3)
    world = faults.order(PROMPT, USERS, POSTS)
    assert_whole_and_frugal(faults, world)
    assert wires.s3.hits == 3


def test_the_store_is_down_after_the_upload(faults: Faults) -> None:
    faults.behave(latency={"images": {"fixed_s": 0.4}})
    world = faults.order(PROMPT, USERS, POSTS)
    faults.until(lambda: faults.db["media"].find_one({"world_id": world}), "a picture is announced")
    for _ in range(3):
        with stopped(faults.stack.processes["s3"]):
            time.sleep(10 * faults.scale)
        time.sleep(5 * faults.scale)
    assert_whole_and_frugal(faults, world)


# --- MongoDB -----------------------------------------------------------------------------------------------------
WRITES = {
    "a transaction": (b"commitTransaction",),
    "a commit": (b"generation_steps", b"finished_at"),
    "a checkpoint": (b"generation_steps", b"checkpoints."),
    "a claim": (b"generation_steps", b"findAndModify", b"fence"),
    "a bill": (b"api_requests_history", b"answered_at"),
    "a reservation": (b"reserved.usd",),
}


@pytest.mark.parametrize(
    ("writes", "budget"),
    [
        # With a budget each call is held by itself.
        (("a claim", "a reservation", "a bill"), 100.0),
        (("a checkpoint", "a commit", "a transaction"), 100.0),
        # Without one, calls are stored with claims, and bills with commits.
        (("a claim", "a checkpoint"), None),
        (("a commit", "a transaction"), None),
    ],
    ids=str,
)
def test_the_answers_to_writes_are_lost(
    faults: Faults, wires: Wires, writes: tuple[str, ...], budget: float | None
) -> None:
    # The driver repeats such a write once by itself: of four in a row, some reach the step.
    for write in writes:
        wires.mongo.lose(*WRITES[write], times=4)
    world = faults.order(PROMPT, USERS, POSTS, budget=budget)
    assert_whole_and_frugal(faults, world)
    assert wires.mongo.hits == 4 * len(writes)
