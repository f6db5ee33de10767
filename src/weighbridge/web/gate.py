"""The gate: tells who asks by the cookie, and where people must log in lets nobody else past.

Two ways lead in. On this machine, a link with a secret that only the terminal printed: other accounts of the machine
reach the port, too, and must not read keys or stop a canary. With OpenID Connect, a login (`weighbridge.web.oidc`).
"""

from __future__ import annotations

import hmac
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse
from starlette.routing import Route

from weighbridge.web.page import as_json, html_page
from weighbridge.web.visitor import Forbidden, Sessions, Visitor

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from weighbridge.web.visitor import Role

__all__ = ["ENTER", "LOGIN", "SEE_OTHER", "Cookies", "Gate", "Ticket", "leave_route", "ticket_routes"]

SEE_OTHER = 303
ENTER, LOGIN = "/enter", "/login"
_OPEN = frozenset({LOGIN, "/login/callback", "/login/ended", "/static/style.css"})
_SAFE = frozenset({"GET", "HEAD"})
_TICKET_S = 12 * 3600.0


@dataclass(frozen=True, slots=True)
class Cookies:
    """How sessions are named to browsers. Cookies of one machine are seen by all its ports, so names are random."""

    is_secure: bool = False
    mark: str = field(default_factory=lambda: secrets.token_hex(4))

    def name(self, use: str = "session") -> str:
        """Name a cookie; `__Host-` forbids other hosts and paths to set it (RFC 6265bis), and needs TLS."""
        return f"{'__Host-' if self.is_secure else ''}weighbridge-{use}-{self.mark}"

    def put(self, answer: Response, value: str, use: str = "session", lasts_s: int | None = None) -> None:
        """Give a browser a cookie; without `lasts_s` it goes when the browser is closed."""
        answer.set_cookie(
            self.name(use), value, max_age=lasts_s, path="/", secure=self.is_secure, httponly=True, samesite="lax"
        )

    def drop(self, answer: Response, use: str = "session") -> None:
        """Take a cookie back."""
        answer.delete_cookie(self.name(use), path="/", secure=self.is_secure, httponly=True, samesite="lax")

    def read(self, scope: Scope, use: str = "session") -> str:
        """Return a cookie's value, "" for none."""
        return HTTPConnection(scope).cookies.get(self.name(use), "")


class Gate:
    """ASGI middleware: sets `scope["visitor"]`; with `is_closed` nothing but the login is open to nobody in particular.

    It decides by the path that is routed, and what is not named open is closed.
    """

    def __init__(self, app: ASGIApp, *, sessions: Sessions, cookies: Cookies, is_closed: bool = False) -> None:
        self.app = app
        self.sessions = sessions
        self.cookies = cookies
        self.is_closed = is_closed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through with its visitor, or send it to the login."""
        if scope["type"] == "http":
            visitor = self.sessions.find(self.cookies.read(scope))
            scope = {**scope, "visitor": visitor}
            if self.is_closed and visitor is None and scope["path"] not in _OPEN:
                await _to_login(scope)(scope, receive, send)
                return
        await self.app(scope, receive, send)


@dataclass(frozen=True, slots=True)
class Ticket:
    """The secret of the link that the terminal prints, and the role of who has it."""

    role: Role
    name: str = "operator"
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def path(self) -> str:
        """The link, without the address of the server."""
        return f"{ENTER}?ticket={self.secret}"


def ticket_routes(
    ticket: Ticket, sessions: Sessions, cookies: Cookies, now: Callable[[], float] = time.time
) -> list[Route]:
    """Return the route of entering with a ticket; a session of it lasts twelve hours."""

    def enter(request: Request) -> Response:
        """Begin a session for who has the ticket."""
        given = request.query_params.get("ticket", "").encode()
        if not hmac.compare_digest(given, ticket.secret.encode()):
            raise Forbidden("this ticket is not valid", hint="open the address that the terminal printed", status=401)
        answer = RedirectResponse("/pilot", SEE_OTHER)
        cookies.put(answer, sessions.begin(Visitor(ticket.name, ticket.role, now() + _TICKET_S)))
        return answer

    return [Route(ENTER, enter)]


def leave_route(sessions: Sessions, cookies: Cookies, then: str) -> Route:
    """Return the route of leaving: the session ends here, whoever has a copy of its cookie."""

    def leave(request: Request) -> Response:
        """End the session, and go on to `then`."""
        sessions.end(cookies.read(request.scope))
        answer = RedirectResponse(then, SEE_OTHER)
        cookies.drop(answer)
        return answer

    return Route("/logout", leave, methods=["POST"])


def _to_login(scope: Scope) -> Response:
    """Send a page to the login, and anything else away: a form may not be sent on (`form-action`)."""
    path, asked = scope["path"], HTTPConnection(scope)
    if path.endswith(".json") or (scope["method"] not in _SAFE and "text/html" not in asked.headers.get("accept", "")):
        return as_json("weighbridge/ui/problem/v1", {"message": "log in first", "status": 401}, 401)
    if scope["method"] not in _SAFE:
        facts = {"message": "your session has ended, and nothing was done", "hint": "log in: `/login`", "status": 401}
        return html_page("problem", "What went wrong?", asked.url, facts, 401)
    query = scope["query_string"].decode("latin-1")
    wanted = path + (f"?{query}" if query else "")
    return RedirectResponse(f"{LOGIN}?next={quote(wanted, safe='')}", SEE_OTHER)
