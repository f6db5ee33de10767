"""A change before it is an event: what differs, and the traits by which its severity is judged."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weighbridge.core.finding import Confidence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.core.event import EventKind

__all__ = ["MOST_NAMED", "Change", "named", "plain"]

MOST_NAMED = 40  # files that an event names; how many there are in all is said beside them
_MOST_ITEMS, _MOST_CHARACTERS, _DEPTH = 60, 2000, 6
_SAFE = 1 << 53  # what JSON carries exactly


@dataclass(frozen=True, slots=True)
class Change:
    """What differs, of one kind; `before` and `after` are plain JSON, `traits` words of `severity.toml`."""

    kind: EventKind
    before: Any
    after: Any
    traits: frozenset[str] = frozenset()
    confidence: Confidence = Confidence.HIGH
    evidence: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())


def named(names: Iterable[str]) -> tuple[str, ...]:
    """Return the first names, sorted, as evidence."""
    return tuple(sorted(names)[:MOST_NAMED])


def plain(value: Any, depth: int = 0) -> Any:
    """Return a value of a stranger's JSON cut to what an event should hold: a digest of it must always exist."""
    if isinstance(value, dict | list | tuple):
        return _container(value, depth) if depth < _DEPTH else "[...]"
    if isinstance(value, str):
        sound = value.encode("utf-8", "replace").decode()
        return sound if len(sound) <= _MOST_CHARACTERS else sound[:_MOST_CHARACTERS] + " [...]"
    if value is None or isinstance(value, bool) or (isinstance(value, int) and -_SAFE < value < _SAFE):
        return value
    return value if isinstance(value, float) and math.isfinite(value) else str(value)[:_MOST_CHARACTERS]


def _container(value: dict[str, Any] | list[Any] | tuple[Any, ...], depth: int) -> Any:
    if isinstance(value, dict):
        rows = sorted(value.items(), key=lambda row: str(row[0]))[:_MOST_ITEMS]
        return {str(plain(str(name))): plain(member, depth + 1) for name, member in rows}
    return [plain(member, depth + 1) for member in value[:_MOST_ITEMS]]
