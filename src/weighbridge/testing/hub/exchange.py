"""A request to the hub of `hub_server`, and its reply."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from weighbridge.testing.hub.repositories import Blob

__all__ = ["Refusal", "Reply", "Request", "json_reply", "paged_reply"]


@dataclass(frozen=True)
class Request:
    """One request: the path as it came and unquoted, the query, the body; `is_trusted` with the hub's token."""

    raw: str
    path: str
    query: dict[str, list[str]]
    body: bytes
    range: str
    is_trusted: bool
    is_signed: bool

    def one(self, name: str, default: str = "") -> str:
        """Return the last value of a parameter."""
        return self.query.get(name, [default])[-1]

    def flag(self, name: str) -> bool:
        """Whether a parameter says yes."""
        return self.one(name).lower() in {"true", "1"}


@dataclass(frozen=True)
class Reply:
    """Status, headers, and a body: bytes, or a part (first byte, count) of a file."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    part: tuple[Blob, int, int] | None = None
    is_packable: bool = False

    @property
    def length(self) -> int:
        """Bytes of the body."""
        return self.part[2] if self.part else len(self.body)

    def read(self) -> bytes:
        """Return the body."""
        return self.part[0].part(*self.part[1:]) if self.part else self.body


class Refusal(Exception):
    """A reply that says no, as Hugging Face says it."""

    def __init__(self, status: int, code: str = "", message: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    @property
    def reply(self) -> Reply:
        """The reply."""
        said = {"X-Error-Code": self.code, "X-Error-Message": self.message}
        headers = {name: value for name, value in said.items() if value}
        return Reply(self.status, headers, json.dumps({"error": self.message}).encode())


def json_reply(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """Return a value as JSON, which may come packed."""
    return Reply(status, headers or {}, json.dumps(value, ensure_ascii=False).encode(), is_packable=True)


def paged_reply(request: Request, rows: list[Any], size: int) -> Reply:
    """Return one page, and in a `Link` header where the next one is: at a host that a client need not believe."""
    start = int(base64.urlsafe_b64decode(request.one("cursor") or "MA==").decode())
    headers = {"X-Total-Count": str(len(rows))}
    if start + size < len(rows):
        cursor = base64.urlsafe_b64encode(str(start + size).encode()).decode()
        query = urlencode(request.query | {"cursor": [cursor]}, doseq=True)
        headers["Link"] = f'<{{host}}{request.raw}?{query}>; rel="next"'
    return json_reply(rows[start : start + size], headers=headers)
