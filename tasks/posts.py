"""The steps of the posts."""

from __future__ import annotations

from generia_worker.worlds import posts
from generia_worker.worlds.steps import PICTURE, POST
from tasks.base import step_task

write_post = step_task(POST, posts.write_post)
illustrate_post = step_task(PICTURE, posts.publish_post)
