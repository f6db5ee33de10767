"""How the rooms of a pilot ask a model by themselves, without knowing the gateway's client."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from weighbridge.pilot.exchange import Usage

if TYPE_CHECKING:
    from weighbridge.pilot.route import UpstreamSettings

__all__ = ["Asker", "Reply"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: `status` 0 and an `error` where nothing did; seconds from the sending.

    `error` is `connect` or `blocked` (nothing was sent), `timeout`, `reset` or `too_long`; `part` is what had come by
    then, which has a price as well.
    """

    status: int
    body: bytes = b""
    error: str = ""
    first_s: float | None = None
    total_s: float = 0.0
    usage: Usage = field(default_factory=Usage)
    part: bytes = b""


class Asker(Protocol):
    """Posts a body, once, and waits for the whole answer (bounded in bytes and seconds); raises nothing.

    Cancelled, it cuts the upstream off.
    """

    async def __call__(self, upstream: UpstreamSettings, path: str, body: bytes) -> Reply:
        """Ask; `path` is as the upstream names it (`/chat/completions`), `body` names the upstream's model."""
        ...
