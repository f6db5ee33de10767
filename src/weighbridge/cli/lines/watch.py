"""How events of a watch read on a terminal: one line an event, one below it for what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.cli.layout import plain, quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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
    if event.kind in _WORDS and isinstance(event.after, dict):
        return _WORDS[event.kind](event)
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


def _template(event: ReleaseEvent) -> str:
    """Say what changed lines speak of."""
    if "touches" not in event.after:
        return ", ".join(event.evidence[:_MOST_NAMES])
    return f"touches {', '.join(event.after['touches'])}" if event.after["touches"] else "touches no known topic"


def _weights(event: ReleaseEvent) -> str:
    """Say how many files differ of how many."""
    before = event.before if isinstance(event.before, dict) else {"files": 0}
    counts = f"{before['files']} -> {event.after['files']} files, " if before["files"] != event.after["files"] else ""
    what = ", ".join(event.evidence[:_MOST_NAMES])
    return f"{counts}{len(event.evidence)} differ: {what}{' ...' if len(event.evidence) > _MOST_NAMES else ''}"


def _arrival(event: ReleaseEvent) -> str:
    """Say what one who meets a new model asks first."""
    said, before = event.after, event.before if isinstance(event.before, dict) else {}
    rows = [
        f"of {', '.join(before['base_models'])}" if before.get("base_models") else "",
        ", ".join(said["files"]) if "files" in said else "",
        str(said.get("stored_as", "")) if isinstance(said.get("stored_as"), str) else "",
        f"{quantity(said['parameters'])} parameters" if isinstance(said.get("parameters"), int) else "",
        "" if "files" in said else f"licence {said.get('licence_name') or said.get('licence') or 'not stated'}",
        f"gated ({said['gated']})" if said.get("gated") else "",
    ]
    return ", ".join(row for row in rows if row)


_WORDS: dict[str, Callable[[ReleaseEvent], str]] = {
    "chat-template": _template,
    "weights": _weights,
    "release": _arrival,
    "new-quantization": _arrival,
}
