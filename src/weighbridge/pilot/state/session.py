"""A transaction as the parts of the state use it, whichever database it runs in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

__all__ = ["Session", "Sessions"]


class Session(Protocol):
    """One transaction: called with a query, `?` for each value, it returns the rows."""

    def __call__(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Run a query."""
        ...


class Sessions(ABC):
    """What opens transactions."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Session]:
        """Open a session that sees one moment."""

    @abstractmethod
    def _writing(self) -> AbstractContextManager[Session]:
        """Open a session that is kept at its end, or undone where its block raises."""
