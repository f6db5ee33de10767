"""7z archives: named, not looked into yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.formats.archives.member import Archive

if TYPE_CHECKING:
    from weighbridge.formats.archives.packed import Allowance
    from weighbridge.formats.source import Source

__all__ = ["read_seven_zip"]


def read_seven_zip(source: Source, allowance: Allowance) -> Archive:
    """Return that nothing was looked into."""
    return Archive(unread=["is a 7z archive, which is not looked into"])
