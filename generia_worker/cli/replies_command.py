"""`generia replies`: whether the characters of a world reply to people, and what that may cost."""

from __future__ import annotations

from rich.markup import escape

from generia_worker.cli import display
from generia_worker.cli.stacks import Running
from generia_worker.cli.world_commands import client_of, find_world
from generia_worker.client.replies import RepliesStatus, ReplyTerms


def replies(running: Running, world: str, budget: float | None, *, off: bool, as_json: bool) -> None:
    """Switch the replies of a world on, with a budget, or off, and show how they stand."""
    client = client_of(running)
    world_id = find_world(running, client, world).world_id
    if off:
        status = client.end_replies(world_id)
    else:
        status = client.replies(world_id, None if budget is None else ReplyTerms(budget=budget))
    if as_json:
        display.as_json(status.model_dump(mode="json"))
        return
    for line in _lines(status):
        display.out.print(escape(line))


def _lines(status: RepliesStatus) -> list[str]:
    if status.budget is None:
        return ["off: nobody is replied to; --budget switches it on"]
    state = "on" if status.on else "off"
    if status.on and status.used_up:
        state = "on, but too little is left of the budget: name more with --budget"
    spent = f"{display.dollars(status.spent_usd)} of {display.dollars(status.budget)}"
    return [
        state,
        f"{status.replies} replies, {spent}",
        f"today {status.today} of {status.a_day} comments, at most {status.a_day_person} of one person",
    ]
