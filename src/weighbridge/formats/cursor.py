"""A cursor over a binary file: takes and skips little-endian values, and never reads more than it was asked for."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Protocol

from weighbridge.formats.place import damaged

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Cursor", "Placed"]

_CHUNK = 1 << 20
_LENGTH = struct.Struct("<Q")


class Placed(Protocol):
    """Bytes that can be read at an offset, and the path that names them in errors."""

    @property
    def path(self) -> Path:
        """Where they are."""
        ...

    @property
    def size(self) -> int:
        """Bytes in all."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset`."""
        ...


class Cursor:
    """Reads a file forward in chunks of 1 MiB; `at` is the next byte, `limit` the last that may be passed."""

    def __init__(self, file: Placed, limit: int) -> None:
        self._file = file
        self._limit = limit
        self._chunk = b""
        self._start = 0
        self.at = 0

    @property
    def left(self) -> int:
        """Bytes between here and the end of the file."""
        return self._file.size - self.at

    def take(self, length: int, what: str) -> bytes:
        """Return the next bytes; raises DamagedFile where the file ends before."""
        begin = self.at - self._start
        if not 0 <= begin <= len(self._chunk) - length:
            self._require(length, what)
            self._chunk = self._file.read(self.at, max(length, _CHUNK))
            self._start, begin = self.at, 0
            if len(self._chunk) < length:
                raise self._ends(what)
        self.at += length
        return self._chunk[begin : begin + length]

    def number(self, form: str, what: str) -> Any:
        """Return the next number; `form` is a struct format."""
        return struct.unpack(form, self.take(struct.calcsize(form), what))[0]

    def skip(self, length: int, what: str) -> None:
        """Pass over bytes without reading them."""
        self._require(length, what)
        self.at += length

    def skip_texts(self, count: int, what: str) -> None:
        """Pass over `count` texts, each behind its length in 8 bytes: a vocabulary of any size in one chunk."""
        unpack = _LENGTH.unpack_from
        while count:
            self.take(0, what)
            self._chunk, self._start = self._file.read(self.at, _CHUNK), self.at
            begin, last = 0, len(self._chunk) - _LENGTH.size
            while count and begin <= last:
                begin += _LENGTH.size + unpack(self._chunk, begin)[0]
                count -= 1
            if begin == 0:
                raise self._ends(what)
            self.skip(begin, what)

    def _require(self, length: int, what: str) -> None:
        if length > self.left:
            raise self._ends(what)
        if self.at + length > self._limit:
            raise damaged(self._file.path, f"has a header of more than {self._limit} bytes, at {what}")

    def _ends(self, what: str) -> Exception:
        return damaged(self._file.path, f"ends at byte {self._file.size}, inside {what} at byte {self.at}")
