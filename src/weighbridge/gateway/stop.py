"""Stop a canary by a request: for whoever holds a key with the scope `stop`, an alarm that acts by itself, say.

`POST /stop` with `{"route": "qwen", "because": "..."}`. Only to stop: that takes a candidate from its callers and gives
them the primary. To start again is the operator's, by command or page.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from weighbridge.errors import UsageError, WeighbridgeError
from weighbridge.formats.strict_json import parse_json
from weighbridge.gateway.errors import Refused, bad_request
from weighbridge.gateway.request.head import read_body, read_head
from weighbridge.pilot.access.protocol import Refusal
from weighbridge.pilot.canary.fold import canary_name
from weighbridge.pilot.canary.order import canary_order

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from weighbridge.gateway.hooks import Receive, Scope, Send
    from weighbridge.pilot.access.protocol import Caller
    from weighbridge.pilot.route import Route

__all__ = ["STOP_PATH", "STOP_SCOPE", "CanaryStop"]

STOP_PATH, STOP_SCOPE = "/stop", "stop"
_MOST_BYTES = 4096
_LONGEST = 500
_GONE = Refusal(
    503,
    "server_error",
    "state_unavailable",
    "this node stopped it; the order for the others cannot be written now, and is kept as long as this node runs",
    1.0,
)


class CanaryStop:
    """`app` is for a Mount at STOP_PATH with STOP_SCOPE.

    `halt` has this node obey at once, `order` writes the order down for all and raises WeighbridgeError.
    """

    def __init__(
        self,
        route_of: Callable[[str], Route | None],
        halt: Callable[[str], None],
        order: Callable[[str, Mapping[str, Any]], None],
    ) -> None:
        self._route_of = route_of
        self._halt = halt
        self._order = order

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Obey, write the order down and answer 202; raises Refused."""
        if scope["path"] != STOP_PATH:
            raise bad_request("there is nothing here", "not_found", status=404)
        if scope["method"] != "POST":
            raise bad_request("this takes POST only", "method_not_allowed", status=405)
        caller: Caller = scope["state"]["caller"]
        body = await read_body(read_head(scope["headers"]), receive, _MOST_BYTES, lambda _size: None)
        name, because = _read(body)
        route = self._route_of(name)
        if route is None or route.canary is None or (caller.models is not None and name not in caller.models):
            raise bad_request("there is no such canary, or this key may not use its route", "not_found", status=404)
        order = canary_order(canary_name(route), "stop", f"key {caller.key_id}", because)
        self._halt(order["about"])  # not in a thread: all of them may wait for the database
        try:
            await asyncio.to_thread(self._order, name, order)
        except WeighbridgeError as error:
            raise Refused(_GONE) from error
        answer = to_json({"route": name, "ordered": "stop"})
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 202, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


def _read(body: bytes) -> tuple[str, str]:
    """Return route and reason; raises Refused."""
    try:
        fields = parse_json(body, "the body", max_bytes=_MOST_BYTES)
    except UsageError as error:
        raise bad_request(error.message, "invalid_body") from error
    if not isinstance(fields, dict) or not fields.keys() <= {"route", "because"}:
        raise bad_request("the body is an object with `route`, and `because` if you like", "invalid_body")
    name, because = fields.get("route"), fields.get("because", "")
    if not isinstance(name, str) or not isinstance(because, str) or len(because) > _LONGEST:
        raise bad_request(f"`route` and `because` are texts, the latter of {_LONGEST} at the most", "invalid_field")
    return name, because
