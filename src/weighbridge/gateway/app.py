"""The gateway as an ASGI application: who asks, and for what.

Denied by default: whatever the path and the method, a request without a key ends at 401; `/healthz` alone says "ok",
and `/readyz` whether anything can be served. Paths are compared whole and as the server read them, never put together
again from a URL.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
import traceback
from itertools import count
from typing import TYPE_CHECKING

from weighbridge.gateway.desk import LEFT, Desk, Visit
from weighbridge.gateway.errors import Refused, bad_request, refuse
from weighbridge.gateway.request.endpoints import ENDPOINTS, HEALTH, INFERENCE, MODELS, READY
from weighbridge.gateway.request.head import Left, read_head
from weighbridge.pilot.access.protocol import Refusal
from weighbridge.pilot.exchange import Exchange

if TYPE_CHECKING:
    from weighbridge.gateway.hooks import Hooks, Mount, Receive, Scope, Send
    from weighbridge.gateway.request.bounds import Bounds
    from weighbridge.gateway.upstream.pool import Upstreams
    from weighbridge.pilot.access.protocol import Caller

__all__ = ["Gateway"]

_READING = ("GET", "HEAD")
_OK, _UNAVAILABLE = 200, 503
_OK_BODY, _NOT_READY = b'{"status":"ok"}', b'{"status":"not ready"}'
_MODELS_SCOPE = "models"
_log = logging.getLogger("weighbridge.gateway")


class Gateway:
    """The application. `name` marks its requests (`Via`), so that a loop is noticed; a random one by default.

    The ids of its exchanges begin with it, and count.
    """

    def __init__(self, hooks: Hooks, upstreams: Upstreams, bounds: Bounds, name: str = "") -> None:
        self.name = name or secrets.token_hex(6)
        self._numbers = count()
        self._hooks = hooks
        self._upstreams = upstreams
        self._desk = Desk(hooks, upstreams, bounds, self.name)

    @property
    def in_flight(self) -> int:
        """How many requests are under way to models."""
        return len(self._desk.patrol.flights)

    @property
    def is_ready(self) -> bool:
        """Whether any route is open, and answers can be recorded."""
        admissions = self._hooks.admissions
        routes = (admissions.find(name) for name in admissions.names())
        legs = (leg for route in routes if route is not None for leg in (route.primary, *route.fallbacks))
        return self._hooks.witness.refusal() is None and any(admissions.admission(leg).is_open for leg in legs)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens."""
        if scope["type"] != "http":
            await self._live(scope, receive, send)
            return
        path = scope["path"]
        if path == HEALTH and scope["method"] in _READING:
            await _send_json(send, _OK_BODY, ())
            return
        if path == READY and scope["method"] in _READING:
            await (_send_json(send, _OK_BODY, ()) if self.is_ready else _send_json(send, _NOT_READY, (), _UNAVAILABLE))
            return
        known = path if path in ENDPOINTS else ""
        exchange = Exchange(f"{self.name}{next(self._numbers):012x}", time.time(), "", "", "", "", "", known)
        arrived = time.monotonic()
        try:
            await self._answer(exchange, arrived, (scope, receive, send))
        except Refused as refused:
            await self._refuse(exchange, refused.refusal, send)
        except Left:
            exchange.status, exchange.error = LEFT, "left"
        except Exception as error:  # noqa: BLE001 - a mistake of ours; the caller is told no more than that
            await self._broke(exchange, error, send)
        except asyncio.CancelledError:
            exchange.error = exchange.error or "stopped"
            raise
        finally:
            if known or not exchange.key_id:
                exchange.total_s = time.monotonic() - arrived
                for listener in self._hooks.listeners:
                    listener.ended(exchange)

    async def _answer(self, exchange: Exchange, arrived: float, connection: tuple[Scope, Receive, Send]) -> None:
        """Ask who it is, and lead the request to where it wants."""
        scope, receive, send = connection
        head = read_head(scope["headers"])
        caller = self._hooks.gatekeeper.identify(head.authorization)
        if isinstance(caller, Refusal):
            raise Refused(caller)
        exchange.key_id, exchange.tenant, exchange.line = caller.key_id, caller.tenant, caller.line
        path = scope["path"]
        endpoint = ENDPOINTS.get(path)
        if endpoint is not None:
            _demand(scope, ("POST",))
            _hold(caller, INFERENCE)
            await self._desk.serve(Visit(exchange, caller, head, scope, receive, send, arrived), endpoint)
        elif path == MODELS or path.startswith(MODELS + "/"):
            _demand(scope, _READING)
            await self._models(path, caller, send)
        else:
            mount = self._mount(path)
            if mount.scope:
                _hold(caller, mount.scope)
            scope.setdefault("state", {})["caller"] = caller
            await mount.app(scope, receive, send)

    async def _models(self, path: str, caller: Caller, send: Send) -> None:
        """Send the routes that a caller may use and that are served now, or one of them."""
        _hold(caller, _MODELS_SCOPE)
        admissions = self._hooks.admissions
        names = []
        for name in admissions.names():
            route = admissions.find(name)
            if (
                route
                and admissions.admission(route.primary).is_open
                and (caller.models is None or name in caller.models)
            ):
                names.append(name)
        models = [{"id": name, "object": "model", "created": 0, "owned_by": "weighbridge"} for name in sorted(names)]
        if path == MODELS:
            found: object = {"object": "list", "data": models}
        else:
            wanted = path.removeprefix(MODELS + "/")
            found = next((model for model in models if model["id"] == wanted), None)
            if found is None:
                raise bad_request("there is no such model, or this key may not use it", "model_not_found", status=404)
        await _send_json(send, json.dumps(found, separators=(",", ":")).encode(), ())

    def _mount(self, path: str) -> Mount:
        """Return the application that a path belongs to; raises Refused where there is none."""
        for mount in self._hooks.mounts:
            if path == mount.path or path.startswith(mount.path + "/"):
                return mount
        raise bad_request("there is nothing here", "not_found", status=404)

    async def _refuse(self, exchange: Exchange, refusal: Refusal, send: Send) -> None:
        """Send a refusal, and note it."""
        exchange.status, exchange.error = refusal.status, refusal.code
        exchange.sent_bytes = len(await refuse(send, refusal, exchange.id))

    async def _broke(self, exchange: Exchange, error: Exception, send: Send) -> None:
        """Log where we failed, without what was asked, and say that we did, if nothing was said yet."""
        place = traceback.extract_tb(error.__traceback__)[-1]
        _log.error("request %s failed: %s at %s:%s", exchange.id, type(error).__name__, place.filename, place.lineno)
        is_begun = exchange.status != 0
        exchange.error = "internal"
        if is_begun:
            raise ConnectionAbortedError from None  # the server cuts the connection: a short answer must not look whole
        await self._refuse(exchange, Refusal(500, "server_error", "internal", "the gateway failed"), send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Follow the server's start and stop; there are no web sockets here."""
        if scope["type"] != "lifespan":
            return
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            else:
                self._upstreams.close()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _demand(scope: Scope, methods: tuple[str, ...]) -> None:
    """Refuse other methods."""
    if scope["method"] not in methods:
        raise bad_request(f"this takes {' or '.join(methods)} only", "method_not_allowed", status=405)


def _hold(caller: Caller, scope: str) -> None:
    """Refuse a caller without a scope."""
    if scope not in caller.scopes:
        raise Refused(Refusal(403, "permission_error", "scope_missing", f"this key does not hold the scope `{scope}`"))


async def _send_json(send: Send, body: bytes, headers: tuple[tuple[bytes, bytes], ...], status: int = _OK) -> None:
    """Send a whole answer of our own."""
    length = (b"content-length", b"%d" % len(body))
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-type", b"application/json"), length, *headers],
        }
    )
    await send({"type": "http.response.body", "body": body})
