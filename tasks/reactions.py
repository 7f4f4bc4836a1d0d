"""The steps in which characters talk to each other, and to people."""

from __future__ import annotations

from generia_worker.worlds import reactions, replies
from generia_worker.worlds.steps import ANSWER, DELIVER, REACT, REPLY
from tasks.base import step_task

react = step_task(REACT, reactions.react)
answer = step_task(ANSWER, reactions.answer)
deliver = step_task(DELIVER, reactions.deliver)
reply = step_task(REPLY, replies.reply)
