"""What the gateway asks of an HTTP client, and how one may fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Answer", "AnswerTooLong", "Kind", "Upstream", "UpstreamFailure"]

Kind = Literal["connect", "timeout", "reset", "blocked"]


class UpstreamFailure(Exception):
    """No answer, or no whole one. `connect`: nothing was sent; `blocked`: the address may not be asked."""

    def __init__(self, kind: Kind, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind


class AnswerTooLong(Exception):
    """An answer beyond the bound."""


class Answer(Protocol):
    """An answer whose head has arrived. `close` ends it, also in mid-stream: the upstream then stops."""

    status: int

    def header(self, name: str) -> str | None:
        """Return a header's first value, None where there is none or it is no text."""
        ...

    async def whole(self, max_bytes: int) -> bytes:
        """Return the whole body; raises UpstreamFailure, AnswerTooLong."""
        ...

    async def piece(self) -> bytes | None:
        """Return the next bytes as they arrive, None at a proper end; raises UpstreamFailure."""
        ...

    def close(self) -> None:
        """Let go of the answer."""
        ...


class Upstream(Protocol):
    """Connections to one upstream, a pool of its own."""

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a request below the base URL and return its answer; raises UpstreamFailure.

        A cancelled call, and one whose answer is closed early, closes its connection at once.
        """
        ...

    def close(self) -> None:
        """Close all idle connections."""
        ...
