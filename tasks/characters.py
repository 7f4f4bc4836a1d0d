"""The steps of the characters."""

from __future__ import annotations

from generia_worker.worlds import cast, characters
from generia_worker.worlds.steps import AVATAR, CAST, CHARACTER, PLAN
from tasks.base import step_task

cast_characters = step_task(CAST, cast.cast_characters)
create_character = step_task(CHARACTER, characters.create_character)
plan_posts = step_task(PLAN, characters.plan_posts)
draw_avatar = step_task(AVATAR, characters.draw_avatar)
