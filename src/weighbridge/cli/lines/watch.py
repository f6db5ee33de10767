"""How events of a watch read on a terminal: one line an event, one below it for what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.cli.layout import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.core.event import ReleaseEvent

__all__ = ["event_lines", "said_of"]

_MOST_SAID = 100
_MOST_NAMES = 3


def event_lines(events: Iterable[ReleaseEvent], *, whole: bool) -> list[str]:
    """Return the lines of events; silent ones only with `whole`."""
    lines = []
    for event in events:
        if event.severity == "silent" and not whole:
            continue
        lines.append(f"  {event.severity:<9} {event.kind:<18} {plain(event.subject)}")
        said = said_of(event)
        if said:
            lines.append(f"  {'':<28} {plain(said)}")
        lines += [f"  {'':<28} {plain(note)}" for note in event.notes] if whole else []
    return lines


def said_of(event: ReleaseEvent) -> str:
    """Return what differs in one line: the values where they are short, else the names of the files."""
    if event.kind == "chat-template" and isinstance(event.after, dict) and "diff" in event.after:
        return f"touches {', '.join(event.after['touches'])}" if event.after["touches"] else "touches no known topic"
    before, after = _brief(event.before), _brief(event.after)
    if before or after:
        return f"{before or '-'} -> {after or '-'}"
    shown = ", ".join(event.evidence[:_MOST_NAMES])
    more = len(event.evidence) - _MOST_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def _brief(value: Any) -> str:
    """Write a short value; nothing for a long one."""
    if isinstance(value, dict):
        rows = [f"{name} {_brief(member)}" for name, member in value.items() if _brief(member)]
        text = ", ".join(rows) if len(rows) == len(value) else ""
    elif isinstance(value, list):
        text = ", ".join(str(_brief(member)) for member in value)
    else:
        text = "" if value is None else str(value)
    return text if len(text) <= _MOST_SAID and "\n" not in text else ""
