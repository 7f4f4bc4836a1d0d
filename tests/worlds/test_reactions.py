"""What characters make of each other's posts, with a model that says what it is told to and a service that takes notes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from generia_worker.errors import PermanentError, TransientError
from generia_worker.rpc.interaction_client import CommentPage, CommentRecord
from generia_worker.worlds import reactions
from generia_worker.worlds.documents import (
    COMMENT_MAX,
    Answers,
    PlannedPost,
    PostDraft,
    Reactions,
    Relationship,
    WrittenAnswer,
    WrittenComment,
)
from generia_worker.worlds.results import (
    CreatedCharacter,
    DatedPlan,
    Delivered,
    Opinions,
    PostOf,
    PublishedPost,
    Replies,
    Reply,
    Said,
)
from tests.books import WORLD, generation
from tests.worlds.doubles import Model, Recorder, context, detail, services

SHARES = [2, 1, 1]
NAMES = ["Ada", "Bo", "Cy"]
ORDER = generation(SHARES, reactions="some", created_at=datetime(2026, 5, 9, tzinfo=UTC))
WRITTEN = datetime(2026, 5, 1, 12, tzinfo=UTC)


def a_world(*without: str, **more: BaseModel) -> dict[str, BaseModel]:
    """Return the results of a world of Ada (two posts), Bo and Cy (one each), all published."""
    made: dict[str, BaseModel] = {}
    for number, name in enumerate(NAMES, start=1):
        person = detail(name).model_copy(
            update={
                "relationships": [
                    Relationship(character="Cy", relationship_type="rivalry", description="old")
                ]
            }
        )
        made[f"character/{number}"] = CreatedCharacter(detail=person, character_id=f"id-{name}")
        planned = [PlannedPost(topic=f"{name} on {n}") for n in range(1, SHARES[number - 1] + 1)]
        dates = [WRITTEN + timedelta(days=n) for n in range(len(planned))]
        made[f"plan/{number}"] = DatedPlan(posts=planned, written_at=dates)
        for post in range(1, SHARES[number - 1] + 1):
            made[f"post/{number}/{post}"] = PostDraft(content=f"{name} writes {post}", image_prompt="p")
            made[f"picture/{number}/{post}"] = PublishedPost(post_id=f"{name}-{post}", media_id="m")
    return {name: result for name, result in made.items() if name not in without} | more


def said(*comments: tuple[str, str], likes: Sequence[str] = ()) -> Reactions:
    return Reactions(
        likes=list(likes), comments=[WrittenComment(post=post, text=text) for post, text in comments]
    )


def around(model: Model, made: dict[str, BaseModel], service: Any = None) -> Any:
    return services(model, made, interactions=service or Recorder())


# --- react ---------------------------------------------------------------------------------------------------------
def test_a_character_is_shown_what_others_wrote_and_who_they_are_to_it() -> None:
    model = Model(said(("2-1", "Ha!"), likes=["3-1"]))
    given = around(model, a_world())
    made = reactions.react(context("react/1", given, ORDER), given).result
    (posts,) = model.told("posts")
    assert [(one["post"], one["author"], one["topic"], one["text"]) for one in posts] == [
        ("2-1", "Bo", "Bo on 1", "Bo writes 1"),
        ("3-1", "Cy", "Cy on 1", "Cy writes 1"),
    ]
    assert [one.get("relationship") for one in posts] == [None, "rivalry: old"]
    assert (model.told("likes"), model.told("comments")) == ([2], [2])
    assert made == Opinions(
        likes=[PostOf(character=3, post=1)], comments=[Said(character=2, post=1, text="Ha!")]
    )


def test_what_a_model_says_is_bounded_and_of_posts_that_it_was_shown() -> None:
    model = Model(
        said(
            ("1-1", "own\x00"), ("9-9", "unknown"), ("3-1", "first\x07"), ("3-1", "twice"), ("2-1", "x" * 3000),
            likes=["1-1", "2-1", "2-1", "nonsense"],
        )
    )  # fmt: skip
    given = around(model, a_world())
    made = reactions.react(context("react/1", given, ORDER), given).result
    assert isinstance(made, Opinions)
    assert made.likes == [PostOf(character=2, post=1)]
    assert [(one.character, one.post) for one in made.comments] == [(3, 1), (2, 1)]
    assert made.comments[0].text == "first"
    assert len(made.comments[1].text) <= COMMENT_MAX


def test_as_much_is_kept_as_was_asked_for() -> None:
    model = Model(said(("1-1", "a"), ("1-2", "b"), ("3-1", "c"), likes=["1-1", "1-2", "3-1"]))
    given = around(model, a_world())
    made = reactions.react(context("react/2", given, ORDER), given).result
    assert isinstance(made, Opinions)
    assert len(made.comments) == 2
    assert len(made.likes) == 3


def test_a_model_that_names_no_post_is_asked_again() -> None:
    model = Model(said(("the first one", "Ha!")), said(("2-1", "Ha!")))
    given = around(model, a_world())
    made = reactions.react(context("react/1", given, ORDER), given).result
    assert isinstance(made, Opinions)
    assert len(made.comments) == 1
    assert len(model.asked) == 2


def test_what_was_not_written_is_not_shown_and_who_sees_nothing_makes_no_call() -> None:
    made = a_world("post/2/1", "post/3/1")
    given = around(Model(), made)
    assert reactions.react(context("react/1", given, ORDER), given).result == Opinions()


def test_nothing_is_paid_where_workers_know_no_service() -> None:
    given = services(Model(), a_world(), interactions=None)
    with pytest.raises(PermanentError, match="GENERIA_INTERACTION_SERVICE"):
        reactions.react(context("react/1", given, ORDER), given)


# --- answer --------------------------------------------------------------------------------------------------------
BO_SAYS = Opinions(likes=[PostOf(character=1, post=2)], comments=[Said(character=1, post=2, text="Really?")])
CY_SAYS = Opinions(
    likes=[PostOf(character=1, post=2), PostOf(character=2, post=1)],
    comments=[Said(character=1, post=2, text="Never."), Said(character=2, post=1, text="Oh.")],
)
TALK: dict[str, BaseModel] = {"react/2": BO_SAYS, "react/3": CY_SAYS}


def test_an_author_answers_those_who_commented_on_its_posts() -> None:
    answers = [("3-2", "Ever."), ("2-2", "Really."), ("3-2", "twice"), ("9-9", "?")]
    model = Model(Answers(answers=[WrittenAnswer(comment=name, text=text) for name, text in answers]))
    given = around(model, a_world(**TALK))
    made = reactions.answer(context("answer/1", given, ORDER), given).result
    (posts,) = model.told("posts")
    assert [(one["topic"], one["text"]) for one in posts] == [("Ada on 2", "Ada writes 2")]
    assert posts[0]["comments"] == [
        {"comment": "2-2", "author": "Bo", "text": "Really?"},
        {"comment": "3-2", "author": "Cy", "relationship": "rivalry: old", "text": "Never."},
    ]
    assert made == Replies(answers=[Reply(post=2, to=3, text="Ever."), Reply(post=2, to=2, text="Really.")])


def test_who_was_not_spoken_to_makes_no_call() -> None:
    given = around(Model(), a_world(**TALK))
    assert reactions.answer(context("answer/3", given, ORDER), given).result == Replies()


# --- deliver -------------------------------------------------------------------------------------------------------
class Service:
    """An interaction service that ignores idempotency keys, and may fail at a call."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.likes_of: list[tuple[str, str]] = []
        self.said: list[tuple[str, str, str, datetime]] = []
        self.keys: list[str] = []
        self._left = fails_at

    def _tick(self) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                self._left = None
                raise TransientError("the answer was lost", outcome_unknown=True)

    def like(self, who: str, post: str, world: str, *, at: datetime) -> int:
        """Like a post, as often as one says."""
        self.likes_of.append((who, post))
        self._tick()
        return 1

    def likes(self, who: str, post: str) -> bool:
        """Say whether somebody likes a post."""
        return (who, post) in self.likes_of

    def comment(
        self, who: str, post: str, world: str, text: str, *, idempotency_key: str, at: datetime
    ) -> None:
        """Comment, as often as one says."""
        self.keys.append(idempotency_key)
        self.said.append((who, post, text, at))
        self._tick()

    def comments(self, post: str, world: str, limit: int, offset: int) -> CommentPage:
        """Return what is there, in a page."""
        found = [CommentRecord("c", p, who, "", text, "") for who, p, text, _ in self.said if p == post]
        return CommentPage(tuple(found), len(found))


ALL_SAID = a_world(**TALK, **{"answer/1": Replies(answers=[Reply(post=2, to=3, text="Ever.")])})


def delivered(service: Service, made: dict[str, BaseModel] = ALL_SAID) -> Delivered:
    """Deliver, by as many attempts as it takes."""
    given = around(Model(), made, service)
    ctx = context("deliver/1", given, ORDER)
    for _ in range(2):
        try:
            found = reactions.deliver(ctx, given).result
        except TransientError:
            continue
        assert isinstance(found, Delivered)
        return found
    raise AssertionError


def test_all_that_was_said_is_put_under_its_post_after_what_it_is_about() -> None:
    service = Service()
    assert delivered(service) == Delivered(likes=2, comments=3)
    assert set(service.likes_of) == {("id-Bo", "Ada-2"), ("id-Cy", "Ada-2")}
    assert {(who, text) for who, _, text, _ in service.said} == {
        ("id-Bo", "Really?"),
        ("id-Cy", "Never."),
        ("id-Ada", "Ever."),
    }
    moments = {text: at for *_, text, at in service.said}
    assert [at for *_, at in service.said] == sorted(moments.values())
    assert WRITTEN + timedelta(days=1) < moments["Never."] < moments["Ever."] < ORDER.created_at
    assert len(set(service.keys)) == 3


@pytest.mark.parametrize("at", range(5))
def test_nothing_is_doubled_where_a_service_ignores_keys(at: int) -> None:
    service = Service(fails_at=at)
    assert delivered(service) == Delivered(likes=2, comments=3)
    assert len(service.likes_of) == len(set(service.likes_of)) == 2
    assert len(service.said) == 3


def test_a_post_that_is_not_out_gets_nothing() -> None:
    made = {name: result for name, result in ALL_SAID.items() if name != "picture/1/2"}
    service = Service()
    assert delivered(service, made) == Delivered(likes=0, comments=0)
    assert not service.said


def test_a_post_of_a_version_before_has_no_time_and_neither_has_what_is_said_of_it() -> None:
    plan = DatedPlan(posts=[PlannedPost(topic="a"), PlannedPost(topic="b")])
    service = Service()
    assert delivered(service, ALL_SAID | {"plan/1": plan}) == Delivered(likes=2, comments=3)
    assert {at for *_, at in service.said} == {None}


def test_the_services_that_are_called_are_those_of_the_step() -> None:
    """What is delivered goes to this world's posts, by characters of it alone."""
    service = Recorder(likes=False, comments=CommentPage((), 0))
    given = SimpleNamespace(
        **{f: getattr(around(Model(), ALL_SAID, service), f) for f in ("results", "interactions", "ledger")}
    )
    reactions.deliver(context("deliver/1", given, ORDER), given)  # type: ignore[arg-type]
    assert {arguments[2] for arguments, _ in service.named("like")} == {WORLD}
