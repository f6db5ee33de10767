"""Search a folder or a file for traces of models: weights, caches, images of containers, code and configuration.

search = Search(Path("/srv"), load_knowledge())
for one in search: ...        # Found or Unsearched
search.looked.folders         # what was looked at, complete once the loop has ended
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from weighbridge.core.progress import Progress, silent
from weighbridge.errors import NotFound
from weighbridge.inventory.bounds import Bounds, Looked
from weighbridge.inventory.found import Found, Unsearched
from weighbridge.inventory.texts.text import TextSearch
from weighbridge.inventory.trees.disk import DiskTree
from weighbridge.inventory.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from weighbridge.knowledge.protocol import Known

__all__ = ["Search"]


class Search:
    """One search of one folder, or of one file; iterate over it once. Raises NotFound where there is neither."""

    def __init__(self, root: Path, known: Known, *, bounds: Bounds | None = None, progress: Progress = silent) -> None:
        if not root.exists():
            raise NotFound(f"`{root}` is not there", hint="name a folder, a file of a model or an image of a container")
        self._root = root
        self._known = known
        self._bounds = bounds or Bounds()
        self._progress = progress
        self.looked = Looked()

    def __iter__(self) -> Iterator[Found | Unsearched]:
        """Yield what is found, and what is not searched, as they come."""
        is_file = not self._root.is_dir()
        tree = DiskTree(self._root.parent if is_file else self._root)
        total = 0 if self._progress is silent or is_file else _count(self._root)
        with self._progress("search", total, "files", at_most=True) as advance:
            walk = Walk(tree, self._known, TextSearch(self._known), self._bounds, self.looked)
            for one in walk.file(self._root.name) if is_file else walk.all(advance):
                if isinstance(one, Found) or self._says(one):
                    yield one
        for reason, n in self.looked.said.items():
            if n > self._bounds.said:
                yield Unsearched(str(self._root), f"{n - self._bounds.said:,} places more: {reason}")

    def _says(self, one: Unsearched) -> bool:
        self.looked.said[one.reason] += 1
        return self.looked.said[one.reason] <= self._bounds.said


def _count(root: Path) -> int:
    """Return how many files lie under a folder: names only, so that a bar can tell what is left."""
    return sum(len(files) for _, _, files in os.walk(root))
