"""A gateway with an audit log, killed under load: what its callers have read is on record."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from weighbridge.pilot.audit.export import Wanted, select
from weighbridge.pilot.audit.log import AuditLog
from weighbridge.pilot.audit.verify import verify
from weighbridge.testing.upstream_double import UpstreamDouble, answer, events

if TYPE_CHECKING:
    from pathlib import Path

_GATEWAY = """
import sys
from pathlib import Path
import uvicorn
from weighbridge.gateway.app import Gateway
from weighbridge.gateway.hooks import Hooks
from weighbridge.gateway.request.bounds import Bounds
from weighbridge.gateway.upstream.pool import Upstreams
from weighbridge.gateway.wire import bounded_protocol
from weighbridge.pilot.access.protocol import Caller
from weighbridge.pilot.audit.log import AuditLog
from weighbridge.pilot.route import Admission, Leg, Route, UpstreamSettings

class Reservation:
    headers = ()
    def settle(self, usage, usd):
        pass

class Keys:
    def identify(self, authorization):
        return Caller("k1", "acme", frozenset({"inference"}))
    def is_live(self, caller):
        return True
    async def reserve_soon(self, caller, route, tokens, usd):
        return Reservation()

class Table:
    route = Route("qwen", Leg(UpstreamSettings(sys.argv[2], "m"), "decision-1"))
    def find(self, name):
        return self.route
    def names(self, caller=None):
        return ["qwen"]
    def admission(self, leg):
        return Admission(leg, "adopt")

log = AuditLog(Path(sys.argv[1]))
app = Gateway(Hooks(Keys(), Table(), listeners=(log,), witness=log), Upstreams(lambda _name: None), Bounds())
config = uvicorn.Config(app, port=0, http=bounded_protocol(Bounds()), log_config=None, ws="none", lifespan="off")
server = uvicorn.Server(config)

async def main():
    import asyncio
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)
    await task

import asyncio
asyncio.run(main())
"""
_WHOLE = answer(
    b'{"choices":[{"message":{"content":"CANARY-answer"}}],"usage":{"prompt_tokens":3,"completion_tokens":4}}'
)
_STREAM = events(b'data: {"choices":[{"delta":{"content":"CANARY-answer"}}]}\n\n', b"data: [DONE]\n\n")


def _ask(port: int, number: int, read: list[str]) -> None:
    """Ask over one connection until it breaks, every second time for a stream; note what was answered whole."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        while True:
            number += 1
            body = {
                "model": "qwen",
                "stream": number % 2 == 0,
                "messages": [{"role": "user", "content": "CANARY-prompt"}],
            }
            connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Authorization": "Bearer CANARY-key"})
            with connection.getresponse() as response:
                response.read()
                if response.status == 200:
                    read.append(response.headers["x-request-id"])
    except (OSError, http.client.HTTPException):
        return
    finally:
        connection.close()


def test_what_callers_have_read_is_on_record_after_a_kill(tmp_path: Path) -> None:
    """Four callers read answers and streams until SIGKILL: each is recorded, the chain holds, no text is in it."""
    read: list[str] = []
    upstream = UpstreamDouble(lambda number, _path: _STREAM if b"true" in upstream.asked[number - 1].body else [_WHOLE])
    with upstream.running():
        process = subprocess.Popen(
            [sys.executable, "-c", _GATEWAY, str(tmp_path), upstream.url], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        port = int(process.stdout.readline())
        callers = [threading.Thread(target=_ask, args=(port, number, read)) for number in range(4)]
        for caller in callers:
            caller.start()
        while len(read) < 150 and any(caller.is_alive() for caller in callers):
            callers[0].join(0.01)
        os.kill(process.pid, signal.SIGKILL)
        for caller in callers:
            caller.join(10)
        process.stdout.close()
        process.wait()
    assert len(read) >= 150
    AuditLog(tmp_path).close()
    assert verify(tmp_path).holds
    records = [one["body"] for one in select(tmp_path, Wanted()) if one["event"].startswith("exchange")]
    assert set(read) <= {body["id"] for body in records}
    assert {body["decision"] for body in records} == {"decision-1"}
    assert {body["stream"] for body in records if "stream" in body} == {True, False}
    assert b"CANARY" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
