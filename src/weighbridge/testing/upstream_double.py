"""An upstream of a gateway that plays a script: bytes, pauses, resets; and sees when its client goes away."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["HANG", "RESET", "Asked", "Step", "UpstreamDouble", "answer", "events"]

HANG = 3600.0
RESET = "reset"
_START_S = 10.0
_TAIL = b"\r\n\r\n"
_EVENTS_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_LINGER = struct.pack("ii", 1, 0)  # closing then sends RST

Step = bytes | float | str


@dataclass(slots=True)
class Asked:
    """A request that came; `left_s` is when its client went away before the script ended, from its arrival on."""

    head: bytes
    body: bytes
    left_s: float | None = None
    is_over: threading.Event = field(default_factory=threading.Event)


class UpstreamDouble:
    """A raw HTTP server on 127.0.0.1 that keeps connections: `play(n, path)` returns the steps for the n-th request.

    A step is bytes to send, seconds to wait, or RESET. After the last step the connection waits for another request,
    unless `closes`.
    """

    def __init__(self, play: Callable[[int, str], list[Step]], *, closes: bool = False) -> None:
        self.play = play
        self.closes = closes
        self.asked: list[Asked] = []
        self.connections = 0
        self.port = 0

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    @contextlib.contextmanager
    def running(self) -> Iterator[UpstreamDouble]:
        """Run in a thread of its own."""
        ready = threading.Event()
        stops: list[Callable[[], object]] = []
        thread = threading.Thread(target=lambda: asyncio.run(self._main(ready, stops)), daemon=True)
        thread.start()
        if not ready.wait(_START_S):
            raise TimeoutError
        try:
            yield self
        finally:
            stops[0]()
            thread.join(_START_S)

    async def _main(self, ready: threading.Event, stops: list[Callable[[], object]]) -> None:
        """Listen until told to stop."""
        server = await asyncio.start_server(self._handle, "127.0.0.1", 0, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        done, loop = asyncio.Event(), asyncio.get_running_loop()
        stops.append(lambda: loop.call_soon_threadsafe(done.set))
        ready.set()
        await done.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(_TAIL)
                body = await reader.readexactly(_length(head))
                asked = Asked(head, body)
                self.asked.append(asked)
                steps = self.play(len(self.asked), head.split(b" ", 2)[1].decode())
                await self._perform(asked, steps, reader, writer)
                if self.closes:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _perform(
        self, asked: Asked, steps: list[Step], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Play the steps, unless the client goes away before."""
        started = time.monotonic()
        playing = asyncio.ensure_future(_steps(steps, writer))
        leaving = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait((playing, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not playing.done():
                asked.left_s = time.monotonic() - started
                raise ConnectionResetError
            playing.result()
        finally:
            playing.cancel()
            leaving.cancel()
            asked.is_over.set()
            await asyncio.wait((leaving,))


async def _steps(steps: list[Step], writer: asyncio.StreamWriter) -> None:
    """Do one after the other."""
    for step in steps:
        if isinstance(step, bytes):
            writer.write(step)
            await writer.drain()
        elif isinstance(step, str):
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
            writer.transport.abort()
            raise ConnectionResetError
        else:
            await asyncio.sleep(step)


def _length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length")), 0)


def answer(body: bytes, *, status: str = "200 OK", kind: str = "application/json", headers: str = "") -> bytes:
    """Build a whole HTTP/1.1 answer; `headers` are further lines, each with its line end."""
    return f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\n{headers}content-length: {len(body)}\r\n\r\n".encode() + body


def events(*pieces: bytes, gap_s: float = 0.0, ends: bool = True) -> list[Step]:
    """Build the steps of a stream: its head, each piece as a chunk of its own, a gap before each, and the end."""
    steps: list[Step] = [_EVENTS_HEAD]
    for piece in pieces:
        steps += [gap_s, b"%x\r\n%s\r\n" % (len(piece), piece)]
    return [*steps, b"0\r\n\r\n"] if ends else steps
