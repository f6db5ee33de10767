"""Logging in and out: what a browser is sent away with, and what it must come back with."""

from __future__ import annotations

import hmac
import re
import secrets
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse
from starlette.routing import Route

from weighbridge.web.gate import LOGIN, SEE_OTHER
from weighbridge.web.oidc.provider import LoginRefused, challenge_of
from weighbridge.web.oidc.settings import CALLBACK
from weighbridge.web.page import html_page
from weighbridge.web.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from weighbridge.web.gate import Cookies
    from weighbridge.web.oidc.provider import Identity, Provider
    from weighbridge.web.visitor import Sessions

__all__ = ["ENDED", "Desk", "login_routes"]

ENDED = "/login/ended"
_PATIENCE_S = 600
_MOST_UNDER_WAY = 10_000
_LONGEST_SESSION_S = 12 * 3600.0
_MOST_CODE = 4096
# a path of ours: one slash, then no second one and no backslash, which browsers take for one
_OURS = re.compile(r"/(?![/\\])[A-Za-z0-9._~/?=&%:@,+-]{0,1000}")


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """A login that somebody went away for: secrets of it, the browser's own among them, and where they wanted to go."""

    nonce: str
    verifier: str
    browser: str
    wanted: str
    until: float


class Desk:
    """Logins under way, in memory, each good for one return within ten minutes."""

    def __init__(self, provider: Provider, now: Callable[[], float] = time.time) -> None:
        self.provider = provider
        self._now = now
        self._lock = threading.Lock()
        self._under_way: dict[str, _UnderWay] = {}

    def send_away(self, wanted: str) -> tuple[str, str]:
        """Return the provider's address, and the secret that the browser keeps meanwhile."""
        state, nonce, verifier, browser = (secrets.token_urlsafe(32) for _ in range(4))
        address = self.provider.login_address(state, nonce, challenge_of(verifier))
        wanted = wanted if _OURS.fullmatch(wanted) else "/pilot"
        now = self._now()
        with self._lock:
            self._under_way = {name: one for name, one in self._under_way.items() if one.until > now}
            if len(self._under_way) >= _MOST_UNDER_WAY:
                del self._under_way[next(iter(self._under_way))]
            self._under_way[state] = _UnderWay(nonce, verifier, browser, wanted, now + _PATIENCE_S)
        return address, browser

    def welcome(self, state: str, browser: str, code: str, issuer: str) -> tuple[Identity, str]:
        """Return who came back, and where they wanted to go; raises LoginRefused. A state is good once."""
        with self._lock:
            found = self._under_way.pop(state, None)
        if found is None or found.until <= self._now():
            raise LoginRefused("no such login is under way", hint="begin again")
        if not hmac.compare_digest(found.browser.encode(), browser.encode()):
            raise LoginRefused("the login was begun in another browser", hint="begin again")
        if issuer and issuer != self.provider.settings.issuer:
            raise LoginRefused("another provider answered than was asked")
        if not 0 < len(code) <= _MOST_CODE:
            raise LoginRefused("the provider let nobody in")
        return self.provider.redeem(code, found.verifier, found.nonce), found.wanted


def login_routes(desk: Desk, sessions: Sessions, cookies: Cookies, now: Callable[[], float] = time.time) -> list[Route]:
    """Return the routes of logging in; a session ends with its ID token, and after twelve hours at the latest."""

    def login(request: Request) -> Response:
        """Send the browser to the provider."""
        address, browser = desk.send_away(request.query_params.get("next", ""))
        answer = RedirectResponse(address, SEE_OTHER)
        cookies.put(answer, browser, "login", _PATIENCE_S)
        return answer

    def callback(request: Request) -> Response:
        """Take the browser back, and begin a session for whom the provider names."""
        asked = request.query_params
        identity, wanted = desk.welcome(
            asked.get("state", ""), cookies.read(request.scope, "login"), asked.get("code", ""), asked.get("iss", "")
        )
        role = desk.provider.settings.role_of(identity.groups, identity.email)
        if role is None:
            raise LoginRefused(
                "you are known, and not among those who may see this", hint="`oidc.toml` names groups and emails"
            )
        until = min(identity.until, now() + _LONGEST_SESSION_S)
        sessions.end(cookies.read(request.scope))  # whoever was here before has gone
        answer = RedirectResponse(wanted, SEE_OTHER)
        cookies.put(answer, sessions.begin(Visitor(identity.name, role, until)))
        cookies.drop(answer, "login")
        return answer

    def ended(request: Request) -> Response:
        """Say that the session has ended, and that the provider's own goes on."""
        facts = {"provider": desk.provider.settings.issuer, "leave": desk.provider.leave_address()}
        return html_page("pilot/ended", "You have left", request.url, facts)

    return [Route(LOGIN, login), Route(CALLBACK, callback), Route(ENDED, ended)]
