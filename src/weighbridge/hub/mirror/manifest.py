"""The manifest of a mirror: what was copied, from where, when, and what was left out. It is written last.

Canonical JSON (RFC 8785) that ends with its own digest; a mirror without a manifest is no mirror.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weighbridge.core.artefact import FileEntry, digest_of_files
from weighbridge.core.digest import canonical, digest_of
from weighbridge.errors import DamagedFile
from weighbridge.formats.bounded_file import read_small
from weighbridge.formats.place import damaged, quote
from weighbridge.formats.strict_json import parse_json

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "MANIFEST",
    "MAX_BYTES",
    "SCHEMA",
    "SIGNATURE",
    "LeftOut",
    "Manifest",
    "Origin",
    "manifest_of_bytes",
    "manifest_of_folder",
    "read_manifest",
]

MANIFEST = "weighbridge.mirror.json"
SIGNATURE = "weighbridge.mirror.sig"
SCHEMA = "weighbridge/mirror-manifest/v1"
MAX_BYTES = 64 << 20  # 100,000 files take about 25 MB
_SHA256, _OID = re.compile("[0-9a-f]{64}"), re.compile("(?:[0-9a-f]{40})?")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_HUBS = frozenset({"hf", "ms"})
_REPOSITORY = re.compile(r"[A-Za-z0-9_][\w.-]{0,95}/[A-Za-z0-9_][\w.-]{0,95}", re.ASCII)
_COMMIT = re.compile("[0-9a-f]{7,40}")
_MAX_TEXT = 4096


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the files came from; nothing is guessed: what is not known is "".

    `hub` is `hf` or `ms` with its `endpoint`, else "". `gated` and `licence` are what the hub said at the time.
    """

    reference: str
    hub: str = ""
    endpoint: str = ""
    repository: str = ""
    commit: str = ""
    gated: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True, order=True)
class LeftOut:
    """A file of the revision that is not in the mirror, and why; its size in bytes where it is known."""

    name: str
    reason: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a mirror holds.

    `files` are sorted; `git_oids` are the ids of git objects by file name: of the content, or of its pointer where the
    file lies in large-file storage. `first_at` and `last_at` (UTC) say when something was mirrored first and last.
    `remote_digest` is the digest that the same revision has while it stays on its hub (see `digest_of_files`).
    """

    origin: Origin
    files: tuple[FileEntry, ...]
    git_oids: dict[str, str]
    left_out: tuple[LeftOut, ...]
    first_at: str
    last_at: str
    tool: str
    remote_digest: str = ""
    digest: str = field(default="", compare=False)

    @property
    def artefact(self) -> str:
        """The digest of the copy as an artefact: what weighing the folder gives."""
        return digest_of_files(self.files)

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the revision was left out."""
        return not self.left_out

    @property
    def n_bytes(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def document(self) -> dict[str, Any]:
        """Return JSON values, without the manifest's own digest."""
        origin = self.origin
        return {
            "schema": SCHEMA,
            "reference": origin.reference,
            "hub": origin.hub,
            "endpoint": origin.endpoint,
            "repository": origin.repository,
            "commit": origin.commit,
            "gated": origin.gated,
            "licence": origin.licence,
            "first_at": self.first_at,
            "last_at": self.last_at,
            "tool": self.tool,
            "artefact": self.artefact,
            "remote_digest": self.remote_digest,
            "files": [
                {"path": one.name, "size": one.size, "sha256": one.sha256, "git_oid": self.git_oids.get(one.name, "")}
                for one in self.files
            ],
            "left_out": [{"path": one.name, "reason": one.reason, "size": one.size} for one in self.left_out],
        }

    def to_bytes(self) -> bytes:
        """Return canonical JSON, with the digest of everything else in `digest`."""
        document = self.document()
        return canonical(document | {"digest": digest_of(document)})


def read_manifest(path: Path) -> Manifest:
    """Read a manifest; raises DamagedFile for what is none, or contradicts itself."""
    return manifest_of_bytes(read_small(path, MAX_BYTES), path)


def manifest_of_folder(root: Path, digest: str) -> Manifest | None:
    """Return the manifest in a folder whose files have this digest, None where there is none that speaks of them.

    It tells where the files come from: as much worth as whoever could write beside them, unless it is signed.
    """
    try:
        manifest = read_manifest(root / MANIFEST) if (root / MANIFEST).is_file() else None
    except DamagedFile:
        return None
    return manifest if manifest is not None and manifest.artefact == digest and manifest.origin.hub else None


def manifest_of_bytes(data: bytes, path: Path) -> Manifest:
    """Read the bytes of a manifest; `path` names it in errors."""
    value = parse_json(data, path, max_bytes=MAX_BYTES)
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise damaged(path, f"is not the manifest of a mirror (`{SCHEMA}`)", hint="mirror the model again")
    own = value.pop("digest", None)
    try:
        manifest = _read(value, str(own))
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(path, f"is a manifest with a wrong or missing field: {quote(str(error))}") from error
    if digest_of(value) != own or manifest.document() != value:
        raise damaged(path, "contradicts itself: its content does not have the digest that it names")
    return manifest


def _read(value: dict[str, Any], own: str) -> Manifest:
    """Read the fields; raises KeyError, TypeError or ValueError for a wrong one."""
    rows = value["files"]
    files = tuple(FileEntry(_name(row["path"]), _size(row["size"]), _match(_SHA256, row["sha256"])) for row in rows)
    names = [file.name for file in files]
    if names != sorted(set(names)):
        raise ValueError("files that are not sorted, or stand twice")
    fields = ("reference", "hub", "endpoint", "repository", "commit", "gated", "licence")
    left = tuple(
        LeftOut(_text(row["path"]), _text(row["reason"]), None if row["size"] is None else _size(row["size"]))
        for row in value["left_out"]
    )
    return Manifest(
        origin=_origin(Origin(**{name: _text(value[name]) for name in fields})),
        files=files,
        git_oids={row["path"]: oid for row in rows if (oid := _match(_OID, row["git_oid"]))},
        left_out=left,
        first_at=_match(_TIME, value["first_at"]),
        last_at=_match(_TIME, value["last_at"]),
        tool=_text(value["tool"]),
        remote_digest=_text(value["remote_digest"]),
        digest=own,
    )


def _origin(origin: Origin) -> Origin:
    """Return an origin that can be one: where a mirror is carried on, repository and commit become folders."""
    is_of_hub = origin.hub in _HUBS and _REPOSITORY.fullmatch(origin.repository) and _COMMIT.fullmatch(origin.commit)
    if not is_of_hub and (origin.hub or origin.repository or origin.commit):
        raise ValueError(f"origin {origin.hub}:{origin.repository}@{origin.commit}")
    return origin


def _name(value: Any) -> str:
    """Return a path inside the folder; one that leads out of it is no path."""
    name = _text(value)
    if "\\" in name or any(part in {"", ".", ".."} for part in name.split("/")):
        raise ValueError(f"path {name!r}")
    return name


def _size(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"size {value!r}")
    return value


def _match(form: re.Pattern[str], value: Any) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise ValueError(f"text {value!r}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise TypeError("a text")
    return value
