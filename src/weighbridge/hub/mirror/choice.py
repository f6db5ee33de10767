"""Which files of a revision are mirrored, and why the others are not."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from weighbridge.errors import NotFound
from weighbridge.formats.place import quote
from weighbridge.hub.mirror.manifest import MANIFEST, SIGNATURE, LeftOut

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from weighbridge.hub.remote.listing import RemoteFile

__all__ = ["Choice", "Wish", "choose"]

OURS = "has the name of the mirror's own note"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted: files that match one of `only` (all where there is none) and none of `without`.

    Patterns are those of the shell, over the whole path; `*` crosses `/`, and a pattern that ends with `/` means all
    below, as for `hf download --include`.
    """

    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    def refusal(self, name: str) -> str:
        """Return why a file is not wanted, or nothing."""
        if name in {MANIFEST, SIGNATURE}:
            return OURS
        if self.only and not any(_matches(name, pattern) for pattern in self.only):
            return "not among --only"
        return next((f"--not {pattern}" for pattern in self.without if _matches(name, pattern)), "")


@dataclass(frozen=True, slots=True)
class Choice:
    """The files that are mirrored, sorted by name, and those that are left out."""

    files: tuple[RemoteFile, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def n_bytes(self) -> int:
        """Bytes of all chosen files."""
        return sum(file.size for file in self.files)


def choose(files: Iterable[RemoteFile], left_alone: Sequence[LeftOut], wish: Wish) -> Choice:
    """Choose by patterns; raises NotFound where nothing is left to mirror."""
    wanted: list[RemoteFile] = []
    left = list(left_alone)
    for file in files:
        if reason := wish.refusal(file.name):
            left.append(LeftOut(file.name, reason, file.size))
        else:
            wanted.append(file)
    if not wanted:
        names = ", ".join(quote(one.name) for one in sorted(left)[:5])
        raise NotFound("no file of this revision is chosen", hint=f"it holds {names}" if left else "it holds no file")
    return Choice(tuple(sorted(wanted)), tuple(sorted(left, key=lambda one: (one.name, one.reason))))


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, f"{pattern}*" if pattern.endswith("/") else pattern)
