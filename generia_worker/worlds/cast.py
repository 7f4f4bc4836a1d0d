"""Who lives in the world: concepts in batches, each told of the ones before, and the posts shared out among all."""

from __future__ import annotations

from typing import Any

from pymongo.client_session import ClientSession

from generia_worker.engine.generations import Generations
from generia_worker.engine.step import steps_after_cast
from generia_worker.errors import InvalidAnswerError
from generia_worker.worlds.character_documents import Cast, share_posts
from generia_worker.worlds.context import StepRun
from generia_worker.worlds.generate import ask
from generia_worker.worlds.prompt_context import cast_so_far, pick, unseen, world_brief
from generia_worker.worlds.services import Outcome, Tools

#: How often what is missing of a batch is asked for before the step starts over.
_ROUNDS = 4


def cast_characters(run: StepRun, tools: Tools, generations: Generations) -> Outcome:
    """Ask for this batch's concepts; with the last batch, share out the posts and lay all steps into the ledger.

    Raises:
        InvalidAnswerError: the model does not come up with enough different characters.
    """
    order, size = run.generation, tools.settings.cast_batch_size
    wanted = min(size, order.users_count - run.number * size)
    before = cast_so_far(run)
    batch = _collect(run, tools, wanted, before)
    if run.number < order.batches - 1:
        return Outcome(batch)
    wishes = [concept["posts_count"] for concept in (*before, *batch["characters"])]
    shares = share_posts(wishes, order.posts_count)

    def lay_out(session: ClientSession) -> None:
        generations.store_shares(run.world_id, shares, session)
        run.ledger.add(run.world_id, steps_after_cast(shares), order.batches, session)

    return Outcome(batch, also=lay_out)


def _collect(run: StepRun, tools: Tools, wanted: int, before: list[dict[str, Any]]) -> dict[str, Any]:
    """Ask until there are `wanted` concepts that differ; what is missing or double is asked for again."""
    people: list[dict[str, Any]] = []
    extras: dict[str, list[Any]] = {"character_connections": [], "common_stories_and_events": []}
    batch: dict[str, Any] = {}
    for turn in range(_ROUNDS):
        known = [*before, *people]
        variables = {
            "user_prompt": run.generation.prompt,
            "world": world_brief(run, tools),
            "count": wanted - len(people),
            "users_count": run.generation.users_count,
            "posts_count": run.generation.posts_count,
            "existing": [pick(one, ("id", "concept_short", "role_in_world")) for one in known],
        }
        answer = ask(run, tools, Cast, "cast_characters", variables, purpose=f"cast{turn}").as_document()
        batch = batch or answer
        _rename(answer, first=len(known) + 1)
        people += unseen(answer["characters"], known, _identity)[: wanted - len(people)]
        for name, kept in extras.items():
            kept += answer[name]
        if len(people) == wanted:
            numbered = [one | {"id": f"c{len(before) + i}"} for i, one in enumerate(people, start=1)]
            return batch | extras | {"characters": numbered}
    message = f"The model gave {len(people)} different characters where {wanted} were asked for."
    raise InvalidAnswerError(message)


def _rename(answer: dict[str, Any], first: int) -> None:
    """Let the ids of an answer go on from those that exist, in its stories too."""
    names = {}
    for number, one in enumerate(answer["characters"], start=first):
        names[one["id"]] = one["id"] = f"c{number}"
    for story in answer["common_stories_and_events"]:
        story["characters_ids"] = [names.get(name, name) for name in story["characters_ids"]]


def _identity(concept: dict[str, Any]) -> str:
    return " ".join(concept["concept_short"].casefold().split())
