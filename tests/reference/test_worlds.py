"""The world service over a real database."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
import requests
from pymongo import MongoClient

from generia_worker.client.status import STAGE_NAMES
from generia_worker.errors import InvalidInputError, NotFoundError, PermanentError
from generia_worker.reference import registry
from generia_worker.reference.world.orders import checked_order
from generia_worker.rpc import wire
from generia_worker.rpc.character_client import CharacterRecord
from generia_worker.rpc.media_types import MediaType
from generia_worker.rpc.world_client import StageRecord, WorldRecord
from generia_worker.settings import Settings
from tests.reference.conftest import PROMPT, Clients, Upload, new_key
from tests.reference.test_media import BAD_IDS, UNKNOWN

HARD_TEXT = "Мир «Ё» 🪐👩‍🚀 $\\frac{a}{b}$ {{name}} {% x %} a.b $set ${HOME} \\n \"'<b>&amp;\n\tñ"
#: The same as the name of a world, which has one line.
HARD_NAME = " ".join(HARD_TEXT.split())


def test_a_new_world(clients: Clients) -> None:
    made = clients.worlds.create("user-7", "Name", "About it", PROMPT, 40, 250)
    assert (made.name, made.description, made.prompt, made.creator_id) == (
        "Name",
        "About it",
        PROMPT,
        "user-7",
    )
    assert (made.status, made.generation_status, made.users_count, made.posts_count) == (
        "active",
        "pending",
        0,
        0,
    )
    assert (made.is_joined, made.image_url, made.icon_url, made.params_json) == (True, "", "", None)
    created = datetime.fromisoformat(made.created_at)
    assert abs((datetime.now(UTC) - created).total_seconds()) < 60
    assert clients.worlds.get(made.id, "user-7") == made
    assert not clients.worlds.get(made.id, "user-8").is_joined
    assert not clients.worlds.get(made.id).is_joined


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        *[("user_id", {"user_id": bad}) for bad in BAD_IDS],
        ("prompt", {"prompt": ""}),
        ("prompt", {"prompt": "too short"}),
        ("prompt", {"prompt": "x" * 10_001}),
        ("prompt", {"prompt": " \u200b" * 20}),
        ("prompt", {"prompt": PROMPT + "\x00"}),
        ("characters_count", {"characters_count": 0}),
        ("characters_count", {"characters_count": 41}),
        ("posts_count", {"posts_count": 0}),
        ("posts_count", {"posts_count": 251}),
        ("posts_count", {"posts_count": -1}),
        ("name", {"name": "x" * 201}),
        ("name", {"name": "a\x00"}),
        ("description", {"description": "x" * 20_001}),
        ("generia-budget", {"budget_usd": 0.0}),
        ("generia-budget", {"budget_usd": float("nan")}),
        ("generia-budget", {"budget_usd": float("inf")}),
    ],
)
def test_orders_that_are_refused(clients: Clients, field: str, changes: dict[str, object]) -> None:
    arguments: dict[str, Any] = {
        "user_id": "user-1",
        "name": "",
        "description": "",
        "prompt": PROMPT,
        "characters_count": 1,
        "posts_count": 1,
        **changes,
    }
    with pytest.raises(InvalidInputError, match=field):
        clients.worlds.create(**arguments)


def test_the_same_key_creates_one_world(clients: Clients) -> None:
    stub = wire.WorldServiceStub(clients.channels["world"])
    key = ((wire.IDEMPOTENCY_KEY, new_key()),)
    request = wire.world.CreateWorldRequest(
        user_id="user-1", prompt=PROMPT, characters_count=1, posts_count=1
    )
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: stub.CreateWorld(request, metadata=key).id, range(16)))
    assert len(set(made)) == 1
    assert clients.worlds.list("user-1", 2)[0][1].id != made[0]
    request.posts_count = 2
    with pytest.raises(Exception, match="ALREADY_EXISTS"):
        stub.CreateWorld(request, metadata=key)


def test_any_text_is_kept_as_it_is(clients: Clients) -> None:
    made = clients.worlds.create("user-1", HARD_NAME, HARD_TEXT, HARD_TEXT, 1, 1)
    params = {"a.b": 1, "$set": {"$where": HARD_TEXT}, "": [None, 1.5, True], HARD_TEXT: "\U0001fa90"}
    clients.worlds.update_params(made.id, params, HARD_NAME, 4, 9)
    world = clients.worlds.get(made.id)
    assert (world.name, world.description, world.prompt) == (HARD_NAME, HARD_TEXT, HARD_TEXT)
    assert world.params == json.loads(json.dumps(params))
    assert (world.users_count, world.posts_count) == (4, 9)
    assert world.updated_at > made.updated_at


def test_an_empty_name_leaves_the_name(clients: Clients, world: WorldRecord) -> None:
    clients.worlds.update_params(world.id, {"a": 1}, "", 0, 0)
    assert clients.worlds.get(world.id).name == "Tiefwerk"


@pytest.mark.parametrize(
    ("field", "request_fields"),
    [
        ("params", {"params": "{"}),
        ("params", {"params": "[]"}),
        ("params", {"params": '{"a": NaN}'}),
        ("params", {"params": "[" * 100_000}),
        ("params", {"params": json.dumps({"a": "x" * 600_000})}),
        ("name", {"name": "x" * 201}),
        ("users_count", {"users_count": -1}),
        ("posts_count", {"posts_count": -1}),
    ],
)
def test_parameters_that_are_refused(
    clients: Clients, world: WorldRecord, field: str, request_fields: dict[str, Any]
) -> None:
    stub = wire.WorldServiceStub(clients.channels["world"])
    with pytest.raises(Exception, match=rf"(?s)INVALID_ARGUMENT.*{field}"):
        stub.UpdateWorldParams(wire.world.UpdateWorldParamsRequest(world_id=world.id, **request_fields))


def test_joining(clients: Clients, world: WorldRecord) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: clients.worlds.join("user-9", world.id), range(16)))
    assert clients.worlds.get(world.id, "user-9").is_joined
    with pytest.raises(InvalidInputError, match="user_id"):
        clients.worlds.join("../x", world.id)


@pytest.mark.parametrize("bad", BAD_IDS)
def test_bad_world_ids(clients: Clients, bad: str) -> None:
    for call in _calls_with_a_world_id(clients):
        with pytest.raises(InvalidInputError, match="world_id"):
            call(bad)


def test_unknown_world_ids(clients: Clients) -> None:
    for call in _calls_with_a_world_id(clients):
        with pytest.raises(NotFoundError, match="world_id"):
            call(UNKNOWN)


def _calls_with_a_world_id(clients: Clients) -> list[Callable[[str], object]]:
    worlds = clients.worlds
    return [
        worlds.get,
        worlds.generation_status,
        lambda w: worlds.join("user-1", w),
        lambda w: worlds.update_image(w, UNKNOWN, UNKNOWN),
        lambda w: worlds.update_params(w, {}, "", 0, 0),
        lambda w: clients.characters.create(w, "Ada", {}, idempotency_key=new_key()),
        lambda w: clients.characters.of_user("user-1", w),
        clients.posts.feed,
    ]


def test_cover_and_icon_appear_in_get_and_list(clients: Clients, upload: Upload, world: WorldRecord) -> None:
    cover, icon = upload(world.id, MediaType.WORLD_HEADER), upload(world.id, MediaType.WORLD_ICON)
    clients.worlds.update_image(world.id, cover, "")
    assert clients.worlds.get(world.id).icon_url == ""
    clients.worlds.update_image(world.id, "", icon)
    one = clients.worlds.get(world.id)
    listed = next(w for w in clients.worlds.list("user-1", 100)[0] if w.id == world.id)
    assert cover in one.image_url and icon in one.icon_url
    assert requests.get(one.image_url, timeout=10).status_code == 200
    assert requests.get(one.icon_url, timeout=10).status_code == 200
    assert requests.get(listed.image_url, timeout=10).status_code == 200
    assert listed.is_joined and not one.is_joined
    # A page that asks again shows the picture that it has.
    assert clients.worlds.get(world.id).image_url == one.image_url


def test_pictures_that_do_not_fit_a_world(
    clients: Clients, upload: Upload, world: WorldRecord, character: CharacterRecord
) -> None:
    other = clients.worlds.create("user-1", "", "", PROMPT, 1, 1)
    icon = upload(world.id, MediaType.WORLD_ICON)
    foreign = upload(other.id, MediaType.WORLD_HEADER)
    avatar = upload(world.id, MediaType.CHARACTER_AVATAR, character.id)
    waiting = upload(world.id, MediaType.WORLD_HEADER, confirm=False)
    for image, kind, reason in (
        (icon, InvalidInputError, "image_uuid.*MEDIA_TYPE_WORLD_HEADER"),
        (foreign, InvalidInputError, "image_uuid.*another world"),
        (avatar, InvalidInputError, "image_uuid.*MEDIA_TYPE_WORLD_HEADER"),
        (waiting, PermanentError, "not confirmed"),
        (UNKNOWN, NotFoundError, "image_uuid"),
        ("../x", InvalidInputError, "image_uuid"),
    ):
        with pytest.raises(kind, match=reason):
            clients.worlds.update_image(world.id, image, icon)
    with pytest.raises(InvalidInputError, match="image_uuid"):
        clients.worlds.update_image(world.id, "", "")
    assert clients.worlds.get(world.id).icon_url == ""


def test_a_person_s_own_worlds_are_those_made_and_joined(clients: Clients) -> None:
    user, others = uuid4().hex, uuid4().hex
    made = [clients.worlds.create(user, str(n), "", PROMPT, 1, 1).id for n in range(2)]
    foreign = [clients.worlds.create(others, str(n), "", PROMPT, 1, 1).id for n in range(3)]
    clients.worlds.join(user, foreign[1])
    own, total = clients.worlds.list(user, mine=True)
    assert ([one.id for one in own], total) == ([foreign[1], made[1], made[0]], 3)
    page, total = clients.worlds.list(user, 1, 1, mine=True)
    assert ([one.id for one in page], total) == ([made[1]], 3)
    assert clients.worlds.list(uuid4().hex, mine=True) == ([], 0)
    with pytest.raises(InvalidInputError, match="user_id"):
        clients.worlds.list("", mine=True)


def test_worlds_are_found_by_the_beginnings_of_words(clients: Clients, settings: Settings) -> None:
    tag = f"q{uuid4().hex[:10]}"

    def found(search: str) -> list[str]:
        worlds, total = clients.worlds.list("user-1", search=search)
        assert total == len(worlds)
        return [one.name for one in worlds]

    clients.worlds.create("user-1", f"Zorn {tag}", "Of formulas", "Город математиков, все пишут", 1, 1)
    other = clients.worlds.create("user-1", f"Other {tag}", "", PROMPT, 1, 1)
    assert found(f"{tag} математик") == [f"Zorn {tag}"]
    assert found(f"ГОРОД  {tag[:8]}") == [f"Zorn {tag}"]
    assert found(f"formul {tag}") == [f"Zorn {tag}"]
    assert found(tag.upper()) == [f"Other {tag}", f"Zorn {tag}"]
    for nothing in (f"{tag} .*", f"{tag}x", "...", "^", f"{tag} атематик", "$where"):
        assert found(nothing) == ([] if nothing != f"{tag} .*" else [f"Other {tag}", f"Zorn {tag}"])
    # What the model called it, and not any more what it was called before.
    params = {"description_short": f"Ein Leuchtturm {tag}", "theme": "hidden"}
    clients.worlds.update_params(other.id, params, f"Turm {tag}", 1, 1)
    assert found(f"leuchtt {tag}") == found(f"turm {tag}") == [f"Turm {tag}"]
    assert not found(f"other {tag}")
    assert not found(f"hidden {tag}")
    # Worlds of a version before are found as well, once the service was started.
    with MongoClient[Any](settings.mongo_uri.get_secret_value()) as mongo:
        worlds = mongo[settings.mongo_database]["worlds"]
        worlds.update_many(
            {"_id": other.id}, {"$unset": {"words": "", "members_count": "", "popularity": ""}}
        )
        assert not found(f"turm {tag}")
        with registry.start(["world"], settings, enqueue=False):
            assert found(f"turm {tag}") == [f"Turm {tag}"]
        assert worlds.count_documents({"_id": other.id, "members_count": 1, "popularity": 1}) == 1
        plan = worlds.find({"$and": [{"status": "active"}, {"words": {"$regex": f"^{tag}"}}]}).explain()
    assert "COLLSCAN" not in str(plan["queryPlanner"]["winningPlan"])


def test_popular_worlds_have_the_most_members(clients: Clients) -> None:
    tag = f"q{uuid4().hex[:10]}"
    made = [clients.worlds.create("user-1", f"{tag} {n}", "", PROMPT, 1, 1).id for n in range(3)]
    for world, members in ((made[0], 2), (made[1], 3)):
        for _ in range(members):
            member = uuid4().hex
            clients.worlds.join(member, world)
            clients.worlds.join(member, world)
    found, _ = clients.worlds.list("user-1", search=tag, popular=True)
    assert [one.id for one in found] == [made[1], made[0], made[2]]


def test_worlds_that_are_being_made(clients: Clients, settings: Settings) -> None:
    made = [clients.worlds.create("user-1", str(n), "", PROMPT, 1, 1).id for n in range(4)]
    with MongoClient[Any](settings.mongo_uri.get_secret_value()) as mongo:
        database = mongo[settings.mongo_database]
        statuses = database["world_generation_status"]
        # The last one was placed, and nothing has started yet.
        database["worlds"].update_many({"_id": {"$in": made}}, {"$set": {"order.state": "placed"}})
        statuses.insert_many(
            {"_id": one, "status": status}
            for one, status in zip(made[:3], ("in_progress", "completed", "pending"), strict=True)
        )
        found, _ = clients.worlds.list("user-1", being_made=True)
    assert [one.id for one in found if one.id in made] == [made[3], made[2], made[0]]


def test_listing_pages_newest_first(clients: Clients) -> None:
    made = [clients.worlds.create("user-1", str(n), "", PROMPT, 1, 1).id for n in range(5)]
    records, total = clients.worlds.list("user-1", 5)
    assert total >= 5
    assert [r.id for r in records] == made[::-1]
    assert [r.id for r in clients.worlds.list("user-1", 2, 1)[0]] == [made[3], made[2]]
    assert clients.worlds.list("user-1", 10, total) == ([], total)
    assert clients.worlds.list("user-1", 1, 0, "archived") == ([], 0)
    assert clients.worlds.list("", 1, 0, "all")[1] == total
    assert len(clients.worlds.list("", 0)[0]) <= 20
    for arguments, field in (((101, 0), "limit"), ((-1, 0), "limit"), ((1, -1), "offset")):
        with pytest.raises(InvalidInputError, match=field):
            clients.worlds.list("user-1", *arguments)
    with pytest.raises(InvalidInputError, match="status"):
        clients.worlds.list("user-1", 1, 0, "deleted")


def test_generation_status_before_anything_started(clients: Clients, world: WorldRecord) -> None:
    status = clients.worlds.generation_status(world.id)
    assert (status.status, status.current_stage) == ("pending", "initializing")
    assert [stage.name for stage in status.stages] == list(STAGE_NAMES)
    assert (status.users_predicted, status.posts_predicted, status.tasks_total) == (3, 5, 0)


def test_generation_status_is_read_from_the_status_document(
    clients: Clients, world: WorldRecord, settings: Settings
) -> None:
    numbers = {
        "tasks_total": 162,
        "tasks_completed": 142,
        "tasks_failed": 1,
        "task_predicted": 2,
        "users_created": 20,
        "posts_created": 43,
        "users_predicted": 21,
        "posts_predicted": 100,
        "api_call_limits_LLM": 101,
        "api_call_limits_images": 50,
        "api_calls_made_LLM": 141,
        "api_calls_made_images": 64,
        "llm_cost_total": 0.10038330000000002,
        "image_cost_total": 0.03840000000000003,
    }
    document = {
        "_id": world.id,
        "status": "in_progress",
        "current_stage": "characters",
        "stages": [{"name": "initializing", "status": "completed"}],
        "created_at": datetime(2025, 5, 26, 21, 41, 22, 698_000, UTC),
        "updated_at": datetime(2025, 5, 26, 21, 42, 57, 47_000, UTC),
        **numbers,
        "revision": 7,
        "parameters": {"users_count": 20},
    }
    client: MongoClient[dict[str, Any]] = MongoClient(settings.mongo_uri.get_secret_value())
    with client as mongo:
        mongo[settings.mongo_database]["world_generation_status"].insert_one(document)
    status = clients.worlds.generation_status(world.id)
    assert {name: getattr(status, name.lower()) for name in numbers} == numbers
    assert (status.status, status.current_stage) == ("in_progress", "characters")
    assert status.stages == (StageRecord("initializing", "completed"),)
    assert (status.created_at, status.updated_at) == ("2025-05-26T21:41:22.698Z", "2025-05-26T21:42:57.047Z")
    assert clients.worlds.get(world.id).generation_status == "in_progress"
    assert clients.worlds.list("", 100)[0][0].generation_status == "in_progress"


def test_health(clients: Clients) -> None:
    assert clients.worlds.healthy()


def test_worlds_are_found_by_the_beginnings_of_their_ids(clients: Clients) -> None:
    user = uuid4().hex
    ids = [clients.worlds.create(user, "", "", PROMPT, 1, 1).id for _ in range(3)]
    others = clients.worlds.create(uuid4().hex, "", "", PROMPT, 1, 1).id
    clients.worlds.join(user, others)

    def found(begins: str, **which: bool) -> list[str]:
        return [world.id for world in clients.worlds.by_id(user, begins, **which)]

    assert found("", made_by_user=True) == ids[::-1]
    for whole in (*ids, others):
        assert whole in found(whole[:8])
        assert found(whole) == [whole]
    assert (found(others), found(others, made_by_user=True)) == ([others], [])
    for nothing in (".*", "(", "[", "^", "$", UNKNOWN, ids[0] + "0", "\u00e9\u0416 %2F"):
        assert found(nothing) == [], nothing
    with pytest.raises(InvalidInputError, match="generia-id-begins"):
        found("x" * 101)


@pytest.mark.parametrize("budget", ["1_0", "٥", "true", "0x10", " 5", "5 ", "", "1e", "--1", "1" * 50])
def test_a_budget_is_a_plain_number(budget: str) -> None:
    with pytest.raises(InvalidInputError, match="generia-budget"):
        checked_order("w1", PROMPT, 1, 1, budget)


@pytest.mark.parametrize(
    ("budget", "dollars"), [("5", 5.0), ("0.25", 0.25), ("1e-05", 0.00001), (None, None)]
)
def test_a_budget_as_programs_write_it(budget: str | None, dollars: float | None) -> None:
    assert checked_order("w1", PROMPT, 1, 1, budget).budget == dollars
