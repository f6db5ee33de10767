"""A mock of an OpenAI-compatible server on 127.0.0.1: answers "A" after a fixed latency, and counts.

    python bench/mock_server.py --latency-ms 20          prints its port

One asyncio.Protocol in the standard library; `GET /stats` gives requests, peak in flight, and the span
from the first request to the last answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time

_CHOICE = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "A"}}
_ANSWER = json.dumps(
    {"object": "chat.completion", "choices": [_CHOICE], "usage": {"prompt_tokens": 9, "completion_tokens": 1}}
).encode()
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


class Stats:
    """What the server saw."""

    requests = in_flight = peak = 0
    first = last = 0.0


class Connection(asyncio.Protocol):
    """One connection, requests one after another, each with a content-length."""

    def __init__(self, stats: Stats, latency_s: float) -> None:
        self.stats, self.latency_s, self.buffer = stats, latency_s, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Take whole requests out of the buffer."""
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.buffer) < end + 4 + length:
                return
            self.buffer = self.buffer[end + 4 + length :]
            self.request(head)

    def request(self, head: bytes) -> None:
        """Answer now, or after the latency."""
        stats = self.stats
        if head.startswith(b"get"):
            span = {
                "requests": stats.requests,
                "peak": stats.peak,
                "span_s": stats.last - stats.first,
                "first": stats.first,
            }
            self.send(json.dumps(span if b"/stats" in head else {"data": []}).encode())
            return
        stats.requests += 1
        stats.in_flight += 1
        stats.peak = max(stats.peak, stats.in_flight)
        stats.first = stats.first or time.time()
        asyncio.get_running_loop().call_later(self.latency_s, self.answer)

    def answer(self) -> None:
        """Send the answer."""
        self.stats.in_flight -= 1
        self.stats.last = time.time()
        self.send(_ANSWER)

    def send(self, body: bytes) -> None:
        """Write one HTTP answer."""
        if isinstance(self.transport, asyncio.WriteTransport) and not self.transport.is_closing():
            self.transport.write(_HEAD % len(body) + body)


async def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=20)
    wanted = parser.parse_args()
    stats = Stats()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(stats, wanted.latency_ms / 1000), "127.0.0.1", wanted.port, backlog=1024
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
