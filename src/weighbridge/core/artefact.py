"""The artefact: one pinned revision of a model, with the digest of every file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.core.digest import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.core.reference import Reference
    from weighbridge.core.shadow import Shadow

__all__ = ["Artefact", "FileEntry", "NotInspected", "digest_of_endpoint", "digest_of_files"]


@dataclass(frozen=True, slots=True, order=True)
class FileEntry:
    """One file: its path inside the artefact (with `/`), size in bytes, SHA-256 as 64 hex digits."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, order=True)
class NotInspected:
    """A file that was seen and left alone, and why; never to be read as clean.

    `git_oid` is the object id (SHA-1, 40 hex digits) that a hub gives for a file whose SHA-256 it does not know.
    """

    name: str
    reason: str
    git_oid: str = ""


@dataclass(frozen=True, slots=True)
class Artefact:
    """What is weighed.

    `root` is the local folder that holds `files`; it is None for an endpoint, which has no files
    to pin: there only behaviour can be looked at, and `digest` names the address, not the weights.
    `shadow` is given for a model that stayed on its hub: then `root` holds stand-ins, see `core.shadow`, and
    nothing may be run from them.
    """

    reference: Reference
    name: str
    digest: str
    files: tuple[FileEntry, ...] = ()
    left_alone: tuple[NotInspected, ...] = ()
    root: str | None = None
    shadow: Shadow | None = None

    @property
    def is_partial(self) -> bool:
        """Whether only parts of the files were read, so that what is under `root` cannot be run."""
        return self.shadow is not None

    @property
    def is_endpoint(self) -> bool:
        """Whether only behaviour can be evaluated."""
        return self.root is None

    @property
    def total_bytes(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)


def digest_of_files(files: Iterable[FileEntry]) -> str:
    """Return the digest of the sorted file list: the identity of an artefact.

    Of a model that stayed on its hub the list holds each file whose SHA-256 is known: fetched and hashed here, or
    stated by the hub for what lies in its large-file storage. A file that was not fetched and that the hub names by a
    git object id only is not in it (`left_alone` says so), so the digest is that of a local copy where there is
    no such file, and another one where there is. Which files are fetched follows from names and sizes alone: one
    revision has one digest, however much is read of its weights.
    """
    return digest_of([{"name": file.name, "sha256": file.sha256, "size": file.size} for file in sorted(files)])


def digest_of_endpoint(base_url: str, model: str) -> str:
    """Return the digest that names an address; it says nothing about the weights behind it."""
    return digest_of({"endpoint": base_url, "model": model})
