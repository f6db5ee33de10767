"""How far a search goes, and the count of what it looked at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

__all__ = ["CATALOGUE", "Bounds", "Looked"]

CATALOGUE = 60  # more names in one file are a table of models, not a choice of them


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a search goes; whatever is left out is counted or said.

    `text_bytes` are read of one text, `archive_bytes` unpacked of one archive, `archive_members` read of it. `depth`
    is in folders. `said` is how many places are named for one reason. With `packages` the texts of installed packages
    are read too, which name models in their examples and defaults.
    """

    text_bytes: int = 4 << 20
    archive_bytes: int = 64 << 30
    archive_members: int = 1_000_000
    depth: int = 200
    said: int = 200
    packages: bool = False


@dataclass(slots=True)
class Looked:
    """What was looked at: folders listed, files seen in them, texts and bytes of them read, archives opened.

    `skipped` counts files and folders that were left out by rule, by rule; `said` counts places by reason.
    """

    folders: int = 0
    files: int = 0
    texts: int = 0
    n_bytes: int = 0
    archives: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    said: Counter[str] = field(default_factory=Counter)
