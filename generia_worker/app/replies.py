"""Replies: lets characters answer people, where who made their world wants it and pays for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from generia_worker.app.container import Container
from generia_worker.app.ordering import Ordering
from generia_worker.client.replies import RepliesStatus, ReplyTerms
from generia_worker.client.status import WorldStatus
from generia_worker.engine.step import Step
from generia_worker.errors import ConflictError, InvalidInputError
from generia_worker.rpc.interaction_client import CommentRecord
from generia_worker.worlds.reply_accounts import ReplyBounds
from generia_worker.worlds.results import CharacterId, Heard
from generia_worker.worlds.steps import CHARACTER, PICTURE, REPLY

#: A comment that is older is not replied to any more.
_LATE = timedelta(days=1)
#: Worlds in which people are answered: also while more of them is being made.
_ALIVE = (WorldStatus.COMPLETED, WorldStatus.IN_PROGRESS)


class Replies:
    """The switches of worlds, and what people say there."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._ordering = Ordering(container)

    # --- what who made a world asks for ------------------------------------------------------------------------------
    def switch_on(self, world_id: str, asked: ReplyTerms, now: datetime) -> RepliesStatus:
        """Let the characters of a world reply to people from now on, or change what that may cost.

        Raises:
            NotFoundError: it was never ordered.
            InvalidInputError: there is no interaction service, or nobody knows what a text can cost.
            ConflictError: the budget is too small for one reply more.
            AllowanceExceeded: the day of who made the world does not allow so much.
        """
        c = self._container
        person = c.generations.get(world_id).person
        if not c.settings.interaction_service:
            message = (
                "There are no comments here, since no interaction service is configured: set "
                "GENERIA_INTERACTION_SERVICE."
            )
            raise InvalidInputError(message, field="budget").with_code("no_reactions")
        least = self._ordering.least_text_usd() + c.reply_holds.spent_usd(world_id)
        if asked.budget < least:
            message = f"One more reply may bring the sum to ${least:.4f}: name at least so much."
            raise ConflictError(message).with_code("reply_budget_too_small")
        c.reply_accounts.switch_on(world_id, person, asked.budget, now)
        return self.status(world_id, now)

    def switch_off(self, world_id: str, now: datetime) -> RepliesStatus:
        """Let nobody be replied to any more. Raises NotFoundError when the world was never ordered."""
        self._container.generations.get(world_id)
        self._container.reply_accounts.switch_off(world_id)
        return self.status(world_id, now)

    def status(self, world_id: str, now: datetime) -> RepliesStatus:
        """Return how the switch of a world stands. Raises NotFoundError when the world was never ordered."""
        c = self._container
        c.generations.get(world_id)
        found, bounds = c.reply_accounts.find(world_id), self._bounds()
        spent = c.reply_holds.spent_usd(world_id) if found else 0.0
        made = c.rows.sums(world_id, REPLY.kind, {"n": "replies"})["n"] if found else 0
        return RepliesStatus(
            world_id=world_id,
            on=found is not None and found.on,
            budget=found.budget_usd if found else None,
            spent_usd=spent,
            replies=made,
            used_up=found is not None and found.budget_usd - spent < bounds.least_usd,
            today=len(found.on_day(now)) if found else 0,
            a_day=bounds.world,
            a_day_person=bounds.person,
        )

    # --- what the gateway tells ----------------------------------------------------------------------------------------
    def heard(self, world_id: str, post_id: str, now: datetime) -> list[Step]:
        """Look at what people said last under a post, and return the steps that reply to it: of each comment, once.

        Comments that nobody told of are among them, for a day. Nothing where it is off, no budget is left, or the world was
        stopped or never ordered. Raises TransientError when the comments cannot be read.
        """
        c = self._container
        account = c.reply_accounts.find(world_id)
        if account is None or not account.on or c.interactions is None:
            return []
        if WorldStatus(c.status.get(world_id)["status"]) not in _ALIVE:
            return []
        post = self._published(world_id, post_id)
        if post is None:
            return []
        own = {one.character_id for one in c.results.all_of(world_id, CHARACTER.kind, CharacterId).values()}
        since = max(account.since, now - _LATE)
        said = [
            one
            for one in c.interactions.latest(post_id, world_id)
            if one.user_id not in own and (moment := _moment(one)) is not None and moment >= since
        ]
        known = c.reply_accounts.known(world_id, [one.comment_id for one in said])
        bounds, found = self._bounds(), []
        for one in (one for one in said if one.comment_id not in known):
            heard = Heard(
                comment_id=one.comment_id,
                post_id=post_id,
                character=post.character or 0,
                post=post.post or 0,
                round=post.round,
            )
            step = c.reply_accounts.add(world_id, heard, one.user_id, bounds, now)
            found += [] if step is None else [step]
        return found

    def _published(self, world_id: str, post_id: str) -> Step | None:
        """Return the step that published a post of a world; None when none of its characters wrote it."""
        query = {"world_id": world_id, "kind": PICTURE.kind, "result.post_id": post_id}
        row = self._container.database.steps.find_one(
            query, dict.fromkeys(("kind", "first", "second", "round"), 1)
        )
        return None if row is None else self._container.rows.step_of(row)

    def _bounds(self) -> ReplyBounds:
        s = self._container.settings
        return ReplyBounds(s.daily_replies_world, s.daily_replies_person, self._ordering.worst_text_usd())


def _moment(comment: CommentRecord) -> datetime | None:
    """Return when something was said; None where the service says it in a way that nobody understands."""
    try:
        found = datetime.fromisoformat(comment.created_at)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
