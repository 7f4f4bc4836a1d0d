"""The wire contract of the platform's services: messages, stubs, servicer bases, metadata keys and limits.

`wire.world`, `wire.character`, `wire.post`, `wire.media` and `wire.interaction` are the message modules.
"""

from __future__ import annotations

from generia_worker.rpc.stubs import character_pb2 as character
from generia_worker.rpc.stubs import interaction_pb2 as interaction
from generia_worker.rpc.stubs import media_pb2 as media
from generia_worker.rpc.stubs import post_pb2 as post
from generia_worker.rpc.stubs import world_pb2 as world
from generia_worker.rpc.stubs.character_pb2_grpc import (
    CharacterServiceServicer,
    CharacterServiceStub,
    add_CharacterServiceServicer_to_server,
)
from generia_worker.rpc.stubs.interaction_pb2_grpc import (
    InteractionServiceServicer,
    InteractionServiceStub,
    add_InteractionServiceServicer_to_server,
)
from generia_worker.rpc.stubs.media_pb2_grpc import (
    MediaServiceServicer,
    MediaServiceStub,
    add_MediaServiceServicer_to_server,
)
from generia_worker.rpc.stubs.post_pb2_grpc import (
    PostServiceServicer,
    PostServiceStub,
    add_PostServiceServicer_to_server,
)
from generia_worker.rpc.stubs.world_pb2_grpc import (
    WorldServiceServicer,
    WorldServiceStub,
    add_WorldServiceServicer_to_server,
)

#: Metadata key under which a caller says that two calls are one and the same.
IDEMPOTENCY_KEY = "idempotency-key"
#: Metadata key under which every call brings the token of the services, where they ask for one.
TOKEN = "generia-token"  # noqa: S105 - its name
#: Metadata key under which CreateWorld is told the budget of a world in dollars.
BUDGET_KEY = "generia-budget"
#: Metadata key under which CreateWorld is told how much the characters of a world react to each other: none, some, many.
REACTIONS_KEY = "generia-reactions"
#: Metadata of a GetWorlds that asks for the worlds that the user made or joined; its value is `1`.
MINE_KEY = "generia-mine"
#: The same for worlds that are being made, and for the most popular ones first: by members and likes of people.
BEING_MADE_KEY, POPULAR_KEY = "generia-being-made", "generia-popular"
#: The same for worlds that have words which begin as those of a text do: its value is that text, percent-encoded.
SEARCH_KEY = "generia-search"
#: The same for worlds whose ids begin so.
ID_KEY = "generia-id-begins"
#: Characters and words of such a text at most.
SEARCH_MAX, SEARCH_WORDS_MAX = 200, 8
#: Metadata of a GetGlobalFeed that asks for the posts with a tag: its value is the tag, percent-encoded.
TAG_KEY = "generia-tag"
#: Metadata of a GetPostsStats that asks what this person likes.
PERSON_KEY = "generia-person"
#: Metadata of a like or a comment: what its author is called, as UTF-8. Services that do not know it look the id up.
NAME_KEY = "generia-name-bin"
#: Trailing metadata of a refusal: what went wrong for programs, such as a page that says it in the reader's language.
ERROR_CODE_KEY = "generia-error-code"
#: No message is larger, in either direction: a page of 100 worlds with the largest params fits.
MAX_MESSAGE_BYTES = 64 * 1024 * 1024
#: How many items a page of a list holds: when the caller names no limit, and at most.
PAGE_DEFAULT, PAGE_MAX = 20, 100
#: No page begins later.
OFFSET_MAX = 1_000_000

__all__ = [
    "BEING_MADE_KEY",
    "BUDGET_KEY",
    "ERROR_CODE_KEY",
    "IDEMPOTENCY_KEY",
    "ID_KEY",
    "MAX_MESSAGE_BYTES",
    "MINE_KEY",
    "NAME_KEY",
    "OFFSET_MAX",
    "PAGE_DEFAULT",
    "PAGE_MAX",
    "PERSON_KEY",
    "POPULAR_KEY",
    "REACTIONS_KEY",
    "SEARCH_KEY",
    "SEARCH_MAX",
    "SEARCH_WORDS_MAX",
    "TAG_KEY",
    "TOKEN",
    "CharacterServiceServicer",
    "CharacterServiceStub",
    "InteractionServiceServicer",
    "InteractionServiceStub",
    "MediaServiceServicer",
    "MediaServiceStub",
    "PostServiceServicer",
    "PostServiceStub",
    "WorldServiceServicer",
    "WorldServiceStub",
    "add_CharacterServiceServicer_to_server",
    "add_InteractionServiceServicer_to_server",
    "add_MediaServiceServicer_to_server",
    "add_PostServiceServicer_to_server",
    "add_WorldServiceServicer_to_server",
    "character",
    "interaction",
    "media",
    "post",
    "world",
]
