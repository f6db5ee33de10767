"""What need not be fetched: files that are here already, and files that another revision shares."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.errors import DamagedFile
from weighbridge.hub.hashing import hash_files, open_regular
from weighbridge.hub.mirror.manifest import MANIFEST, read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from weighbridge.core.artefact import FileEntry
    from weighbridge.core.progress import Progress
    from weighbridge.hub.mirror.manifest import Manifest
    from weighbridge.hub.mirror.part import Part
    from weighbridge.hub.mirror.place import Place
    from weighbridge.hub.protocol import DigestCache
    from weighbridge.hub.remote.listing import RemoteFile

__all__ = ["Taken", "content_of", "take_from_relatives", "take_what_is_here"]

_BUFFER_BYTES = 1 << 20


@dataclass(slots=True)
class Taken:
    """What is verified so far: `known` SHA-256 by file name, `staged` the names that are not published yet."""

    place: Place
    cache: DigestCache | None
    known: dict[str, str] = field(default_factory=dict)
    staged: set[str] = field(default_factory=set)

    def keep(self, part: Part, names: Sequence[str], sha256: str) -> None:
        """Keep a file that came, under all its names."""
        self.place.keep(part, names, sha256)
        self.add(names, sha256)

    def add(self, names: Iterable[str], sha256: str) -> None:
        """Note files of the staging folder, so that a killed run need not read them again."""
        for name in names:
            self.known[name] = sha256
            self.staged.add(name)
            self._put(self.place.staged(name), sha256)

    def remember(self) -> None:
        """Note the files where they were published."""
        for name in self.staged:
            self._put(self.place.folder / name, self.known[name])

    def _put(self, path: Path, sha256: str) -> None:
        """Remember the digest of a file that was verified while it came; its time was set back, see `Place.keep`."""
        if self.cache is not None:
            with suppress(OSError):
                status = path.stat()
                self.cache.put(str(path), status.st_size, status.st_ctime_ns, status.st_ino, sha256)


def content_of(file: RemoteFile) -> str:
    """Return what names the content of a file: its SHA-256, else its git object."""
    return file.sha256 or f"git-{file.git_oid}"


def take_what_is_here(taken: Taken, files: Sequence[RemoteFile], before: Manifest | None, progress: Progress) -> None:
    """Verify the chosen files that are here; what is damaged is fetched anew."""
    here = taken.place.here()
    trusted = {} if before is None else {file.name: file.sha256 for file in before.files}
    oids = {} if before is None else before.git_oids
    hashed = _hash({file.name: here[file.name] for file in files if file.name in here}, taken, progress)
    for file in files:
        entry = hashed.get(file.name)
        if entry is None or entry.size != file.size:
            continue
        known_oid = oids.get(file.name) if trusted.get(file.name) == entry.sha256 else None
        if _is(file, entry.sha256, here[file.name], known_oid):
            taken.known[file.name] = entry.sha256
            if taken.place.is_staged(here[file.name]):
                taken.staged.add(file.name)


def take_from_relatives(taken: Taken, files: Sequence[RemoteFile], progress: Progress) -> None:
    """Link what another revision of the same model holds with the same digest."""
    missing = [file for file in files if file.name not in taken.known]
    shelf = _shelf(taken.place.relatives()) if missing else {}
    found = {file.name: shelf[content_of(file)] for file in missing if content_of(file) in shelf}
    hashed = _hash({name: path for name, (path, _) in found.items()}, taken, progress)
    for file in missing:
        entry = hashed.get(file.name)
        if entry and entry.size == file.size and entry.sha256 == found[file.name][1]:
            taken.place.share(found[file.name][0], file.name, entry.sha256)
            taken.add([file.name], entry.sha256)


def _shelf(folders: Iterable[Path]) -> dict[str, tuple[str, str]]:
    """Map contents of other mirrors to (path, SHA-256); a mirror with a damaged manifest lends nothing."""
    found: dict[str, tuple[str, str]] = {}
    for folder in folders:
        try:
            manifest = read_manifest(folder / MANIFEST)
        except DamagedFile:
            continue
        for file in manifest.files:
            place = (str(folder / file.name), file.sha256)
            found[file.sha256] = place
            if oid := manifest.git_oids.get(file.name):
                found[f"git-{oid}"] = place
    return found


def _hash(paths: Mapping[str, str], taken: Taken, progress: Progress) -> dict[str, FileEntry]:
    """Hash what can be read, by name."""
    present = {name: path for name, path in paths.items() if Path(path).is_file()}
    return {entry.name: entry for entry in hash_files(present, taken.cache, progress)[0]}


def _is(file: RemoteFile, sha256: str, path: str, known_oid: str | None) -> bool:
    """Whether a file on the disk is what the hub lists."""
    if file.sha256:
        return file.sha256 == sha256
    return file.git_oid == (known_oid or _git_oid(path, file.size))


def _git_oid(path: str, size: int) -> str:
    """Return the SHA-1 by which git names the content of a file: of `blob <size>`, a zero byte, and the content."""
    sha = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with open_regular(path) as file:
        while chunk := file.read(_BUFFER_BYTES):
            sha.update(chunk)
    return sha.hexdigest()
