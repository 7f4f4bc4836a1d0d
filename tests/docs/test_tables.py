"""The tables of the pages are compared with the code that they describe."""

from __future__ import annotations

import ast
import configparser
import dataclasses
import json
import re
import textwrap
from pathlib import Path

import click
import pytest
from fastapi.routing import APIRoute

from generia_worker.billing.estimate import estimate
from generia_worker.billing.prices import PriceTable
from generia_worker.cli import programs
from generia_worker.cli.main import main as cli
from generia_worker.client.status import GenerationStatus
from generia_worker.settings import Settings
from generia_worker.storage.database import Database
from generia_worker.worlds.steps import STEPS
from tests.docs.pages import (
    ROOT,
    block,
    codes_in,
    first_codes,
    is_reference,
    page,
    pages,
    symbols,
    table,
    tables,
)
from tests.docs.test_settings import variables

#: The one name that several tables have: what to change, and where to look.
WHERE = "where"


def test_each_name_marks_one_table() -> None:
    names = [name for one in pages() for _, name, _ in one.marked() if name != WHERE]
    assert len(names) > 15
    assert len(names) == len(set(names))


def test_where_to_look_leads_somewhere() -> None:
    found = [row for rows in tables(WHERE) for row in rows]
    assert len(found) >= 60
    for wish, place in found:
        assert wish
        # A place is a path, a setting, or another page.
        known = [code for code in codes_in(place) if is_reference(code) or code in variables()]
        assert known or "](" in place, f"{wish}: {place}"


# --- steps -------------------------------------------------------------------------------------------------------
def test_the_table_of_steps_is_the_code_s() -> None:
    shown = {}
    for name, after, task, queue, stage, result, calls, counter, redo in table("steps"):
        step = STEPS.parse(codes_in(name)[0])
        texts, images = (re.search(rf"(\d+) {kind}", calls) for kind in ("text", "image"))
        numbers = [int(found[1]) if found else 0 for found in (texts, images)]
        codes = [codes_in(cell) for cell in (after, task, queue, stage, result, counter, redo)]
        shown[step.kind] = (codes, numbers)
    assert list(shown) == [spec.kind for spec in STEPS]
    for spec in STEPS:
        before = [one.kind for one in (spec.after, spec.needs, *spec.waits_for) if one is not None]
        counted = [spec.counter] if spec.counter else list(spec.sums)
        single = [[word] if word else [] for word in (spec.result.__name__, spec.redo)]
        its_stage = [spec.stage] if spec.stage else []
        codes = [before, [spec.task], [spec.queue], its_stage, single[0], counted, single[1]]
        assert shown[spec.kind] == (codes, [spec.text_calls, spec.image_calls]), spec.kind


def test_what_a_failed_step_takes_along_is_the_code_s() -> None:
    options = {spec.option for spec in STEPS if spec.option}
    later = [STEPS.parse("chronicle@2"), STEPS.parse("reply/1")]
    world = [*STEPS.opening(1), *STEPS.of_character(1, 2, options), *later]
    shown = {
        kind: (skipped, end) for kinds, skipped, end in table("failed steps") for kind in codes_in(kinds)
    }
    assert set(shown) == {spec.kind for spec in STEPS}
    for spec in STEPS:
        skipped, end = shown[spec.kind]
        assert end.startswith("`failed`") == spec.fatal, spec.kind
        if spec.closes_world:
            assert skipped == "nothing"
            continue
        dependents = {
            step.kind for step in STEPS.dependents(next(s for s in world if s.kind == spec.kind), world)
        }
        named = set(re.findall(r"plan|avatar|post|picture|react|answer|deliver", skipped))
        assert dependents == ({one.kind for one in STEPS} - {spec.kind} if skipped == "everything" else named)


def test_every_queue_is_described() -> None:
    from celeryconfig import task_queues

    assert set(first_codes("queues")) == {declared.name for declared in task_queues}


def test_the_example_of_a_step_is_written_in_the_engine_s_terms() -> None:
    from generia_worker.engine.specs import StepSpec
    from generia_worker.worlds.context import StepContext

    spec, use_case = (
        ast.parse(textwrap.dedent(body)) for body in page("generia_worker/README.md").blocks("python")
    )
    (call,) = (node for node in ast.walk(spec) if isinstance(node, ast.Call))
    assert {word.arg for word in call.keywords} <= {field.name for field in dataclasses.fields(StepSpec)}
    used = [node for node in ast.walk(use_case) if isinstance(node, ast.Attribute)]
    asked = {node.attr for node in used if isinstance(node.value, ast.Name) and node.value.id == "ctx"}
    assert asked and all(hasattr(StepContext, name) for name in asked)


def test_findings_hold_for_the_versions_that_are_pinned() -> None:
    pinned = re.findall(
        r"^    (celery|kombu|redis)==(\S+)$", (ROOT / "setup.cfg").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(pinned) == 3
    for name, version in pinned:
        assert f"`{name}` {version}" in page("tasks/README.md").text


def test_every_other_task_is_described() -> None:
    from generia_worker.app.celery_app import app

    app.loader.import_default_modules()
    known = {name for name in app.tasks if name.startswith("tasks.")}
    assert set(first_codes("other tasks")) == known - {spec.task for spec in STEPS}


def test_errors_are_those_of_the_tree() -> None:
    named = {name for row in table("errors") for name in re.findall(r"`([A-Z][A-Za-z]+)`", " ".join(row))}
    assert len(named) > 4
    assert named <= symbols(ROOT / "generia_worker" / "errors.py")


# --- documents ---------------------------------------------------------------------------------------------------
def test_every_field_of_the_status_document_is_described() -> None:
    shown = first_codes("status")
    assert len(shown) == len(set(shown))
    assert set(shown) == {field.alias or name for name, field in GenerationStatus.model_fields.items()}
    stages = next(row for row in table("status") if row[0] == "`stages`")
    assert codes_in(stages[1]) == ["{name, status}", *STEPS.stages]


def test_every_field_of_the_ledger_is_described(database: Database) -> None:
    from generia_worker.engine.step_rows import StepRows

    StepRows(database, STEPS).add("w", [STEPS.first.step()], batches=1)
    row = database.steps.find_one()
    assert row is not None
    # What a step gets when it is worked on, and what only those of later rounds, or that wait for others, have.
    later = {"started_at", "updated_at", "finished_at", "round", "opened"}
    assert set(first_codes("generation_steps")) == set(row) - {"_id"} | later


@pytest.mark.parametrize("collection", ["generations", "api_requests_history"])
def test_fields_of_orders_and_of_paid_calls_are_written_somewhere(collection: str) -> None:
    folders = (ROOT / "generia_worker" / name for name in ("engine", "billing", "worlds", "status"))
    source = "".join(file.read_text(encoding="utf-8") for folder in folders for file in folder.rglob("*.py"))
    fields = first_codes(collection)
    assert len(fields) > 10
    for field in fields:
        assert re.search(rf"""["']{field}["']""", source), f"{field} of {collection} is written nowhere"


def test_every_collection_is_described() -> None:
    from generia_worker.storage.database import INDEXES

    text = "\n".join(one.text for one in pages())
    for collection in INDEXES:
        assert f"**`{collection}`**" in text, collection


# --- programs ----------------------------------------------------------------------------------------------------
def test_the_table_of_commands_is_whole() -> None:
    shown = {}
    for row in table("commands"):
        _, name, *options = codes_in(row[0])[0].split()
        shown[name] = set(options)
    assert set(shown) == set(cli.commands)
    for name, words in shown.items():
        for option in cli.commands[name].params:
            if isinstance(option, click.Option):
                for flag in (*option.opts, *option.secondary_opts):
                    assert flag in words, f"{flag} of generia {name} is not named"


def test_every_route_is_described() -> None:
    from generia_worker.api.app import create_app
    from generia_worker.app.celery_app import app as celery
    from generia_worker.app.container import Container
    from generia_worker.app.enqueue import Enqueuer

    container = Container(Settings(_env_file=None))
    app = create_app(container, Enqueuer(celery, lambda: container.redis))
    routes = {
        f"{method} {route.path_format}"
        for route in app.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    assert {row[0].strip("`") for row in table("api routes")} == routes


def test_every_route_of_the_gateway_is_described() -> None:
    from generia_worker.gateway.app import routes

    known = {f"{method} {route.path_format}" for route in routes() for method in route.methods or ()}
    assert {row[0].strip("`") for row in table("gateway routes")} == known


def test_every_process_of_a_stack_is_described() -> None:
    shown = set(first_codes("processes"))
    started = {program.name for program in programs.programs(Settings(_env_file=None), flower=True)}
    assert started <= shown


def test_every_metric_is_described() -> None:
    dashboard = json.loads((ROOT / ".docker/grafana/dashboards/generia.json").read_text(encoding="utf-8"))
    text = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", []))
    asked = {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"\bgeneria_\w+", text)}
    # The dashboard shows every metric (tests/deployment/test_monitoring.py).
    assert set(first_codes("metrics")) == asked


def test_every_field_of_a_line_of_a_log_is_described() -> None:
    from generia_worker.observability.logs import FIELDS

    assert set(FIELDS) <= set(page("generia_worker/observability/README.md").codes)


def test_every_file_of_the_page_is_described() -> None:
    web = ROOT / "generia_worker" / "web"
    files = [*web.glob("*.html"), *web.glob("js/*.js"), *web.glob("css/*.css")]
    known = {file.relative_to(ROOT).as_posix() for file in files}
    assert {code for code in first_codes("files of the page") if not code.endswith("/")} == known


# --- the rest ----------------------------------------------------------------------------------------------------
def test_every_template_is_described() -> None:
    from generia_worker.worlds.templates import TEMPLATES

    assert set(first_codes("templates")) == {f"prompts/{name}.j2" for name in TEMPLATES}


def test_the_law_is_the_one_that_is_checked() -> None:
    law = configparser.ConfigParser()
    law.read(ROOT / ".importlinter", encoding="utf-8")
    layers = law["importlinter:contract:layers"]["layers"]
    assert block("layers").split("\n") == [*filter(None, layers.split("\n")), ""]


def test_every_test_folder_is_described() -> None:
    described = set(first_codes("test folders"))
    for folder in (ROOT / "tests").iterdir():
        if any(folder.glob("test_*.py")):
            assert f"tests/{folder.name}" in described


def test_every_measurement_is_described() -> None:
    text = (ROOT / "tests" / "benchmarks" / "__main__.py").read_text(encoding="utf-8")
    # Read, not imported: measuring needs more than the tests do.
    made = next(
        node.value
        for node in ast.parse(text).body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "MEASUREMENTS"
    )
    assert isinstance(made, ast.Dict)
    known = {ast.literal_eval(key) for key in made.keys if key is not None}
    assert set(first_codes("measurements")) == known
    (console,) = page("tests/benchmarks/README.md").blocks("console")
    assert set(console.split("tests.benchmarks")[1].split()) == known


def test_made_files_are_made_by_what_exists() -> None:
    for names, how in table("made files"):
        for name in codes_in(names):
            assert (ROOT / name).exists(), name
        module = codes_in(how)[0].split()[-1]
        assert ROOT.joinpath(*module.split(".")).with_suffix(".py").is_file(), module


def test_costs_are_what_an_estimate_says() -> None:
    settings = Settings(_env_file=None)
    simulated = programs.with_addresses(settings)
    prices = PriceTable(
        simulated.llm_price_input_usd_per_mtok,
        simulated.llm_price_output_usd_per_mtok,
        simulated.image_price_usd,
    )
    for size, texts, pictures, dollars in table("costs"):
        users, posts = (int(number) for number in size.split(" / "))
        batches = -(-users // settings.cast_batch_size)
        calls = STEPS.expected_calls(users, posts, batches, settings.plan_batch_size)
        said = estimate(calls, 60.0, prices, ())
        assert (int(texts), int(pictures)) == (said.text_calls, said.image_calls)
        assert said.usd is not None
        assert dollars == f"{said.usd.low:.2f} to {said.usd.high:.2f}"


def test_the_map_names_every_folder_at_the_top() -> None:
    named = set(first_codes("map"))
    for path in ROOT.iterdir():
        if path.is_dir() and any(path.glob("*.py")):
            assert f"{path.name}/" in named or f"{path.name}/" == "generia_worker/", path
    for code in named:
        assert Path(ROOT / code).exists(), code
