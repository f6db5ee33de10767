"""Progress: how a long step says how far it is, without knowing of any screen."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

__all__ = ["Advance", "Progress", "silent"]


class Advance(Protocol):
    """Called with how many more units are done."""

    def __call__(self, units: int, /) -> None:
        """Add units."""
        ...


class Progress(Protocol):
    """Opens one bar: a label, the total, and the unit (`bytes`, `questions`)."""

    def __call__(self, label: str, total: int, unit: str, /) -> AbstractContextManager[Advance]:
        """Open the bar; it closes with the block."""
        ...


def silent(label: str, total: int, unit: str, /) -> AbstractContextManager[Advance]:  # noqa: ARG001 - the shape of Progress
    """Show nothing: the default of the library, and of a stream that is no terminal."""
    return nullcontext(lambda _units: None)
