"""The wire contract, to the field number; a service in another language depends on every line of it."""

from __future__ import annotations

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from generia_worker.rpc import generate, wire
from generia_worker.rpc.media_types import MediaType

#: Message → its fields in the order of their numbers, from 1 on; without a type: string.
#: `?` is explicit presence, `*` repeated, `@` the number of a field of ours, far from those that others may add.
CHARACTER = {
    "Character": (
        "id world_id real_user_id? is_ai:bool display_name avatar_media_id? avatar_url meta? created_at"
    ),
    "CreateCharacterRequest": "world_id real_user_id? display_name avatar_media_id? meta?",
    "UpdateCharacterRequest": "character_id display_name? avatar_media_id? avatar_url? meta?",
    "GetCharacterRequest": "character_id",
    "GetUserCharactersInWorldRequest": "user_id world_id",
    "CharacterList": "characters:Character*",
    "ListWorldCharactersRequest": "world_id limit:int32 offset:int32",
    "ListWorldCharactersResponse": "characters:Character* total:int32",
    "HealthCheckRequest": "",
    "HealthCheckResponse": "status",
}
INTERACTION = {
    "LikePostRequest": "post_id user_id world_id created_at?@1001",
    "LikePostResponse": "success:bool likes_count:int32",
    "UnlikePostRequest": "post_id user_id world_id",
    "UnlikePostResponse": "success:bool likes_count:int32",
    "GetPostLikesRequest": "post_id limit:int32 offset:int32 world_id",
    "Like": "user_id username created_at",
    "PostLikesResponse": "likes:Like* total:int32",
    "CheckUserLikedRequest": "post_id user_id",
    "CheckUserLikedResponse": "liked:bool",
    "AddCommentRequest": "post_id user_id text world_id created_at?@1001",
    "AddCommentResponse": "comment_id created_at",
    "GetPostCommentsRequest": "post_id limit:int32 offset:int32 world_id",
    "Comment": "comment_id post_id user_id username text created_at",
    "PostCommentsResponse": "comments:Comment* total:int32",
    "GetPostStatsRequest": "post_id",
    "PostStatsResponse": "post_id likes_count:int32 comments_count:int32 liked:bool?@1001",
    "GetPostsStatsRequest": "post_ids*",
    "PostsStatsResponse": "stats:StatsEntry*",
    "HealthCheckRequest": "",
    "HealthCheckResponse": "status:Status",
}
MEDIA = {
    "GetPresignedUploadURLRequest": (
        "world_id character_id filename content_type size:int64 media_type:MediaType"
    ),
    "GetPresignedUploadURLResponse": "media_id upload_url expires_at:int64",
    "ConfirmUploadRequest": "media_id",
    "ConfirmUploadResponse": "success:bool variants:MediaVariant*",
    "GetMediaRequest": "media_id",
    "Media": (
        "media_id character_id world_id filename content_type size:int64 variants:MediaVariant* created_at "
        "media_type:MediaType"
    ),
    "MediaVariant": "name url width:int32 height:int32",
    "GetMediaURLRequest": "media_id variant expires_in:int64",
    "GetMediaURLResponse": "url expires_at:int64",
    "OptimizeImageRequest": "media_id variants_to_create*",
    "OptimizeImageResponse": "variants:MediaVariant*",
    "HealthCheckRequest": "",
    "HealthCheckResponse": "status:Status",
}
POST = {
    "Post": (
        "post_id character_id display_name caption media_url created_at likes_count:int32 "
        "comments_count:int32 world_id avatar_url is_ai:bool tags*"
    ),
    "PostList": "posts:Post* total:int32 next_cursor",
    "CreatePostRequest": "user_id character_id caption media_id world_id is_ai:bool tags*",
    "CreateAIPostRequest": "character_id caption media_id world_id tags* created_at?@1001",
    "CreatePostResponse": "post_id created_at",
    "GetPostRequest": "post_id world_id",
    "GetUserPostsRequest": "user_id limit:int32 offset:int32 world_id",
    "GetCharacterPostsRequest": "character_id limit:int32 offset:int32 world_id",
    "GetPostsByIdsRequest": "post_ids*",
    "GetGlobalFeedRequest": "limit:int32 cursor world_id",
    "UpdatePostRequest": "post_id caption? media_id? tags*",
    "HealthCheckRequest": "",
    "HealthCheckResponse": "status:Status",
}
WORLD = {
    "CreateWorldRequest": "user_id name description prompt characters_count:int32 posts_count:int32",
    "GetWorldRequest": "world_id user_id",
    "WorldResponse": (
        "id name description prompt creator_id generation_status status users_count:int32 posts_count:int32 "
        "created_at updated_at is_joined:bool image_url icon_url params?"
    ),
    "GetWorldsRequest": "user_id limit:int32 offset:int32 status",
    "WorldsResponse": "worlds:WorldResponse* total:int32",
    "JoinWorldRequest": "user_id world_id",
    "JoinWorldResponse": "success:bool message",
    "UpdateWorldImageRequest": "world_id image_uuid icon_uuid",
    "UpdateWorldImageResponse": "success:bool message",
    "UpdateWorldParamsRequest": "world_id params name users_count:int32 posts_count:int32",
    "UpdateWorldParamsResponse": "success:bool message",
    "GetGenerationStatusRequest": "world_id",
    "StageInfo": "name status",
    "GetGenerationStatusResponse": (
        "status current_stage stages:StageInfo* tasks_total:int32 tasks_completed:int32 tasks_failed:int32 "
        "task_predicted:int32 users_created:int32 posts_created:int32 users_predicted:int32 "
        "posts_predicted:int32 api_call_limits_llm:int32 api_call_limits_images:int32 "
        "api_calls_made_llm:int32 api_calls_made_images:int32 llm_cost_total:double image_cost_total:double "
        "created_at updated_at"
    ),
    "HealthCheckRequest": "",
    "HealthCheckResponse": "status:ServingStatus",
}
#: rpc → request and response, in full.
RPCS = {
    "interaction.InteractionService": {
        "LikePost": "LikePostRequest LikePostResponse",
        "UnlikePost": "UnlikePostRequest UnlikePostResponse",
        "GetPostLikes": "GetPostLikesRequest PostLikesResponse",
        "CheckUserLiked": "CheckUserLikedRequest CheckUserLikedResponse",
        "AddComment": "AddCommentRequest AddCommentResponse",
        "GetPostComments": "GetPostCommentsRequest PostCommentsResponse",
        "GetPostStats": "GetPostStatsRequest PostStatsResponse",
        "GetPostsStats": "GetPostsStatsRequest PostsStatsResponse",
        "HealthCheck": "HealthCheckRequest HealthCheckResponse",
    },
    "generia.character.CharacterService": {
        "CreateCharacter": "CreateCharacterRequest Character",
        "UpdateCharacter": "UpdateCharacterRequest Character",
        "GetCharacter": "GetCharacterRequest Character",
        "GetUserCharactersInWorld": "GetUserCharactersInWorldRequest CharacterList",
        "HealthCheck": "HealthCheckRequest HealthCheckResponse",
        "ListWorldCharacters": "ListWorldCharactersRequest ListWorldCharactersResponse",
    },
    "media.MediaService": {
        "GetPresignedUploadURL": "GetPresignedUploadURLRequest GetPresignedUploadURLResponse",
        "ConfirmUpload": "ConfirmUploadRequest ConfirmUploadResponse",
        "GetMedia": "GetMediaRequest Media",
        "GetMediaURL": "GetMediaURLRequest GetMediaURLResponse",
        "OptimizeImage": "OptimizeImageRequest OptimizeImageResponse",
        "HealthCheck": "HealthCheckRequest HealthCheckResponse",
    },
    "post.PostService": {
        "CreatePost": "CreatePostRequest CreatePostResponse",
        "CreateAIPost": "CreateAIPostRequest CreatePostResponse",
        "GetPost": "GetPostRequest Post",
        "GetUserPosts": "GetUserPostsRequest PostList",
        "GetCharacterPosts": "GetCharacterPostsRequest PostList",
        "GetPostsByIds": "GetPostsByIdsRequest PostList",
        "GetGlobalFeed": "GetGlobalFeedRequest PostList",
        "HealthCheck": "HealthCheckRequest HealthCheckResponse",
        "UpdatePost": "UpdatePostRequest Post",
    },
    "world.WorldService": {
        "CreateWorld": "CreateWorldRequest WorldResponse",
        "GetWorld": "GetWorldRequest WorldResponse",
        "GetWorlds": "GetWorldsRequest WorldsResponse",
        "JoinWorld": "JoinWorldRequest JoinWorldResponse",
        "UpdateWorldImage": "UpdateWorldImageRequest UpdateWorldImageResponse",
        "UpdateWorldParams": "UpdateWorldParamsRequest UpdateWorldParamsResponse",
        "GetGenerationStatus": "GetGenerationStatusRequest GetGenerationStatusResponse",
        "HealthCheck": "HealthCheckRequest HealthCheckResponse",
    },
}
FILES = {
    "generia.character": (wire.character.DESCRIPTOR, CHARACTER),
    "interaction": (wire.interaction.DESCRIPTOR, INTERACTION),
    "media": (wire.media.DESCRIPTOR, MEDIA),
    "post": (wire.post.DESCRIPTOR, POST),
    "world": (wire.world.DESCRIPTOR, WORLD),
}
_OURS = 1000
_TYPES = {
    FieldDescriptor.TYPE_STRING: "",
    FieldDescriptor.TYPE_BOOL: ":bool",
    FieldDescriptor.TYPE_INT32: ":int32",
    FieldDescriptor.TYPE_INT64: ":int64",
    FieldDescriptor.TYPE_DOUBLE: ":double",
}


def _field(field: FieldDescriptor) -> str:
    named = field.message_type or field.enum_type
    kind = f":{named.name}" if named else _TYPES[field.type]
    mark = "*" if field.is_repeated else "?" if field.has_presence and not field.message_type else ""
    own = f"@{field.number}" if field.number > _OURS else ""
    return f"{field.name}{kind}{mark}{own}"


def _message(message: Descriptor) -> str:
    theirs = [field.number for field in message.fields if field.number <= _OURS]
    assert theirs == list(range(1, len(theirs) + 1)), message.name
    return " ".join(_field(field) for field in message.fields)


@pytest.mark.parametrize("package", FILES)
def test_every_message_is_as_agreed(package: str) -> None:
    descriptor, expected = FILES[package]
    assert descriptor.package == package
    found = {name: _message(message) for name, message in descriptor.message_types_by_name.items()}
    assert found == expected


@pytest.mark.parametrize("service", RPCS)
def test_every_rpc_is_as_agreed(service: str) -> None:
    descriptor, _ = FILES[service.rpartition(".")[0]]
    found = descriptor.services_by_name[service.rpartition(".")[2]]
    assert found.full_name == service
    methods = {method.name: f"{method.input_type.name} {method.output_type.name}" for method in found.methods}
    assert methods == RPCS[service]
    assert not any(method.client_streaming or method.server_streaming for method in found.methods)


def test_enums_are_as_agreed() -> None:
    expected = {f"MEDIA_TYPE_{kind.name}": kind.value for kind in MediaType}
    assert dict(wire.media.MediaType.items()) == expected
    serving = {"UNKNOWN": 0, "SERVING": 1, "NOT_SERVING": 2}
    assert dict(wire.media.HealthCheckResponse.Status.items()) == serving
    assert dict(wire.post.HealthCheckResponse.Status.items()) == serving
    assert dict(wire.interaction.HealthCheckResponse.Status.items()) == serving
    assert dict(wire.world.HealthCheckResponse.ServingStatus.items()) == serving


def test_the_committed_stubs_are_what_the_protos_give() -> None:
    assert generate.stale() == [], "run python -m generia_worker.rpc.generate"


def test_a_stale_stub_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stubs = tmp_path_factory.mktemp("stubs")
    for path in generate.STUBS.glob("*_pb2*.py*"):
        (stubs / path.name).write_bytes(path.read_bytes())
    changed = stubs / "post_pb2.py"
    changed.write_bytes(changed.read_bytes() + b"\n")
    (stubs / "old_pb2.py").write_bytes(b"")
    (stubs / "world_pb2_grpc.pyi").unlink()
    monkeypatch.setattr(generate, "STUBS", stubs)
    assert generate.stale() == ["old_pb2.py", "post_pb2.py", "world_pb2_grpc.pyi"]
