"""The file system of a container: layers laid over each other, read from what was kept of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inventory.trees.tree import Entry, Unreadable, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.inventory.images.layer import Kept, Layer, Spool

__all__ = ["LayeredTree"]

_MOST_LINKS = 40


class LayeredTree:
    """Layers from the lowest to the highest, as one tree; `prefix` stands before its paths."""

    def __init__(self, layers: Sequence[Layer], spool: Spool, prefix: str) -> None:
        self._spool = spool
        self._prefix = prefix
        self._files: dict[str, Kept] = {}
        for layer in layers:
            self._lay(layer)
        self._folders: dict[str, dict[str, bool]] = {"": {}}
        for path in self._files:
            self._enter(path)

    def entries(self, folder: str) -> list[Entry]:
        """Return the names in a folder, sorted; raises Unreadable."""
        names = self._folders.get(folder)
        if names is None:
            raise Unreadable("is not there")
        found = []
        for name in sorted(names):
            path = f"{folder}/{name}" if folder else name
            found.append(Entry(name, "folder" if path in self._folders else self._files[path].kind))
        return found

    def head(self, path: str, most: int) -> bytes:
        """Return the first bytes of a file, as many as were kept; raises Unreadable."""
        kept = self._file(path)
        if kept.at < 0:
            raise Unreadable("was not kept for the search")
        return self._spool.read(kept.at, min(most, kept.length))

    def size(self, path: str) -> int:
        """Return the bytes of a file; raises Unreadable."""
        return self._file(path).size

    def target(self, path: str) -> str:
        """Return what a link leads to in this file system; raises Unreadable where it leads nowhere."""
        done: list[str] = []
        waiting = path.split("/")[::-1]
        for _ in range(_MOST_LINKS * 64):
            if not waiting:
                return "/".join(done)
            part = waiting.pop()
            if part == "..":
                done = done[:-1]
            elif part not in {"", "."}:
                here = "/".join([*done, part])
                kept = self._files.get(here)
                if kept is not None and kept.kind == "link":
                    if kept.target.startswith("/"):
                        done = []
                    waiting += kept.target.split("/")[::-1]
                elif kept is None and here not in self._folders:
                    raise Unreadable("is a link that leads nowhere, or to what was not kept")
                else:
                    done.append(part)
        raise Unreadable("is a link in a circle")

    def place(self, path: str) -> str:
        """Return the path behind the archive's own, with `!` between."""
        return printable(f"{self._prefix}!{path}" if path else self._prefix)

    def on_disk(self, path: str) -> str:  # noqa: ARG002 - the shape of a tree
        """Return "": nothing of this lies on disk by itself."""
        return ""

    def _file(self, path: str) -> Kept:
        kept = self._files.get(path)
        if kept is not None and kept.kind == "link":
            kept = self._files.get(self.target(path))
        if kept is None or kept.kind != "file":
            raise Unreadable("is not there")
        return kept

    def _lay(self, layer: Layer) -> None:
        """Lay a layer over those below: what it removes goes first (OCI image specification, `layer.md`, whiteouts)."""
        if self._files and (layer.removed or layer.emptied):
            self._files = {path: kept for path, kept in self._files.items() if not _is_gone(path, layer)}
        self._files.update(layer.members)

    def _enter(self, path: str) -> None:
        """Enter a path and the folders above it."""
        while path:
            folder, _, name = path.rpartition("/")
            names = self._folders.setdefault(folder, {})
            if name in names:
                return
            names[name] = True
            path = folder


def _is_gone(path: str, layer: Layer) -> bool:
    if path in layer.removed:
        return True
    while path:
        path = path.rpartition("/")[0]
        if path in layer.emptied or (path and path in layer.removed):
            return True
    return False
