"""The files of one revision as a hub lists them: names checked, numbers bounded, odd ones left alone."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from weighbridge.core.artefact import NotInspected
from weighbridge.core.shadow import HubWord
from weighbridge.errors import BadReference, WeighbridgeError
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MAX_FILES", "Facts", "Listing", "RemoteFile", "count_of", "sort_files"]

MAX_FILES = 100_000
_MAX_NAME_BYTES, _MAX_PART_BYTES = 1024, 200  # a little less than file systems allow: a temporary name needs room
_MAX_SIZE = 1 << 53
_SHA256, _SHA1 = re.compile("[0-9a-f]{64}"), re.compile("[0-9a-f]{40}")
_MOST_DTYPES = 64
_TAG, _MAX_TAG = "license:", 200
_DTYPE = re.compile(r"[A-Z0-9_]{1,16}")


@dataclass(frozen=True, slots=True, order=True)
class RemoteFile:
    """One file: path, size in bytes, SHA-256 where the hub states it, else the id of its git blob."""

    name: str
    size: int
    sha256: str = ""
    git_oid: str = ""
    is_stored_apart: bool = False

    def is_made_of(self, data: bytes) -> bool:
        """Whether these bytes have the listed SHA-256, or where there is none the listed git blob id."""
        if self.sha256:
            return hashlib.sha256(data).hexdigest() == self.sha256
        blob = hashlib.sha1(b"blob %d\0" % len(data), usedforsecurity=False)
        blob.update(data)
        return blob.hexdigest() == self.git_oid


@dataclass(frozen=True, slots=True)
class Facts:
    """What a hub says of a repository: gating, licence tag, and its own count of the elements in safetensors."""

    gated: str = ""
    is_private: bool = False
    is_disabled: bool = False
    elements_by_dtype: tuple[tuple[str, int], ...] = ()
    elements: int | None = None
    licence: str = ""

    @classmethod
    def read(cls, info: dict[str, Any]) -> Facts:
        """Take from a hub's answer what has the right type; the rest counts as not said."""
        gated = info.get("gated")
        tensors = info.get("safetensors")
        tensors = tensors if isinstance(tensors, dict) else {}
        by_dtype = tensors.get("parameters")
        pairs = by_dtype.items() if isinstance(by_dtype, dict) and len(by_dtype) <= _MOST_DTYPES else ()
        counted = tuple(sorted((name, n) for name, n in pairs if _DTYPE.fullmatch(name) and count_of(n) is not None))
        return cls(
            gated=gated if isinstance(gated, str) and gated in {"auto", "manual"} else "yes" if gated else "",
            licence=_licence(info),
            is_private=info.get("private") is True,
            is_disabled=info.get("disabled") is True,
            elements_by_dtype=counted if len(counted) == len(pairs) else (),
            elements=count_of(tensors.get("total")),
        )


def _licence(info: dict[str, Any]) -> str:
    """Return the tag: a field of its own on ModelScope, one among the tags on Hugging Face."""
    said, tags = info.get("license"), info.get("tags")
    marked = [tag for tag in tags if isinstance(tag, str) and tag.startswith(_TAG)] if isinstance(tags, list) else []
    found = said if isinstance(said, str) else next(iter(marked), "").removeprefix(_TAG)
    return found if len(found) <= _MAX_TAG and found.isprintable() else ""


@dataclass(slots=True)
class Listing:
    """One revision of one repository: its full commit id, its files by name, and what was left alone at once.

    `facts` count in the inspection, `word` is what the hub says beside.
    """

    repository: str
    commit: str
    facts: Facts = field(default_factory=Facts)
    word: HubWord = field(default_factory=HubWord)
    files: dict[str, RemoteFile] = field(default_factory=dict)
    left_alone: list[NotInspected] = field(default_factory=list)


def count_of(value: Any) -> int | None:
    """Return a number of things that JSON can carry exactly, or None."""
    return value if type(value) is int and 0 <= value <= _MAX_SIZE else None


def sort_files(found: Iterable[RemoteFile], listing: Listing) -> None:
    """Put files into the listing; those whose names could do harm here are left alone.

    Raises BadReference beyond MAX_FILES, and WeighbridgeError for a size or a digest that is none.
    """
    ways: dict[str, tuple[str, bool]] = {}
    files = sorted(islice(found, MAX_FILES + 1))
    if len(files) > MAX_FILES:
        raise BadReference(f"{quote(listing.repository)} holds more than {MAX_FILES} files")
    for file in files:
        reason = _trouble(file.name) or _clash(file.name, ways)
        if reason:
            listing.left_alone.append(NotInspected(quote(file.name, _MAX_NAME_BYTES)[1:-1], reason))
            continue
        if file.name in listing.files:
            raise WeighbridgeError(f"the hub lists {quote(file.name)} twice")
        _check(file)
        listing.files[file.name] = file


def _trouble(name: str) -> str:
    """Say why a name cannot be a path below a folder, or nothing."""
    parts = name.split("/")
    if not name.isprintable() or "\\" in name:
        return "its name holds characters that no file name should"
    if any(part in {"", ".", ".."} for part in parts):
        return "its name leads out of the repository"
    if len(name.encode("utf-8", "replace")) > _MAX_NAME_BYTES or any(len(p.encode()) > _MAX_PART_BYTES for p in parts):
        return "its name is too long"
    if parts[:2] == [".cache", "huggingface"]:
        return "the download log of huggingface_hub, not part of the model"
    return "version control, not part of the model" if ".git" in (part.lower() for part in parts) else ""


def _clash(name: str, ways: dict[str, tuple[str, bool]]) -> str:
    """Say which name this one cannot stand beside: the same but for case, or a file where a folder must be."""
    parts = name.split("/")
    own = {(way := "/".join(parts[:depth])).casefold(): (way, depth < len(parts)) for depth in range(1, len(parts) + 1)}
    for way, as_it_is in own.items():
        if (other := ways.get(way, as_it_is)) != as_it_is:
            return f"cannot stand beside {quote(other[0])}"
    ways.update(own)
    return ""


def _check(file: RemoteFile) -> None:
    """Refuse a size or digest that is none."""
    if count_of(file.size) is None:
        raise WeighbridgeError(f"the hub gives {quote(file.name)} a size that is none")
    if not (_SHA256.fullmatch(file.sha256) or (not file.sha256 and _SHA1.fullmatch(file.git_oid))):
        raise WeighbridgeError(f"the hub gives {quote(file.name)} a digest that is none")
