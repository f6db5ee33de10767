"""The way of one request to a model: scope, body, route, reservation, answer, settlement."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from weighbridge.gateway.errors import Refused, bad_request
from weighbridge.gateway.forward import Forwarder
from weighbridge.gateway.patrol import Patrol
from weighbridge.gateway.relay import Call
from weighbridge.gateway.request.ask import read_ask
from weighbridge.gateway.request.head import read_body
from weighbridge.pilot.access.protocol import Refusal
from weighbridge.pilot.exchange import Usage

if TYPE_CHECKING:
    from weighbridge.gateway.hooks import Hooks, Receive, Scope, Send
    from weighbridge.gateway.request.ask import Ask
    from weighbridge.gateway.request.bounds import Bounds
    from weighbridge.gateway.request.endpoints import Endpoint
    from weighbridge.gateway.request.head import Head
    from weighbridge.gateway.upstream.pool import Upstreams
    from weighbridge.pilot.access.protocol import Caller
    from weighbridge.pilot.exchange import Exchange
    from weighbridge.pilot.route import Leg, Price, Route

__all__ = ["ABORT", "LEFT", "Desk", "Visit"]

ABORT = "weighbridge.abort"  # the scope's extension: call it to cut the connection of a caller that does not read
LEFT = 499  # nginx's number for a caller that left
_MTOK = 1_000_000
_NOTHING = Usage(0, 0)
_CROWDED = Refusal(503, "server_error", "too_many_bodies", "there are too many large requests; try again later", 1.0)


@dataclass(slots=True)
class Visit:
    """One request of a known caller, and its connection; `arrived` is a monotonic time."""

    exchange: Exchange
    caller: Caller
    head: Head
    scope: Scope
    receive: Receive
    send: Send
    arrived: float
    body_bytes: int = 0

    def abort(self) -> None:
        """Cut the connection where the server knows how: to close in peace means to wait for a caller to read on."""
        extension = (self.scope.get("extensions") or {}).get(ABORT)
        if extension is not None:
            extension()


class Desk:
    """Serves the endpoints that lead to models; `name` marks what is sent on."""

    def __init__(self, hooks: Hooks, upstreams: Upstreams, bounds: Bounds, name: str) -> None:
        self.patrol = Patrol(bounds.stall_s, hooks.gatekeeper.is_live)
        self._hooks = hooks
        self._bounds = bounds
        self._mark = f"1.1 weighbridge-{name}"
        self._forwarder = Forwarder(hooks, upstreams, bounds)
        self._body_bytes = 0  # of all requests under way
        self._bytes_of: dict[str, int] = {}  # by key

    async def serve(self, visit: Visit, endpoint: Endpoint) -> None:
        """Serve a request of a known caller; raises Refused before the first byte, Left where the caller left."""
        caller, exchange, witness = visit.caller, visit.exchange, self._hooks.witness
        headers = visit.head.passed_on(self._mark)
        try:
            body = await read_body(visit.head, visit.receive, self._bounds.body_bytes, partial(self._take, visit))
            exchange.request_bytes, exchange.request_sha256 = len(body), hashlib.sha256(body).hexdigest()
            ask = read_ask(endpoint, body, self._bounds)
            route = self._route(ask, caller)
            exchange.route, exchange.is_stream = route.name, ask.is_stream
            if ask.user:
                exchange.user_hash = self._hash(caller, ask.user)
            keeps = self._hooks.keeps(route, exchange)
            if keeps:
                exchange.request = body
            refusal = witness.refusal()
            if refusal is not None:
                raise Refused(refusal)
            usd, priced_only = self._most_cost(ask, caller, route)
            reservation = await self._hooks.gatekeeper.reserve_soon(caller, route.name, sum(ask.most_tokens), usd)
            if isinstance(reservation, Refusal):
                raise Refused(reservation)
            exchange.usage, exchange.usd = _NOTHING, 0.0  # until a model is asked
            try:
                with self.patrol.follow(caller, visit.receive, route.primary.upstream.total_s) as flight:
                    way = (visit.send, headers, visit.arrived, witness, reservation.headers, keeps, priced_only)
                    await self._fly(Call(ask, exchange, flight, *way), route, visit)
            finally:
                reservation.settle(exchange.usage, exchange.usd)
        finally:
            if visit.body_bytes:
                self._let_go(visit)

    def _take(self, visit: Visit, size: int) -> None:
        """Make room for so many bytes of a body; raises Refused where all bodies, or those of its key, are too much.

        A key has at most what it leaves free (Choudhury and Hahne 1998, dynamic thresholds), so that none takes the
        room of all; one body alone has what there is.
        """
        key_id = visit.caller.key_id
        total, own = self._body_bytes + size, self._bytes_of.get(key_id, 0) + size
        most = self._bounds.bodies_bytes
        if total > most or (own > most - total and own > visit.body_bytes + size):
            raise Refused(_CROWDED)
        self._body_bytes, self._bytes_of[key_id] = total, own
        visit.body_bytes += size

    def _let_go(self, visit: Visit) -> None:
        """Give back the room of a body."""
        self._body_bytes -= visit.body_bytes
        key_id = visit.caller.key_id
        own = self._bytes_of.get(key_id, 0) - visit.body_bytes
        if own:
            self._bytes_of[key_id] = own
        else:
            self._bytes_of.pop(key_id, None)

    async def _fly(self, call: Call, route: Route, visit: Visit) -> None:
        """Pass a request on, and say how it ended where it ended early."""
        exchange = call.exchange
        try:
            await self._forwarder.forward(call, route)
        except asyncio.CancelledError:
            reason = call.flight.reason
            if not reason:
                raise
            call.flight.resume()
            exchange.error = reason
            if call.flight.refusal is not None and not exchange.status:
                raise Refused(call.flight.refusal) from None
            exchange.status = exchange.status or LEFT
            visit.abort()

    def _route(self, ask: Ask, caller: Caller) -> Route:
        """Return the route of a name that the caller may use; one it may not use looks like one that is not there."""
        route = self._hooks.admissions.find(ask.model)
        if route is None or (caller.models is not None and route.name not in caller.models):
            raise bad_request(
                f"the model `{ask.model}` does not exist, or this key may not use it", "model_not_found", status=404
            )
        return route

    def _most_cost(self, ask: Ask, caller: Caller, route: Route) -> tuple[float | None, bool]:
        """Return the most that a request can cost on any leg that may serve it, None for not known.

        Also whether legs without a price are passed over: they are for a budget in money, where the primary has one, so
        that a canary or a fallback without a price locks nobody out.
        """
        asked, said = ask.most_tokens
        first = route.primary.upstream.price
        if not route.fallbacks and route.canary is None:
            return (_most_usd(first, asked, said) if first.is_known else None), False
        prices = [leg.upstream.price for leg in _legs(route)]
        known = [price for price in prices if price.is_known]
        priced_only = False
        if len(known) < len(prices):
            priced_only = first.is_known and self._hooks.gatekeeper.has_budget(caller)
            if not priced_only:
                return None, False
        return max(_most_usd(price, asked, said) for price in known), priced_only

    def _hash(self, caller: Caller, user: str) -> str:
        """Return what stands for a caller's user: keyed, so that names cannot be tried, and apart for each tenant."""
        text = f"{caller.tenant}\0{user}".encode()
        return hashlib.blake2b(text, key=self._hooks.user_secret[:64], digest_size=16).hexdigest()


def _legs(route: Route) -> tuple[Leg, ...]:
    """Return all legs that may serve a route, the primary first."""
    canary = (route.canary.leg,) if route.canary is not None else ()
    return (route.primary, *canary, *route.fallbacks)


def _most_usd(price: Price, asked: int, said: int) -> float:
    return (asked * price.usd_per_mtok_input + said * price.usd_per_mtok_output) / _MTOK
