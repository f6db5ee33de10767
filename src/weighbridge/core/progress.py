"""Progress: how a long step says how far it is, without knowing of any screen."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Advance", "Progress", "silent"]


class Advance(Protocol):
    """Called with how many more units are done."""

    def __call__(self, units: int, /) -> None:
        """Add units."""
        ...


class Progress(Protocol):
    """Opens one bar: a label, the total, and the unit (`bytes`, `questions`).

    `note` says more in one line; it is called when the bar is drawn, not when it moves. `at_most`: the step may well
    end before its total. Zero units tell that nothing came, so that whoever watches may look at the note.
    """

    def __call__(
        self, label: str, total: int, unit: str, /, *, note: Callable[[], str] | None = None, at_most: bool = False
    ) -> AbstractContextManager[Advance]:
        """Open the bar; it closes with the block."""
        ...


def silent(
    label: str,  # noqa: ARG001 - the shape of Progress
    total: int,  # noqa: ARG001
    unit: str,  # noqa: ARG001
    /,
    *,
    note: Callable[[], str] | None = None,  # noqa: ARG001
    at_most: bool = False,  # noqa: ARG001
) -> AbstractContextManager[Advance]:
    """Show nothing: the default of the library, and of a stream that is no terminal."""
    return nullcontext(lambda _units: None)
