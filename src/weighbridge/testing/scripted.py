"""The scripted engine: answers from a function, for tests of anything that asks an engine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from weighbridge.engine.protocol import Completion, EngineIdentity, Request

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["ScriptedEngine"]


class ScriptedEngine:
    """Answers every request by `answer`; `requests` is what it was asked, `peak` the most in flight at once.

    An exception that `answer` raises goes through: so a test can kill a run half-way.
    """

    def __init__(self, answer: Callable[[Request], Completion], *, lanes: int = 4, name: str = "scripted") -> None:
        self.identity = EngineIdentity(name, "scripted")
        self.requests: list[Request] = []
        self.peak = 0
        self._answer = answer
        self._lanes = lanes
        self._in_flight = 0

    def lanes(self, *, generates: bool) -> int:  # noqa: ARG002 - the shape of Engine
        """Return the number given."""
        return self._lanes

    async def complete(self, request: Request) -> Completion:
        """Answer by the script."""
        self.requests.append(request)
        self._in_flight += 1
        self.peak = max(self.peak, self._in_flight)
        await asyncio.sleep(0)
        self._in_flight -= 1
        return self._answer(request)

    async def __aenter__(self) -> Self:
        """Start nothing."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop nothing."""
