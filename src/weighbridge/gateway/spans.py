"""Spans for OpenTelemetry, one an exchange, with the names that it has for generative AI; the extra `otel`.

Written after an exchange has ended, and exported by a thread of the SDK that drops what it cannot send. No prompt, no
answer, no key: `gen_ai.input.messages` and its like are never set. Source: opentelemetry.io/docs/specs/semconv/gen-ai,
"gen-ai-spans" (status: development); names beginning with `weighbridge.` are ours. A span is the root of its trace.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from weighbridge import __version__
from weighbridge.errors import ExtraMissing

try:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import SpanKind, Status, StatusCode
except ImportError as error:
    raise ExtraMissing("spans need the extra `otel`", hint="pip install 'weighbridge[otel]'") from error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.trace import Tracer

    from weighbridge.pilot.exchange import Exchange

__all__ = ["Spans", "exported_spans"]

_OPERATIONS = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "text_completion",
    "/v1/embeddings": "embeddings",
    "/v1/responses": "chat",
}
_SERVER_FAILED = 500
_NANO = 1_000_000_000


@contextmanager
def exported_spans() -> Iterator[Spans]:
    """Send spans where OTEL_EXPORTER_OTLP_ENDPOINT and its like (OpenTelemetry's own variables) say, until the end."""
    provider = TracerProvider(resource=Resource.create({"service.name": "weighbridge"}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        yield Spans(provider.get_tracer("weighbridge.gateway", __version__))
    finally:
        provider.shutdown()


class Spans:
    """A Listener that makes a span of each exchange that was meant for a route."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def ended(self, exchange: Exchange) -> None:
        """Make a span; seconds are the exchange's own."""
        if not exchange.route:
            return
        start = int(exchange.at * _NANO)
        operation = _OPERATIONS.get(exchange.path, "chat")
        span = self._tracer.start_span(
            f"{operation} {exchange.route}", kind=SpanKind.SERVER, attributes=_attributes(exchange, operation),
            start_time=start,
        )  # fmt: skip
        if exchange.status >= _SERVER_FAILED:
            span.set_status(Status(StatusCode.ERROR, exchange.error))
        span.end(start + int(exchange.total_s * _NANO))


def _attributes(exchange: Exchange, operation: str) -> dict[str, str | int | float | bool]:
    """Return what is known of an exchange, by OpenTelemetry's names."""
    known: dict[str, str | int | float | bool | None] = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": "weighbridge",
        "gen_ai.request.model": exchange.route,
        "gen_ai.usage.input_tokens": exchange.usage.input_tokens,
        "gen_ai.usage.output_tokens": exchange.usage.output_tokens,
        "http.response.status_code": exchange.status,
        "error.type": exchange.error or None,
        "weighbridge.exchange": exchange.id,
        "weighbridge.leg": exchange.leg,
        "weighbridge.decision": exchange.decision,
        "weighbridge.stream": exchange.is_stream,
        "weighbridge.first_byte_s": exchange.first_s,
        "weighbridge.usd": exchange.usd,
    }
    return {name: value for name, value in known.items() if value is not None}
