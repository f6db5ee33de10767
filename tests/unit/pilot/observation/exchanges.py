"""Exchanges as the gateway holds them."""

from __future__ import annotations

import json
from typing import Any

from weighbridge.pilot.exchange import Exchange, Usage

CHAT = "/v1/chat/completions"
ENOUGH = "The river runs through the old town, and the people who live there are glad of the water in the summer. "


def exchange(
    answer: str | bytes = ENOUGH, *, prompt: str = "Tell me about the river in this town.", **facts: Any
) -> Exchange:
    """Return an ended chat; `answer` is what the model says, or the bytes of the whole body."""
    asked = {"model": "qwen", "messages": [{"role": "user", "content": prompt}]}
    body = answer if isinstance(answer, bytes) else chat(answer)
    usual: dict[str, Any] = {
        "status": 200,
        "total_s": 1.5,
        "first_s": 0.2,
        "usage": Usage(10, 20),
        "request": json.dumps(asked).encode(),
        "answer": body,
        "sent_bytes": len(body),
    }
    return Exchange("a1", 1000.0, "key1", "team", "qwen", "primary", "sha256:d", CHAT, **(usual | facts))


def chat(text: str, finish: str = "stop", **message: Any) -> bytes:
    """Return the body of a whole chat answer."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": finish}
    return json.dumps({"choices": [choice]}).encode()


def events(*said: Any) -> bytes:
    """Return a stream of events, and its end."""
    return b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in said) + b"data: [DONE]\n\n"


def delta(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return one event of a chat's stream."""
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}
