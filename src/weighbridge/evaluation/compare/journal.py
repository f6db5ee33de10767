"""The journal of a comparison under way: every draw and score, one JSON object a line, before anything follows."""

from __future__ import annotations

import fcntl
import json
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, Self

from weighbridge.errors import UsageError, WeighbridgeError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

__all__ = ["FileJournal", "Journal", "MemoryJournal", "damaged"]

_MOST_BYTES = 256 << 20


class Journal(Protocol):
    """Where a comparison writes what happened; what was written is there after a kill. `place` names it."""

    place: str

    def read(self) -> list[dict[str, Any]]:
        """Return what was written, in order."""
        ...

    def write(self, entries: Sequence[dict[str, Any]]) -> None:
        """Add entries."""
        ...


class MemoryJournal:
    """A journal that lasts as long as the process."""

    place = "memory"

    def __init__(self) -> None:
        self._entries: list[dict[str, Any]] = []

    def read(self) -> list[dict[str, Any]]:
        """Return what was written."""
        return list(self._entries)

    def write(self, entries: Sequence[dict[str, Any]]) -> None:
        """Add entries."""
        self._entries.extend(entries)


class FileJournal:
    """A journal in one file, held by one process at a time; a last line that a kill cut short is dropped."""

    def __init__(self, path: Path) -> None:
        self.place = str(path)
        self._path = path
        self._stream: BinaryIO | None = None

    def __enter__(self) -> Self:
        """Open nothing yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the file."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def read(self) -> list[dict[str, Any]]:
        """Return what was written, and cut off what was not written to the end.

        Raises UsageError where another process is at it, or where the file is damaged.
        """
        stream = self._open()
        stream.seek(0)
        data = stream.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise damaged(self.place, "it is larger than that of any comparison")
        whole, _, rest = data.rpartition(b"\n")
        if rest:
            stream.truncate(len(whole) + 1 if whole else 0)
        try:
            entries = [json.loads(line) for line in whole.splitlines()]
        except (ValueError, RecursionError) as error:
            raise damaged(self.place, "a line is not JSON") from error
        if not all(isinstance(entry, dict) for entry in entries):
            raise damaged(self.place, "a line is no entry")
        return entries

    def write(self, entries: Sequence[dict[str, Any]]) -> None:
        """Add entries."""
        lines = "".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in entries)
        stream = self._open()
        try:
            stream.write(lines.encode())
            stream.flush()
        except OSError as error:
            raise WeighbridgeError(f"`{self.place}` cannot be written: {error.strerror}") from error

    def _open(self) -> BinaryIO:
        """Open the file once, for this process alone."""
        if self._stream is not None:
            return self._stream
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            stream = self._path.open("a+b")
        except OSError as error:
            raise WeighbridgeError(f"`{self.place}` cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            stream.close()
            raise UsageError(
                "another process is at this comparison", hint=f"wait for it, or see who holds `{self.place}`"
            ) from error
        self._stream = stream
        return stream


def damaged(place: str, why: str) -> UsageError:
    """Return the error for a journal that cannot be gone on from."""
    return UsageError(
        f"the journal of this comparison, `{place}`, cannot be used: {why}",
        hint="remove the file: answers are kept in the store, and the comparison starts anew",
    )
