"""Stopping early: the user asks once, what is in flight is let go, and the run ends with what it has."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Stop"]


@dataclass(slots=True)
class Stop:
    """Whether the user has asked to stop; `ask` may be called from a signal handler of the running loop."""

    asked: bool = False
    _open: list[asyncio.Task[object]] = field(default_factory=list)

    def ask(self) -> None:
        """Cancel what stands inside the innermost `scope`; nothing new is begun."""
        if not self.asked and self._open:
            self._open[-1].cancel()
        self.asked = True

    @contextmanager
    def on_interrupt(self) -> Iterator[None]:
        """Let the first Ctrl-C ask the running loop's work to stop; a second one interrupts as ever."""
        loop = asyncio.get_running_loop()

        def once() -> None:
            loop.remove_signal_handler(signal.SIGINT)
            self.ask()

        try:
            loop.add_signal_handler(signal.SIGINT, once)
        except (ValueError, RuntimeError, NotImplementedError):  # not in the main thread: whoever runs us decides
            yield
            return
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Leave the block early when the user asks to stop; a cancellation by anyone else goes through."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a scope stands in a task")
        self._open.append(task)
        before = task.cancelling()
        try:
            if not self.asked:
                yield
        except asyncio.CancelledError:
            if not self.asked or task.uncancel() > before:
                raise
        finally:
            self._open.remove(task)
