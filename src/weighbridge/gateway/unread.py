"""Callers that do not read what was sent to them: their connection is cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.gateway.deadline import Deadline

if TYPE_CHECKING:
    import asyncio

__all__ = ["Unread"]

_LEAST_BYTES = 16 << 10


class Unread:
    """Watches what waits to be read on one connection: at least 16 KiB of it, or the rest, each `stall_s` seconds.

    A closed connection stays open until its rest was read, so whoever reads nothing would keep it for ever.
    """

    __slots__ = ("_deadline", "_left", "_stall_s", "_transport")

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, stall_s: float) -> None:
        self._transport = transport
        self._stall_s = stall_s
        self._left = 0
        self._deadline = Deadline(loop, self._look)

    def watch(self) -> None:
        """Begin, if anything waits to be read."""
        left = self._transport.get_write_buffer_size()
        if left:
            self._left = left
            self._deadline.set(self._stall_s)

    def clear(self) -> None:
        """Watch no more: something else does."""
        self._deadline.clear()

    def close(self) -> None:
        """Let go of the timer."""
        self._deadline.close()

    def _look(self) -> None:
        """Cut the connection off where too little was read, else look again."""
        if self._transport.get_write_buffer_size() > max(0, self._left - _LEAST_BYTES):
            self._transport.abort()
        else:
            self.watch()
