"""Access: who gets in and how, as the routes and the middleware that an application needs for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.middleware import Middleware

from weighbridge.web.gate import Cookies, Gate, leave_route, ticket_routes
from weighbridge.web.guard import HEADERS, Guard
from weighbridge.web.visitor import Sessions

if TYPE_CHECKING:
    from starlette.routing import Route

    from weighbridge.web.gate import Ticket
    from weighbridge.web.oidc.login import Desk

__all__ = ["Access"]

# a form's Origin is withheld under `no-referrer`, and the guard wants to see it
_HEADERS = {**HEADERS, "Referrer-Policy": "same-origin"}
_YEAR_S = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Access:
    """One way in: by `ticket` on this machine, where all but the pilot is open, or by `login` for everything.

    Without either nobody gets to the pages of the pilot, and nothing takes a form.
    """

    ticket: Ticket | None = None
    login: Desk | None = None
    origin: str = ""
    sessions: Sessions = field(default_factory=Sessions)
    cookies: Cookies = field(default_factory=Cookies)

    def routes(self) -> list[Route]:
        """Return the routes of coming and going."""
        if self.login is not None:
            from weighbridge.web.oidc.login import ENDED, login_routes

            return [
                *login_routes(self.login, self.sessions, self.cookies),
                leave_route(self.sessions, self.cookies, ENDED),
            ]
        entering = ticket_routes(self.ticket, self.sessions, self.cookies) if self.ticket else []
        return [*entering, leave_route(self.sessions, self.cookies, "/")]

    def middleware(self) -> list[Middleware]:
        """Return the guard, and behind it the gate."""
        is_open, is_secure = bool(self.ticket or self.login), self.origin.startswith("https://")
        headers = {
            **(_HEADERS if is_open else HEADERS),
            **({"Strict-Transport-Security": f"max-age={_YEAR_S}"} if is_secure else {}),
        }
        return [
            Middleware(Guard, takes_forms=is_open, headers=headers, origin=self.origin),
            Middleware(Gate, sessions=self.sessions, cookies=self.cookies, is_closed=self.login is not None),
        ]
