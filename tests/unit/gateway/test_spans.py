"""Spans, as OpenTelemetry's own SDK holds them."""

from __future__ import annotations

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from weighbridge.gateway.spans import Spans
from weighbridge.pilot.exchange import Exchange, Usage


def test_exchanges_become_spans_without_texts() -> None:
    """Name, kind, times and usage by the conventions for generative AI; failures of servers are errors; no texts."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    spans = Spans(provider.get_tracer("test"))
    one = Exchange("id1", 1000.5, "CANARY-key", "CANARY-tenant", "coder", "primary", "d", "/v1/chat/completions")
    one.status, one.usage, one.usd, one.first_s, one.total_s = 200, Usage(3, 4), 0.5, 0.25, 2.0
    one.request, one.answer, one.user_hash = b"CANARY-prompt", b"CANARY-answer", "CANARY-user"
    spans.ended(one)
    two = Exchange("id2", 1.0, "k", "t", "coder", "primary", "d", "/v1/embeddings", status=502, error="upstream_reset")
    spans.ended(two)
    spans.ended(Exchange("id3", 1.0, "", "", "", "", "", "/v1/embeddings", status=401))
    chat, failed = memory.get_finished_spans()
    assert (chat.name, chat.kind, failed.name) == ("chat coder", SpanKind.SERVER, "embeddings coder")
    assert (chat.start_time, chat.end_time) == (1_000_500_000_000, 1_002_500_000_000)
    said = dict(chat.attributes or {})
    assert said["gen_ai.operation.name"] == "chat"
    assert said["gen_ai.request.model"] == "coder"
    assert (said["gen_ai.usage.input_tokens"], said["gen_ai.usage.output_tokens"]) == (3, 4)
    assert "error.type" not in said
    assert (failed.status.status_code, (failed.attributes or {})["error.type"]) == (StatusCode.ERROR, "upstream_reset")
    assert "CANARY" not in chat.to_json()
