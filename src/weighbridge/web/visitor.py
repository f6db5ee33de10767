"""Who looks at the pages, and what they may do there: sessions that the server keeps, and the browser only names.

A session ends when its visitor leaves, or its login would no longer count: a cookie that was copied opens nothing then.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from weighbridge.errors import WeighbridgeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

__all__ = ["Forbidden", "Role", "Sessions", "Visitor", "require", "visitor_of"]

Role = Literal["viewer", "operator"]
_MOST_SESSIONS = 1000
_LONGEST = 128


class Forbidden(WeighbridgeError):
    """Whoever asks has not said who they are (`status` 401), or may not do that (403)."""

    def __init__(self, message: str, *, hint: str | None = None, status: int = 403) -> None:
        super().__init__(message, hint=hint)
        self.status = status


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody at the pages: a name for the record, a role, and until when it counts (seconds since 1970)."""

    name: str
    role: Role
    until: float


class Sessions:
    """Open sessions, in memory, from any thread; a thousand at most, then the one that ends first makes room."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._open: dict[bytes, Visitor] = {}

    def begin(self, visitor: Visitor) -> str:
        """Return the secret by which a browser names its new session: 256 random bits."""
        secret = secrets.token_urlsafe(32)
        with self._lock:
            now = self._now()
            self._open = {name: one for name, one in self._open.items() if one.until > now}
            if len(self._open) >= _MOST_SESSIONS:
                del self._open[min(self._open, key=lambda name: self._open[name].until)]
            self._open[_digest(secret)] = visitor
        return secret

    def find(self, secret: str) -> Visitor | None:
        """Return whose session it is, or None where it has ended or never was."""
        found = self._open.get(_digest(secret)) if len(secret) <= _LONGEST else None
        return found if found is not None and self._now() < found.until else None

    def end(self, secret: str) -> None:
        """End a session; one that is none stays none."""
        with self._lock:
            self._open.pop(_digest(secret), None)


def visitor_of(request: Request) -> Visitor | None:
    """Return who asks, as the gate found out."""
    found: Visitor | None = request.scope.get("visitor")
    return found


def require(request: Request, role: Role = "viewer") -> Visitor:
    """Return who asks; raises Forbidden for nobody, and for a viewer where an operator is needed."""
    visitor = visitor_of(request)
    if visitor is None:
        raise Forbidden(
            "this page is for people who have said who they are",
            hint="open the address with `/enter` that the terminal printed, or log in",
            status=401,
        )
    if role == "operator" and visitor.role != "operator":
        raise Forbidden("that is for operators", hint="ask one, or start with `weighbridge ui --operate`")
    return visitor


def _digest(secret: str) -> bytes:
    """Return under which name a session is kept: looking one up by its digest tells nothing by its time."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
