"""Who lives in the world: concepts in batches, each told of the ones before, and the posts shared out among all."""

from __future__ import annotations

from collections.abc import Sequence

from pymongo.client_session import ClientSession

from generia_worker.errors import InvalidAnswerError
from generia_worker.worlds.context import Outcome, Services, StepContext
from generia_worker.worlds.documents import Cast, CharacterConcept, CharacterConnection, SharedStory
from generia_worker.worlds.generate import generate
from generia_worker.worlds.prompt_context import cast_so_far, pick, unseen, world_context

#: How often what is missing of a batch is asked for before the step starts over.
_ROUNDS = 4
#: As many connections and stories of a batch are kept as its document may hold.
_CONNECTIONS_MAX, _STORIES_MAX = 200, 60


def cast_characters(ctx: StepContext, services: Services) -> Outcome:
    """Find this batch's concepts; with the last batch, share out the posts and lay all steps into the ledger.

    Raises:
        InvalidAnswerError: the model does not come up with enough different characters.
    """
    order, size = ctx.generation, services.settings.cast_batch_size
    wanted = min(size, order.users_count - ctx.batch * size)
    before = cast_so_far(ctx)
    batch = _collect(ctx, services, wanted, before)
    if ctx.batch < order.batches - 1:
        return Outcome(batch)
    wishes = [concept.posts_count for concept in (*before, *batch.characters)]
    shares = share_posts(wishes, order.posts_count)

    def lay_out(session: ClientSession) -> None:
        services.generations.store_shares(ctx.world_id, shares, session)
        steps = services.rows.table.after_cast(shares)
        services.rows.add(ctx.world_id, steps, order.batches, session)

    return Outcome(batch, on_commit=lay_out)


def _collect(ctx: StepContext, services: Services, wanted: int, before: list[CharacterConcept]) -> Cast:
    """Ask until there are `wanted` concepts that differ; what is missing or double is asked for again."""
    people: list[CharacterConcept] = []
    connections: list[CharacterConnection] = []
    stories: list[SharedStory] = []
    first: Cast | None = None
    for turn in range(_ROUNDS):
        known = [*before, *people]
        variables = {
            "user_prompt": ctx.generation.prompt,
            "world": world_context(ctx),
            "count": wanted - len(people),
            "users_count": ctx.generation.users_count,
            "posts_count": ctx.generation.posts_count,
            "existing": [pick(one, ("id", "concept_short", "role_in_world")) for one in known],
        }
        answer = generate(
            ctx,
            services,
            Cast,
            "cast_characters",
            variables,
            purpose=f"cast{turn}",
            planned=not turn,
            counts={"characters": wanted - len(people)},
        )
        answer = _renumbered(answer, first=len(known) + 1)
        first = first or answer
        people += unseen(answer.characters, known, _identity)[: wanted - len(people)]
        connections += answer.character_connections
        stories += answer.common_stories_and_events
        if len(people) == wanted:
            return first.model_copy(
                update={
                    "characters": [
                        one.model_copy(update={"id": f"c{number}"})
                        for number, one in enumerate(people, start=len(before) + 1)
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


def share_posts(wishes: Sequence[int], posts_count: int) -> list[int]:
    """Share out `posts_count` posts in proportion to `wishes`, so that they sum up exactly.

    Everybody gets at least one post while there are enough; where there are fewer posts than characters, the first
    ones get one each. The largest remainders take what rounding leaves over (Hamilton's method), earlier ones first.
    """
    count = len(wishes)
    if posts_count <= count:
        return [1 if index < posts_count else 0 for index in range(count)]
    weights = [max(wish, 1) for wish in wishes]
    spare = posts_count - count
    quotas = [spare * weight / sum(weights) for weight in weights]
    shares = [int(quota) for quota in quotas]
    by_remainder = sorted(range(count), key=lambda i: (shares[i] - quotas[i], i))
    for index in by_remainder[: spare - sum(shares)]:
        shares[index] += 1
    return [1 + share for share in shares]
