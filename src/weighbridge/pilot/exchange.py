"""One exchange: what a caller asked, what was sent on, what came back; what audit, metrics and shadow are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from weighbridge.pilot.observation.callers import voice_of

__all__ = ["UNKNOWN", "Exchange", "Listener", "Usage"]


class Usage(NamedTuple):
    """Tokens as the upstream counts them; None where it does not say."""

    input_tokens: int | None = None
    output_tokens: int | None = None


UNKNOWN = Usage()


@dataclass(slots=True)
class Exchange:
    """A request and its end. Digests are SHA-256 (64 hex digits) of bytes as they went over the wire.

    `path` is the endpoint (`/v1/chat/completions`), `leg` is `primary`, `canary` or `fallback-N`. `status` is what the
    caller got (499 where it left), `upstream_status` what the upstream said, 0 where nothing came. Seconds count from
    the request's arrival, `first_s` is that of the first byte of the answer. `usd` is what it cost, None where no
    price or no usage is known. `rescued` are the legs that failed before another was tried: name, decision, error code.
    `request` and `answer` are the bodies, held only while listeners look; never logged. `line` is the topmost of the
    keys that made this one, "" where nobody knows.
    """

    id: str
    at: float
    key_id: str
    tenant: str
    route: str
    leg: str
    decision: str
    path: str
    is_stream: bool = False
    status: int = 0
    upstream_status: int = 0
    error: str = ""
    request_sha256: str = ""
    upstream_sha256: str = ""
    sent_sha256: str = ""
    request_bytes: int = 0
    sent_bytes: int = 0
    first_s: float | None = None
    total_s: float = 0.0
    usage: Usage = UNKNOWN
    usd: float | None = None
    user_hash: str = ""
    rescued: tuple[tuple[str, str, str], ...] = ()
    request: bytes = b""
    answer: bytes = b""
    line: str = ""

    @property
    def voice(self) -> str:
        """Whom it speaks for in what is concluded from many: see `voice_of`."""
        return voice_of(self.line or self.key_id, self.tenant)


class Listener(Protocol):
    """Something that is told of every ended exchange, at once and in memory; it must not wait nor raise."""

    def ended(self, exchange: Exchange) -> None:
        """Take note of an exchange."""
        ...
