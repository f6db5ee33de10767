"""Bytes that are read once, forward: a file, a compressed one, a member of an archive; never more than is allowed."""

from __future__ import annotations

import lzma
import zlib
from typing import TYPE_CHECKING, Any, Protocol

from weighbridge.formats.archives.packed import METHODS
from weighbridge.formats.archives.zstd import zstd_method

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.formats.source import Source

__all__ = ["Damaged", "MemberStream", "Plain", "Rejoined", "Spent", "Stream", "unpacked"]

_STEP = 1 << 18
_ERRORS = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)
_MARKS = ((b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ\0", "xz"))
_ZSTD = b"\x28\xb5\x2f\xfd"


class Damaged(Exception):
    """Compressed bytes that contradict their format, or end before it does."""


class Spent(Exception):
    """More was unpacked than is allowed."""


class Stream(Protocol):
    """Bytes in one direction."""

    def read(self, length: int) -> bytes:
        """Return the next bytes, fewer only at the end."""
        ...

    def skip(self, length: int) -> None:
        """Pass over bytes."""
        ...


class Plain:
    """The bytes of a source as they are; passing over them costs nothing."""

    def __init__(self, source: Source, at: int = 0) -> None:
        self._source = source
        self._at = at

    def read(self, length: int) -> bytes:
        """Return the next bytes."""
        data = self._source.read(self._at, length)
        self._at += len(data)
        return data

    def skip(self, length: int) -> None:
        """Pass over bytes."""
        self._at += length


class MemberStream:
    """The bytes of one member of an archive; `finish` passes over what was not read of it."""

    def __init__(self, outer: Stream, size: int) -> None:
        self._outer = outer
        self.left = size

    def read(self, length: int) -> bytes:
        """Return the next bytes of the member."""
        data = self._outer.read(min(length, self.left))
        self.left = self.left - len(data) if data else 0
        return data

    def skip(self, length: int) -> None:
        """Pass over bytes of the member."""
        length = min(length, self.left)
        self._outer.skip(length)
        self.left -= length

    def finish(self) -> None:
        """Pass over the rest."""
        self.skip(self.left)


class _Inflated:
    """What a compressed stream unpacks to, at most `left` bytes of it."""

    def __init__(self, packed: Stream, make: Callable[[], Any], first: bytes, allowance: list[int]) -> None:
        self._packed = packed
        self._make = make
        self._machine = make()
        self._input = first
        self._held = b""
        self._left = allowance

    def read(self, length: int) -> bytes:
        """Return the next unpacked bytes."""
        pieces, need = [], length
        while need > 0:
            if not self._held and not self._fill():
                break
            piece, self._held = self._held[:need], self._held[need:]
            pieces.append(piece)
            need -= len(piece)
        return b"".join(pieces)

    def skip(self, length: int) -> None:
        """Unpack bytes and forget them."""
        while length > 0:
            if not self._held and not self._fill():
                return
            passed = min(length, len(self._held))
            self._held = self._held[passed:]
            length -= passed

    def _fill(self) -> bool:
        """Unpack some more; whether there is any."""
        while not self._held:
            try:
                if self._machine.eof and not self._next_stream():
                    return False
                self._held = self._more()
            except _ERRORS as error:
                raise Damaged("its compressed bytes are damaged") from error
            self._left[0] -= len(self._held)
            if self._left[0] < 0:
                raise Spent
        return True

    def _more(self) -> bytes:
        if tail := getattr(self._machine, "unconsumed_tail", b""):
            return bytes(self._machine.decompress(tail, _STEP))
        if not getattr(self._machine, "needs_input", True):
            return bytes(self._machine.decompress(b"", _STEP))
        if not self._input:
            self._input = self._packed.read(_STEP)
            if not self._input:
                raise Damaged("ends before its compressed stream does")
        data, self._input = self._input, b""
        return bytes(self._machine.decompress(data, _STEP))

    def _next_stream(self) -> bool:
        """Go on with a stream that follows (`cat a.gz b.gz`), as gunzip does; padding ends it."""
        rest = bytes(self._machine.unused_data) + self._input
        if not rest:
            rest = self._packed.read(_STEP)
        if not rest.startswith((*[mark for mark, _ in _MARKS], _ZSTD)):
            return False
        self._machine, self._input = self._make(), rest
        return True


class Rejoined:
    """A stream whose first bytes were read to see what it is, from its beginning again."""

    def __init__(self, first: bytes, rest: Stream) -> None:
        self._first = first
        self._rest = rest

    def read(self, length: int) -> bytes:
        """Return the next bytes."""
        piece, self._first = self._first[:length], self._first[length:]
        return piece + self._rest.read(length - len(piece)) if len(piece) < length else piece

    def skip(self, length: int) -> None:
        """Pass over bytes."""
        passed = min(length, len(self._first))
        self._first = self._first[passed:]
        self._rest.skip(length - passed)


def unpacked(stream: Stream, allowance: list[int]) -> tuple[Stream, bytes, str]:
    """Return a stream without its compression, its first block, and how it was packed ("" where it was not).

    `allowance` holds the bytes that may still be unpacked, shared by all that is nested. Zstandard without its package
    is returned as it is, as "zstd that cannot be read".
    """
    first = stream.read(512)
    kind = next((kind for mark, kind in _MARKS if first.startswith(mark)), "")
    make = METHODS.get(kind)
    if first.startswith(_ZSTD):
        kind, make = "zstd", zstd_method()
        if make is None:
            return Rejoined(first, stream), first, "zstd that cannot be read"
    if make is None:
        return Rejoined(first, stream), first, ""
    inflated = _Inflated(stream, make, first, allowance)
    begin = inflated.read(512)
    return Rejoined(begin, inflated), begin, kind
