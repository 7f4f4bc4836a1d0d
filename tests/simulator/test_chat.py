"""The text API: shapes, checks of what is sent, bills."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import pytest
import requests

from generia_worker.simulator.chat import count_tokens
from tests.simulator.conftest import MODELS, SCHEMAS, Sim, StartSim


@pytest.mark.parametrize("kind", sorted(MODELS))
def test_every_document_fits_its_schema_and_its_model(sim: Sim, kind: str) -> None:
    document = sim.ask(kind, count=4, users_count=4, posts_count=9)
    assert document.keys() == SCHEMAS[kind]["properties"].keys()
    MODELS[kind].model_validate(document)


def test_an_answer_has_the_provider_s_shape(sim: Sim) -> None:
    answer = sim.chat(sim.body("post")).json()
    choice = answer["choices"][0]
    assert (choice["finish_reason"], choice["message"]["role"]) == ("stop", "assistant")
    assert answer["id"].startswith("gen-")
    assert answer["model"] == "google/gemini-2.5-flash"
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["cost"] == pytest.approx(
        (usage["prompt_tokens"] * 0.30 + usage["completion_tokens"] * 2.50) / 1e6, rel=1e-4
    )


def test_unknown_properties_are_made_up_by_their_type(sim: Sim) -> None:
    body = sim.body("post")
    parts = {
        "content": {"type": "string"},
        "mood": {"type": "string", "enum": ["red", "blue"]},
        "score": {"type": "integer"},
        "extras": {
            "type": "array",
            "items": strict_object({"name": {"type": "string"}, "on": {"type": "boolean"}}),
        },
        "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    }
    body["response_format"]["json_schema"]["schema"] = strict_object(parts)
    document = json.loads(sim.chat(body).json()["choices"][0]["message"]["content"])
    assert document.keys() == parts.keys()
    assert document["mood"] in ("red", "blue")
    assert isinstance(document["score"], int)
    assert document["extras"]
    assert all(extra.keys() == {"name", "on"} for extra in document["extras"])
    assert document["maybe"] is None


def strict_object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def test_without_a_response_format_the_schema_in_the_messages_tells_what_is_wanted(sim: Sim) -> None:
    body = sim.body("post_plan", count=3)
    body["response_format"] = {"type": "json_object"}
    body["messages"][0]["content"] = (
        f"Answer with JSON:\n{json.dumps(MODELS['post_plan'].model_json_schema())}"
    )
    document = json.loads(sim.chat(body).json()["choices"][0]["message"]["content"])
    assert len(document["posts"]) == 3
    del body["response_format"]
    assert json.loads(sim.chat(body).json()["choices"][0]["message"]["content"]) == document


def test_a_plain_question_gets_prose(sim: Sim) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "Say hello to the cats"}]}
    answer = sim.chat(body).json()
    assert len(answer["choices"][0]["message"]["content"]) > 20
    assert sim.ledger()["entries"][-1]["kind"] == "prose"


@pytest.mark.parametrize("key", ["", "Bearer ", "Bearer sk-real", "Basic sim-x"])
def test_other_keys_are_refused_in_the_provider_s_shape(sim: Sim, key: str) -> None:
    headers = {"Authorization": key} if key else {}
    answer = requests.post(
        f"{sim.base}/api/v1/chat/completions", json=sim.body("post"), headers=headers, timeout=10
    )
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == 401
    images = requests.post(f"{sim.base}/v1", json=[sim.task()], headers=headers, timeout=10)
    assert images.status_code == 401
    assert images.json()["errors"][0]["code"] == "invalidApiKey"


def _changed(path: list[str | int], value: Any) -> Any:
    def change(body: dict[str, Any]) -> None:
        target: Any = body
        for part in path[:-1]:
            target = target[part]
        if value is KeyError:
            del target[path[-1]]
        else:
            target[path[-1]] = value

    return change


_SCHEMA: list[str | int] = ["response_format", "json_schema", "schema"]
_BAD_BODIES = {
    "no model": _changed(["model"], KeyError),
    "no messages": _changed(["messages"], []),
    "an unknown role": _changed(["messages", 0, "role"], "wizard"),
    "no tokens": _changed(["max_tokens"], 0),
    "too hot": _changed(["temperature"], 3),
    "a format without schema": _changed(["response_format"], {"type": "json_schema"}),
    "a schema's name with blanks": _changed(["response_format", "json_schema", "name"], "my post"),
    "a schema's name that is too long": _changed(["response_format", "json_schema", "name"], "p" * 65),
    "additional properties": _changed([*_SCHEMA, "additionalProperties"], KeyError),
    "a property that is not required": _changed([*_SCHEMA, "required"], ["content"]),
    "a root that is no object": _changed(_SCHEMA, {"type": "array", "items": {"type": "string"}}),
    "a default": _changed([*_SCHEMA, "properties", "mood", "default"], "calm"),
    "a ref": _changed([*_SCHEMA, "properties", "mood"], {"$ref": "#/$defs/Mood"}),
    "oneOf": _changed([*_SCHEMA, "properties", "mood"], {"oneOf": [{"type": "string"}]}),
    "a default item": _changed([*_SCHEMA, "properties", "hashtags", "default"], []),
}


def test_limits_are_taken_by_some_servers_and_change_no_answer(sim: Sim) -> None:
    plain, bounded = sim.body("post"), copy.deepcopy(sim.body("post"))
    _changed([*_SCHEMA, "properties", "hashtags", "minItems"], 1)(bounded)
    answers = [sim.chat(body).json()["choices"] for body in (plain, bounded)]
    assert answers[0] == answers[1]
    sim.behave(no_schema_bounds=True)
    refused = sim.chat(bounded)
    assert refused.status_code == 400
    assert "'minItems' is not permitted" in refused.json()["error"]["message"]
    assert sim.chat(plain).status_code == 200


@pytest.mark.parametrize("name", sorted(_BAD_BODIES))
def test_what_the_real_ones_refuse_is_refused(sim: Sim, name: str) -> None:
    body = copy.deepcopy(sim.body("post"))
    _BAD_BODIES[name](body)
    answer = sim.chat(body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]
    assert sim.ledger()["llm"] == {"calls": 0, "cost": 0}


def test_a_property_may_be_called_like_a_forbidden_keyword(sim: Sim) -> None:
    body = sim.body("post")
    body["response_format"]["json_schema"]["schema"] = strict_object({"default": {"type": "string"}})
    assert sim.chat(body).status_code == 200


def test_the_ledger_sums_what_was_billed_and_names_the_requests(sim: Sim) -> None:
    costs = [sim.chat(sim.body("post", number=n), f"w1/post/{n}").json()["usage"]["cost"] for n in range(5)]
    broken = sim.body("post")
    del broken["model"]
    sim.chat(broken, "w1/broken")
    books = sim.ledger()
    assert books["llm"]["calls"] == 5
    assert books["llm"]["cost"] == pytest.approx(math.fsum(costs), abs=1e-15)
    billed = [entry for entry in books["entries"] if entry["billed"]]
    assert [entry["request"] for entry in billed] == [f"w1/post/{n}" for n in range(5)]
    assert [entry["charged_usd"] for entry in billed] == costs
    assert all(entry["answered"] and entry["kind"] == "post" and entry["status"] == 200 for entry in billed)
    refused = next(entry for entry in books["entries"] if not entry["billed"])
    assert (refused["request"], refused["status"], refused["charged_usd"]) == ("w1/broken", 400, 0)


def test_the_cost_can_be_asked_for_afterwards(sim: Sim) -> None:
    answer = sim.chat(sim.body("post")).json()
    headers = {"Authorization": "Bearer sim-x"}
    url = f"{sim.base}/api/v1/generation"
    found = requests.get(url, params={"id": answer["id"]}, headers=headers, timeout=10)
    assert found.json()["data"]["total_cost"] == answer["usage"]["cost"]
    assert requests.get(url, params={"id": "gen-nothing"}, headers=headers, timeout=10).status_code == 404
    assert requests.get(url, params={"id": answer["id"]}, timeout=10).status_code == 401


def test_the_same_seed_gives_the_same_text_and_another_seed_another(start_sim: StartSim, sim: Sim) -> None:
    twin, other = start_sim(seed=1), start_sim(seed=2)
    tags = {
        "character": {"display_name": "Flora Finch"},
        "post": {"topic": "Ode to the silver bell"},
        "number": 2,
    }
    first = sim.ask("post", **tags)
    assert first == sim.ask("post", **tags) == twin.ask("post", **tags)
    assert first != other.ask("post", **tags)


def test_an_answer_longer_than_max_tokens_is_cut_off(sim: Sim) -> None:
    answer = sim.chat(sim.body("world_description") | {"max_tokens": 50}).json()
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] <= 50
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer["choices"][0]["message"]["content"])


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 1), ("a" * 8, 2), ("a" * 9, 3), ("кот", 2), ("ab кот\x7f", 3), ("\x80\ud800", 1)],
)
def test_four_latin_letters_or_two_others_are_a_token(text: str, tokens: int) -> None:
    assert count_tokens(text) == tokens
