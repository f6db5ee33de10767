"""Which part of a model a file is, by its name (`parts.toml`), and what happened to the files of each part."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.core.event import EventKind
    from weighbridge.hub.remote.listing import RemoteFile

__all__ = ["FileChanges", "changes_by_part", "digest_in_words", "is_index", "part_of"]

_OTHER: EventKind = "other-files"
_LONGEST = 512


@dataclass(frozen=True, slots=True)
class _Part:
    kind: EventKind
    pattern: re.Pattern[str]
    but: re.Pattern[str] | None
    is_at_root: bool


@dataclass(frozen=True, slots=True)
class FileChanges:
    """The files of one part that differ, as (before, after) by name; None where there was or is none.

    `is_unclear` names files of equal size whose digests are of two kinds and cannot be compared.
    """

    pairs: Mapping[str, tuple[RemoteFile | None, RemoteFile | None]]
    is_unclear: tuple[str, ...] = ()

    @property
    def added(self) -> tuple[str, ...]:
        """Return the names of new files."""
        return tuple(name for name, (old, _) in self.pairs.items() if old is None)

    @property
    def removed(self) -> tuple[str, ...]:
        """Return the names of files that went."""
        return tuple(name for name, (_, new) in self.pairs.items() if new is None)


def part_of(name: str) -> EventKind:
    """Return the kind of event that a change of this file is."""
    lower = name.lower()[:_LONGEST]
    for part in _parts():
        if part.is_at_root and "/" in name:
            continue
        if part.pattern.fullmatch(lower) and not (part.but and part.but.fullmatch(lower)):
            return part.kind
    return _OTHER


def is_index(name: str) -> bool:
    """Whether a file says only which shard holds which tensor."""
    return name.endswith(".index.json")


def changes_by_part(before: Mapping[str, RemoteFile], after: Mapping[str, RemoteFile]) -> dict[EventKind, FileChanges]:
    """Return what differs between two listings of files, by part; a part without a difference is absent."""
    pairs: dict[EventKind, dict[str, tuple[RemoteFile | None, RemoteFile | None]]] = {}
    unclear: dict[EventKind, list[str]] = {}
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        same = _same(old, new) if old and new else False
        if same:
            continue
        found = pairs.setdefault(part_of(name), {})
        if same is None:
            unclear.setdefault(part_of(name), []).append(name)
        else:
            found[name] = (old, new)
    return {kind: FileChanges(found, tuple(unclear.get(kind, ()))) for kind, found in pairs.items()}


def digest_in_words(file: RemoteFile | None) -> str | None:
    """Return a file's digest with the name of its kind, or None."""
    if file is None:
        return None
    return f"sha256:{file.sha256}" if file.sha256 else f"git:{file.git_oid}"


def _same(old: RemoteFile, new: RemoteFile) -> bool | None:
    """Whether two files of one name are the same; None where their digests are of two kinds."""
    if old.size != new.size:
        return False
    if old.sha256 and new.sha256:
        return old.sha256 == new.sha256
    if old.git_oid and new.git_oid and bool(old.sha256) == bool(new.sha256):
        return old.git_oid == new.git_oid
    return None


@cache
def _parts() -> tuple[_Part, ...]:
    text = (files(__package__) / "parts.toml").read_text(encoding="utf-8")
    return tuple(
        _Part(
            cast("EventKind", row["kind"]),
            re.compile(row["pattern"]),
            re.compile(row["but"]) if "but" in row else None,
            row.get("root", False),
        )
        for row in tomllib.loads(text)["part"]
    )
