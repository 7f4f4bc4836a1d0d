"""The steps in which characters talk to each other."""

from __future__ import annotations

from generia_worker.worlds import reactions
from generia_worker.worlds.steps import ANSWER, DELIVER, REACT
from tasks.base import step_task

react = step_task(REACT, reactions.react)
answer = step_task(ANSWER, reactions.answer)
deliver = step_task(DELIVER, reactions.deliver)
