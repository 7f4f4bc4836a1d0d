"""Use cases with doubles: what they ask a model for, again and in which words, and what they do once only."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from generia_worker.engine.step import StepState
from generia_worker.errors import (
    GeneriaError,
    InvalidAnswerError,
    NotFoundError,
    PermanentError,
    TransientError,
)
from generia_worker.text import provisional_name
from generia_worker.worlds.cast import cast_characters
from generia_worker.worlds.characters import create_character, plan_posts
from generia_worker.worlds.context import Services
from generia_worker.worlds.documents import (
    Cast,
    CharacterConcept,
    CharacterConnection,
    PlannedPost,
    PostDraft,
    PostPlan,
    SharedStory,
    WorldDescription,
)
from generia_worker.worlds.posts import publish_post, write_post
from generia_worker.worlds.results import CreatedCharacter, DatedPlan, FinalCounts, FoundWorld, PublishedPost
from generia_worker.worlds.steps import CHARACTER, PLAN, STEPS
from generia_worker.worlds.world import describe_world, finish_world, initialize_world
from tests.books import WORLD, generation
from tests.worlds.doubles import DESCRIBED, Model, Recorder, context, detail, services


def concept(name: str, id: str = "", posts: int = 1) -> CharacterConcept:
    return CharacterConcept(id=id, concept=f"{name}, at length", concept_short=name, posts_count=posts)


def cast_of(*names: str, **more: Any) -> Cast:
    return Cast(characters=[concept(name, f"c{n}") for n, name in enumerate(names, start=1)], **more)


def numbered(cast: Any) -> list[tuple[str, str]]:
    return [(one.id, one.concept_short) for one in cast.characters]


# --- the cast --------------------------------------------------------------------------------------------------------
def test_what_is_missing_of_a_cast_or_double_is_asked_for_again() -> None:
    model = Model(
        cast_of("Ada", "  ADA ", "Bo", world_interpretation="first"),
        cast_of("Bo", "Cy"),
        cast_of("Di", "Ed", "Flo"),
    )
    around = services(model, {})
    outcome = cast_characters(context("cast/0", around, generation(None, users_count=5)), around)
    assert numbered(outcome.result) == [("c1", "Ada"), ("c2", "Bo"), ("c3", "Cy"), ("c4", "Di"), ("c5", "Ed")]
    assert outcome.result.model_dump()["world_interpretation"] == "first"
    assert model.told("count") == [5, 3, 2]
    existing = [[(one["id"], one["concept_short"]) for one in told] for told in model.told("existing")]
    assert existing[0] == []
    assert [name for _, name in existing[2]] == ["Ada", "Bo", "Cy"]
    assert model.keys == ["0.cast0.0", "0.cast1.0", "0.cast2.0"]


def test_a_batch_goes_on_with_the_numbers_of_the_one_before() -> None:
    story = SharedStory(characters_ids=["c2", "c1", "x"], title="The leak")
    model = Model(
        cast_of("Cy", "Bo", common_stories_and_events=[story]),
        cast_of("Di", common_stories_and_events=[SharedStory(characters_ids=["c1"], title="The flood")]),
    )
    around = services(model, {"cast/0": cast_of("Ada", "Bo")}, settings={"cast_batch_size": 2})
    order = generation(None, users_count=4, batches=2)
    cast = cast_characters(context("cast/1", around, order), around).result
    assert isinstance(cast, Cast)
    assert numbered(cast) == [("c3", "Cy"), ("c4", "Di")]
    assert [one.title for one in cast.common_stories_and_events] == ["The leak", "The flood"]
    assert [one.characters_ids for one in cast.common_stories_and_events] == [["c4", "c3", "x"], ["c4"]]
    assert model.told("count") == [2, 1]


def test_only_as_many_as_are_left_are_asked_for_in_the_last_batch() -> None:
    model = Model(cast_of("Di"))
    made = {"cast/0": cast_of("Ada", "Bo", "Cy")}
    around = services(model, made, settings={"cast_batch_size": 3})
    order = generation(None, users_count=4, batches=2)
    assert numbered(cast_characters(context("cast/1", around, order), around).result) == [("c4", "Di")]
    assert model.told("count") == [1]


def test_a_model_that_has_nobody_new_is_given_up() -> None:
    model = Model(*[cast_of("Ada", "Bo")] * 9)
    around = services(model, {})
    with pytest.raises(InvalidAnswerError, match="gave 2 different characters where 5 were asked for"):
        cast_characters(context("cast/0", around, generation(None, users_count=5)), around)
    assert len(model.asked) == 4


def test_a_cast_holds_no_more_connections_and_stories_than_its_document_may() -> None:
    many = {
        "character_connections": [CharacterConnection(character1_name="A", character2_name="B")] * 150,
        "common_stories_and_events": [SharedStory(title="t")] * 40,
    }
    model = Model(cast_of("Ada", **many), cast_of("Bo", **many))
    around = services(model, {})
    cast = cast_characters(context("cast/0", around, generation(None, users_count=2)), around).result
    assert isinstance(cast, Cast)
    assert len(cast.character_connections) == 200
    assert len(cast.common_stories_and_events) == 60
    Cast.model_validate(cast.model_dump())


def test_with_the_last_batch_all_steps_are_laid_out_and_not_before() -> None:
    generations, added = Recorder(), Recorder()
    rows = SimpleNamespace(table=STEPS, add=added.add)

    def cast(batch: int, batches: int) -> Any:
        people = [concept("Ada", posts=5), concept("Bo", posts=1)]
        around = services(Model(Cast(characters=people)), {}, generations=generations, rows=rows)
        order = generation(None, users_count=2, batches=batches, posts_count=6)
        return cast_characters(context(f"cast/{batch}", around, order), around)

    assert cast(0, 2).on_commit is None
    on_commit, session = cast(0, 1).on_commit, object()
    assert generations.calls == added.calls == [], "nothing is laid out before the commit"
    on_commit(session)
    ((_, (world_id, laid_out, _), _),) = generations.calls
    assert (world_id, laid_out.number, laid_out.shares) == (WORLD, 1, {1: 4, 2: 2})
    steps = STEPS.after_cast([4, 2])
    assert added.calls == [("add", (WORLD, steps, 1, session), {"in_round": 1})]


# --- characters ------------------------------------------------------------------------------------------------------
MADE = {
    "cast/0": cast_of("Ada", "Bo"),
    "character/2": CreatedCharacter(detail=detail("Bob"), character_id="c-2"),
}


def test_a_character_is_told_of_the_others_by_name_where_it_is_known() -> None:
    made = {"cast/0": cast_of("Ada", "Bo", "Cy"), "character/2": MADE["character/2"]}
    characters = Recorder(create=SimpleNamespace(id="new"))
    model = Model(detail("Ada"))
    around = services(model, made, characters=characters)
    outcome = create_character(context("character/1", around, generation([1, 1, 1])), around)
    assert outcome.result == CreatedCharacter(detail=detail("Ada"), character_id="new")
    (others,) = model.told("others")
    assert [(one["id"], one.get("display_name")) for one in others] == [("c2", "Bob"), ("c3", None)]
    assert model.told("concept")[0]["concept_short"] == "Ada"


def test_a_character_is_written_once_and_created_once() -> None:
    characters = Recorder(create=SimpleNamespace(id="new"))
    around = services(Model(detail("Ada")), MADE, characters=characters)
    first = context("character/1", around)
    assert create_character(first, around)
    checkpoints = first.claim.checkpoints
    assert set(checkpoints) == {"detail"}
    again = context("character/1", around, **checkpoints)
    made = CreatedCharacter(detail=detail("Ada"), character_id="new")
    assert create_character(again, around).result == made
    keys = [named["idempotency_key"] for _, named in characters.named("create")]
    assert keys == ["w1/character/01#1.create"] * 2, "the service knows it by its key"
    of_a_version_before = context("character/1", around, **checkpoints, character_id="old")
    assert create_character(of_a_version_before, around).result == made.model_copy(
        update={"character_id": "old"}
    )
    assert len(characters.calls) == 2


def test_a_character_that_is_made_anew_keeps_its_id() -> None:
    characters = Recorder()
    around = services(Model(detail("Ada the second")), MADE, characters=characters)
    outcome = create_character(context("character/1", around, redo_of="c-1"), around)
    assert outcome.result == CreatedCharacter(detail=detail("Ada the second"), character_id="c-1")
    ((name, (character_id,), named),) = characters.calls
    assert (name, character_id, named["display_name"]) == ("update", "c-1", "Ada the second")


def test_without_what_it_needs_nothing_is_made() -> None:
    around = services(Model(), {"character/2": MADE["character/2"]})
    with pytest.raises(PermanentError, match="post/02/01 needs plan/02"):
        write_post(context("post/2/1", around), around)


# --- plans -----------------------------------------------------------------------------------------------------------
def plan_of(*topics: str) -> PostPlan:
    return PostPlan(posts=[PlannedPost(topic=topic) for topic in topics], narrative_arc=topics[0])


def plan(model: Model, posts: int, batch: int) -> PostPlan:
    around = services(model, MADE, settings={"plan_batch_size": batch})
    found = plan_posts(context("plan/2", around, generation([1, posts])), around).result
    assert isinstance(found, PostPlan)
    return found


def test_posts_are_planned_in_batches_that_know_the_earlier_ones() -> None:
    model = Model(plan_of("a", "b"), plan_of("c", "d"), plan_of("e"))
    found = plan(model, 5, batch=2)
    assert [post.topic for post in found.posts] == ["a", "b", "c", "d", "e"]
    assert found.narrative_arc == "a", "the rest of the document is that of the first batch"
    assert model.told("count") == [2, 2, 1]
    assert model.told("earlier") == [[], ["a", "b"], ["a", "b", "c", "d"]]
    assert model.keys == ["0.plan0.0", "0.plan1.0", "0.plan2.0"]


def test_what_is_missing_of_a_plan_double_or_too_much_is_asked_for_again_or_dropped() -> None:
    model = Model(plan_of("a", " A ", "b"), plan_of("b", "c", "d", "e"))
    assert [post.topic for post in plan(model, 3, batch=25).posts] == ["a", "b", "c"]
    assert model.told("count") == [3, 1]


def test_a_model_that_has_no_new_posts_is_given_up() -> None:
    model = Model(*[plan_of("a")] * 9)
    with pytest.raises(InvalidAnswerError, match="planned 1 different posts where 4 were asked for"):
        plan(model, 4, batch=2)
    assert len(model.asked) == 2 + 3


# --- posts -----------------------------------------------------------------------------------------------------------
MOMENT = datetime(2025, 12, 24, 18, 30, tzinfo=UTC)
DRAFT = PostDraft(content="A text.", image_prompt="a scene", hashtags=["#cats", "Cats", "two words"])


def written(number: int, *texts: int, posts: int = 20) -> dict[str, Any]:
    """Let the model write a post when those of these numbers are written; return what it was told."""
    made = MADE | {
        "plan/2": plan_of(*(f"topic {n}" for n in range(1, posts + 1))),
        "post/1/1": PostDraft(content="of another character", image_prompt="p"),
    }
    made |= {f"post/2/{n}": PostDraft(content=f"text {n}", image_prompt="p") for n in texts}
    model = Model(DRAFT)
    around = services(model, made)
    outcome = write_post(context(f"post/2/{number}", around, generation([1, posts])), around)
    assert outcome.result == DRAFT
    ((_, variables),) = model.rendered
    return variables


def test_a_post_is_told_what_precedes_it_as_text_or_as_plan() -> None:
    told = written(4, 1, 3, 7)
    assert told["earlier_posts"] == [{"content": "text 1"}, {"topic": "topic 2"}, {"content": "text 3"}]
    assert (told["post"]["topic"], told["number"], told["total"]) == ("topic 4", 4, 20)
    assert told["character"]["display_name"] == "Bob"
    assert told["others"] == [{"concept_short": "Ada"}]
    assert (told["world"]["name"], "description" in told["world"]) == (DESCRIBED.name, False)


def test_a_post_is_told_of_a_dozen_posts_at_most() -> None:
    assert written(1)["earlier_posts"] == []
    assert [one["topic"] for one in written(20)["earlier_posts"]] == [f"topic {n}" for n in range(8, 20)]


def test_a_plan_says_when_its_posts_were_written_and_they_are_told() -> None:
    planned = plan_of("a", "b", "c")
    days = [
        PlannedPost(topic=one.topic, days_ago=ago) for one, ago in zip(planned.posts, (6, 6, 2), strict=True)
    ]
    around = services(Model(planned.model_copy(update={"posts": days})), MADE)
    order = generation([1, 3])
    found = plan_posts(context("plan/2", around, order), around).result
    assert isinstance(found, DatedPlan)
    assert [(order.created_at - moment).days for moment in found.written_at] == [6, 6, 2]
    again = plan_posts(
        context("plan/2", services(Model(planned), MADE), order), services(Model(planned), MADE)
    )
    assert isinstance(again.result, DatedPlan)
    assert len(again.result.written_at) == 3, "also where the model does not say when"
    model = Model(DRAFT)
    around = services(model, MADE | {"plan/2": found})
    write_post(context("post/2/3", around, order), around)
    (told,) = model.told("post")
    assert told["written_at"] == f"{found.written_at[2]:%A, %Y-%m-%d %H:%M}"
    assert "days_ago" not in told


def test_a_plan_of_a_version_before_knows_no_times() -> None:
    posts = Recorder(create_ai=SimpleNamespace(post_id="new"))
    made = MADE | {"plan/2": plan_of("a"), "post/2/1": DRAFT}
    around = services(Model(DRAFT), made, posts=posts)
    publish_post(context("picture/2/1", around, post_confirmed="m1"), around)
    ((_, _, named),) = posts.calls
    assert named["written_at"] is None
    assert "written_at" not in written(1)["post"]


@pytest.mark.parametrize("said", ["soon", None, [], "nan", "inf", -1e999, {"days": 3}])
def test_a_day_that_is_none_is_not_asked_for_again(said: Any) -> None:
    assert PlannedPost.model_validate({"topic": "a", "days_ago": said}).days_ago is None


def publishing(posts: Recorder) -> Services:
    """Services for a picture that is confirmed already."""
    made = MADE | {"plan/2": DatedPlan(**dict(plan_of("a")), written_at=[MOMENT]), "post/2/1": DRAFT}
    return services(Model(), made, posts=posts)


def page(*media_urls: str, total: int) -> SimpleNamespace:
    found = [SimpleNamespace(post_id=f"p-{n}", media_url=url) for n, url in enumerate(media_urls, start=1)]
    return SimpleNamespace(posts=found, total=total)


def test_a_post_is_published_with_its_picture_under_its_key() -> None:
    posts = Recorder(create_ai=SimpleNamespace(post_id="new"))
    around = publishing(posts)
    ctx = context("picture/2/1", around, post_confirmed="m1")
    assert publish_post(ctx, around).result == PublishedPost(post_id="new", media_id="m1")
    ((name, given, named),) = posts.calls
    assert name == "create_ai"
    assert given == ("c-2", "A text.", "m1", WORLD, ["cats", "twowords"])
    assert named == {"idempotency_key": "w1/picture/02/01#1.create", "written_at": MOMENT}
    assert ctx.checkpoint("creating") is True, "it is stored before the post is created"


def test_a_post_that_may_exist_already_is_looked_for_by_its_picture() -> None:
    pages = {
        0: page(*["https://s3/other.jpg"] * 100, total=101),
        100: page("https://s3/x/m1.jpg?sig", total=101),
    }
    posts = Recorder(character_posts=lambda *given: pages[given[3]])
    around = publishing(posts)
    ctx = context("picture/2/1", around, post_confirmed="m1", creating=True)
    assert publish_post(ctx, around).result == PublishedPost(post_id="p-1", media_id="m1")
    assert [name for name, *_ in posts.calls] == ["character_posts"] * 2


def test_a_post_that_is_not_found_is_created() -> None:
    posts = Recorder(
        character_posts=page("https://s3/other.jpg", total=1), create_ai=SimpleNamespace(post_id="new")
    )
    around = publishing(posts)
    ctx = context("picture/2/1", around, post_confirmed="m1", creating=True)
    assert publish_post(ctx, around).result == PublishedPost(post_id="new", media_id="m1")


def test_a_list_of_posts_that_ends_early_tells_nothing() -> None:
    posts = Recorder(character_posts=page(total=300))
    around = publishing(posts)
    with pytest.raises(TransientError, match="ended early"):
        publish_post(context("picture/2/1", around, post_confirmed="m1", creating=True), around)
    assert posts.named("create_ai") == []


def test_a_post_that_is_made_anew_keeps_its_id() -> None:
    posts = Recorder()
    around = publishing(posts)
    ctx = context("picture/2/1", around, post_confirmed="m2", redo_of="p-7")
    assert publish_post(ctx, around).result == PublishedPost(post_id="p-7", media_id="m2")
    assert posts.calls == [
        ("update", ("p-7",), {"caption": "A text.", "media_id": "m2", "tags": ["cats", "twowords"]})
    ]


# --- the end ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("described", [True, False])
def test_the_end_of_a_world_tells_its_service_what_came_of_it(described: bool) -> None:
    done, failed = StepState.DONE, StepState.FAILED
    census = {("character", done): 2, ("character", failed): 1, ("picture", done): 7, ("post", done): 9}
    worlds = Recorder()
    around = services(
        Model(),
        {},
        worlds=worlds,
        rows=SimpleNamespace(census=lambda _: census),
        parameters=SimpleNamespace(get=lambda _: DESCRIBED if described else None),
    )
    outcome = finish_world(context("finish", around), around)
    assert outcome.result == FinalCounts(users_count=2, posts_count=7)
    (((world_id, document, name, users, posts), _),) = worlds.named("update_params")
    assert (world_id, users, posts) == (WORLD, 2, 7)
    assert name == (DESCRIBED.name if described else "")
    assert document.get("theme") == ("cats" if described else None)


# --- the beginning ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("given", "name"), [("", DESCRIBED.name), ("My Own Name", "My Own Name")])
def test_a_world_keeps_the_name_that_it_was_given_and_the_counts_that_were_ordered(
    given: str, name: str
) -> None:
    worlds = Recorder()
    model = Model(DESCRIBED)
    stored: list[Any] = []
    parameters = SimpleNamespace(store=lambda *arguments: stored.append(arguments[1]))
    around = services(model, {"initialize": FoundWorld(name=given)}, worlds=worlds, parameters=parameters)
    ctx = context("describe", around)
    outcome = describe_world(ctx, around)
    assert isinstance(outcome.result, WorldDescription)
    assert outcome.result.name == name
    (((_, document, told, users, posts), _),) = worlds.named("update_params")
    assert (document["name"], told) == (name, name)
    assert (users, posts) == (ctx.generation.users_count, ctx.generation.posts_count)
    assert model.told("name") == [given]


@pytest.mark.parametrize(
    ("world", "error", "expected", "words"),
    [
        (WORLD, NotFoundError("GetWorld failed"), PermanentError, "does not know world"),
        (
            "my-world",
            TransientError("INTERNAL", outcome_unknown=True, outage=True),
            TransientError,
            "UUIDs only",
        ),
        (
            str(UUID(int=7)),
            TransientError("INTERNAL", outcome_unknown=True, outage=True),
            TransientError,
            "INTERNAL",
        ),
    ],
)
def test_a_world_that_its_service_does_not_have(
    world: str, error: GeneriaError, expected: type[GeneriaError], words: str
) -> None:
    def get(_: str) -> None:
        raise error

    around = services(Model(), {}, worlds=SimpleNamespace(get=get))
    ctx = context("initialize", around)
    ctx = replace(ctx, claim=replace(ctx.claim, world_id=world))
    with pytest.raises(expected, match=words) as caught:
        initialize_world(ctx, around)
    assert getattr(caught.value, "fatal_to_world", False) is (expected is PermanentError)
    assert getattr(caught.value, "outage", False) is (words == "INTERNAL"), (
        "one that cannot pass is not waited for"
    )


@pytest.mark.parametrize("named", [False, True])
def test_the_beginning_of_the_prompt_is_no_name_that_was_given(named: bool) -> None:
    around = services(Model(), {})
    ctx = context("initialize", around)
    name = "My Own Name" if named else provisional_name(ctx.generation.prompt)
    around = services(Model(), {}, worlds=SimpleNamespace(get=lambda _: SimpleNamespace(name=name)))
    assert initialize_world(ctx, around).result == FoundWorld(name=name if named else "")


@pytest.mark.parametrize(("caption", "known"), [("A text.", False), ("Another one.", True)])
def test_a_post_without_an_address_may_be_the_one_that_is_looked_for(caption: str, known: bool) -> None:
    """The post service's answers while the media service is away."""
    listed = SimpleNamespace(post_id="p-1", media_url="", caption=caption)
    posts = Recorder(
        character_posts=SimpleNamespace(posts=[listed], total=1), create_ai=SimpleNamespace(post_id="p-2")
    )
    around = publishing(posts)
    ctx = context("picture/2/1", around, post_confirmed="m2", creating=True)
    if known:
        assert publish_post(ctx, around).result == PublishedPost(post_id="p-2", media_id="m2")
        return
    with pytest.raises(TransientError) as caught:
        publish_post(ctx, around)
    assert caught.value.outage
    assert not posts.named("create_ai")


# --- what was made before ----------------------------------------------------------------------------------------------
def test_what_a_redo_may_change_is_kept_for_one_run_and_edition_and_all_else_for_good() -> None:
    made = CreatedCharacter(detail=detail("Ada"), character_id="c1")
    results = Recorder(of=lambda *_, **named: made if named["as_of"] else DatedPlan(posts=[]))
    around = services(Model(), {}, results=results)
    ctx = context("post/1/1", around, generation([1], run=3))
    assert ctx.result_of(CHARACTER) == made
    ctx.result_of(PLAN)
    assert [named["as_of"] for _, named in results.named("of")] == ["3.1", ""]
