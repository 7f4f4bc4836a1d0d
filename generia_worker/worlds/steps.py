"""The step table: every kind of step of a world, in the order of the story. Read this after `tasks/pipeline.py`.

    initialize  describe  illustrate  cast/0 … cast/k  chronicle (of days)  fan_out
    character/07  plan/07  avatar/07          one of each a character (`plan` only where there are posts)
    post/07/03  picture/07/03                 the text, then the picture and the publication of one post
    react/07  answer/07  deliver/07           where characters talk to each other: what one makes of others' posts, what it
                                              answers to comments on its own, and all of that under its posts
    finish
    reply/03                                  what a character replies to a comment of a person, whenever that comes

Each time that a world is extended is one more round (`generia_worker/engine/rounds.py`): `cast/0@2`, `fan_out@2`,
`plan/07@2`, `post/07/01@2` … What is done `once` has no part in later rounds but for their new characters.

Predecessors, dependents, stages, routes, counters, expected calls and what `redo` touches derive from it
(`generia_worker/engine/specs.py::StepTable`). How to add a kind: `generia_worker/README.md`.
"""

from __future__ import annotations

from generia_worker.engine.queues import IMAGES, LLM, SERVICES
from generia_worker.engine.specs import StepSpec, StepTable
from generia_worker.engine.step import Scope
from generia_worker.worlds.documents import Cast, DayNews, PostDraft, WorldDescription
from generia_worker.worlds.results import (
    Avatar,
    CreatedCharacter,
    DatedPlan,
    Delivered,
    FinalCounts,
    FoundWorld,
    Nothing,
    Opinions,
    PublishedPost,
    Replied,
    Replies,
    WorldImages,
)

INITIALIZE = StepSpec(
    kind="initialize",
    once=True,
    task="tasks.world.initialize_world",
    queue=SERVICES,
    stage="initializing",
    result=FoundWorld,
    fatal=True,
)
DESCRIBE = StepSpec(
    kind="describe",
    once=True,
    after=INITIALIZE,
    task="tasks.world.describe_world",
    queue=LLM,
    stage="world_description",
    result=WorldDescription,
    fatal=True,
    text_calls=1,
)
ILLUSTRATE = StepSpec(
    kind="illustrate",
    once=True,
    after=DESCRIBE,
    task="tasks.world.illustrate_world",
    queue=IMAGES,
    stage="world_image",
    result=WorldImages,
    text_calls=1,
    image_calls=2,
)
#: Without its pictures a world goes on with its cast.
CAST = StepSpec(
    kind="cast",
    scope=Scope.BATCH,
    after=ILLUSTRATE,
    needs=DESCRIBE,
    task="tasks.characters.cast_characters",
    queue=LLM,
    stage="characters",
    result=Cast,
    fatal=True,
    text_calls=1,
    first_call="cast0",
)
#: Without its news a day goes on.
CHRONICLE = StepSpec(
    kind="chronicle",
    after=CAST,
    days_only=True,
    task="tasks.world.tell_news",
    queue=LLM,
    stage="characters",
    result=DayNews,
    text_calls=1,
)
FAN_OUT = StepSpec(
    kind="fan_out",
    after=CHRONICLE,
    needs=CAST,
    task="tasks.world.fan_out",
    queue=SERVICES,
    stage="characters",
    result=Nothing,
    fatal=True,
)
CHARACTER = StepSpec(
    kind="character",
    scope=Scope.CHARACTER,
    once=True,
    after=FAN_OUT,
    task="tasks.characters.create_character",
    queue=LLM,
    stage="characters",
    result=CreatedCharacter,
    indispensable=True,
    counter="users_created",
    text_calls=1,
    redo="character",
)
PLAN = StepSpec(
    kind="plan",
    scope=Scope.CHARACTER,
    after=CHARACTER,
    only_with_posts=True,
    task="tasks.characters.plan_posts",
    queue=LLM,
    stage="posts",
    result=DatedPlan,
    text_calls=1,
    first_call="plan0",
    text_calls_by_posts=True,
)
#: Without a plan a character still gets its face.
AVATAR = StepSpec(
    kind="avatar",
    scope=Scope.CHARACTER,
    once=True,
    after=PLAN,
    needs=CHARACTER,
    task="tasks.characters.draw_avatar",
    queue=IMAGES,
    stage="characters",
    result=Avatar,
    image_calls=1,
    first_call="avatar.image0",
    redo="character",
)
POST = StepSpec(
    kind="post",
    scope=Scope.POST,
    after=PLAN,
    task="tasks.posts.write_post",
    queue=LLM,
    stage="posts",
    result=PostDraft,
    text_calls=1,
    redo="post",
)
PICTURE = StepSpec(
    kind="picture",
    scope=Scope.POST,
    after=POST,
    task="tasks.posts.illustrate_post",
    queue=IMAGES,
    stage="posts",
    result=PublishedPost,
    counter="posts_created",
    image_calls=1,
    first_call="post.image0",
    redo="post",
    publishes=POST,
)
#: What an order asks for that wants its characters to talk to each other.
REACTIONS = "reactions"
#: All texts are there by then; their pictures are drawn while it is written what others make of them.
REACT = StepSpec(
    kind="react",
    scope=Scope.CHARACTER,
    waits_for=(POST,),
    needs=CHARACTER,
    option=REACTIONS,
    task="tasks.reactions.react",
    queue=LLM,
    stage="posts",
    result=Opinions,
    text_calls=1,
)
ANSWER = StepSpec(
    kind="answer",
    scope=Scope.CHARACTER,
    waits_for=(REACT,),
    needs=PLAN,
    option=REACTIONS,
    only_with_posts=True,
    task="tasks.reactions.answer",
    queue=LLM,
    stage="posts",
    result=Replies,
    text_calls=1,
)
DELIVER = StepSpec(
    kind="deliver",
    scope=Scope.CHARACTER,
    waits_for=(ANSWER, PICTURE),
    needs=PLAN,
    option=REACTIONS,
    only_with_posts=True,
    task="tasks.reactions.deliver",
    queue=SERVICES,
    stage="posts",
    result=Delivered,
    sums={"likes_created": "likes", "comments_created": "comments"},
)
#: Whenever a person comments, also long after its world has ended.
REPLY = StepSpec(
    kind="reply",
    scope=Scope.COMMENT,
    once=True,
    task="tasks.reactions.reply",
    queue=LLM,
    stage="",
    result=Replied,
    text_calls=1,
    sums={"replies_created": "replies"},
)
FINISH = StepSpec(
    kind="finish",
    once=True,
    closes_world=True,
    task="tasks.world.finish_world",
    queue=SERVICES,
    stage="finishing",
    result=FinalCounts,
    fatal=True,
)

STEPS = StepTable(
    [
        INITIALIZE,
        DESCRIBE,
        ILLUSTRATE,
        CAST,
        CHRONICLE,
        FAN_OUT,
        CHARACTER,
        PLAN,
        AVATAR,
        POST,
        PICTURE,
        REACT,
        ANSWER,
        DELIVER,
        REPLY,
        FINISH,
    ]
)
