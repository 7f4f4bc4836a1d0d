"""What a character will write about: a plan of exactly as many posts as it was given."""

from __future__ import annotations

from typing import Any

from generia_worker.errors import InvalidAnswerError
from generia_worker.worlds.characters import the_character
from generia_worker.worlds.context import StepRun
from generia_worker.worlds.generate import ask
from generia_worker.worlds.post_documents import PostPlan
from generia_worker.worlds.prompt_context import (
    character_brief,
    common_ground,
    others_of,
    unseen,
    world_brief,
)
from generia_worker.worlds.services import Outcome, Tools

#: Rounds beyond those that a model which answers exactly would need.
_SPARE_ROUNDS = 3


def plan_posts(run: StepRun, tools: Tools) -> Outcome:
    """Plan the posts of a character in batches; what is missing or double is asked for again.

    Raises:
        InvalidAnswerError: the model does not come up with enough different posts.
    """
    shares = run.generation.shares or []
    wanted, size = shares[run.number - 1], tools.settings.plan_batch_size
    character = character_brief(the_character(run)["detail"])
    _, stories = common_ground(run, run.number)
    posts: list[dict[str, Any]] = []
    plan: dict[str, Any] = {}
    for turn in range(-(-wanted // size) + _SPARE_ROUNDS):
        count = min(size, wanted - len(posts))
        variables = {
            "user_prompt": run.generation.prompt,
            "world": world_brief(run, tools),
            "character": character,
            "others": others_of(run, run.number),
            "stories": stories,
            "count": count,
            "earlier": [post["topic"] for post in posts],
        }
        answer = ask(run, tools, PostPlan, "plan_posts", variables, purpose=f"plan{turn}").as_document()
        plan = plan or answer
        posts += unseen(answer["posts"], posts, _identity)[:count]
        if len(posts) == wanted:
            return Outcome(plan | {"posts": posts})
    message = f"The model planned {len(posts)} different posts where {wanted} were asked for."
    raise InvalidAnswerError(message)


def _identity(post: dict[str, Any]) -> str:
    """Two posts are the same when topic and brief are."""
    return " ".join(f"{post['topic']} {post['content_brief']}".casefold().split())
