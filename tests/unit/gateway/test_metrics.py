"""What Prometheus reads; the oracle is the parser of `prometheus_client`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from weighbridge.gateway.metrics import Metrics, audit_families
from weighbridge.pilot.audit.log import AuditState
from weighbridge.pilot.exchange import Exchange, Usage

if TYPE_CHECKING:
    from collections.abc import MutableMapping


def _exchange(**changes: Any) -> Exchange:
    fields: dict[str, Any] = {
        "id": "1", "at": 0.0, "key_id": "CANARY-key", "tenant": "CANARY-tenant", "route": "coder", "leg": "primary",
        "decision": "d", "path": "/v1/chat/completions", "status": 200, "first_s": 0.05, "total_s": 0.3,
        "usage": Usage(200, 50), "usd": 0.25, "user_hash": "CANARY-user", "request": b"CANARY", "answer": b"CANARY",
    }  # fmt: skip
    return Exchange(**{**fields, **changes})


def _read(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = metrics.text().decode()
    assert "CANARY" not in text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_exchanges_are_counted_by_route_leg_and_class() -> None:
    """Requests, tokens and money add up; seconds are those of answers only, in buckets that hold all below."""
    metrics = Metrics(in_flight=lambda: 7)
    for changes in ({}, {"total_s": 1.0}, {"status": 429, "usage": Usage(), "usd": None}, {"leg": "canary"}):
        metrics.ended(_exchange(**changes))
    found = _read(metrics)
    leg = (("leg", "primary"), ("route", "coder"))
    assert found["weighbridge_requests_total", (*leg, ("status", "2xx"))] == 2
    assert found["weighbridge_requests_total", (*leg, ("status", "4xx"))] == 1
    assert found["weighbridge_requests_total", (("leg", "canary"), ("route", "coder"), ("status", "2xx"))] == 1
    assert found["weighbridge_tokens_total", (("direction", "input"), *leg)] == 400
    assert found["weighbridge_tokens_total", (("direction", "output"), *leg)] == 100
    assert found["weighbridge_cost_usd_total", leg] == 0.5
    assert found["weighbridge_in_flight", ()] == 7
    assert found["weighbridge_request_seconds_sum", leg] == 1.3
    for bound, count in (("0.16", 0), ("0.32", 1), ("1.28", 2), ("+Inf", 2)):
        assert found["weighbridge_request_seconds_bucket", (("le", bound), *leg)] == count
    assert found["weighbridge_first_byte_seconds_count", leg] == 2


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", 'a\\"\n', "é\u2028", "\ud800", "x" * 5000, '"} 1\nevil 2\n'])
def test_hostile_names_stay_in_their_label(name: str) -> None:
    """The parser reads the very name again (half a surrogate pair becomes a question mark), and no family is added."""
    metrics, plain = Metrics(), Metrics()
    metrics.ended(_exchange(route=name))
    plain.ended(_exchange())
    found = _read(metrics)
    assert {dict(labels)["route"] for _, labels in found if "route" in dict(labels)} == {name.replace("\ud800", "?")}
    assert {key for key, _ in found} == {key for key, _ in _read(plain)}


def test_labels_are_bounded() -> None:
    """However many routes come and go, 501 legs are told apart at most, and no request is lost."""
    metrics = Metrics()
    for number in range(700):
        metrics.ended(_exchange(route=f"route-{number}"))
    counts = [value for (name, _), value in _read(metrics).items() if name == "weighbridge_requests_total"]
    assert len(counts) == 501
    assert sum(counts) == 700


@pytest.mark.parametrize("usd", [float("nan"), float("inf"), -1.0, 1e300])
def test_impossible_amounts_do_not_spoil_sums(usd: float) -> None:
    """What is no amount of money is left out; tokens beyond any double are still a number."""
    metrics = Metrics()
    metrics.ended(_exchange(usd=usd, usage=Usage(2**70, None)))
    metrics.ended(_exchange())
    found = _read(metrics)
    assert found["weighbridge_cost_usd_total", (("leg", "primary"), ("route", "coder"))] == 0.25
    assert found["weighbridge_tokens_total", (("direction", "input"), ("leg", "primary"), ("route", "coder"))] > 2**69


def test_audit_log_is_told_of() -> None:
    """Lag, what is not flushed, and whether it can be written."""
    metrics = Metrics(sources=[audit_families(lambda: AuditState(12, 3, 0.25, "disk full"))])
    found = _read(metrics)
    assert found["weighbridge_audit_records_total", ()] == 12
    assert found["weighbridge_audit_unflushed_records", ()] == 3
    assert found["weighbridge_audit_lag_seconds", ()] == 0.25
    assert found["weighbridge_audit_writable", ()] == 0


@pytest.mark.parametrize(
    ("method", "status", "is_empty"), [("GET", 200, False), ("HEAD", 200, True), ("POST", 405, False)]
)
def test_application_answers(method: str, status: int, *, is_empty: bool) -> None:
    """GET and HEAD are answered, with the type of the format and the length of GET's body."""
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        return {}

    asyncio.run(Metrics().app({"method": method}, receive, send))
    assert sent[0]["status"] == status
    assert dict(sent[0]["headers"])[b"content-type"] == b"text/plain; version=0.0.4; charset=utf-8"
    assert (sent[1]["body"] == b"") == is_empty
