"""Where a mirror stands: `<top>/<hub>/<maker>/<model>/<commit>/`, and beside it, hidden, what is on its way there.

The folder appears under its name when everything in it is verified, with the manifest in it; what was there before
stays as it is until then.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
import shutil
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.errors import UsageError, WeighbridgeError
from weighbridge.formats.place import quote
from weighbridge.hub.mirror.manifest import MANIFEST, SIGNATURE, Manifest, read_manifest
from weighbridge.hub.mirror.part import Part
from weighbridge.hub.walk import OUR_NOTES, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from weighbridge.hub.remote.listing import RemoteFile

__all__ = ["Place", "find_manifests"]

_SETTLED_NS = 3_000_000_000  # more than the coarsest clock of a file system: any later write shows
_READ_ONLY = 0o444
_DEPTH = 4  # hub, maker, model, commit; folders of this machine have no maker
_MOST_FOLDERS = 100_000
_SPARE_BYTES = 64 << 20


class Place:
    """The place of one revision below `top`; `key` are its folders (`hf`, `maker`, `model`, `commit`)."""

    def __init__(self, top: Path, key: tuple[str, ...], *, is_read_only: bool = False, is_synced: bool = False) -> None:
        self.top = top
        self.folder = top.joinpath(*key)
        self.mode = _READ_ONLY if is_read_only else None
        self._is_synced = is_synced
        home, name = self.folder.parent, self.folder.name
        self._staging = home / f".{name}.part"
        self._files, self._parts = self._staging / "files", self._staging / "parts"
        self._lock = home / f".{name}.lock"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep every other process out; raises UsageError where one is at it, or nothing can be written."""
        try:
            self._parts.mkdir(parents=True, exist_ok=True)
            self._files.mkdir(exist_ok=True)
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        except OSError as error:
            raise UsageError(
                f"{quote(str(self.folder.parent))} cannot be written: {error.strerror}", hint="choose another folder"
            ) from error
        try:
            if not self._is_locked(descriptor):
                raise UsageError(
                    f"another process is mirroring into {quote(str(self.folder))}", hint="wait until it is done"
                )
            yield
        finally:
            os.close(descriptor)

    def _is_locked(self, descriptor: int) -> bool:
        """Lock the file, and say whether it is ours, and still the one that others would open."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return os.path.samestat(os.fstat(descriptor), self._lock.stat())
        except (BlockingIOError, FileNotFoundError):
            return False

    def manifest(self) -> Manifest | None:
        """Return the manifest that is there, None where there is none; raises DamagedFile."""
        path = self.folder / MANIFEST
        return read_manifest(path) if path.is_file() else None

    def here(self) -> dict[str, str]:
        """Return the files that are there already, published or verified by an earlier run: name to path."""
        found: dict[str, str] = {}
        for folder in (self.folder, self._files):
            if folder.is_dir():
                found.update(walk(str(folder)).files)
        return found

    def strangers(self, names: Iterable[str]) -> list[str]:
        """Return the files of the published folder that are not among `names`: nobody verified them."""
        known = {*names}
        if not self.folder.is_dir():
            return []
        listing = walk(str(self.folder))
        left = [entry.name for entry in listing.left_alone if entry.reason not in OUR_NOTES]
        return sorted(name for name in (*listing.files, *left) if name not in known)

    def relatives(self) -> list[Path]:
        """Return the folders of other revisions of the same model, with a manifest."""
        return [path.parent for path in sorted(self.folder.parent.glob(f"*/{MANIFEST}")) if path.parent != self.folder]

    def part(self, file: RemoteFile) -> Part:
        """Return a file on its way; it is named by its content, so that bytes of two contents never meet."""
        part = Part(file, self._parts / (file.sha256 or f"git-{file.git_oid}"))
        part.resume()
        return part

    def room_for(self, n_bytes: int) -> None:
        """Raise UsageError where the disk has not so many bytes left."""
        free = shutil.disk_usage(self._staging).free
        if n_bytes and n_bytes + _SPARE_BYTES > free:
            raise UsageError(
                f"{quote(str(self.top))} has room for {free / 1e9:.1f} GB, and {n_bytes / 1e9:.1f} GB are to come",
                hint="make room, choose another folder, or fewer files with `--only` and `--not`",
            )

    def keep(self, part: Part, names: Iterable[str], sha256: str) -> None:
        """Give a verified file its names, in the staging folder."""
        first, *others = names
        # set back, so that whoever writes into it later cannot leave the time as it is: digests are remembered by it
        part.complete(time.time_ns() - _SETTLED_NS, self.mode)
        target = self._target(first)
        part.path.replace(target)
        for name in others:
            self.share(str(target), name, sha256)

    def share(self, source: str, name: str, sha256: str) -> None:
        """Give a verified file one more name: the same bytes on the disk, where the file system can."""
        target = self._target(name)
        target.unlink(missing_ok=True)
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)
            with target.open("rb") as copy:
                if hashlib.file_digest(copy, "sha256").hexdigest() != sha256:
                    target.unlink()
                    raise WeighbridgeError(f"{quote(source)} cannot be copied whole", hint="look at the disk") from None

    def staged(self, name: str) -> Path:
        """Return where a file stands before it is published."""
        return self._files / name

    def is_staged(self, path: str) -> bool:
        """Whether a path lies in the staging folder."""
        return Path(path).is_relative_to(self._files)

    def publish(self, manifest: Manifest) -> None:
        """Show the verified files under their final names, and the manifest after everything else.

        Where it is synced, everything is on the disk before the manifest is; else a power cut in the next seconds may
        take files away, which a check of the mirror shows.
        """
        _write(self._files / MANIFEST, manifest.to_bytes(), self.mode)
        self._settle(self._files)
        if self.folder.is_dir():
            for name, path in walk(str(self._files)).files.items():
                target = self.folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                Path(path).replace(target)
            self._settle(self.folder)
            (self.folder / SIGNATURE).unlink(missing_ok=True)  # it speaks of the manifest before
            (self._files / MANIFEST).replace(self.folder / MANIFEST)
        else:
            self._files.replace(self.folder)
        self._settle(self.folder)
        self.clear()

    def clear(self) -> None:
        """Take away what was on its way; what cannot be taken away does no harm."""
        shutil.rmtree(self._staging, ignore_errors=True)
        with suppress(OSError):
            self._lock.unlink()

    def _settle(self, folder: Path) -> None:
        """Wait until this file system is on the disk, where that is wanted: one barrier costs less than one a file."""
        if not self._is_synced:
            return
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            if not hasattr(libc, "syncfs"):
                os.sync()
            elif libc.syncfs(descriptor) != 0:
                code = ctypes.get_errno()
                raise OSError(code, os.strerror(code), str(folder))
        finally:
            os.close(descriptor)

    def _target(self, name: str) -> Path:
        target = self._files / name
        target.parent.mkdir(parents=True, exist_ok=True)
        return target


def find_manifests(top: Path) -> list[Path]:
    """Return the manifests of all mirrors below `top`, or of `top` itself, sorted; raises UsageError beyond a bound."""
    found, folders, seen = list[Path](), [(top, 0)], 0
    while folders:
        folder, depth = folders.pop()
        if (folder / MANIFEST).is_file():
            found.append(folder / MANIFEST)
            continue
        if depth < _DEPTH:
            with suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    seen += 1
                    if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                        folders.append((Path(entry.path), depth + 1))
        if seen > _MOST_FOLDERS:
            raise UsageError(f"{quote(str(top))} holds too many folders for a mirror", hint="give the mirror's folder")
    return sorted(found)


def _write(path: Path, data: bytes, mode: int | None) -> None:
    """Write a small file anew."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        if mode is not None:
            os.fchmod(descriptor, mode)
