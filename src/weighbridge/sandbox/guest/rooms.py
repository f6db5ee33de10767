"""A room of the sandbox: the cell, where the model's code lives, or the bench, where the tests run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .bench import Bench
from .cell import Cell

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Room"]


class Room:
    """Becomes a bench or a cell by the host's first message, and stays it."""

    def __init__(self, reach: Callable[[str], str]) -> None:
        self._reach = reach
        self._cell: Cell | None = None

    def serve(self, message: str) -> str:
        """Answer one message of the host, JSON for JSON."""
        asked: dict[str, Any] = json.loads(message)
        if asked["do"] == "judge":
            return json.dumps(Bench(self._reach).judge(asked))
        if self._cell is None:
            self._cell = Cell()
        try:
            return json.dumps(self._cell.answer(asked))
        except (MemoryError, RecursionError, ValueError) as error:  # an answer too large or too deep to be written
            return json.dumps(self._cell.raised(error))
