"""What characters say of each other's posts: of the very post, to its author, as it stands between the two."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from generia_worker.simulator.vocabulary import vocabularies
from tests.simulator.conftest import make_world, write_document

ENGLISH = "A lighthouse whose keepers are all retired pirates"
RUSSIAN = "Мир, в котором за академическим руководителем ходит толпа студентов-котиков"
LETTERS = {ENGLISH: "a-z", RUSSIAN: "а-яё"}


def posts_of(prompt: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the characters of a world, and its posts as a character is shown them."""
    made = make_world(prompt, 5, 15)
    people = made["people"]
    shown = []
    for number, (post, topic) in enumerate(zip(made["posts"], made["topics"], strict=True)):
        author = people[number % len(people)]["display_name"]
        shown.append(
            {"post": f"{number}-1", "author": author, "topic": topic["topic"], "text": post["content"]}
        )
    return people, shown


def addresses(text: str, name: str) -> bool:
    return any(re.search(rf"\b{re.escape(word)}\b", text) for word in name.split())


@pytest.mark.parametrize("prompt", [ENGLISH, RUSSIAN])
def test_a_comment_speaks_of_the_post_to_its_author_as_it_stands_between_them(prompt: str) -> None:
    people, shown = posts_of(prompt)
    kinds = {tie.kind for known in vocabularies().values() for tie in known.people.relations}
    ties = 0
    said: Counter[str] = Counter()
    for person in people:
        between = {one["character"]: one["relationship_type"] for one in person["relationships"]}
        posts = [
            one | ({"relationship": f"{between[one['author']]}: …"} if one["author"] in between else {})
            for one in shown
            if one["author"] != person["display_name"]
        ]
        found = write_document("reactions", prompt, character=person, posts=posts, comments=4, likes=3)
        known = {one["post"]: one for one in posts}
        assert len(found["comments"]) == 4
        assert len(set(found["likes"])) == 3
        assert set(found["likes"]) <= set(known)
        for comment in found["comments"]:
            post, text = known[comment["post"]], comment["text"]
            assert post["topic"].rstrip(".!?") in text
            assert addresses(text, post["author"])
            assert not re.search(r"[{}\[\]|]", text), text
            letters = [one for one in text.casefold() if one.isalpha()]
            assert sum(bool(re.match(f"[{LETTERS[prompt]}]", one)) for one in letters) > len(letters) / 2
            kind = str(post.get("relationship", "")).partition(":")[0]
            if kind in kinds:
                (own,) = [
                    [tie.text for tie in one.talk.ties if tie.kind == kind]
                    for one in vocabularies().values()
                    if kind in {tie.kind for tie in one.talk.ties}
                ]
                ties += any(line.partition("{")[0][:20] in text for line in own)
            said[text] += 1
    assert ties >= 5, "it is felt what people are to each other"
    assert max(said.values()) == 1, "nothing is said twice"


@pytest.mark.parametrize("prompt", [ENGLISH, RUSSIAN])
def test_an_answer_is_to_the_one_who_asked(prompt: str) -> None:
    people, shown = posts_of(prompt)
    heard = [
        {"comment": f"{number}-1", "author": one["display_name"], "text": "…"}
        for number, one in enumerate(people[1:], start=2)
    ]
    post = {"topic": shown[0]["topic"], "text": shown[0]["text"], "comments": heard}
    found = write_document("answers", prompt, character=people[0], posts=[post], answers=3)["answers"]
    names = {one["comment"]: one["author"] for one in heard}
    assert len({one["comment"] for one in found}) == 3
    for one in found:
        assert addresses(one["text"], names[one["comment"]])


@pytest.mark.parametrize(
    ("prompt", "text", "said"),
    [
        (ENGLISH, "I love this place. Who paid for the lamp oil? Tell me!", "Who paid for the lamp oil"),
        (ENGLISH, "The best post of the week.", "The best post of the week"),
        (RUSSIAN, "Люблю ваши истории. А кто кормит котиков?", "А кто кормит котиков"),
        (RUSSIAN, "Лучший пост недели!", "Лучший пост недели"),
    ],
)
def test_a_reply_takes_up_what_a_guest_said(prompt: str, text: str, said: str) -> None:
    people, shown = posts_of(prompt)
    post = {"topic": shown[0]["topic"], "text": shown[0]["text"]}
    replies = {
        write_document(
            "reply", prompt, character=one, post=post, comment={"author": "guest_7", "text": text}, earlier=[]
        )["reply"]
        for one in people
    }
    assert len(replies) > 1
    for reply in replies:
        assert said in reply
        assert "guest_7" in reply
        assert not re.search(r"[{}\[\]|]", reply), reply
        letters = [one for one in reply.replace("guest_7", "").casefold() if one.isalpha()]
        assert sum(bool(re.match(f"[{LETTERS[prompt]}]", one)) for one in letters) > len(letters) / 2


@pytest.mark.parametrize("comment", [None, "text", {}, {"text": "", "author": None}])
def test_a_reply_to_nothing_is_one_still(comment: Any) -> None:
    assert write_document("reply", ENGLISH, comment=comment)["reply"]


@pytest.mark.parametrize("kind", ["reactions", "answers"])
@pytest.mark.parametrize("posts", [[], ["text"], [{"text": "without an id", "comments": [1, {}]}], None])
def test_who_is_shown_nothing_says_nothing(kind: str, posts: Any) -> None:
    document = write_document(kind, ENGLISH, posts=posts, comments=2, likes=2, answers=2)
    assert not any(document.values())
