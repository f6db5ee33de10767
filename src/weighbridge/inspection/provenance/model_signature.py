"""Read what an OpenSSF model signature says is signed (model-signing: predicate v1.0, and Digests v0.1 before it).

The payload is an in-toto Statement v1: v1.0 lists files, or shards of files, with their digests in the predicate, and
the SHA-256 of all these digests as its one subject; v0.1 lists the files as subjects. Read from the source of
model-signing 1.1.1 (`_signing/signing.py`, `manifest.py`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from weighbridge.errors import DamagedFile
from weighbridge.formats.dsse import MAX_BYTES
from weighbridge.formats.place import quote
from weighbridge.formats.strict_json import parse_json

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "PREDICATE",
    "PREDICATE_V0",
    "STATEMENT",
    "SignedManifest",
    "SignedPart",
    "is_model_signature",
    "read_manifest",
]

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://model_signing/signature/v1.0"
PREDICATE_V0 = "https://model_signing/Digests/v0.1"
_MOST_PARTS = 200_000
_MOST_IGNORED = 10_000
_DIGEST_BYTES = {"sha256": 32, "blake2b": 64, "blake3": 32}
_GIT = (".git", ".gitattributes", ".github", ".gitignore")  # model-signing's default


@dataclass(frozen=True, slots=True)
class SignedPart:
    """A signed file, or bytes `start` to `end` (excluded) of one; `digest` in hex digits."""

    path: str
    digest: str
    start: int = 0
    end: int | None = None


@dataclass(frozen=True, slots=True)
class SignedManifest:
    """All that a signature covers. `shard_bytes` is None where whole files were signed."""

    name: str
    predicate: str
    algorithm: Literal["sha256", "blake2b", "blake3"]
    shard_bytes: int | None
    parts: tuple[SignedPart, ...]
    ignored: frozenset[str]


def is_model_signature(statement: Any) -> bool:
    """Whether a statement signs a model."""
    return isinstance(statement, dict) and statement.get("predicateType") in (PREDICATE, PREDICATE_V0)


def read_manifest(payload: bytes, place: Path | str) -> SignedManifest:
    """Read the payload of a model signature; raises DamagedFile where it is none, or contradicts itself."""
    where = quote(str(place), 4096)
    statement = parse_json(payload, place, max_bytes=MAX_BYTES)
    if not is_model_signature(statement) or statement.get("_type") != STATEMENT:
        raise DamagedFile(f"{where} signs no model: its payload is not an in-toto Statement of model-signing")
    try:
        manifest = _read_v0(statement) if statement["predicateType"] == PREDICATE_V0 else _read_v1(statement)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise DamagedFile(
            f"{where} holds a model signature with a wrong or missing field: {quote(str(error))}"
        ) from error
    if len({(part.path, part.start) for part in manifest.parts}) < len(manifest.parts):
        raise DamagedFile(f"{where} holds a model signature that names a file twice")
    return manifest


def _read_v1(statement: dict[str, Any]) -> SignedManifest:
    """Read predicate v1.0; raises KeyError, TypeError, ValueError ... for a wrong field."""
    predicate, (subject,) = statement["predicate"], statement["subject"]
    how, resources = predicate["serialization"], predicate["resources"]
    ignored = how.get("ignore_paths", [])
    if len(resources) > _MOST_PARTS or len(ignored) > _MOST_IGNORED:
        raise ValueError("more entries than are read")
    algorithm, method = how["hash_type"], how["method"]
    if algorithm not in _DIGEST_BYTES or method not in {"files", "shards"}:
        raise ValueError(f"{method} by {algorithm}")
    shard_bytes = _positive(how["shard_size"]) if method == "shards" else None
    parts, root = [], hashlib.sha256()
    for one in resources:
        if str(one["algorithm"]).partition("-")[0] != algorithm:
            raise ValueError(f"{one['algorithm']} among {algorithm}")
        digest = _digest(one["digest"], algorithm)
        root.update(bytes.fromhex(digest))
        parts.append(_part(one["name"], digest, is_shard=shard_bytes is not None))
    if root.hexdigest() != subject["digest"]["sha256"]:
        raise ValueError("the digests do not make the subject's")
    # a path outside the model, as early versions wrote them for the signature itself, ignores nothing in it
    names = frozenset(str(path).removeprefix("./").rstrip("/") for path in ignored)
    return SignedManifest(str(subject["name"]), PREDICATE, algorithm, shard_bytes, tuple(parts), names | {*_GIT})


def _read_v0(statement: dict[str, Any]) -> SignedManifest:
    """Read the manifest that model-signing wrote before 1.0: files by SHA-256, and no name of the model."""
    subjects = statement["subject"]
    if len(subjects) > _MOST_PARTS:
        raise ValueError("more entries than are read")
    parts = tuple(SignedPart(_clean(one["name"]), _digest(one["digest"]["sha256"], "sha256")) for one in subjects)
    return SignedManifest("", PREDICATE_V0, "sha256", None, parts, frozenset(_GIT))


def _part(name: Any, digest: str, *, is_shard: bool) -> SignedPart:
    """Read `path`, or `path:start:end`."""
    if not is_shard:
        return SignedPart(_clean(name), digest)
    path, start, end = name.rsplit(":", 2)
    if not 0 <= int(start) < int(end):
        raise ValueError(f"shard {name!r}")
    return SignedPart(_clean(path), digest, int(start), int(end))


def _clean(name: Any) -> str:
    """Return a path inside the model; one that leads out of it is none."""
    if not isinstance(name, str) or name.startswith("/") or ".." in name.split("/"):
        raise ValueError(f"path {name!r}")
    return name.removeprefix("./").rstrip("/")


def _positive(value: Any) -> int:
    """Return a whole number above zero; protobuf writes it as 1000000000.0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or value < 1:
        raise ValueError(f"shard size {value!r}")
    return int(value)


def _digest(value: Any, algorithm: str) -> str:
    """Return a digest of the algorithm's length in lower case."""
    if not isinstance(value, str) or len(bytes.fromhex(value)) != _DIGEST_BYTES[algorithm]:
        raise ValueError(f"digest {value!r}")
    return value.lower()
