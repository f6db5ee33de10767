"""The guard in front of the pages: own machine only, reading only, and headers that forbid the rest.

The server listens on the loopback address; a hostile site can still point its own name at 127.0.0.1 (DNS
rebinding), so a request must also name this machine in its Host header.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["HEADERS", "Guard"]

_OWN_NAME = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.IGNORECASE)
_METHODS = {"GET", "HEAD"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """ASGI middleware: refuses what is not a GET or HEAD for this machine, and sets the headers of every answer.

    Where it `takes_forms` a POST passes, too, if the browser says that it comes from these very pages (Origin). A POST
    to one of the paths `hooks` passes always: what answers there must ask for a secret. With an `origin`
    (`https://pilot.example.org`) the pages answer to that name, and to no other.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        takes_forms: bool = False,
        headers: Mapping[str, str] = HEADERS,
        hooks: frozenset[str] = frozenset(),
        origin: str = "",
    ) -> None:
        self.app = app
        self.origin = origin
        self.takes_forms = takes_forms
        self.hooks = hooks
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it in one plain sentence."""
        if scope["type"] != "http":
            # Life-cycle messages pass; there are no web sockets here.
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        is_hook = scope["method"] == "POST" and scope["path"] in self.hooks
        refusal = _refusal(scope, self.origin, takes_forms=self.takes_forms, is_hook=is_hook)
        await (refusal or self.app)(scope, receive, send_with_headers)


def _refusal(scope: Scope, origin: str, *, takes_forms: bool, is_hook: bool) -> PlainTextResponse | None:
    """Return why a request is refused, or None."""
    headers = Headers(scope=scope)
    hosts = [host.lower() for host in headers.getlist("host")]
    own = origin.partition("://")[2]
    is_own = len(hosts) == 1 and (hosts[0] == own if own else _OWN_NAME.fullmatch(hosts[0]) is not None)
    if not is_own:
        name = own or "127.0.0.1 and localhost"
        return PlainTextResponse(f"This server answers to {name} only\n", status_code=421)
    if is_hook:
        return None
    if takes_forms and scope["method"] == "POST":
        if [one.lower() for one in headers.getlist("origin")] == [origin or f"http://{hosts[0]}"]:
            return None
        return PlainTextResponse("Forms are taken from these very pages only\n", status_code=403)
    if scope["method"] not in _METHODS:
        return PlainTextResponse("These pages can be read, not changed\n", 405, headers={"Allow": "GET, HEAD"})
    return None
