"""A server of known speed for tests of load: streams tokens at known times, in so many slots, with stalls."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Self

__all__ = ["LoadServer", "Speed"]

_REQUEST_TAIL = b"\r\n\r\n"
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds to the first token once a slot is free, seconds between tokens, and slots.

    `stall_s` seconds of every `stall_every_s` nothing is sent (0: never). Every `fail_every`-th request is refused with
    HTTP 500 (0: none), `sticky` gives all tokens in one piece. `tokens` caps the answer (0: as asked).
    """

    ttft_s: float = 0.02
    itl_s: float = 0.005
    slots: int = 1_000_000
    stall_s: float = 0.0
    stall_every_s: float = 0.0
    fail_every: int = 0
    sticky: bool = False
    tokens: int = 0


@dataclass(slots=True)
class LoadServer:
    """An HTTP/1.1 server on 127.0.0.1 with keep-alive; `bodies` are the parsed requests, in order of arrival."""

    speed: Speed = field(default_factory=Speed)
    bodies: deque[dict[str, object]] = field(default_factory=lambda: deque(maxlen=10_000))
    port: int = 0
    count: int = 0
    _slots: asyncio.Semaphore | None = None
    _began: float = 0.0
    _server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def __aenter__(self) -> Self:
        """Listen."""
        self._slots = asyncio.Semaphore(self.speed.slots)
        self._began = asyncio.get_running_loop().time()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests in turn."""
        try:
            while True:
                head = await reader.readuntil(_REQUEST_TAIL)
                length = next(
                    (int(row[15:]) for row in head.lower().split(b"\r\n") if row.startswith(b"content-length:")), 0
                )
                body = json.loads(await reader.readexactly(length)) if length else {}
                if head.split(b" ", 2)[1].endswith(b"/models"):
                    _plain(writer, b"200 OK", {"data": [{"id": "load", "owned_by": "vllm"}]})
                    continue
                self.count += 1
                self.bodies.append(body)
                if self.speed.fail_every and self.count % self.speed.fail_every == 0:
                    _plain(writer, b"500 Internal Server Error", {"error": {"message": "told to fail"}})
                    continue
                await self._answer(writer, body)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, body: dict[str, object]) -> None:
        """Stream one answer, in a slot of its own."""
        speed, wanted = self.speed, int(str(body.get("max_tokens", 1)))
        n = min(wanted, speed.tokens) if speed.tokens else wanted
        asked = len(json.dumps(body.get("messages", body.get("prompt", ""))).split())
        if self._slots is None:
            raise RuntimeError("the server is used outside of `async with`")
        async with self._slots:
            loop = asyncio.get_running_loop()
            moment = loop.time() + speed.ttft_s
            events = []
            for number in range(n):
                if not speed.sticky:
                    await self._until(moment)
                events.append(_event({"choices": [{"index": 0, "delta": {"content": " w"}, "finish_reason": None}]}))
                if not speed.sticky:
                    writer.write((_HEAD if number == 0 else b"") + events[-1])
                moment = max(moment, loop.time() - speed.itl_s) + speed.itl_s
            if speed.sticky:
                await self._until(moment)
                writer.write(_HEAD + b"".join(events))
            usage = {"prompt_tokens": asked, "completion_tokens": n, "total_tokens": asked + n}
            ending = _event({"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]})
            writer.write(ending + _event({"choices": [], "usage": usage}) + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
            await writer.drain()

    async def _until(self, moment: float) -> None:
        """Wait until a moment of the loop, and then until no stall holds it up."""
        loop, speed = asyncio.get_running_loop(), self.speed
        if (rest := moment - loop.time()) > 0:
            await asyncio.sleep(rest)
        if speed.stall_every_s:
            phase = (loop.time() - self._began) % speed.stall_every_s
            if phase >= speed.stall_every_s - speed.stall_s:
                await asyncio.sleep(speed.stall_every_s - phase)


def _event(value: dict[str, object]) -> bytes:
    return _chunk(b"data: " + json.dumps(value).encode() + b"\n\n")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _plain(writer: asyncio.StreamWriter, status: bytes, value: dict[str, object]) -> None:
    body = json.dumps(value).encode()
    writer.write(
        b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (status, len(body), body)
    )
