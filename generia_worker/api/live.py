"""Live status by push: one change stream a process, fanned out to any number of clients.

Threads stand behind it. One reads the change stream and notes whose status changed and who got a post; others read the
documents and new posts of those worlds that have clients, together for however many changes and worlds came together, and
hand them to the event loop. Each world is read by one of them at a time. A client holds no queue, only the revision that it
has seen and how many posts: when it is ready for more it gets every post since, and the latest state.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from pymongo.errors import PyMongoError

from generia_worker.client.status import GenerationStatus
from generia_worker.errors import GeneriaError, NotFoundError
from generia_worker.http.sse import HEARTBEAT, HEARTBEAT_S, OPENING, Event
from generia_worker.rpc.post_client import PostClient, PostRecord
from generia_worker.status.changes import token_is_lost
from generia_worker.status.projection import NewPost, StatusProjection

log = logging.getLogger(__name__)

#: How long the reading thread waits for a change before it looks whether it should stop.
_WAIT_S = 0.5
_AGAIN_S = 1.0
#: Posts that are asked for in one call, and those of one world that are kept for clients that lag behind.
_POSTS_MOST = 100
_KEPT_POSTS = 1000
#: Worlds that are read together. On a busy machine a read costs the wait for others to have their turn, however much it
#: brings: with one after the other, the tenth world is told ten waits late.
_WORLDS_MOST = 50
#: Threads that read: while one waits for the records of posts, changes of other worlds are told by others.
_READERS = 3
#: Bytes of events that are sent in one chunk: a chunk costs more than what is in it, but waits in memory for its client.
_CHUNK = 32_768


@dataclass(frozen=True, slots=True)
class State:
    """The status of a world at one revision, ready to be sent."""

    revision: int
    final: bool
    status: bytes
    done: bytes


def state_of(document: Mapping[str, Any]) -> State:
    """Return a status document as events."""
    status = GenerationStatus.model_validate(document)
    number = str(status.revision)
    end = f'{{"status": "{status.status.value}", "revision": {number}}}'
    return State(
        status.revision,
        status.status.is_final,
        Event("status", status.model_dump_json(by_alias=True), number).encode(),
        Event("done", end, number).encode(),
    )


class Watched:
    """One world that has clients. Used by the event loop alone."""

    def __init__(self) -> None:
        self.clients = 0
        self.state: State | None = None
        #: The events of the latest posts that appeared while the world was watched, and how many there were in all.
        self.posts: deque[bytes] = deque(maxlen=_KEPT_POSTS)
        self.told = 0
        self.changed = asyncio.Event()

    def posts_after(self, told: int) -> list[bytes]:
        """Return the events of the posts after the first `told`."""
        new = min(self.told - told, len(self.posts))
        return list(self.posts)[len(self.posts) - new :]

    def update(self, state: State, posts: list[bytes]) -> None:
        """Take new posts and a newer state, and wake everybody who waits for them."""
        if self.state is None or state.revision > self.state.revision:
            self.state = state
        self.posts.extend(posts)
        self.told += len(posts)
        waiting, self.changed = self.changed, asyncio.Event()
        waiting.set()


@dataclass(frozen=True, slots=True)
class _Told:
    """Up to which revision the posts of a world were handed out, and which of the latest."""

    revision: int
    posts: frozenset[NewPost]


class LiveStatus:
    """Tells clients what becomes of worlds. `start` and `stop` are called by the event loop that serves them."""

    def __init__(self, status: StatusProjection, posts: Callable[[], PostClient]) -> None:
        self._status = status
        self._posts = posts
        self._worlds: dict[str, Watched] = {}
        self._changed: set[str] = set()
        #: Those of which a thread reads what changed: nobody else does meanwhile, so that what is told keeps its order.
        self._reading: set[str] = set()
        self._something = threading.Condition()
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._threads: list[threading.Thread] = []
        self._ending = False
        #: Which posts of the watched worlds were handed out; of each world used by the thread that reads it.
        self._told: dict[str, _Told] = {}

    # --- clients ------------------------------------------------------------------------------------------------
    @property
    def clients(self) -> int:
        """How many clients there are."""
        return sum(world.clients for world in self._worlds.values())

    async def events(self, world_id: str, last_seen: int | None) -> AsyncGenerator[bytes]:
        """Yield what a client gets to see of a world that exists, until the world has ended.

        `last_seen` is the revision that the client saw last (`Last-Event-ID`): the posts since then come first.
        """
        yield OPENING
        async with self._watching(world_id) as world:
            seen, told = None, world.told
            missed: list[bytes] = []
            while True:
                changed, state = world.changed, world.state
                if self._ending:
                    return
                if state is not None and seen is None:
                    missed = await self._missed(world_id, last_seen, state.revision)
                    for event in missed:
                        yield event
                if state is not None:
                    # What was published while the client connected may be among both.
                    news = [event for event in world.posts_after(told) if event not in missed]
                    told = world.told
                    if is_new := seen is None or state.revision > seen:
                        seen = state.revision
                        news.append(state.status)
                        if state.final:
                            news.append(state.done)
                    for chunk in _chunks(news):
                        yield chunk
                    if is_new and state.final:
                        return
                    if is_new:
                        continue
                try:
                    async with asyncio.timeout(HEARTBEAT_S):
                        await changed.wait()
                except TimeoutError:
                    yield HEARTBEAT

    @asynccontextmanager
    async def _watching(self, world_id: str) -> AsyncIterator[Watched]:
        self._start()
        world = self._worlds.setdefault(world_id, Watched())
        world.clients += 1
        self._note(world_id)
        try:
            yield world
        finally:
            world.clients -= 1
            if not world.clients:
                self._worlds.pop(world_id, None)
                self._note(world_id)  # the reading threads forget it too

    async def _missed(self, world_id: str, last_seen: int | None, now: int) -> list[bytes]:
        """Return the posts that came after what a client saw before it was cut off, and perhaps some that it saw."""
        if last_seen is None:
            return []
        # A client may say anything: what is later than now is as good as now.
        since = min(last_seen, now)
        return await asyncio.to_thread(
            lambda: self._events_of(self._status.posts_since({world_id: since})[world_id])
        )

    # --- threads -------------------------------------------------------------------------------------------------
    def _start(self) -> None:
        """Start the threads with the first client: a process without clients reads no change stream."""
        if self._threads:
            return
        self._loop = asyncio.get_running_loop()
        for work in (self._follow, *[self._read] * _READERS):
            thread = threading.Thread(target=work, name=f"live{work.__name__}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def end_streams(self) -> None:
        """End every stream at once: the clients connect again, to a process that stays. Called in the loop's thread."""
        self._ending = True
        for world in self._worlds.values():
            world.changed.set()

    def stop(self) -> None:
        """End the threads."""
        self._stopping.set()
        with self._something:
            self._something.notify_all()
        for thread in self._threads:
            thread.join(timeout=5)

    def _note(self, *world_ids: str) -> None:
        with self._something:
            self._changed.update(world_ids)
            self._something.notify_all()

    def _follow(self) -> None:
        """Note who changes. A stream that broke is taken up by its token; without one, all are read again."""
        token: Mapping[str, Any] | None = None
        while not self._stopping.is_set():
            try:
                with self._status.changes(token, _WAIT_S) as changes:
                    # What was committed before the stream was open is in no stream.
                    if token is None:
                        self._note(*list(self._worlds))
                    while not self._stopping.is_set():
                        world_id = changes.next()
                        token = changes.token
                        if world_id in self._worlds:
                            self._note(world_id)
            except PyMongoError as error:
                if token_is_lost(error):
                    token = None
                log.warning("The change stream broke (%s) and is taken up again.", type(error).__name__)
                self._stopping.wait(_AGAIN_S)

    def _read(self) -> None:
        """Read the worlds that changed and are watched, and hand them to the event loop."""
        while True:
            with self._something:
                self._something.wait_for(lambda: self._changed - self._reading or self._stopping.is_set())
                together = list(islice(self._changed - self._reading, _WORLDS_MOST))
                self._changed.difference_update(together)
                self._reading.update(together)
            if self._stopping.is_set():
                return
            try:
                self._hand_over(together)
            except (PyMongoError, GeneriaError) as error:
                log.warning("%d worlds are read again later: %s", len(together), type(error).__name__)
                self._stopping.wait(_AGAIN_S)
                self._note(*together)
            finally:
                with self._something:
                    self._reading.difference_update(together)
                    self._something.notify_all()

    def _hand_over(self, world_ids: Sequence[str]) -> None:
        watched = [world_id for world_id in world_ids if world_id in self._worlds]
        for world_id in set(world_ids).difference(watched):
            self._told.pop(world_id, None)
        states = {world_id: state_of(document) for world_id, document in self._statuses(watched).items()}
        # After the states: whatever they count is found.
        told = {world_id: self._told.get(world_id) for world_id in states}
        found = self._status.posts_since(
            {
                world_id: before.revision if before else states[world_id].revision
                for world_id, before in told.items()
            }
        )
        new = {
            world_id: [post for post in found[world_id] if post not in before.posts] if before else []
            for world_id, before in told.items()
        }
        events = iter(self._events_of([post for posts in new.values() for post in posts]))
        assert self._loop is not None
        for world_id, state in states.items():
            before = told[world_id]
            self._told[world_id] = _Told(
                max(state.revision, before.revision if before else 0), frozenset(found[world_id])
            )
            posts = list(islice(events, len(new[world_id])))
            self._loop.call_soon_threadsafe(self._update, world_id, state, posts)

    def _statuses(self, world_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Return the status of each of these worlds that exists."""
        found: dict[str, Mapping[str, Any]] = {**self._status.get_many(world_ids)}
        for world_id in world_ids:
            if world_id not in found:
                with suppress(NotFoundError):
                    found[world_id] = self._status.get(world_id)
        return found

    def _update(self, world_id: str, state: State, posts: list[bytes]) -> None:
        world = self._worlds.get(world_id)
        if world is not None:
            world.update(state, posts)

    def _events_of(self, found: Sequence[NewPost]) -> list[bytes]:
        """Return posts as events."""
        events = []
        for start in range(0, len(found), _POSTS_MOST):
            ids = [post.post_id for post in found[start : start + _POSTS_MOST]]
            records = {post.post_id: post for post in self._ask_for(ids)}
            events += [_post_event(post_id, records.get(post_id)) for post_id in ids]
        return events

    def _ask_for(self, post_ids: list[str]) -> tuple[PostRecord, ...]:
        try:
            return self._posts().get_many(post_ids).posts
        except GeneriaError as error:
            # The status goes on all the same; a page fetches a post of which it knows the id alone.
            log.warning("%d posts are told by their ids alone: %s", len(post_ids), error.message)
            return ()


def _chunks(events: Iterable[bytes]) -> Iterator[bytes]:
    """Return events in chunks, as few as may be; none is cut."""
    chunk = b""
    for event in events:
        if chunk and len(chunk) + len(event) > _CHUNK:
            yield chunk
            chunk = b""
        chunk += event
    if chunk:
        yield chunk


def _post_event(post_id: str, record: PostRecord | None) -> bytes:
    body = {"post_id": post_id} if record is None else asdict(record)
    return Event("post", json.dumps(body, ensure_ascii=False)).encode()
