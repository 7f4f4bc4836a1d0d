"""Every way in which the simulator misbehaves."""

from __future__ import annotations

import json
import socket
import statistics
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from generia_worker.errors import ConfigurationError
from generia_worker.simulator.behaviour import Behaviour, parse_behaviour
from generia_worker.simulator.http import OUTAGES
from generia_worker.simulator.state import Simulator
from tests.embedded.conftest import eventually
from tests.simulator.conftest import MODELS, Sim

REASK = [{"role": "assistant", "content": "{"}, {"role": "user", "content": "Your answer cannot be used"}]


def content(answer: requests.Response) -> str:
    text: str = answer.json()["choices"][0]["message"]["content"]
    return text


def billed(sim: Sim) -> tuple[int, int]:
    """Return how many calls were billed, and how many were answered."""
    entries = sim.ledger()["entries"]
    return sum(entry["billed"] for entry in entries), sum(entry["answered"] for entry in entries)


def test_switches_are_checked_shown_replaced_changed_and_reset(sim: Sim) -> None:
    url = f"{sim.base}/_sim/behaviour"
    assert requests.put(url, json={"rate_428": 0.5}, timeout=10).status_code == 422
    assert requests.put(url, json={"rate_429": 1.5}, timeout=10).status_code == 422
    assert requests.put(url, json=[1], timeout=10).status_code == 422
    assert requests.put(url, data=b"{", timeout=10).status_code == 400
    shown = requests.put(url, json={"rate_429": 0.5, "hang": {"images": 0.25}}, timeout=10).json()
    assert shown["rate_429"] == {"llm": 0.5, "images": 0.5}
    assert shown["hang"] == {"llm": 0, "images": 0.25}
    changed = requests.patch(url, json={"fences": 1}, timeout=10).json()
    assert (changed["fences"], changed["rate_429"]["llm"]) == (1, 0.5)
    assert requests.get(url, timeout=10).json() == changed
    requests.post(f"{sim.base}/_sim/reset", timeout=10)
    assert requests.get(url, timeout=10).json()["fences"] == 0
    assert sim.ledger()["entries"] == []


def test_a_world_meets_its_own_faults_and_others_do_not(sim: Sim) -> None:
    sim.behave("bad", rate_429=1)
    sim.behave("poor", no_credit_after={"llm": 2, "images": 2})
    body = sim.body("post")
    for request, statuses in {
        "bad/post": [429, 429],
        "poor/post": [200, 402],
        "good/post": [200, 200],
    }.items():
        assert [sim.chat(body, request).status_code for _ in statuses] == statuses
        assert [sim.draw(sim.task(), request=request).status_code for _ in statuses] == statuses
    assert {entry["request"] for entry in sim.ledger("poor/")["entries"]} == {"poor/post"}
    url = f"{sim.base}/_sim/behaviour"
    assert requests.get(url, timeout=10).json()["rate_429"]["llm"] == 0
    assert requests.get(url, params={"world": "bad"}, timeout=10).json()["rate_429"]["llm"] == 1
    requests.post(f"{sim.base}/_sim/reset", timeout=10)
    assert sim.chat(body, "bad/post").status_code == 200


def test_calls_of_a_world_count_from_its_first_one(sim: Sim) -> None:
    body = sim.body("post")
    assert sim.chat(body, "w/describe").status_code == 200
    sim.behave("w", no_credit_after=3)
    assert [sim.chat(body, "w/describe").status_code for _ in range(2)] == [200, 402]
    sim.behave("w", status_rates={500: 1}, only={"after": 3, "first": 1})
    assert [sim.chat(body, "w/describe").status_code for _ in range(2)] == [500, 200]


def test_all_worlds_spend_the_credit_of_the_account(sim: Sim) -> None:
    body = sim.body("post")
    sim.behave("own", fences=1)
    assert [sim.chat(body, "own/post").status_code for _ in range(2)] == [200, 200]
    sim.behave(no_credit_after=sim.ledger()["llm"]["calls"] + 2)
    assert [sim.chat(body, "other/post").status_code for _ in range(2)] == [200, 402]


def test_what_a_world_meets_does_not_depend_on_others(sim: Sim) -> None:
    def statuses(world: str) -> list[int]:
        return [sim.chat(sim.body("post", number=n % 3), f"{world}/post").status_code for n in range(20)]

    sim.behave("a", rate_5xx=0.5)
    sim.behave("b", rate_5xx=0.5)
    alone = statuses("a")
    assert len(set(alone)) > 1
    assert statuses("b") == alone


def test_a_picture_that_is_fetched_or_served_belongs_to_the_world_that_ordered_it(sim: Sim) -> None:
    task, other = sim.task(), sim.task()
    sim.behave("w", cost={"images": "null"}, url_expires_s=0)
    drawn = sim.draw(task, request="w/avatar/01#1.avatar").json()["data"][0]
    assert drawn["cost"] is None
    # Whoever fetches says nothing but the taskUUID.
    fetched = {"taskType": "getResponse", "taskUUID": task["taskUUID"], "includeCost": True}
    assert sim.draw(fetched, request=task["taskUUID"]).json()["data"][0]["cost"] is None
    assert requests.get(drawn["imageURL"], timeout=10).status_code == 404
    drawn = sim.draw(other, request="v/avatar/01#1.avatar").json()["data"][0]
    assert requests.get(drawn["imageURL"], timeout=10).status_code == 200


def test_429_comes_with_retry_after_and_is_not_billed(sim: Sim) -> None:
    sim.behave(rate_429=1, retry_after_s=7)
    for answer in (sim.chat(sim.body("post")), sim.draw(sim.task())):
        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == "7"
    sim.behave(rate_429={"llm": 1}, retry_after_s=60, retry_after_date=True)
    header = sim.chat(sim.body("post")).headers["Retry-After"]
    assert 50 < parsedate_to_datetime(header).timestamp() - time.time() <= 60
    assert sim.draw(sim.task()).status_code == 200
    assert billed(sim) == (1, 1)


def test_a_repeated_request_gets_another_5xx_and_succeeds_in_the_end(sim: Sim) -> None:
    sim.behave(rate_5xx=0.7)
    body = sim.body("post")
    statuses = [sim.chat(body).status_code for _ in range(12)]
    assert len(set(statuses)) > 2
    assert billed(sim)[0] == statuses.count(200) > 0
    sim.behave(rate_5xx=1)
    answers = (sim.draw(sim.task()) for _ in range(60))
    html = next(answer for answer in answers if answer.status_code == 502)
    assert html.headers["content-type"].startswith("text/html")


@settings(deadline=None, max_examples=10)
@given(st.integers(0))
def test_faults_come_in_all_kinds_and_repeat_with_the_seed(seed: int) -> None:
    def run() -> list[int | None]:
        simulator = Simulator(seed, Behaviour.model_validate({"rate_5xx": 0.5, "rate_429": 0.2}))
        return [simulator.refusal("llm", simulator.arrive("llm", f"{n % 7}"), "") for n in range(300)]

    statuses = run()
    assert statuses == run()
    assert set(statuses) == {*OUTAGES, 429, None}


@settings(deadline=None, max_examples=25)
@given(st.integers(0), st.floats(0.05, 5))
def test_latency_spreads_around_its_mean_and_has_a_tail(seed: int, mean_s: float) -> None:
    latency = {"mean_s": mean_s, "sigma_s": mean_s / 4}
    slow = {"slow_tail": {"llm": 0.5}, "slow_tail_s": 60}
    simulator = Simulator(seed, Behaviour.model_validate({"latency": {"llm": latency}, **slow}))
    drawn = [simulator.latency_s("llm", simulator.arrive("llm", str(n))) for n in range(200)]
    quick = [seconds for seconds in drawn if seconds < 60]
    assert all(seconds >= mean_s / 5 for seconds in quick)
    assert statistics.mean(quick) == pytest.approx(mean_s, rel=0.15)
    assert 60 < len(quick) < 140


def test_a_window_bounds_the_faults(sim: Sim) -> None:
    sim.behave(rate_429=1, only={"after": 2, "first": 3})
    statuses = [sim.chat(sim.body("post", number=n)).status_code for n in range(7)]
    assert statuses == [200, 200, 429, 429, 429, 200, 200]


@pytest.mark.parametrize("status", [401, 404, 408, 413, 422, 451])
def test_any_status_can_be_asked_for(sim: Sim, status: int) -> None:
    sim.behave(status_rates={str(status): 1})
    answer = sim.chat(sim.body("post"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, status)
    assert sim.draw(sim.task()).status_code == status
    assert billed(sim) == (0, 0)


def test_an_error_may_be_a_string(sim: Sim) -> None:
    sim.behave(string_error=1)
    answer = sim.chat(sim.body("post"))
    assert answer.status_code == 500
    assert isinstance(answer.json()["error"], str)


def test_credit_ends_at_the_nth_call(sim: Sim) -> None:
    sim.behave(no_credit_after=3)
    statuses = [sim.chat(sim.body("post", number=n)).status_code for n in range(5)]
    assert statuses == [200, 200, 402, 402, 402]
    assert sim.draw(sim.task()).status_code == 200
    sim.behave(no_credit_after={"images": 2})
    assert sim.draw(sim.task()).status_code == 402


def test_moderation_refuses_by_words(sim: Sim) -> None:
    sim.behave(forbidden_words=["Cats"])
    assert sim.chat(sim.body("post")).status_code == 403
    assert sim.draw(sim.task(positivePrompt="two cats")).status_code == 403
    assert sim.draw(sim.task(positivePrompt="two dogs")).status_code == 200


def test_a_bucket_makes_a_storm(sim: Sim) -> None:
    sim.behave(bucket={"llm": {"per_s": 0.01, "burst": 3}})
    statuses = [sim.chat(sim.body("post", number=n)).status_code for n in range(6)]
    assert statuses == [200, 200, 200, 429, 429, 429]
    assert sim.draw(sim.task()).status_code == 200


def test_formats_can_be_missing(sim: Sim) -> None:
    body = sim.body("post")
    sim.behave(no_json_schema=True)
    assert sim.chat(body).status_code == 400
    body["response_format"] = {"type": "json_object"}
    assert sim.chat(body).status_code == 200
    sim.behave(no_json_schema=True, no_json_object=True)
    assert sim.chat(body).status_code == 400
    del body["response_format"]
    assert sim.chat(body).status_code == 200


def test_a_hung_call_is_billed_and_never_answered(sim: Sim) -> None:
    sim.behave(hang=1)
    task = sim.task()
    with pytest.raises(requests.Timeout):
        sim.chat(sim.body("post"), timeout=0.5)
    with pytest.raises(requests.Timeout):
        sim.draw(task, timeout=0.5)
    assert eventually(lambda: billed(sim) == (2, 0))
    fetched = sim.draw({"taskType": "getResponse", "taskUUID": task["taskUUID"]})
    assert fetched.json()["data"][0]["imageURL"]


def test_an_abandoned_call_is_billed(sim: Sim) -> None:
    sim.behave(latency={"llm": {"fixed_s": 5}})
    with pytest.raises(requests.Timeout):
        sim.chat(sim.body("post"), timeout=0.3)
    assert eventually(lambda: billed(sim) == (1, 0))


def test_a_connection_may_end_in_mid_body(sim: Sim) -> None:
    sim.behave(reset=1)
    calls: list[Callable[[], requests.Response]] = [
        lambda: sim.chat(sim.body("post")),
        lambda: sim.draw(sim.task()),
    ]
    for call in calls:
        with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
            call()
    assert billed(sim) == (2, 0)


def test_blank_lines_come_before_a_padded_answer(sim: Sim) -> None:
    sim.behave(padding={"llm": 1}, padding_s=2.5)
    # Each read is quick: only an overall deadline would help.
    answer = sim.chat(sim.body("post"), timeout=2)
    assert answer.text.startswith("\n")
    assert json.loads(content(answer))
    assert answer.elapsed.total_seconds() < 2


def test_a_call_takes_as_long_as_was_asked_for(sim: Sim) -> None:
    sim.behave(latency={"llm": {"fixed_s": 0.2}, "images": {"fixed_s": 0.15}})
    assert 0.2 <= sim.chat(sim.body("post")).elapsed.total_seconds() < 1.5
    assert 0.15 <= sim.draw(sim.task()).elapsed.total_seconds() < 1.5


@pytest.mark.parametrize(("mode", "shown"), [("missing", KeyError), ("null", None), ("zero", 0)])
def test_costs_may_be_hidden_or_zero(sim: Sim, mode: str, shown: Any) -> None:
    sim.behave(cost=mode)
    usage = sim.chat(sim.body("post")).json()["usage"]
    item = sim.draw(sim.task()).json()["data"][0]
    if shown is KeyError:
        assert "cost" not in usage
        assert "cost" not in item
    else:
        assert usage["cost"] == item["cost"] == shown
    charged = sim.ledger()["llm"]["cost"]
    assert (charged == 0) is (mode == "zero")
    sim.behave(no_usage=True)
    assert "usage" not in sim.chat(sim.body("post")).json()


def test_errors_may_come_inside_a_200_and_are_billed(sim: Sim) -> None:
    sim.behave(choice_error=1)
    answer = sim.chat(sim.body("post")).json()
    assert answer["choices"][0]["finish_reason"] == "error"
    assert answer["choices"][0]["error"]["code"] == 502
    assert answer["usage"]["cost"] > 0
    sim.behave(bare_error=1)
    bare = sim.chat(sim.body("post"))
    assert (bare.status_code, "choices" in bare.json(), bare.json()["error"]["code"]) == (200, False, 502)
    sim.behave(null_choices=1)
    assert sim.chat(sim.body("post")).json()["choices"] is None
    assert billed(sim) == (3, 3)


def test_answers_may_look_odd(sim: Sim) -> None:
    looks: dict[str, str] = {}
    for switch in ("fences", "prose", "think", "trailing_comma"):
        sim.behave(**{switch: 1})
        looks[switch] = content(sim.chat(sim.body("post")))
        with pytest.raises(json.JSONDecodeError):
            json.loads(looks[switch])
        assert content(sim.chat(sim.body("post", REASK))) == looks[switch]
    assert looks["fences"].startswith("```json\n")
    assert looks["think"].startswith("<think>")
    assert looks["trailing_comma"].replace(",}", "}").replace(",]", "]").startswith("{")
    sim.behave(extra_keys=1)
    assert "commentary" in json.loads(content(sim.chat(sim.body("post"))))


def test_latex_may_lose_its_escapes(sim: Sim) -> None:
    sim.behave(unescaped_latex=1)
    tags: dict[str, Any] = {"character": {"display_name": "Kit Vale"}, "user_prompt": "LaTeX formulas only"}
    texts = [content(sim.chat(sim.body("post", number=n, **tags))) for n in range(10)]
    assert any("\\" in text and "\\\\" not in text for text in texts)
    broken = 0
    for text in texts:
        try:
            json.loads(text)
        except json.JSONDecodeError:
            broken += 1
    assert broken > 0


@pytest.mark.parametrize(
    ("switch", "kind"),
    [
        ("invalid_json", "post"),
        ("wrong_types", "post"),
        ("wrong_types", "cast"),
        ("missing_keys", "world_description"),
        ("wrong_counts", "cast"),
        ("wrong_counts", "post_plan"),
        ("duplicate_names", "cast"),
        ("duplicate_names", "character"),
        ("truncate", "world_description"),
    ],
)
def test_a_wrong_answer_is_right_after_a_reask_unless_the_model_is_stubborn(
    sim: Sim, switch: str, kind: str
) -> None:
    tags: dict[str, Any] = {"count": 5, "users_count": 5, "posts_count": 20}
    tags |= {"concept": {"concept_short": "Ivy Quill — poet"}, "others": ["Basil Crumb", "Kit Vale"]}
    assert right(kind, sim.chat(sim.body(kind, **tags)))
    sim.behave(**{switch: 1})
    assert not right(kind, sim.chat(sim.body(kind, **tags)))
    assert right(kind, sim.chat(sim.body(kind, REASK, **tags)))
    sim.behave(**{switch: 1, "stubborn": True})
    assert not right(kind, sim.chat(sim.body(kind, REASK, **tags)))


def right(kind: str, answer: requests.Response) -> bool:
    """True when the answer is whole, fits its model and keeps to the numbers of these tests."""
    if answer.json()["choices"][0]["finish_reason"] != "stop":
        return False
    try:
        document = json.loads(content(answer))
        MODELS[kind].model_validate(document)
    except ValueError:
        return False
    if kind == "cast":
        characters = document["characters"]
        names = {character["concept_short"] for character in characters}
        return len(names) == len(characters) == 5 and sum(c["posts_count"] for c in characters) == 20
    if kind == "post_plan":
        return len(document["posts"]) == 5
    return kind != "character" or document["display_name"] == "Ivy Quill"


def test_a_repeated_request_draws_anew_and_may_get_another_text(sim: Sim) -> None:
    sim.behave(invalid_json=0.5)
    body = sim.body("post")
    fits = [right("post", sim.chat(body)) for _ in range(10)]
    assert 0 < sum(fits) < 10
    sim.behave(vary_answers=True)
    assert len({content(sim.chat(body)) for _ in range(5)}) > 1


def test_some_tasks_fail_and_data_may_be_reordered(sim: Sim) -> None:
    sim.behave(image_failure=0.5, reorder_data=True)
    tasks = [sim.task() for _ in range(20)]
    answer = sim.draw(*tasks).json()
    done = [item["taskUUID"] for item in answer["data"]]
    failed = [error["taskUUID"] for error in answer["errors"]]
    assert sorted(done + failed) == sorted(task["taskUUID"] for task in tasks)
    assert done == [task["taskUUID"] for task in reversed(tasks) if task["taskUUID"] in done]
    assert sim.ledger()["images"]["calls"] == len(done)


def test_a_conflict_may_hide_a_result_that_was_paid(sim: Sim) -> None:
    sim.behave(conflict=1)
    task = sim.task()
    answer = sim.draw(task)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "conflictTaskUUID")
    assert sim.ledger()["images"]["calls"] == 1
    assert sim.draw({"taskType": "getResponse", "taskUUID": task["taskUUID"]}).json()["data"][0]["imageURL"]


def test_pictures_may_be_damaged_mislabelled_gone_or_always_the_same(sim: Sim) -> None:
    def fetch(**changes: Any) -> requests.Response:
        return requests.get(sim.draw(sim.task(**changes)).json()["data"][0]["imageURL"], timeout=20)

    whole = len(fetch().content)
    sim.behave(corrupt_images=1)
    assert len(fetch().content) < whole / 2
    sim.behave(wrong_content_type=1)
    assert fetch().headers["content-type"].startswith("text/html")
    sim.behave(url_expires_s=0)
    assert fetch().status_code == 404
    sim.behave(prerendered=True)
    assert fetch(positivePrompt="one").content == fetch(positivePrompt="two").content


def test_calls_that_wait_do_not_hold_up_others(sim: Sim) -> None:
    sim.behave(hang={"llm": 1})
    parts = urlsplit(sim.base)
    waiting = []
    for number in range(20):
        connection = socket.create_connection((parts.hostname, parts.port or 80), timeout=10)
        body = json.dumps(sim.body("post", number=number)).encode()
        connection.sendall(
            b"POST /api/v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sim-x\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        waiting.append(connection)
    assert sim.draw(sim.task()).status_code == 200
    for connection in waiting:
        connection.close()


def test_the_settings_json_is_checked() -> None:
    assert parse_behaviour("").hang.llm == 0
    assert parse_behaviour('{"hang": 0.1}').hang.images == 0.1
    for text, named in (("{", "no JSON"), ('{"hangs": 1}', "hangs"), ('{"hang": 2}', "hang")):
        with pytest.raises(ConfigurationError, match=named):
            parse_behaviour(text)
