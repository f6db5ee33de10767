"""Server-sent events on their way: whole events only, and the one that nobody asked for taken out again."""

from __future__ import annotations

from typing import Any

import jiter

from weighbridge.gateway.answer.usage import usage_in
from weighbridge.pilot.exchange import Usage

__all__ = ["EventTooLong", "Events"]

_KEPT = 16 << 10
_BLANK = (b"\n\n", b"\r\n\r\n", b"\r\r")


class EventTooLong(Exception):
    """An event that goes on and on."""


class Events:
    """A stream of events, fed as bytes arrive.

    Bytes are let through as they are, up to the last event that is whole; so an error can be said at any time without
    breaking one. With `strips_usage` the event that holds only the usage is left out.
    """

    def __init__(self, *, strips_usage: bool, max_event_bytes: int) -> None:
        self.usage = Usage()
        self._strips = strips_usage
        self._most = max_event_bytes
        self._held = b""
        self._end = b""

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the upstream and return those to send now; raises EventTooLong."""
        if self._held:
            data = self._held + data
            self._held = b""
        if not data.endswith(_BLANK):
            at = max(data.rfind(mark) + len(mark) if mark in data else 0 for mark in _BLANK)
            self._held, data = data[at:], data[:at]
            if len(self._held) > self._most:
                raise EventTooLong
        if b'"usage"' in data:
            return self._look(data)
        return data

    def rest(self) -> bytes:
        """Return what is held at the end of a stream that ended well."""
        held, self._held = self._held, b""
        return self._look(held) if b'"usage"' in held else held

    def _look(self, data: bytes) -> bytes:
        """Note the usage, and leave out the event that was asked for by us."""
        found = usage_in(data[-_KEPT:])
        if found.input_tokens is not None:
            self.usage = found
        if not self._strips or found.input_tokens is None:
            return data
        return b"".join(event for event in _split(data) if not _is_usage_alone(event))


def _split(data: bytes) -> list[bytes]:
    """Split whole events, each with the blank line that ends it."""
    mark = next(mark for mark in (*_BLANK, b"") if not mark or mark in data)
    if not mark:
        return [data]
    parts = data.split(mark)
    return [part + mark for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _is_usage_alone(event: bytes) -> bool:
    """Whether an event holds no choice, only the usage: what `include_usage` adds."""
    text = event.strip()
    if not text.startswith(b"data:") or b'"usage"' not in text:
        return False
    try:
        fields: Any = jiter.from_json(text[5:].strip())
    except ValueError:
        return False
    return isinstance(fields, dict) and fields.get("choices") == [] and isinstance(fields.get("usage"), dict)
