"""Pass a request on: which legs are tried, how often, and which answers go back."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from weighbridge.gateway.answer import mapping
from weighbridge.gateway.errors import upstream_failed
from weighbridge.gateway.relay import Again, pass_stream, pass_whole
from weighbridge.gateway.request.splice import spliced
from weighbridge.gateway.upstream.protocol import UpstreamFailure
from weighbridge.pilot.admission.served import NOT_YET
from weighbridge.pilot.exchange import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.gateway.errors import Refused
    from weighbridge.gateway.hooks import Hooks
    from weighbridge.gateway.relay import Call
    from weighbridge.gateway.request.bounds import Bounds
    from weighbridge.gateway.upstream.pool import Upstreams
    from weighbridge.pilot.route import Leg, Route

__all__ = ["Forwarder"]

_PAUSE_S = 0.1
_CHECKING_S = 10.0  # 100 questions to a model, at their fastest
_EVENTS, _JSON = "text/event-stream", "application/json"


class Forwarder:
    """Sends requests to the legs of their routes."""

    def __init__(self, hooks: Hooks, upstreams: Upstreams, bounds: Bounds) -> None:
        self._hooks = hooks
        self._upstreams = upstreams
        self._bounds = bounds

    async def forward(self, call: Call, route: Route) -> None:
        """Try the chosen leg and then the fallbacks, until the first byte is sent; raises Refused where none answers.

        What was sent once is never repeated: after the first byte a failure ends the answer.
        """
        last: Refused | None = None
        exchange = call.exchange
        for name, leg in self._legs(call, route):
            if last is not None:
                exchange.rescued += ((exchange.leg, exchange.decision, last.refusal.code),)
            exchange.leg, exchange.decision = name, leg.decision
            for attempt in range(route.retries + 1):
                if attempt:
                    await asyncio.sleep(_PAUSE_S * 2 ** (attempt - 1) * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
                try:
                    await self._attempt(call, leg)
                except Again as again:
                    last = again.refused
                    if again.elsewhere:
                        break
                else:
                    return
        raise last or self._closed(route)

    def _legs(self, call: Call, route: Route) -> Iterator[tuple[str, Leg]]:
        """Yield the legs to try, the admitted ones only; a canary that fails does not fail its callers."""
        chosen = self._hooks.choose(route, call.exchange)
        if self._may_serve(call, chosen[1]):
            yield chosen
        if chosen[0] != "primary" and self._may_serve(call, route.primary):
            yield "primary", route.primary
        for number, leg in enumerate(route.fallbacks, 1):
            if self._may_serve(call, leg):
                yield f"fallback-{number}", leg

    def _may_serve(self, call: Call, leg: Leg) -> bool:
        """Whether a leg is admitted now, and has a price where a budget is held against it."""
        is_priced = leg.upstream.price.is_known or not call.priced_only
        return is_priced and self._hooks.admissions.admission(leg).is_open

    def _closed(self, route: Route) -> Refused:
        """Say why a route is served by nothing, and when to ask again where that is only because it is looked at."""
        why = self._hooks.admissions.admission(route.primary).refused
        again_s = _CHECKING_S if NOT_YET.why in why else None
        return upstream_failed(503, f"`{route.name}` is not served: {why}", "route_closed", again_s)

    async def _attempt(self, call: Call, leg: Leg) -> None:
        """Send once, and pass the answer on; raises Again as long as nothing was sent."""
        ask = call.ask
        adds_usage = ask.is_stream and ask.endpoint.has_options and not ask.wants_usage
        body = spliced(ask, leg.upstream.model, adds_usage=adds_usage)
        exchange = call.exchange
        before = exchange.usage, exchange.usd
        exchange.usage, exchange.usd = UNKNOWN, None  # not known: a model that is asked may work, whatever we hear
        try:
            answer = await self._upstreams.at(leg.upstream).post(ask.endpoint.upstream, body, call.headers)
        except UpstreamFailure as failure:
            if failure.kind in ("connect", "blocked"):
                exchange.usage, exchange.usd = before
            raise Again(mapping.failed(failure), elsewhere=failure.kind in ("timeout", "blocked")) from failure
        try:
            status = exchange.upstream_status = answer.status
            if status != mapping.OK and status not in mapping.LATE:
                exchange.usage, exchange.usd = before
            kind = answer.header("content-type")
            if kind != _JSON:
                kind = (kind or "").partition(";")[0].strip().lower()
            is_encoded = answer.header("content-encoding") not in (None, "identity")
            price = leg.upstream.price
            if is_encoded or kind not in (_EVENTS, _JSON) or not mapping.is_passed(status):
                raise Again(mapping.judge(answer), elsewhere=status not in mapping.RETRIED)
            if kind == _JSON:
                await pass_whole(call, answer, price, self._bounds)
            elif ask.is_stream and status == mapping.OK:
                await pass_stream(call, answer, price, self._bounds, strips_usage=adds_usage)
            else:
                raise Again(mapping.judge(answer), elsewhere=True)
        finally:
            answer.close()
