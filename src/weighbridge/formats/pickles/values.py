"""What stands on the simulated stack: names, objects that calls would make, and as much of data as can be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from weighbridge.formats.place import quote

__all__ = ["UNKNOWN", "Data", "Items", "Made", "Name", "Use", "show"]

_MOST_SHOWN = 4
_DEEPEST_SHOWN = 3
_LONGEST_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Name:
    """A module and a dotted name in it; the name is empty where the module itself is meant."""

    module: str
    name: str

    @property
    def text(self) -> str:
        """How it is written in Python."""
        return f"{self.module}.{self.name}" if self.name else self.module


@dataclass(frozen=True, slots=True)
class Made:
    """What a call of `callee` returned; the arguments are kept where they tell what it is."""

    callee: Any
    arguments: Any = None


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes of the stream that were not read: where they lie, and of a text how it is written there."""

    at: int
    size: int
    encoding: str = ""

    def __repr__(self) -> str:
        return f"<{self.size:,} bytes>"


@dataclass(slots=True)
class Items:
    """A list, set or dictionary: how many items, and the first of them by number or by text key."""

    kind: str
    count: int = 0
    first: dict[Any, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<{self.kind} of {self.count:,}>"


class _Unknown:
    """A value of which nothing is known."""

    def __repr__(self) -> str:
        return "?"


UNKNOWN = _Unknown()


@dataclass(frozen=True, slots=True)
class Use:
    """One thing that loading does with a name.

    `kind`: "name" (imported), "call", "new" (made without its constructor's word), "build" (given a state),
    "pass" (handed to a call), "change" (the named thing itself is changed), "registry" (a number of the extension
    registry).
    `name` is None where it cannot be told.
    """

    kind: str
    name: Name | None
    arguments: Any
    at: int


def show(value: Any, depth: int = 0) -> str:
    """Return a short text of a value for a message."""
    if isinstance(value, tuple | Made) and depth >= _DEEPEST_SHOWN:
        return "..."
    if isinstance(value, tuple):
        shown = ", ".join(show(item, depth + 1) for item in value[:_MOST_SHOWN])
        return f"({shown}{', ...' if len(value) > _MOST_SHOWN else ''})"
    if isinstance(value, Made):
        return f"{show(value.callee, depth + 1)}(...)"
    plain = value.text if isinstance(value, Name) else f"'{value}'" if isinstance(value, str) else repr(value)
    return quote(plain, _LONGEST_SHOWN)[1:-1]
