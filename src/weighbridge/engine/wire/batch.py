"""Batch files of vendors: requests as lines that are handed in, answers as lines that are fetched later.

OpenAI's format (also of vLLM's `run-batch`, Azure, Groq, Together, Fireworks): {"custom_id", "method", "url", "body"},
answered by {"custom_id", "response": {"status_code", "body"}, "error"}. Anthropic's: {"custom_id", "params"}, answered
by {"custom_id", "result": {"type", "message"}}. Sources: platform.openai.com/docs/guides/batch and
docs.anthropic.com/en/docs/build-with-claude/batch-processing.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from weighbridge.engine.wire.bounds import clip

__all__ = ["Answered", "answered_in", "message_line", "openai_line"]

_OK = 200
_MAX_NAME = 200


class Answered(NamedTuple):
    """One line of results: whose it is, the answer's body, or why there is none."""

    name: str
    body: bytes | None
    why: str


def openai_line(name: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return one request in OpenAI's format; `path` is below the version: `/chat/completions`."""
    return {"custom_id": name, "method": "POST", "url": f"/v1{path}", "body": body}


def message_line(name: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return one request in Anthropic's format."""
    return {"custom_id": name, "params": body}


def answered_in(row: dict[str, Any]) -> Answered | None:
    """Read one line of results of either format; None for a line that names no request."""
    name = row.get("custom_id")
    if not isinstance(name, str) or not name or len(name) > _MAX_NAME:
        return None
    result, response = row.get("result"), row.get("response")
    if isinstance(result, dict):
        message = result.get("message")
        if result.get("type") == "succeeded" and isinstance(message, dict):
            return Answered(name, json.dumps(message).encode(), "")
        return Answered(name, None, _why(result.get("error") or result.get("type")))
    if isinstance(response, dict) and response.get("status_code") == _OK and isinstance(response.get("body"), dict):
        return Answered(name, json.dumps(response["body"]).encode(), "")
    said = response.get("body") if isinstance(response, dict) else None
    return Answered(name, None, _why(row.get("error") or said))


def _why(said: Any) -> str:
    """Return what was said of a failure, cut."""
    return clip(said if isinstance(said, str) else json.dumps(said)) if said else "no answer and no reason"
