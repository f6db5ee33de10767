"""Count what passes: requests, tokens, money and seconds, by route and leg; nothing of a caller's.

Updated once an exchange, in memory; read by Prometheus at `/metrics` (scope `metrics`). Buckets are those that
OpenTelemetry advises for the duration and the first token of generative AI (semantic conventions, gen-ai-metrics).
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import defaultdict
from typing import TYPE_CHECKING

from weighbridge import __version__
from weighbridge.gateway.exposition import CONTENT_TYPE, Family, Sample, histogram_samples, write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from weighbridge.gateway.hooks import Receive, Scope, Send
    from weighbridge.pilot.audit.log import AuditState
    from weighbridge.pilot.exchange import Exchange

    Source = Callable[[], Iterable[Family]]

__all__ = ["METRICS_PATH", "METRICS_SCOPE", "Metrics", "audit_families"]

METRICS_PATH, METRICS_SCOPE = "/metrics", "metrics"
TOTAL_S = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
FIRST_S = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_MOST_LEGS = 500  # routes that came and went by reloads stay counted; beyond these they are counted together
_OTHER = ("other", "other")
_MOST_USD = 1e6  # what is no amount of money would spoil the sum for good
_CLASS = 100
_OK = 2


class _Leg:
    """The counts of one leg of one route."""

    __slots__ = ("first", "first_s", "input", "output", "statuses", "total", "total_s", "usd")

    def __init__(self) -> None:
        self.statuses: defaultdict[int, int] = defaultdict(int)
        self.input = self.output = 0
        self.usd = 0.0
        self.total = [0] * (len(TOTAL_S) + 1)
        self.first = [0] * (len(FIRST_S) + 1)
        self.total_s = self.first_s = 0.0


class Metrics:
    """A Listener that counts, and the application that tells (`app`); to be called from one event loop.

    `in_flight` returns how many requests are under way; `sources` return families of other rooms (shadow, admissions,
    audit), asked for when somebody reads.
    """

    def __init__(self, in_flight: Callable[[], int] | None = None, sources: Collection[Source] = ()) -> None:
        self._legs: dict[tuple[str, str], _Leg] = {}
        self._in_flight = in_flight
        self._sources = sources
        self._started = time.time()

    def ended(self, exchange: Exchange) -> None:
        """Count an exchange; seconds only where a model answered, so that quick refusals do not flatter them."""
        leg = self._legs.get((exchange.route, exchange.leg)) or self._leg(exchange)
        kind, usage, usd = exchange.status // _CLASS, exchange.usage, exchange.usd
        leg.statuses[kind] += 1
        leg.input += usage.input_tokens or 0
        leg.output += usage.output_tokens or 0
        if usd and 0 < usd <= _MOST_USD:
            leg.usd += usd
        if kind == _OK:
            total_s, first_s = exchange.total_s, exchange.first_s
            leg.total[bisect_left(TOTAL_S, total_s)] += 1
            leg.total_s += total_s
            if first_s is not None:
                leg.first[bisect_left(FIRST_S, first_s)] += 1
                leg.first_s += first_s

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - an ASGI application
        """Answer GET with all metrics as text."""
        status, body = (200, self.text()) if scope["method"] in ("GET", "HEAD") else (405, b"GET only\n")
        headers = [(b"content-type", CONTENT_TYPE.encode()), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def text(self) -> bytes:
        """Return all metrics as text."""
        return write_text(self._families())

    def _leg(self, exchange: Exchange) -> _Leg:
        """Return the counts of a leg that is new, or those of all others."""
        name = (exchange.route, exchange.leg) if len(self._legs) < _MOST_LEGS else _OTHER
        return self._legs.setdefault(name, _Leg())

    def _families(self) -> Iterator[Family]:
        """Yield our own families, then those of others."""
        legs = [({"route": route, "leg": leg}, counts) for (route, leg), counts in self._legs.items()]
        requests = [
            Sample({**labels, "status": f"{kind}xx"}, count)
            for labels, counts in legs
            for kind, count in sorted(counts.statuses.items())
        ]
        tokens = [
            Sample({**labels, "direction": direction}, count)
            for labels, counts in legs
            for direction, count in (("input", counts.input), ("output", counts.output))
        ]
        usd = [Sample(labels, counts.usd) for labels, counts in legs]
        total = [
            one for labels, counts in legs for one in histogram_samples(labels, TOTAL_S, counts.total, counts.total_s)
        ]
        first = [
            one for labels, counts in legs for one in histogram_samples(labels, FIRST_S, counts.first, counts.first_s)
        ]
        yield _gauge("build_info", "Version.", [Sample({"version": __version__}, 1)])
        yield _gauge("start_time_seconds", "When the gateway started.", [Sample({}, self._started)])
        if self._in_flight is not None:
            yield _gauge("in_flight", "Requests under way.", [Sample({}, self._in_flight())])
        yield _counter("requests_total", "Requests that ended, 4xx with 499 for callers that left.", requests)
        yield _counter("tokens_total", "Tokens as the upstream counts them.", tokens)
        yield _counter("cost_usd_total", "What the tokens cost, in US dollars, where a price is known.", usd)
        yield Family("weighbridge_request_seconds", "histogram", "Arrival to end, answers (2xx) only.", total)
        yield Family(
            "weighbridge_first_byte_seconds", "histogram", "Arrival to the answer's first byte, 2xx only.", first
        )
        for source in self._sources:
            yield from source()


def audit_families(state: Callable[[], AuditState]) -> Source:
    """Return a source that tells of an audit log: `lambda: log.state`."""

    def families() -> Iterator[Family]:
        now = state()
        yield _counter("audit_records_total", "The audit log's last record.", [Sample({}, now.sequence)])
        yield _gauge("audit_unflushed_records", "Records that the disk does not hold yet.", [Sample({}, now.unflushed)])
        yield _gauge("audit_lag_seconds", "How long the oldest of them has waited.", [Sample({}, now.lag_s)])
        yield _gauge("audit_writable", "1, or 0 where requests are refused for it.", [Sample({}, not now.trouble)])

    return families


def _counter(name: str, text: str, samples: list[Sample]) -> Family:
    return Family(f"weighbridge_{name}", "counter", text, samples)


def _gauge(name: str, text: str, samples: list[Sample]) -> Family:
    return Family(f"weighbridge_{name}", "gauge", text, samples)
