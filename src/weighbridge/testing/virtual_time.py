"""Virtual time: runs a coroutine on a clock that jumps to the next timer, so that a test of minutes takes none."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["run_in_virtual_time"]

_T = TypeVar("_T")


class _Jumping(selectors.SelectSelector):
    """Sleeps by moving the clock."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        """Look once at the files, then jump."""
        found = super().select(0)
        if not found and timeout is not None:
            self.now += max(0.0, timeout)
        return found


class _VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock is the selector's."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the virtual seconds since the loop began."""
        return self._jumping.now


def run_in_virtual_time(main: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine that touches no network; `asyncio.get_running_loop().time()` is its clock, from 0."""
    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        return runner.run(main)
