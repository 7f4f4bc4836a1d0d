"""What the clients make of a service's answers and failures, over real connections to a scripted server."""

from __future__ import annotations

import pickle
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from generia_worker.errors import (
    AllowanceExceeded,
    ConflictError,
    GeneriaError,
    InvalidInputError,
    NotFoundError,
    PermanentError,
    TransientError,
    UnimplementedError,
)
from generia_worker.rpc import wire
from generia_worker.rpc.channel import open_channel
from generia_worker.rpc.character_client import CharacterClient
from generia_worker.rpc.media_client import MediaClient, UploadTicket
from generia_worker.rpc.media_types import MediaType
from generia_worker.rpc.post_client import PostClient
from generia_worker.rpc.world_client import WorldClient

Answer = Callable[[bytes, grpc.ServicerContext], bytes]


class Script(grpc.GenericRpcHandler):
    """A server that answers each method with raw bytes, and knows no others."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.metadata: dict[str, dict[str, Any]] = {}
        self.deadlines: dict[str, float] = {}
        self.requests: dict[str, bytes] = {}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        name = handler_call_details.method.rpartition("/")[2]
        if name not in self.answers:
            return None

        def call(request: bytes, context: grpc.ServicerContext) -> bytes:
            self.metadata[name] = dict(context.invocation_metadata())
            self.deadlines[name] = context.time_remaining()
            self.requests[name] = request
            return self.answers[name](request, context)

        return grpc.unary_unary_rpc_method_handler(call)


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def channel(script: Script) -> Iterator[grpc.Channel]:
    pool = ThreadPoolExecutor(4)
    server = grpc.server(pool, handlers=[script])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    made = open_channel(f"127.0.0.1:{port}")
    yield made
    made.close()
    server.stop(0).wait(5)
    pool.shutdown()


def failing(code: grpc.StatusCode, details: str = "because") -> Answer:
    def answer(_: bytes, context: grpc.ServicerContext) -> bytes:
        context.abort(code, details)

    return answer


def replying(message: Any) -> Answer:
    return lambda _request, _context: message.SerializeToString()


C = grpc.StatusCode


@pytest.mark.parametrize(
    ("code", "kind", "unknown"),
    [
        (C.NOT_FOUND, NotFoundError, None),
        (C.INVALID_ARGUMENT, InvalidInputError, None),
        (C.ALREADY_EXISTS, ConflictError, None),
        (C.FAILED_PRECONDITION, PermanentError, None),
        (C.PERMISSION_DENIED, PermanentError, None),
        (C.UNAUTHENTICATED, TransientError, False),
        (C.OUT_OF_RANGE, PermanentError, None),
        (C.UNIMPLEMENTED, UnimplementedError, None),
        (C.DATA_LOSS, PermanentError, None),
        (C.UNAVAILABLE, TransientError, True),
        (C.DEADLINE_EXCEEDED, TransientError, True),
        (C.CANCELLED, TransientError, True),
        (C.UNKNOWN, TransientError, True),
        (C.INTERNAL, TransientError, True),
        (C.RESOURCE_EXHAUSTED, TransientError, False),
        (C.ABORTED, TransientError, False),
    ],
)
def test_status_codes(
    script: Script,
    channel: grpc.Channel,
    code: grpc.StatusCode,
    kind: type[GeneriaError],
    unknown: bool | None,
) -> None:
    script.answers["GetWorld"] = failing(code)
    with pytest.raises(GeneriaError, match=r"GetWorld.*because") as caught:
        WorldClient(channel, 5).get("w")
    assert type(caught.value) is kind
    if isinstance(caught.value, TransientError):
        assert caught.value.outcome_unknown is unknown
        assert caught.value.outage is (code in (C.UNAVAILABLE, C.UNKNOWN, C.INTERNAL, C.UNAUTHENTICATED))
    assert pickle.loads(pickle.dumps(caught.value)).message == caught.value.message  # noqa: S301


def refusing(status: grpc.StatusCode, **metadata: str) -> Answer:
    def answer(_: bytes, context: grpc.ServicerContext) -> bytes:
        context.set_trailing_metadata(
            tuple((name.replace("_", "-"), value) for name, value in metadata.items())
        )
        context.abort(status, "because")

    return answer


@pytest.mark.parametrize(
    ("status", "code", "kind", "told"),
    [
        (C.INVALID_ARGUMENT, "budget_without_prices", InvalidInputError, "budget_without_prices"),
        (C.FAILED_PRECONDITION, "allowance_exceeded", AllowanceExceeded, "allowance_exceeded"),
        (C.FAILED_PRECONDITION, "of_a_later_version", PermanentError, "of_a_later_version"),
        (C.UNAVAILABLE, "downloads_busy", TransientError, "downloads_busy"),
        # What is no code is passed over.
        (C.NOT_FOUND, "", NotFoundError, "not_found"),
        (C.NOT_FOUND, "<b>Not</b> found", NotFoundError, "not_found"),
        (C.INVALID_ARGUMENT, "x" * 61, InvalidInputError, ""),
        # A status code that says more is not overruled.
        (C.INVALID_ARGUMENT, "allowance_exceeded", InvalidInputError, "allowance_exceeded"),
    ],
)
def test_a_refusal_tells_its_code(
    script: Script,
    channel: grpc.Channel,
    status: grpc.StatusCode,
    code: str,
    kind: type[GeneriaError],
    told: str,
) -> None:
    script.answers["GetWorld"] = refusing(status, generia_error_code=code)
    with pytest.raises(GeneriaError) as caught:
        WorldClient(channel, 5).get("w")
    assert (type(caught.value), caught.value.code) == (kind, told)
    assert pickle.loads(pickle.dumps(caught.value)).code == told  # noqa: S301


def test_long_details_are_bounded(script: Script, channel: grpc.Channel) -> None:
    script.answers["GetWorld"] = failing(C.NOT_FOUND, "x\n" * 2_000)
    with pytest.raises(NotFoundError) as caught:
        WorldClient(channel, 5).get("w")
    assert len(caught.value.message) < 600
    assert "\n" not in caught.value.message


def test_no_connection_means_that_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    for address in (f"127.0.0.1:{port}", "no-such-host.invalid:1"):
        with open_channel(address) as channel, pytest.raises(TransientError) as caught:
            WorldClient(channel, 5).get("w")
        assert (caught.value.outcome_unknown, caught.value.outage) == (False, True), caught.value.message


def test_a_connection_that_breaks_leaves_the_outcome_unknown(script: Script) -> None:
    began = threading.Event()

    def answer(_: bytes, context: grpc.ServicerContext) -> bytes:
        over = threading.Event()
        context.add_callback(over.set)
        began.set()
        over.wait(10)
        return b""

    script.answers["GetWorld"] = answer
    pool = ThreadPoolExecutor(1)
    server = grpc.server(pool, handlers=[script])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with open_channel(f"127.0.0.1:{port}") as channel, ThreadPoolExecutor(1) as caller:
        call = caller.submit(WorldClient(channel, 10).get, "w")
        assert began.wait(30)
        server.stop(0)
        with pytest.raises(TransientError) as caught:
            call.result(timeout=10)
    assert caught.value.outcome_unknown
    pool.shutdown()


def test_the_deadline_is_kept(script: Script, channel: grpc.Channel) -> None:
    release = threading.Event()

    def answer(_: bytes, context: grpc.ServicerContext) -> bytes:
        release.wait(60)
        return b""

    script.answers["GetWorld"] = answer
    began = time.monotonic()
    with pytest.raises(TransientError, match="DEADLINE_EXCEEDED") as caught:
        WorldClient(channel, 0.2).get("w")
    release.set()
    assert 0.1 < time.monotonic() - began < 3
    assert caught.value.outcome_unknown


def test_every_call_has_a_deadline_and_creating_ones_a_key(script: Script, channel: grpc.Channel) -> None:
    worlds, characters = WorldClient(channel, 7), CharacterClient(channel, 7)
    posts, media = PostClient(channel, 7), MediaClient(channel, 7)
    calls: dict[str, Callable[[], object]] = {
        "CreateWorld": lambda: worlds.create("u", "n", "d", "p", 1, 1),
        "GetWorld": lambda: worlds.get("w", "u"),
        "GetWorlds": lambda: worlds.list("u", 1, 0, "all"),
        "JoinWorld": lambda: worlds.join("u", "w"),
        "UpdateWorldImage": lambda: worlds.update_image("w", "i", "j"),
        "UpdateWorldParams": lambda: worlds.update_params("w", {}, "n", 1, 1),
        "GetGenerationStatus": lambda: worlds.generation_status("w"),
        "CreateCharacter": lambda: characters.create("w", "n", {}, idempotency_key="k/1"),
        "UpdateCharacter": lambda: characters.update("c", display_name="n"),
        "GetCharacter": lambda: characters.get("c"),
        "GetUserCharactersInWorld": lambda: characters.of_user("u", "w"),
        "ListWorldCharacters": lambda: characters.list_in_world("w"),
        "CreateAIPost": lambda: posts.create_ai("c", "x", "m", "w", [], idempotency_key="k/2"),
        "CreatePost": lambda: posts.create("u", "c", "x", "m", "w"),
        "GetPost": lambda: posts.get("p", "w"),
        "GetPostsByIds": lambda: posts.get_many(["p"]),
        "GetUserPosts": lambda: posts.user_posts("u", "w"),
        "GetCharacterPosts": lambda: posts.character_posts("c", "w"),
        "GetGlobalFeed": lambda: posts.feed("w"),
        "UpdatePost": lambda: posts.update("p", caption="x"),
        "GetPresignedUploadURL": lambda: media.presign_upload(
            "w", "", "a.png", "image/png", 1, MediaType.WORLD_ICON, idempotency_key="k/3"
        ),
        "ConfirmUpload": lambda: media.confirm("m"),
        "GetMedia": lambda: media.get("m"),
        "GetMediaURL": lambda: media.get_url("m", "medium", 60),
        "OptimizeImage": lambda: media.optimize("m", []),
    }
    # Field 1, true: what says that a call succeeded; where it means something else, it is skipped on reading.
    script.answers = dict.fromkeys(calls, lambda _request, _context: b"\x08\x01")
    for call in calls.values():
        call()
    assert script.deadlines.keys() == calls.keys()
    assert all(5 < remaining < 8 for remaining in script.deadlines.values()), script.deadlines
    keys = {name: found.get(wire.IDEMPOTENCY_KEY) for name, found in script.metadata.items()}
    assert {name: key for name, key in keys.items() if key} == {
        "CreateCharacter": "k/1",
        "CreateAIPost": "k/2",
        "GetPresignedUploadURL": "k/3",
    }


@pytest.mark.parametrize("knows", [True, False])
def test_worlds_are_found_by_id_also_where_a_service_lists_all(
    script: Script, channel: grpc.Channel, *, knows: bool
) -> None:
    people = {"aa1": "u", "b": "v", "aa2": "v", "ab": "u", "aa3": "u"}
    pages: list[int] = []

    def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
        asked = wire.world.GetWorldsRequest.FromString(request)
        metadata = dict(context.invocation_metadata())
        begins = str(metadata[wire.ID_KEY]) if knows else ""
        ids = [one for one in people if one.startswith(begins)]
        if knows and metadata.get(wire.MINE_KEY):
            ids = [one for one in ids if people[one] == "u"]
        pages.append(asked.offset)
        page = [wire.world.WorldResponse(id=one, creator_id=people[one]) for one in ids[asked.offset :][:2]]
        return bytes(wire.world.WorldsResponse(worlds=page, total=len(ids)).SerializeToString())

    script.answers["GetWorlds"] = answer
    worlds = WorldClient(channel, 5)
    assert [one.id for one in worlds.by_id("u", "aa", made_by_user=True)] == ["aa1", "aa3"]
    assert pages == ([0] if knows else [0, 2, 4])
    assert [one.id for one in worlds.by_id("u", "aa")] == ["aa1", "aa2", "aa3"]


def test_the_budget_travels_as_metadata(script: Script, channel: grpc.Channel) -> None:
    script.answers["CreateWorld"] = replying(wire.world.WorldResponse())
    worlds = WorldClient(channel, 5)
    worlds.create("u", "n", "d", "p", 1, 1, budget_usd=0.25)
    assert script.metadata["CreateWorld"][wire.BUDGET_KEY] == "0.25"
    worlds.create("u", "n", "d", "p", 1, 1)
    assert wire.BUDGET_KEY not in script.metadata["CreateWorld"]


def test_an_optional_call_that_a_service_lacks_is_named(channel: grpc.Channel) -> None:
    with pytest.raises(UnimplementedError, match="does not offer UpdatePost"):
        PostClient(channel, 5).update("p", caption="x")
    with pytest.raises(UnimplementedError, match="does not offer ListWorldCharacters"):
        CharacterClient(channel, 5).list_in_world("w")


def test_characters_of_a_world_come_by_the_page(script: Script, channel: grpc.Channel) -> None:
    answer = wire.character.ListWorldCharactersResponse(
        characters=[wire.character.Character(id="c", is_ai=True), wire.character.Character(id="d")], total=7
    )
    script.answers["ListWorldCharacters"] = replying(answer)
    page = CharacterClient(channel, 5).list_in_world("w", 2, 5)
    sent = wire.character.ListWorldCharactersRequest.FromString(script.requests["ListWorldCharacters"])
    assert (sent.world_id, sent.limit, sent.offset) == ("w", 2, 5)
    assert ([one.id for one in page.characters], page.total) == (["c", "d"], 7)
    assert (page.characters[0].is_ai, page.characters[0].meta_json) == (True, None)


def test_answers_that_say_no(script: Script, channel: grpc.Channel) -> None:
    no: Answer = lambda _request, _context: b""  # noqa: E731
    script.answers = dict.fromkeys(
        ["JoinWorld", "UpdateWorldImage", "UpdateWorldParams", "ConfirmUpload"], no
    )
    worlds = WorldClient(channel, 5)
    for call in (
        lambda: worlds.join("u", "w"),
        lambda: worlds.update_image("w", "i", "j"),
        lambda: worlds.update_params("w", {}, "n", 1, 1),
        lambda: MediaClient(channel, 5).confirm("m"),
    ):
        with pytest.raises(PermanentError, match="refused"):
            call()


def test_arguments_that_cannot_travel_are_refused_before_the_call(channel: grpc.Channel) -> None:
    characters, worlds, posts = (
        CharacterClient(channel, 5),
        WorldClient(channel, 5),
        PostClient(channel, 5),
    )
    for call in (
        lambda: characters.create("w", "half \ud83e", {}, idempotency_key="k"),
        lambda: characters.create("w", "n", {"a": "\udead"}, idempotency_key="k"),
        lambda: characters.create("w", "n", {"a": float("nan")}, idempotency_key="k"),
        lambda: characters.create("w", "n", {}, idempotency_key="ключ\n"),
        lambda: worlds.create("u", "n", "d", "p", 2**31, 1),
        lambda: posts.feed("w", 2**40),
    ):
        with pytest.raises(InvalidInputError, match="cannot be called"):
            call()


def test_a_closed_channel_is_transient(channel: grpc.Channel) -> None:
    worlds = WorldClient(channel, 5)
    channel.close()
    with pytest.raises(TransientError, match="closed") as caught:
        worlds.get("w")
    assert not caught.value.outcome_unknown


def test_optional_fields_are_told_apart_from_empty_ones(script: Script, channel: grpc.Channel) -> None:
    characters = CharacterClient(channel, 5)
    script.answers["GetCharacter"] = replying(wire.character.Character(id="c"))
    bare = characters.get("c")
    assert (bare.real_user_id, bare.avatar_media_id, bare.meta_json, bare.meta) == (None, None, None, {})
    script.answers["GetCharacter"] = replying(
        wire.character.Character(id="c", real_user_id="", avatar_media_id="", meta='{"a": ["b"]}')
    )
    full = characters.get("c")
    assert (full.real_user_id, full.avatar_media_id, full.meta) == ("", "", {"a": ["b"]})
    script.answers["UpdateCharacter"] = replying(wire.character.Character())
    characters.update("c", meta={})
    sent = wire.character.UpdateCharacterRequest.FromString(script.requests["UpdateCharacter"])
    assert (sent.HasField("meta"), sent.HasField("display_name"), sent.meta) == (True, False, "{}")


@pytest.mark.parametrize("text", ["{", "[]", "1", "null", "[" * 100_000])
def test_json_that_a_service_sends_is_not_believed(script: Script, channel: grpc.Channel, text: str) -> None:
    script.answers["GetWorld"] = replying(wire.world.WorldResponse(id="w", params=text))
    world = WorldClient(channel, 5).get("w")
    with pytest.raises(PermanentError, match="params"):
        _ = world.params


def test_a_media_type_of_the_future_is_unknown(script: Script, channel: grpc.Channel) -> None:
    of_the_future = wire.media.MediaType.ValueType(9)
    script.answers["GetMedia"] = replying(wire.media.Media(media_id="m", media_type=of_the_future))
    assert MediaClient(channel, 5).get("m").media_type is MediaType.UNKNOWN


def test_a_large_answer_is_refused_for_good(script: Script, channel: grpc.Channel) -> None:
    script.answers["GetWorld"] = lambda _request, _context: b"\x00" * (wire.MAX_MESSAGE_BYTES + 1)
    with pytest.raises(PermanentError, match="larger than max"):
        WorldClient(channel, 20).get("w")


def test_health(script: Script, channel: grpc.Channel) -> None:
    clients = [kind(channel, 5) for kind in (WorldClient, PostClient, MediaClient, CharacterClient)]
    assert [client.healthy() for client in clients] == [False] * 4
    for status in (wire.world.HealthCheckResponse.SERVING, wire.world.HealthCheckResponse.NOT_SERVING):
        script.answers["HealthCheck"] = replying(wire.world.HealthCheckResponse(status=status))
        assert [client.healthy() for client in clients[:3]] == [status == 1] * 3
    for word, serving in (("SERVING", True), ("healthy", True), ("NOT_SERVING", False), ("", False)):
        script.answers["HealthCheck"] = replying(wire.character.HealthCheckResponse(status=word))
        assert clients[3].healthy() is serving


def test_an_upload_url_stays_out_of_logs() -> None:
    assert "secret" not in repr(UploadTicket("m", "http://x/?X-Amz-Signature=secret", 1))
