"""One compressed stream, unpacked as far as it is read: gzip, bzip2, xz, lzma, zlib, raw deflate."""

from __future__ import annotations

import bz2
import lzma
import tempfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.formats.source import Source

__all__ = ["METHODS", "Allowance", "Unpacked"]

_STEP = 1 << 18
_IN_MEMORY = 8 << 20
_ZSTD = frozenset({b"\xb5\x2f\xfd", b"\x2a\x4d\x18"})  # behind the first byte: a frame, a frame to be skipped
_ERRORS = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)

METHODS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: zlib.decompressobj(31),
    "zlib": lambda: zlib.decompressobj(15),
    "deflate": lambda: zlib.decompressobj(-15),
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=100 << 20),
    "lzma": lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=100 << 20),
}


@dataclass(slots=True)
class Allowance:
    """Bytes that may still be unpacked, of one file with all that is nested in it."""

    left: int = 256 << 20


class Unpacked:
    """A source over a compressed one: what was unpacked lies in a temporary file without a name.

    `size` unpacks to the end. `trouble` says why it stopped before the end of the stream, "" where it did not;
    `is_cut` is set where the allowance was spent.
    """

    def __init__(self, packed: Source, method: str | Callable[[], Any], allowance: Allowance) -> None:
        self._packed = packed
        self._make = METHODS[method] if isinstance(method, str) else method
        self._allowance = allowance
        self._file: tempfile.SpooledTemporaryFile[bytes] | None = None
        self.trouble = ""
        self.is_cut = False
        self.close()

    def close(self) -> None:
        """Let go of what was unpacked; a later read begins anew."""
        if self._file is not None:
            self._file.close()
        self._file = None
        self._machine = self._make()
        self._at = self._length = 0
        self._has_ended = False

    @property
    def size(self) -> int:
        """Bytes in all, as far as they may be unpacked."""
        self._unpack_to(1 << 62)
        return self._length

    def read(self, offset: int, length: int) -> bytes:
        """Return up to `length` unpacked bytes from `offset`."""
        self._unpack_to(offset + length)
        if self._file is None:
            return b""
        self._file.seek(offset)
        return self._file.read(max(0, length))

    def _unpack_to(self, end: int) -> None:
        while self._length < end and not self._has_ended:
            try:
                piece = self._next_piece()
            except _ERRORS:
                self.trouble, self._has_ended = "its compressed bytes are damaged", True
                return
            if self._file is None:
                self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - `close` closes it
            self._file.seek(self._length)
            self._file.write(piece)
            self._length += len(piece)
            self._allowance.left -= len(piece)
            if self._allowance.left <= 0:
                self._has_ended = self.is_cut = True

    def _next_piece(self) -> bytes:
        """Return some more unpacked bytes, at most four steps of them."""
        most = 4 * _STEP
        if self._machine.eof:
            self._next_stream()
            if self._has_ended:
                return b""
        if tail := getattr(self._machine, "unconsumed_tail", b""):
            return bytes(self._machine.decompress(tail, most))
        if not getattr(self._machine, "needs_input", True):
            return bytes(self._machine.decompress(b"", most))
        packed = self._packed.read(self._at, _STEP)
        if not packed:
            self.trouble, self._has_ended = "ends before its compressed stream does", True
            return b""
        self._at += len(packed)
        return bytes(self._machine.decompress(packed, most))

    def _next_stream(self) -> None:
        """Go on with a stream that follows the first, as `gzip`, `bz2` and `lzma` files do."""
        self._at -= len(self._machine.unused_data)
        head = self._packed.read(self._at, 4)
        if head[:2] in {b"\x1f\x8b", b"BZ", b"\xfd7"} or head[1:] in _ZSTD:
            self._machine = self._make()
        else:
            self._has_ended = True
