"""Walk a model folder that may be hostile: links, pipes, loops, odd names, too many files."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.core.artefact import NotInspected
from weighbridge.errors import BadReference
from weighbridge.formats.place import quote
from weighbridge.hub.hashing import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MAX_ENTRIES", "MAX_NAME_BYTES", "OUR_NOTES", "Listing", "walk"]

MAX_ENTRIES = 100_000
MAX_NAME_BYTES = 16 << 20  # of all names and link targets together, as they lie in memory
_LEFT_FOLDERS = {
    ".git": "version control, not part of the model",
    ".cache/huggingface": "the download log of huggingface_hub, not part of the model",
}
_LEFT_FILES = {
    "weighbridge.mirror.json": "the manifest of a mirror, not part of the model",
    "weighbridge.mirror.sig": "the signature of a mirror's manifest, not part of the model",
}


OUR_NOTES = frozenset(_LEFT_FILES.values())
"""Reasons for which files of our own are left alone; no name or link target can make another file carry one."""


class FilesBelow(Mapping[str, str]):
    """Maps names (with `/`) to resolved paths below one root; only the paths of links are kept, the rest is joined."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._targets: dict[str, str | None] = {}

    def __getitem__(self, name: str) -> str:
        return self._targets[name] or f"{self._root.rstrip('/')}/{name}"

    def __iter__(self) -> Iterator[str]:
        return iter(self._targets)

    def __len__(self) -> int:
        return len(self._targets)

    def add(self, name: str, target: str | None = None) -> None:
        """Add a file; `target` is the resolved path where the name is a link."""
        self._targets[name] = target


@dataclass(slots=True)
class Listing:
    """What a folder holds: `files` that may be read; the rest was left alone."""

    root: str
    files: FilesBelow = field(init=False)
    left_alone: list[NotInspected] = field(default_factory=list)
    _name_bytes: int = 0

    def __post_init__(self) -> None:
        self.files = FilesBelow(self.root)

    def leave(self, name: str, reason: str) -> None:
        """Note what is not looked at."""
        self.left_alone.append(NotInspected(printable(name), reason))

    def spend(self, text: str) -> None:
        """Count a name or target that will be kept; raises BadReference beyond MAX_NAME_BYTES."""
        self._name_bytes += len(text) * (1 if text.isascii() else 4)
        if self._name_bytes > MAX_NAME_BYTES:
            raise BadReference(
                f"the names of the files in `{printable(self.root)}` take more than {MAX_NAME_BYTES >> 20} MiB",
                hint="give the folder of one model",
            )


def walk(root: str) -> Listing:
    """List the resolved folder `root` without leaving it; raises BadReference beyond MAX_ENTRIES or MAX_NAME_BYTES.

    A link is followed to a file inside `root`, or inside the `blobs` of the Hugging Face cache that `root` lies in.
    """
    listing, folders, seen = Listing(root), [""], 0
    allowed = (root, *_blobs(root))
    while folders:
        prefix = folders.pop()
        try:
            with os.scandir(Path(root, prefix)) as entries:
                for entry in entries:
                    seen += 1
                    if seen > MAX_ENTRIES:
                        raise BadReference(
                            f"`{printable(root)}` holds more than {MAX_ENTRIES} files and folders",
                            hint="give the folder of one model",
                        )
                    listing.spend(prefix + entry.name)
                    if _sort(listing, entry, prefix + entry.name, allowed):
                        folders.append(prefix + entry.name + "/")
        except OSError as error:
            listing.leave(prefix.rstrip("/") or ".", f"cannot be listed: {error.strerror}")
    return listing


def _sort(listing: Listing, entry: os.DirEntry[str], name: str, allowed: tuple[str, ...]) -> bool:
    """Put one entry where it belongs; return True for a folder to go into."""
    if printable(name) != name:
        listing.leave(name, "its name is not valid UTF-8")
    elif entry.is_symlink():
        _follow(listing, entry, name, allowed)
    elif entry.is_dir(follow_symlinks=False):
        if name in _LEFT_FOLDERS or entry.name == ".git":
            listing.leave(name, _LEFT_FOLDERS.get(name, _LEFT_FOLDERS[".git"]))
            return False
        return True
    elif name in _LEFT_FILES and entry.is_file(follow_symlinks=False):
        listing.leave(name, _LEFT_FILES[name])
    elif entry.is_file(follow_symlinks=False):
        listing.files.add(name)
    else:
        listing.leave(name, f"is a {_species(entry)}, not a file")
    return False


def _follow(listing: Listing, entry: os.DirEntry[str], name: str, allowed: tuple[str, ...]) -> None:
    """Read a link as a file where it leads to one that is ours; otherwise say where it leads."""
    try:
        says = quote(printable(str(Path(entry.path).readlink())), MAX_NAME_BYTES)
    except OSError as error:
        listing.leave(name, f"symbolic link that cannot be read: {error.strerror}")
        return
    listing.spend(says)
    try:
        target = os.path.realpath(entry.path, strict=True)
        status = Path(target).stat()
    except OSError as error:
        trouble = "runs in a circle" if error.errno == errno.ELOOP else "leads nowhere"
        listing.leave(name, f"symbolic link {trouble}: -> {says}")
        return
    if not any(Path(target).is_relative_to(folder) for folder in allowed):
        listing.leave(name, f"symbolic link leads out of the folder: -> {says}")
    elif stat.S_ISREG(status.st_mode):
        listing.spend(target)
        listing.files.add(name, target)
    elif stat.S_ISDIR(status.st_mode):
        listing.leave(name, f"symbolic link to a folder, whose files are read where they are: -> {says}")
    else:
        listing.leave(name, f"symbolic link to what is not a file: -> {says}")


def _blobs(root: str) -> tuple[str, ...]:
    """Return the `blobs` folder that belongs to `root`, if it is `models--*/snapshots/<revision>` or below."""
    here = Path(root)
    for revision in (here, *here.parents):
        repository = revision.parent.parent
        if revision.parent.name == "snapshots" and repository.name.startswith("models--"):
            return (str(repository / "blobs"),)
    return ()


def _species(entry: os.DirEntry[str]) -> str:
    """Name what is neither file, folder nor link."""
    mode = entry.stat(follow_symlinks=False).st_mode
    names = {stat.S_IFIFO: "named pipe", stat.S_IFSOCK: "socket", stat.S_IFBLK: "device", stat.S_IFCHR: "device"}
    return names.get(stat.S_IFMT(mode), "thing of another kind")
