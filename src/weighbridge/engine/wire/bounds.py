"""Bounds and cleaning for what comes from outside: text that can be written, counts that are sane, short messages."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["MAX_TEXT", "clean", "clip", "count", "looks_like", "read_json", "said_why"]

MAX_TEXT = 1 << 20
_MAX_DETAIL = 300
_MAX_COUNT = 1 << 40
_decode = json.JSONDecoder().decode


def clean(text: Any) -> str:
    """Return text that can be written as UTF-8, at most 1 MiB of characters; "" for what is no text."""
    if not isinstance(text, str):
        return ""
    return text[:MAX_TEXT] if text.isascii() else text[:MAX_TEXT].encode("utf-8", "replace").decode("utf-8")


def clip(text: str) -> str:
    """Bound a message that comes from outside: one line of at most 300 characters."""
    return clean(" ".join(text[: 4 * _MAX_DETAIL].split()))[:_MAX_DETAIL]


def count(holder: Any, key: str) -> int | None:
    """Return a count, if the server gives a sane one."""
    value = holder.get(key) if isinstance(holder, dict) else None
    return value if type(value) is int and 0 <= value < _MAX_COUNT else None


def read_json(data: bytes | str) -> Any:
    """Return the JSON value, or None where it is none (or null: no answer is)."""
    try:
        return _decode(data if isinstance(data, str) else data.decode())
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(data)  # also reads UTF-16 and UTF-32
    except (ValueError, RecursionError):
        return None


def said_why(data: bytes) -> str:
    """Return the message of an error body, as short text."""
    value = read_json(data)
    if value is None:
        return looks_like(data)
    error = value.get("error", value) if isinstance(value, dict) else value
    message = error.get("message", error) if isinstance(error, dict) else error
    try:
        return clip(message if isinstance(message, str) else json.dumps(message, ensure_ascii=False))
    except RecursionError:
        return "something else"


def looks_like(data: bytes) -> str:
    """Name what a body looks like that is not JSON."""
    head = data[:200].lstrip().lower()
    if not head:
        return "nothing"
    return "HTML" if head.startswith((b"<!doctype", b"<html", b"<head", b"<body")) else "something else"
