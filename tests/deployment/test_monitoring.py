"""The dashboard and the alerts ask for metrics that exist, with labels that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from generia_worker.api.metrics import ApiMetrics
from generia_worker.app.container import Container
from generia_worker.app.exporter import Waiting
from generia_worker.observability.metrics import Recorder
from generia_worker.settings import Settings

DOCKER = Path(__file__).resolve().parents[2] / ".docker"
DASHBOARD = json.loads((DOCKER / "grafana/dashboards/generia.json").read_text(encoding="utf-8"))
ALERTS = yaml.safe_load((DOCKER / "prometheus/alerts.yml").read_text(encoding="utf-8"))

#: Kind of metric → what Prometheus appends to its name.
SUFFIXES = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "gauge": [""]}


@pytest.fixture(scope="module")
def exported(servers: Settings) -> dict[str, set[str]]:
    """Every name that Prometheus may get, with its labels."""
    container = Container(servers.model_copy(update={"metrics_dir": Path("/nowhere")}))
    found: dict[str, set[str]] = {}
    for registry in (Recorder().registry, ApiMetrics(container, lambda: 0).registry):
        for collector in list(registry._collector_to_names):
            if isinstance(collector, MetricWrapperBase):
                (family,) = collector.describe()
                for suffix in SUFFIXES[family.type]:
                    # The library tells the labels of a metric that was never counted nowhere else.
                    labels = set(collector._labelnames)
                    found[family.name + suffix] = labels | ({"le"} if suffix == "_bucket" else set())
    for family in Waiting(container).collect():
        found[family.name] = {label for sample in family.samples for label in sample.labels}
    container.close()
    return found


def expressions() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"]
    for group in ALERTS["groups"]:
        for rule in group["rules"]:
            yield rule["expr"]


def test_every_metric_that_is_asked_for_is_exported(exported: dict[str, set[str]]) -> None:
    asked = [name for text in expressions() for name in re.findall(r"\bgeneria_\w+", text)]
    assert len(asked) > 30
    assert set(asked) <= set(exported)


def test_every_label_that_is_asked_for_is_exported(exported: dict[str, set[str]]) -> None:
    for text in expressions():
        known = set().union({"job"}, *(exported[name] for name in re.findall(r"\bgeneria_\w+", text)))
        grouped = [label for labels in re.findall(r"\bby \(([^)]*)\)", text) for label in labels.split(",")]
        matched = re.findall(r"[{,]\s*(\w+)(?:=~|!~|!=|=)", text)
        assert {label.strip() for label in (*grouped, *matched)} <= known, text


def test_every_metric_is_on_the_dashboard(exported: dict[str, set[str]]) -> None:
    shown = {name for text in expressions() for name in re.findall(r"\bgeneria_\w+", text)}
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exported}
    assert families <= {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown}


def test_alerts_say_what_is_wrong() -> None:
    rules = [rule for group in ALERTS["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("warning", "critical")
