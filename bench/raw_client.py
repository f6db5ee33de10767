"""The yardstick: the same requests from bare asyncio streams, one a lane, nothing kept and nothing scored.

python bench/raw_client.py PORT IN_FLIGHT N
"""

from __future__ import annotations

import asyncio
import json
import sys


async def main(port: int, in_flight: int, n: int) -> None:
    """Send n requests over `in_flight` connections."""
    todo = iter(range(n))

    async def lane() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in todo:
            message = {"role": "user", "content": f"Question {number}: which letter?"}
            body = json.dumps({"model": "mock", "max_tokens": 8, "temperature": 0.0, "messages": [message]}).encode()
            head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.split(b"content-length: ")[1].split(b"\r")[0])
            json.loads(await reader.readexactly(length))
        writer.close()

    await asyncio.gather(*(lane() for _ in range(in_flight)))


if __name__ == "__main__":
    asyncio.run(main(*(int(argument) for argument in sys.argv[1:4])))
