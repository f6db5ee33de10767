"""Server-sent events on their way: whole events only, and the one that nobody asked for taken out again."""

from __future__ import annotations

from typing import Any

import jiter

from weighbridge.gateway.answer.usage import usage_in_event
from weighbridge.pilot.exchange import Usage

__all__ = ["EventTooLong", "Events"]

_BLANK = (b"\n\n", b"\r\n\r\n", b"\r\r")
_SEAM = 3  # bytes of the longest that may lie before a border


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
        self._held = bytearray()

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the upstream and return those to send now; raises EventTooLong."""
        held = self._held
        if held or not data.endswith(_BLANK):
            since = max(0, len(held) - _SEAM)  # what was searched is not searched again: an event may come in crumbs
            held += data
            at = max(held.rfind(mark, since) + len(mark) if mark in held[since:] else 0 for mark in _BLANK)
            if len(held) - at > self._most:
                raise EventTooLong
            data = bytes(held[:at])
            del held[:at]
        return self._look(data)

    def rest(self) -> bytes:
        """Return what is held at the end of a stream that ended well."""
        held, self._held = bytes(self._held), bytearray()
        return self._look(held)

    def _look(self, data: bytes) -> bytes:
        """Note the usage, and leave out the event that was asked for by us."""
        if b'"usage"' not in data:
            return data
        events = _split(data)
        return b"".join(event for event in events if not (self._notes(event) and self._strips))

    def _notes(self, event: bytes) -> bool:
        """Note the usage of an event; whether it holds no choice, only that: what `include_usage` adds."""
        fields = _fields(event) if b'"usage"' in event else {}
        found = usage_in_event(fields)
        if found.input_tokens is None:
            return False
        self.usage = found
        return fields.get("choices") == []


def _split(data: bytes) -> list[bytes]:
    """Split whole events, each with the blank line that ends it."""
    mark = next(mark for mark in (*_BLANK, b"") if not mark or mark in data)
    if not mark:
        return [data]
    parts = data.split(mark)
    return [part + mark for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _fields(event: bytes) -> dict[str, Any]:
    """Return what the data of an event says, nothing where it is no JSON object."""
    data = b"\n".join(line[5:] for line in event.splitlines() if line.startswith(b"data:"))
    try:
        fields: Any = jiter.from_json(data)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}
