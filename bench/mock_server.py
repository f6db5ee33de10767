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

    requests = in_flight = peak = faults = 0
    first = last = 0.0


class Connection(asyncio.Protocol):
    """One connection, requests one after another, each with a content-length."""

    def __init__(self, stats: Stats, latency_s: float, fault: tuple[float, bytes]) -> None:
        self.stats, self.latency_s, self.buffer = stats, latency_s, b""
        self.fault_rate, self.fault = fault

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
                "faults": stats.faults,
                "span_s": stats.last - stats.first,
                "first": stats.first,
            }
            self.send(json.dumps(span if b"/stats" in head else {"data": []}).encode())
            return
        stats.requests += 1
        stats.in_flight += 1
        stats.peak = max(stats.peak, stats.in_flight)
        stats.first = stats.first or time.time()
        # by its number alone, spread as a multiplicative hash does: the same runs fail alike
        is_fault = (stats.requests * 2654435761 % 2**32) / 2**32 < self.fault_rate
        asyncio.get_running_loop().call_later(self.latency_s, self.answer, is_fault)

    def answer(self, is_fault: bool) -> None:
        """Send the answer, or the fault."""
        self.stats.in_flight -= 1
        self.stats.last = time.time()
        if not is_fault:
            self.send(_ANSWER)
        elif isinstance(self.transport, asyncio.WriteTransport) and not self.transport.is_closing():
            self.stats.faults += 1
            self.transport.write(self.fault)

    def send(self, body: bytes) -> None:
        """Write one HTTP answer."""
        if isinstance(self.transport, asyncio.WriteTransport) and not self.transport.is_closing():
            self.transport.write(_HEAD % len(body) + body)


async def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=20)
    parser.add_argument("--fault-rate", type=float, default=0.0)
    parser.add_argument("--fault-status", type=int, default=500)
    parser.add_argument("--retry-after", type=float, help="seconds, sent with every fault")
    wanted = parser.parse_args()
    stats = Stats()
    after = f"retry-after: {wanted.retry_after}\r\n" if wanted.retry_after is not None else ""
    fault = f"HTTP/1.1 {wanted.fault_status} No\r\n{after}content-length: 2\r\n\r\n{{}}".encode()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(stats, wanted.latency_ms / 1000, (wanted.fault_rate, fault)),
        "127.0.0.1",
        wanted.port,
        backlog=1024,
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
