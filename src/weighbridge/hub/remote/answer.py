"""What is asked over a wire and what is answered: questions, answers, and how trouble on the way is said."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pyreqwest.exceptions import ConnectError, PyreqwestError, RequestError

from weighbridge.errors import WeighbridgeError
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from pyreqwest.response import SyncResponse

__all__ = ["Answer", "Ask", "BrokenOff", "TooLong", "is_silence", "kept_headers", "origin", "said", "shown", "too_long"]

_OK, _MULTIPLE = 200, 300
_STRANGE = "this hub is not to be trusted, or something else answers at its address"
_KEPT = (
    "content-length", "content-range", "content-type", "content-encoding", "etag", "link", "location", "retry-after",
    "ratelimit", "x-error-code", "x-error-message", "x-linked-etag", "x-linked-size", "x-repo-commit",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ask:
    """One question: where, the most bytes that an answer may hold, and whether a part or a packed answer is wanted.

    `part` is (first byte, how many); `is_packed` allows gzip, for answers of the hub's own interface only, and
    `most_sent` bounds what such an answer may take on the way. HEAD asks for the headers alone. One that `is_long` may
    take the more time, the more it may hold.
    """

    url: str
    most: int
    method: Literal["GET", "HEAD"] = "GET"
    part: tuple[int, int] | None = None
    is_packed: bool = False
    most_sent: int | None = None
    is_long: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The last answer of a chain of redirects; `hops` holds the headers of each, the last one's too."""

    status: int
    body: bytes
    url: str
    hops: tuple[dict[str, str], ...]

    @property
    def is_good(self) -> bool:
        """Whether it is what was asked for."""
        return _OK <= self.status < _MULTIPLE

    def header(self, name: str) -> str:
        """Return a header of the last hop, or nothing."""
        return self.hops[-1].get(name, "")

    def first(self, name: str) -> str:
        """Return a header of the first hop that has it: the hub speaks before its storage does."""
        return next((hop[name] for hop in self.hops if name in hop), "")


class BrokenOff(EOFError):
    """A body that came in part; says why."""


class TooLong(WeighbridgeError):
    """An answer longer than what was asked for; its rest was not read."""


def said(error: Exception) -> str:
    """Return what went wrong on the way: the innermost cause, which names no address."""
    causes = _causes(error)
    if causes:
        return f"the connection failed: {causes[-1]}"
    return str(error) if isinstance(error, EOFError) else f"the connection failed: {type(error).__name__}"


def is_silence(error: Exception) -> bool:
    """Whether there was nobody to connect to: no such name, a closed port."""
    return isinstance(error, ConnectError) and "client error (Connect)" in _causes(error)


def _causes(error: Exception) -> list[str]:
    """Return the causes of a failed request, the innermost last."""
    return [cause["message"] for cause in error.details["causes"] or ()] if isinstance(error, RequestError) else []


def too_long(ask: Ask) -> TooLong:
    """Return the error for an answer that does not end where it should."""
    why = "ignores the range that was asked for" if ask.part else f"answers with more than {ask.most} bytes"
    return TooLong(f"{quote(shown(ask.url))} {why}", hint=_STRANGE)


def kept_headers(response: SyncResponse) -> dict[str, str]:
    """Return the headers that are looked at; one that is no text counts as not sent."""
    found: dict[str, str] = {}
    for name in _KEPT:
        with contextlib.suppress(PyreqwestError, ValueError):
            if (value := response.get_header(name)) is not None:
                found[name] = value
    return found


def origin(url: str) -> tuple[str, str, int | None]:
    """Return what a token belongs to."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def shown(url: str) -> str:
    """Return an address without its query: signed ones carry secrets."""
    return url.partition("?")[0]
