"""The disk of the media store or of MongoDB is full: row 26. The servers keep their data on small file systems of their
own (tmpfs), which are filled to the last byte."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from pymongo.errors import PyMongoError

from generia_worker.errors import TransientError
from tests.faults.harness import PROMPT, Faults, start_stack
from tests.faults.servers import SmallDisk, impatient

USERS, POSTS = 2, 3
#: Room for mongod's own files, and for its journal, part of which it sets aside before it writes anything.
S3_MB, MONGO_MB = 32, 700
#: What is left on a full disk is too little for one of these.
PICTURES = {"avatar_size": 768, "post_image_size": 1024}


@pytest.fixture(scope="module")
def small_stack(
    tmp_path_factory: pytest.TempPathFactory, time_scale: float, no_other_stack: None
) -> Iterator[tuple[Faults, SmallDisk, SmallDisk]]:
    """A stack whose S3 server and MongoDB have little room."""
    folder = tmp_path_factory.mktemp("small")
    with ExitStack() as end:
        try:
            s3 = SmallDisk(folder / "s3-rclone", S3_MB)
            end.callback(s3.unmount)
            mongo = SmallDisk(folder / "mongo", MONGO_MB)
            end.callback(mongo.unmount)
        except (subprocess.CalledProcessError, OSError) as error:
            pytest.skip(f"a file system of a bounded size cannot be mounted here (that takes root): {error}")
        faults = start_stack(folder, time_scale, mongo_timeout_s=1, rpc_timeout_s=5, **PICTURES)
        end.callback(faults.close)
        yield faults, s3, mongo


@pytest.fixture
def small(
    small_stack: tuple[Faults, SmallDisk, SmallDisk],
) -> Iterator[tuple[Faults, SmallDisk, SmallDisk]]:
    """The stack in order, and its disks, which have room again afterwards."""
    faults, *disks = small_stack
    faults.mend()
    yield small_stack
    for disk in disks:
        disk.free()


def test_the_disk_of_the_media_store_is_full(small: tuple[Faults, SmallDisk, SmallDisk]) -> None:
    faults, disk, _ = small
    faults.behave(latency={"images": {"fixed_s": 0.3}})
    world = faults.order(PROMPT, USERS, POSTS)
    faults.until(lambda: faults.state(world, "cast/0") == "done", "the world is cast")
    disk.fill()
    refused = {
        "world_id": world,
        "kind": {"$in": ["avatar", "picture"]},
        "failure.reason": {"$regex": "media store|file store"},
    }
    faults.until(
        lambda: faults.db["generation_steps"].count_documents(refused) == USERS + POSTS, "all pictures wait"
    )
    posts = faults.db["posts"].count_documents({"world_id": world})
    assert posts == 0, "a post was published without its picture"
    disk.free()
    status = faults.assert_whole(world, USERS, POSTS)
    assert status.api_calls_made_images == 2 + USERS + POSTS, "a picture was bought twice"


def test_the_disk_of_mongodb_is_full(small: tuple[Faults, SmallDisk, SmallDisk]) -> None:
    faults, _, disk = small
    faults.behave(latency={"llm": {"fixed_s": 0.3}, "images": {"fixed_s": 0.3}})
    process = faults.stack.processes["mongo"]
    world = faults.order(PROMPT, USERS, POSTS)
    faults.until(lambda: faults.billed(world, "character"), "the characters are being written")
    disk.fill()

    def gives_up() -> bool:
        # The journal's room was set aside before; a checkpoint needs more.
        with suppress(PyMongoError), impatient(faults) as client:
            client.admin.command("fsync", 1)
        try:
            faults.client.status(world)
        except TransientError:
            return True
        return False  # mongod has not noticed, or was started again and still finds room

    faults.until(gives_up, "mongod notices, and the endpoint says so", 60)
    disk.free()
    if process.failure is not None:  # it was started again too often, in vain
        process.stop()
        process.start()
    faults.assert_whole(world, USERS, POSTS)
