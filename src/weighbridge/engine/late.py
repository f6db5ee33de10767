"""The late engine: starts the engine it holds at the first request, so that stored answers need none."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from weighbridge.engine.pace import Paced, pace_of

if TYPE_CHECKING:
    from types import TracebackType

    from weighbridge.engine.protocol import Completion, Engine, Request

__all__ = ["LateEngine"]


class LateEngine:
    """An engine that is entered when it is first asked; what entering raises comes out of `complete`."""

    def __init__(self, engine: Engine) -> None:
        self.identity = engine.identity
        self._engine = engine
        self._lock = asyncio.Lock()
        self._entered = False

    @property
    def pace(self) -> Paced | None:
        """The pace of the engine held, where it has one."""
        return pace_of(self._engine)

    def lanes(self, *, generates: bool) -> int:
        """Return the lanes of the engine held."""
        return self._engine.lanes(generates=generates)

    async def complete(self, request: Request) -> Completion:
        """Start the engine where it is not, and answer."""
        if not self._entered:
            async with self._lock:
                if not self._entered:
                    await self._engine.__aenter__()
                    self._entered = True
        return await self._engine.complete(request)

    async def __aenter__(self) -> Self:
        """Start nothing yet."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the engine if it was started."""
        if self._entered:
            await self._engine.__aexit__(kind, error, trace)
