"""A server that misbehaves on purpose, for tests of anything that speaks HTTP to an engine."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["HANG", "PAUSE", "PAUSE_S", "STREAM", "FaultServer", "http", "start_in_thread"]

HANG = b"(hang)"
PAUSE = b"(pause)"
PAUSE_S = 0.1
STREAM = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/event-stream\r\n\r\n"  # then until it closes
_HANG_S = 3600.0
_REQUEST_TAIL = b"\r\n\r\n"
_START_S = 10.0


class FaultServer:
    """A raw HTTP server on 127.0.0.1 that sends exactly the bytes it is told to, fault or not.

    `reply(n, path)` returns the bytes for the n-th request to a path other than `/models`; None hangs, and bytes
    that end in HANG hang after what stands before it; a PAUSE in them is a pause on the wire.
    """

    def __init__(self, reply: Callable[[int, str], bytes | None]) -> None:
        self.reply = reply
        self.paths: list[str] = []
        self.bodies: list[bytes] = []
        self.heads: list[bytes] = []
        self.models_reply: bytes | None = http(b'{"data": []}')
        self.port = 0

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection, and close it after every answer."""
        try:
            head = await reader.readuntil(_REQUEST_TAIL)
            path = head.split(b" ", 2)[1].decode()
            length = next(
                (
                    int(line.split(b":")[1])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length")
                ),
                0,
            )
            body = await reader.readexactly(length)
            self.heads.append(head)
            if path.endswith("/models"):
                answer = self.models_reply
            else:
                self.paths.append(path)
                self.bodies.append(body)
                answer = self.reply(len(self.paths), path)
            if answer is None:
                await asyncio.sleep(_HANG_S)
            else:
                for number, part in enumerate(answer.removesuffix(HANG).split(PAUSE)):
                    await asyncio.sleep(PAUSE_S if number else 0)
                    writer.write(part)
                    await writer.drain()
                await asyncio.sleep(_HANG_S if answer.endswith(HANG) else 0)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def http(body: bytes, *, status: str = "200 OK", headers: str = "content-type: application/json") -> bytes:
    """Build a whole HTTP/1.1 answer."""
    return f"HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def start_in_thread(server: FaultServer) -> Callable[[], None]:
    """Run the server in a thread until the returned function is called."""
    ready = threading.Event()
    stops: list[Callable[[], object]] = []

    async def main() -> None:
        listening = await asyncio.start_server(server.handle, "127.0.0.1", 0)
        server.port = listening.sockets[0].getsockname()[1]
        done = asyncio.Event()
        loop = asyncio.get_running_loop()
        stops.append(lambda: loop.call_soon_threadsafe(done.set))
        ready.set()
        await done.wait()
        listening.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    ready.wait(_START_S)

    def stop() -> None:
        stops[0]()
        thread.join(_START_S)

    return stop
