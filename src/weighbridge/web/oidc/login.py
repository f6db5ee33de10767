"""Logging in and out: what a browser is sent away with, and what it must come back with."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import threading
import time
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse
from starlette.routing import Route

from weighbridge.web.gate import LOGIN, SEE_OTHER
from weighbridge.web.oidc.identity import LoginRefused
from weighbridge.web.oidc.provider import challenge_of
from weighbridge.web.oidc.settings import CALLBACK
from weighbridge.web.page import html_page
from weighbridge.web.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from weighbridge.web.gate import Cookies
    from weighbridge.web.oidc.identity import Identity
    from weighbridge.web.oidc.provider import Provider
    from weighbridge.web.visitor import Sessions

__all__ = ["ENDED", "Desk", "login_routes"]

ENDED = "/login/ended"
_PATIENCE_S = 600
_MOST_USED = 10_000
_LONGEST_SESSION_S = 12 * 3600.0
_MOST_CODE = 4096
# a path of ours: one slash, then no second one and no backslash, which browsers take for one
_OURS = re.compile(r"/(?![/\\])[A-Za-z0-9._~/?=&%:@,+-]{0,1000}")


class Desk:
    """Logins under way, each good for one return within ten minutes.

    Nothing of one is kept here but that it has been used, so that nobody can crowd out others: the browser keeps a
    secret, the time and where it wanted to go, and state, nonce and verifier are made of that with a key of ours.
    """

    def __init__(self, provider: Provider, now: Callable[[], float] = time.time) -> None:
        self.provider = provider
        self._now = now
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._used: dict[str, float] = {}

    def send_away(self, wanted: str) -> tuple[str, str]:
        """Return the provider's address, and what the browser keeps meanwhile."""
        wanted = wanted if _OURS.fullmatch(wanted) else "/pilot"
        place = base64.urlsafe_b64encode(wanted.encode()).decode().rstrip("=")
        kept = f"{secrets.token_urlsafe(32)}.{int(self._now()) + _PATIENCE_S}.{place}"
        challenge = challenge_of(self._made_of(kept, "verifier"))
        return self.provider.login_address(self._made_of(kept, "state"), self._made_of(kept, "nonce"), challenge), kept

    def welcome(self, state: str, kept: str, code: str, issuer: str) -> tuple[Identity, str]:
        """Return who came back, and where they wanted to go; raises LoginRefused. A state is good once."""
        if not hmac.compare_digest(self._made_of(kept, "state").encode(), state.encode()):
            raise LoginRefused("no such login is under way in this browser", hint="begin again")
        _, until, place = kept.split(".")  # as we wrote it: the state says so
        self._use(state, float(until))
        if issuer and issuer != self.provider.settings.issuer:
            raise LoginRefused("another provider answered than was asked")
        if not 0 < len(code) <= _MOST_CODE:
            raise LoginRefused("the provider let nobody in")
        identity = self.provider.redeem(code, self._made_of(kept, "verifier"), self._made_of(kept, "nonce"))
        return identity, base64.urlsafe_b64decode(place + "=" * (-len(place) % 4)).decode()

    def _made_of(self, kept: str, use: str) -> str:
        """Return a value of 256 bits that only this process can make of what a browser keeps."""
        digest = hmac.digest(self._key, f"{use}\0{kept}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def _use(self, state: str, until: float) -> None:
        """Use a login up; raises LoginRefused where that was done before, or its time is over."""
        now = self._now()
        with self._lock:
            self._used = {one: end for one, end in self._used.items() if end > now}
            if until <= now or state in self._used:
                raise LoginRefused("this login is over", hint="begin again")
            if len(self._used) >= _MOST_USED:  # a login used again still needs a new code of the provider
                del self._used[next(iter(self._used))]
            self._used[state] = until


def login_routes(desk: Desk, sessions: Sessions, cookies: Cookies, now: Callable[[], float] = time.time) -> list[Route]:
    """Return the routes of logging in; a session ends with its ID token, and after twelve hours at the latest."""

    def login(request: Request) -> Response:
        """Send the browser to the provider."""
        address, kept = desk.send_away(request.query_params.get("next", ""))
        answer = RedirectResponse(address, SEE_OTHER)
        cookies.put(answer, kept, "login", _PATIENCE_S)
        return answer

    def callback(request: Request) -> Response:
        """Take the browser back, and begin a session for whom the provider names."""
        asked = request.query_params
        identity, wanted = desk.welcome(
            asked.get("state", ""), cookies.read(request.scope, "login"), asked.get("code", ""), asked.get("iss", "")
        )
        role = desk.provider.settings.role_of(identity.groups, identity.email)
        if role is None:
            claim = desk.provider.settings.groups_claim
            raise LoginRefused(
                "you are known, and not among those who may see this",
                hint="`oidc.toml` names groups and emails"
                + ("" if identity.groups else f"; the provider told no groups in `{claim}` (`groups_claim`, `scopes`)"),
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
