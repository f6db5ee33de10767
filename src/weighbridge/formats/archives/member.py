"""What every archive reader gives: members whose bytes can be read, and what is wrong with the archive."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weighbridge.formats.archives.packed import Unpacked
    from weighbridge.formats.source import Source

__all__ = ["Archive", "Member", "leaves_folder"]


@dataclass(frozen=True, slots=True)
class Member:
    """One file in an archive; `source` is None where its bytes cannot be read, and `why` says so."""

    name: str
    source: Source | None
    why: str = ""


@dataclass(slots=True)
class Archive:
    """Members in order; `broken` contradicts the format, `unread` is what was not looked at."""

    members: list[Member] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    opened: list[Unpacked] = field(default_factory=list)

    def close(self) -> None:
        """Let go of what was unpacked for several members together."""
        for one in self.opened:
            one.close()


def leaves_folder(name: str) -> bool:
    """Whether a member's name would be written outside the folder that it is extracted to, or is cut by a NUL."""
    plain = name.replace("\\", "/")
    return plain.startswith("/") or ".." in plain.split("/") or "\0" in name or plain[1:3] == ":/"
