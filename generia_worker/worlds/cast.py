"""Who lives in the world: concepts in batches, each told of the ones before, and the posts shared out among all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pymongo.client_session import ClientSession

from generia_worker.errors import InvalidAnswerError
from generia_worker.worlds.context import Outcome, Services, StepContext
from generia_worker.worlds.documents import Cast, CharacterConcept, CharacterConnection, SharedStory
from generia_worker.worlds.generate import generate
from generia_worker.worlds.prompt_context import cast_so_far, pick, unseen, world_context
from generia_worker.worlds.shares import share_posts, share_round, written_by

#: How often what is missing of a batch is asked for before the step starts over.
_ROUNDS = 4
#: As many connections and stories of a batch are kept as its document may hold.
_CONNECTIONS_MAX, _STORIES_MAX = 200, 60
#: What a prompt is told of those who are there, and of how many.
_EXISTING_FIELDS, _EXISTING_MAX = ("id", "concept_short", "role_in_world"), 200


def cast_characters(ctx: StepContext, services: Services) -> Outcome:
    """Find this batch's concepts; with the last batch, share out the posts and lay all steps into the ledger.

    Raises:
        InvalidAnswerError: the model does not come up with enough different characters.
    """
    one, size = ctx.round, services.settings.cast_batch_size
    first = one.first_character + ctx.batch * size
    wanted = min(size, one.first_character + one.users - first)
    before = cast_so_far(ctx)
    batch = _collect(ctx, services, wanted, before, first)
    if ctx.batch < one.batches - 1:
        return Outcome(batch)
    wishes = {number: concept.posts_count for number, concept in before.items()}
    wishes |= {number: concept.posts_count for number, concept in enumerate(batch.characters, start=first)}
    if one.number == 1:
        shares = share_posts(list(wishes.values()), one.posts)
        laid_out = replace(one, shares=dict(enumerate(shares, start=1)))
    else:
        written = written_by(services.rows.states(ctx.world_id))
        laid_out = replace(one, shares=share_round(one, wishes, written))

    def lay_out(session: ClientSession) -> None:
        services.generations.store_shares(ctx.world_id, laid_out, session)
        steps = services.rows.table.of_round(laid_out, ctx.generation.options)
        services.rows.add(ctx.world_id, steps, one.batches, session, in_round=one.number)

    return Outcome(batch, on_commit=lay_out)


def _collect(
    ctx: StepContext, services: Services, wanted: int, before: Mapping[int, CharacterConcept], number: int
) -> Cast:
    """Ask until there are `wanted` concepts that differ; what is missing or double is asked for again.

    `before` are the characters that there are, by their numbers; the first of the new ones is `number`.
    """
    people: list[CharacterConcept] = []
    connections: list[CharacterConnection] = []
    stories: list[SharedStory] = []
    first: Cast | None = None
    for turn in range(_ROUNDS):
        known = [*before.values(), *people]
        variables = {
            "user_prompt": ctx.generation.prompt,
            "world": world_context(ctx),
            "count": wanted - len(people),
            "users_count": ctx.generation.users_count,
            "posts_count": ctx.generation.posts_count,
            "existing": [pick(one, _EXISTING_FIELDS) for one in known[-_EXISTING_MAX:]],
        }
        answer = generate(
            ctx,
            services,
            Cast,
            "cast_characters",
            variables,
            purpose=f"cast{turn}",
            planned=not turn,
            patient=True,
            counts={"characters": wanted - len(people)},
        )
        answer = _renumbered(answer, first=number + len(people))
        first = first or answer
        people += unseen(answer.characters, known, _identity)[: wanted - len(people)]
        connections += answer.character_connections
        stories += answer.common_stories_and_events
        if len(people) == wanted:
            return first.model_copy(
                update={
                    "characters": [
                        person.model_copy(update={"id": f"c{at}"})
                        for at, person in enumerate(people, start=number)
                    ],
                    "character_connections": connections[:_CONNECTIONS_MAX],
                    "common_stories_and_events": stories[:_STORIES_MAX],
                }
            )
    message = f"The model gave {len(people)} different characters where {wanted} were asked for."
    raise InvalidAnswerError(message)


def _renumbered(answer: Cast, first: int) -> Cast:
    """Return an answer whose ids go on from those that exist, in its stories too."""
    names: dict[str, str] = {}
    people = []
    for number, one in enumerate(answer.characters, start=first):
        names[one.id] = f"c{number}"
        people.append(one.model_copy(update={"id": f"c{number}"}))
    stories = [
        story.model_copy(update={"characters_ids": [names.get(name, name) for name in story.characters_ids]})
        for story in answer.common_stories_and_events
    ]
    return answer.model_copy(update={"characters": people, "common_stories_and_events": stories})


def _identity(concept: CharacterConcept) -> str:
    return " ".join(concept.concept_short.casefold().split())
