"""The licence files that lie with a model's weights."""

from __future__ import annotations

import os
from functools import lru_cache
from itertools import islice
from pathlib import Path

from weighbridge.core.artefact import Artefact, FileEntry
from weighbridge.core.reference import Reference
from weighbridge.inspection.folder import Folder
from weighbridge.inspection.licence.chain.sources import Text
from weighbridge.inspection.licence.identify import identify
from weighbridge.inspection.licence.inspect import read_words

__all__ = ["licence_texts"]

_MOST_NAMES, _MOST_TEXTS = 2000, 10
_NOT_TEXT = (".pdf", ".html", ".htm")


def licence_texts(place: str) -> tuple[Text, ...]:
    """Return the licence texts beside the weights at a folder, identified; () for a file, or where none can be read."""
    if not place or "!" in place or not Path(place).is_dir():
        return ()
    try:
        with os.scandir(place) as entries:
            names = sorted(entry.name for entry in islice(entries, _MOST_NAMES) if entry.is_file())
    except OSError:
        return ()
    # a view to pick names by: nothing is pinned, and nothing else is read of it
    view = Artefact(Reference(place, "folder", place), place, "", tuple(FileEntry(name, 0, "") for name in names))
    names = [name for name in Folder(view).licence_files() if not name.lower().endswith(_NOT_TEXT)][:_MOST_TEXTS]
    words = [(name, read_words(Path(place) / name)) for name in names]
    return tuple(Text(name, text, _identified(text)) for name, text in words if text.strip())


_identified = lru_cache(256)(identify)
