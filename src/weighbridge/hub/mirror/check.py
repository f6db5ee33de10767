"""Check a mirror against its manifest, offline: every changed, missing and extra file is named."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.core.progress import Progress, silent
from weighbridge.errors import NotFound
from weighbridge.formats.place import quote
from weighbridge.hub.hashing import hash_files
from weighbridge.hub.mirror.manifest import MANIFEST, Manifest, read_manifest
from weighbridge.hub.walk import OUR_NOTES, walk

if TYPE_CHECKING:
    from weighbridge.hub.protocol import DigestCache

__all__ = ["MirrorCheck", "check_mirror"]


@dataclass(frozen=True, slots=True)
class MirrorCheck:
    """What became of a mirror since its manifest was written; names are sorted, `unread` are with the reason."""

    path: str
    manifest: Manifest
    changed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()

    @property
    def holds(self) -> bool:
        """Whether every file is there, unchanged, and no other."""
        return not (self.changed or self.missing or self.extra or self.unread)


def check_mirror(path: Path, cache: DigestCache | None = None, progress: Progress = silent) -> MirrorCheck:
    """Hash every file of the mirror in the folder `path`, but those that `cache` knows unchanged; no hub is asked.

    Raises NotFound where there is no manifest: what was written half has none. Raises DamagedFile for a manifest that
    contradicts itself, and WeighbridgeError for a file that changes meanwhile. Links are followed as `walk` does.
    """
    root = Path(os.path.realpath(path))
    if not (root / MANIFEST).is_file():
        raise NotFound(
            f"{quote(str(path))} is no mirror: it has no {quote(MANIFEST)}",
            hint="give the folder of one commit; what was copied half becomes a mirror when `weighbridge mirror` ends",
        )
    manifest = read_manifest(root / MANIFEST)
    listing = walk(str(root))
    wanted = {file.name: file for file in manifest.files}
    left = {one.name: one.reason for one in listing.left_alone if one.reason not in OUR_NOTES}
    changed = {
        name for name, file in wanted.items() if name in listing.files and _size(listing.files[name]) != file.size
    }
    to_hash = {name: listing.files[name] for name in wanted if name in listing.files and name not in changed}
    entries, unread = hash_files(to_hash, cache, progress)
    changed |= {entry.name for entry in entries if entry.sha256 != wanted[entry.name].sha256}
    unread_here = {entry.name: entry.reason for entry in unread} | {n: r for n, r in left.items() if n in wanted}
    return MirrorCheck(
        path=str(root),
        manifest=manifest,
        changed=tuple(sorted(changed)),
        missing=tuple(sorted(wanted.keys() - listing.files.keys() - left.keys())),
        extra=tuple(sorted((listing.files.keys() | left.keys()) - wanted.keys())),
        unread=tuple(sorted(unread_here.items())),
    )


def _size(path: str) -> int | None:
    """Return the size of a file in bytes, None where it cannot be asked."""
    try:
        return Path(path).stat().st_size
    except OSError:
        return None
