"""Traces: a world is one of them, from its order to its last call, as OpenTelemetry's own instrumentations see it.

Off unless `GENERIA_OTLP_ENDPOINT` is set: until then nothing of OpenTelemetry is imported, and nothing is paid. Recorded are
requests to the endpoint and the gateway, tasks, calls over HTTP and gRPC, and commands to MongoDB (by name). Not recorded
are bodies, queries of addresses (they sign uploads), and what has no request above it (polling, leases, maintenance).

The order keeps its trace (`generations.trace`), so that what is published again later is part of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from generia_worker.errors import ConfigurationError

if TYPE_CHECKING:
    from fastapi import FastAPI

_HEADER = "traceparent"
#: Attributes of a span that may hold the query of an address.
_WITH_QUERY = ("http.url", "http.target", "url.full", "url.query")
_on = False


def start(part: str, version: str, endpoint: str) -> None:
    """Trace this process under the name `generia-{part}`, before it opens a connection; `endpoint` takes OTLP over HTTP.

    Raises:
        ConfigurationError: OpenTelemetry is not installed.
    """
    global _on
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.grpc import GrpcInstrumentorClient, GrpcInstrumentorServer
        from opentelemetry.instrumentation.pymongo import PymongoInstrumentor
        from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        message = "GENERIA_OTLP_ENDPOINT is set, but OpenTelemetry is not installed: pip install 'generia-worker[otel]'"
        raise ConfigurationError(f"{message} ({error.name} is missing).") from None
    resource = Resource.create({"service.name": f"generia-{part}", "service.version": version})
    provider = TracerProvider(sampler=_sampler(), resource=resource)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    _on = True
    PymongoInstrumentor().instrument()
    URLLib3Instrumentor().instrument(url_filter=_without_query)
    GrpcInstrumentorClient().instrument()
    GrpcInstrumentorServer().instrument()
    if part == "worker":
        from opentelemetry.instrumentation.celery import CeleryInstrumentor

        CeleryInstrumentor().instrument()


def trace_app(app: FastAPI) -> None:
    """Trace the requests to an application."""
    if _on:
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

        FastAPIInstrumentor.instrument_app(
            app,
            server_request_hook=_drop_query,
            excluded_urls="/livez,/readyz,/metrics",
            exclude_spans=["receive", "send"],
        )


def current() -> str | None:
    """Return the trace that this thread works in, as W3C's `traceparent`; None when there is none."""
    if not _on:
        return None
    from opentelemetry.propagate import inject

    carrier: dict[str, str] = {}
    inject(carrier)
    return carrier.get(_HEADER)


@contextmanager
def within(traceparent: str | None) -> Iterator[None]:
    """Work in a trace that was noted before, unless this thread works in one already."""
    if not _on or traceparent is None:
        yield
        return
    from opentelemetry import context, trace
    from opentelemetry.propagate import extract

    if trace.get_current_span().get_span_context().trace_flags.sampled:
        yield
        return
    token = context.attach(extract({_HEADER: traceparent}))
    try:
        yield
    finally:
        context.detach(token)


def stamp(headers: dict[str, Any]) -> None:
    """Let a message that is published know its trace, where Celery's instrumentation does not see to it.

    That is only in workers: of a task that its process does not know by name, it begins a span and never ends it.
    """
    traceparent = current()
    if traceparent is not None:
        headers.setdefault(_HEADER, traceparent)


def _sampler() -> Any:
    """Return what is recorded: all that belongs to a trace, and of what does not, requests."""
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Decision, ParentBased, SamplingResult
    from opentelemetry.trace import SpanKind

    class Beginnings:
        def should_sample(
            self, parent_context: Any, trace_id: int, name: str, kind: Any = None, *rest: Any, **more: Any
        ) -> SamplingResult:
            if kind is SpanKind.SERVER:
                return ALWAYS_ON.should_sample(parent_context, trace_id, name, kind, *rest, **more)
            return SamplingResult(Decision.DROP)

        def get_description(self) -> str:
            return "Beginnings"

    return ParentBased(root=Beginnings())


def _without_query(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"


def _drop_query(span: Any, scope: dict[str, Any]) -> None:
    """Overwrite what of an address may hold a secret: the path stays."""
    for name in _WITH_QUERY:
        if span.attributes and name in span.attributes:
            span.set_attribute(name, "" if name == "url.query" else scope["path"])
