"""Zstandard frames (RFC 8878), where the extra `zstd` is installed; Python 3.11 itself has no reader for them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["zstd_method"]

_WINDOW = 64 << 20  # bytes that a frame may ask to be kept
_SLICE = 256  # packed bytes at a time: a block of four may stand for 128 KiB, so at most 8 MiB come of one slice


@cache
def zstd_method() -> Callable[[], Any] | None:
    """Return what makes a machine for `Unpacked`, or None where no package for it is installed."""
    try:
        import zstandard
    except ImportError:
        return None
    return lambda: _Machine(zstandard)


class _Machine:
    """Takes the packed bytes of one frame as zlib's machine does; damage is a ValueError."""

    def __init__(self, package: Any) -> None:
        self._damage = package.ZstdError
        self._frame = package.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()
        self.unconsumed_tail = b""
        self.unused_data = b""
        self.eof = False

    def decompress(self, packed: bytes, most: int) -> bytes:
        """Return unpacked bytes, little more than `most`; what was not taken stands in `unconsumed_tail`."""
        found, at = bytearray(), 0
        try:
            while at < len(packed) and len(found) < most and not self.eof:
                found += self._frame.decompress(packed[at : at + _SLICE])
                at += _SLICE
                self.eof = self._frame.eof
        except self._damage as error:
            raise ValueError(str(error)) from error
        self.unconsumed_tail = b"" if self.eof else packed[at:]
        self.unused_data = self._frame.unused_data + packed[at:] if self.eof else b""
        return bytes(found)
