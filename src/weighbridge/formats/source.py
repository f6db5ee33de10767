"""Bytes that can be read at an offset: a file, a part of one, what was unpacked; and a forward reader over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["Ended", "Held", "Part", "Reader", "Source"]

_CHUNK = 1 << 16


class Source(Protocol):
    """Something of `size` bytes; `read` returns fewer than asked only at its end."""

    @property
    def size(self) -> int:
        """Bytes in all."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset`."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """`size` bytes of another source, from `start`."""

    of: Source
    start: int
    size: int

    def read(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset` of the part."""
        return self.of.read(self.start + offset, max(0, min(length, self.size - offset)))


@dataclass(frozen=True, slots=True)
class Held:
    """Bytes in memory."""

    data: bytes

    @property
    def size(self) -> int:
        """Bytes in all."""
        return len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset`."""
        return self.data[offset : offset + length]


class Ended(Exception):
    """The source ends before what was to be read."""


class Reader:
    """Reads a source forward through a buffer of 64 KiB; `at` is the next byte."""

    def __init__(self, source: Source, at: int = 0) -> None:
        self.source = source
        self._chunk = b""
        self._start = at
        self._next = 0

    @property
    def at(self) -> int:
        """Offset of the next byte."""
        return self._start + self._next

    def seek(self, at: int) -> None:
        """Go on from another offset."""
        self._start, self._next, self._chunk = at, 0, b""

    def take(self, length: int) -> bytes:
        """Return the next bytes, few of them; raises Ended."""
        end = self._next + length
        if end > len(self._chunk):
            self._fill(length)
            end = self._next + length
        piece = self._chunk[self._next : end]
        self._next = end
        return piece

    def skip(self, length: int) -> int:
        """Pass over bytes; return where they begin; raises Ended."""
        start = self.at
        if start + length > self.source.size:
            raise Ended
        if self._next + length <= len(self._chunk):
            self._next += length
        else:
            self.seek(start + length)
        return start

    def line(self, longest: int) -> bytes:
        """Return the bytes up to the next line feed, without it; raises Ended where none is near."""
        end = self._chunk.find(b"\n", self._next)
        if end < 0:
            start = self.at
            self._chunk = self.source.read(start, max(longest, _CHUNK))
            self._start, self._next = start, 0
            end = self._chunk.find(b"\n")
            if end < 0:
                raise Ended
        piece = self._chunk[self._next : end]
        self._next = end + 1
        return piece

    def line_span(self) -> tuple[int, int]:
        """Pass over a line of any length; return where it begins and its length without the line feed."""
        start = at = self.at
        while chunk := self.source.read(at, _CHUNK):
            if (end := chunk.find(b"\n")) >= 0:
                self.seek(at + end + 1)
                return start, at + end - start
            at += len(chunk)
        raise Ended

    def _fill(self, length: int) -> None:
        start = self.at
        self._chunk = self.source.read(start, max(length, _CHUNK))
        self._start, self._next = start, 0
        if len(self._chunk) < length:
            raise Ended
