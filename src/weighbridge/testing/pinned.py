"""Pin a file or folder for a test of a check, without hashing it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from weighbridge.core.artefact import Artefact, FileEntry, NotInspected, digest_of_files
from weighbridge.core.reference import Reference

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["pin"]


def pin(path: Path, *left_alone: NotInspected) -> Artefact:
    """Return an artefact of one file or of all files below a folder; SHA-256 here is of the name, not of the bytes."""
    root = path.parent if path.is_file() else path
    found = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    names = sorted(each.relative_to(root).as_posix() for each in found)
    files = tuple(
        FileEntry(name, (root / name).stat().st_size, hashlib.sha256(name.encode()).hexdigest()) for name in names
    )
    reference = Reference.parse(str(path))
    return Artefact(reference, path.name, digest_of_files(files), files, left_alone, str(root))
