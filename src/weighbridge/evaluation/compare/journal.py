"""The journal of a comparison under way: every draw and score, one JSON object a line, before anything follows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from weighbridge.errors import WeighbridgeError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["FileJournal", "Journal", "MemoryJournal"]

_MOST_BYTES = 256 << 20


class Journal(Protocol):
    """Where a comparison writes what happened; what was written is there after a kill."""

    def read(self) -> list[dict[str, Any]]:
        """Return what was written, in order."""
        ...

    def write(self, entries: Sequence[dict[str, Any]]) -> None:
        """Add entries."""
        ...


class MemoryJournal:
    """A journal that lasts as long as the process."""

    def __init__(self) -> None:
        self._entries: list[dict[str, Any]] = []

    def read(self) -> list[dict[str, Any]]:
        """Return what was written."""
        return list(self._entries)

    def write(self, entries: Sequence[dict[str, Any]]) -> None:
        """Add entries."""
        self._entries.extend(entries)


class FileJournal:
    """A journal in one file; a last line that a kill cut short is dropped."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[dict[str, Any]]:
        """Return what was written, and cut off what was not written to the end."""
        if not self._path.is_file():
            return []
        if self._path.stat().st_size > _MOST_BYTES:
            raise WeighbridgeError(f"`{self._path}` is larger than any comparison's journal", hint="remove it")
        whole, _, rest = self._path.read_bytes().rpartition(b"\n")
        if rest:
            with self._path.open("rb+") as stream:
                stream.truncate(len(whole) + 1 if whole else 0)
        try:
            return [json.loads(line) for line in whole.splitlines()]
        except ValueError as error:
            raise WeighbridgeError(
                f"`{self._path}` is damaged", hint="remove it: the comparison starts anew"
            ) from error

    def write(self, entries: Sequence[dict[str, Any]]) -> None:
        """Add entries."""
        if not entries:
            return
        lines = "".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in entries)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(lines)
        except OSError as error:
            raise WeighbridgeError(f"`{self._path}` cannot be written: {error.strerror}") from error
