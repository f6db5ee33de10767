"""What a search reads from, whether it lies on disk or in an archive."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

__all__ = ["Entry", "Tree", "Unreadable", "below", "printable"]


class Unreadable(Exception):
    """A folder or file that cannot be read; the message is the reason."""


class Entry(NamedTuple):
    """One name in a folder. `special` is a pipe, a socket or a device: seen, never opened."""

    name: str
    kind: Literal["file", "folder", "link", "special"]


class Tree(Protocol):
    """Folders and files under one root. Paths are relative to it, with `/` between names; the root is ""."""

    def entries(self, folder: str) -> list[Entry]:
        """Return the names in a folder, in order; raises Unreadable."""
        ...

    def head(self, path: str, most: int) -> bytes:
        """Return the first `most` bytes of a file, through links that stay under the root; raises Unreadable."""
        ...

    def size(self, path: str) -> int:
        """Return the bytes of a file, through links that stay under the root; raises Unreadable."""
        ...

    def target(self, path: str) -> str:
        """Return what a link leads to, as a path under the root; raises Unreadable for one that leaves it or breaks."""
        ...

    def place(self, path: str) -> str:
        """Return the path as people read it."""
        ...

    def on_disk(self, path: str) -> str:
        """Return the path that `weighbridge inspect` can read, "" in an archive."""
        ...


def below(folder: str, name: str) -> str:
    """Return the path of a name in a folder."""
    return f"{folder}/{name}" if folder else name


def printable(path: str) -> str:
    """Return a path whose bytes outside UTF-8, and control characters, are escaped."""
    text = path if path.isascii() else path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
