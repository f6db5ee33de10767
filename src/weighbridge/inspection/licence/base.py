"""The texts that licences are held against: found by sampled runs of words, read only when they are near.

`base/index.toml` and `base/texts/` hold licences of models with the ground for shipping each; `base/spdx.zip` the
SPDX list; `base/shingles.bin` the samples of both, made by `bench/licence_base.py`. A user adds licences with a
folder of the same shape (`index.toml` and `texts/`).
"""

from __future__ import annotations

import hashlib
import json
import sys
import tomllib
import zipfile
from array import array
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from weighbridge.inspection.licence.reference import Reference
from weighbridge.inspection.licence.words.shingles import sample_shingles, shingles_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.resources.abc import Traversable
    from pathlib import Path

__all__ = ["Base", "Candidate", "Licence", "digest_of", "load_base"]

_FEWEST_HITS = 3
_LEAST_FOUND = 0.08


class Candidate(NamedTuple):
    """A reference that shares runs of words with a text, and about what share of its own stands there."""

    reference: Reference
    found: float


@dataclass(frozen=True)
class Licence:
    """What the base says of a licence beside its texts: how people call it, and where it is published."""

    licence_id: str
    name: str
    names: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    family: str = ""


def digest_of(tokens: list[str]) -> str:
    """Return the digest of a word list: equal for texts that differ in case, mark-up or spacing only."""
    return hashlib.sha256(" ".join(tokens).encode("utf-8", "replace")).hexdigest()[:24]


@dataclass
class Base:
    """Reference texts by key, with an index of sampled shingles over them."""

    references: dict[str, Reference] = field(default_factory=dict)
    licences: dict[str, Licence] = field(default_factory=dict)
    _index: dict[int, list[str]] = field(default_factory=dict)
    _sampled: dict[str, int] = field(default_factory=dict)
    _digests: dict[str, str] = field(default_factory=dict)

    def add(self, reference: Reference, sample: Iterable[int], digest: str) -> None:
        """Take in a text with its sampled shingles and the digest of its words."""
        self.references[reference.key] = reference
        count = 0
        for shingle in sample:
            self._index.setdefault(shingle, []).append(reference.key)
            count += 1
        self._sampled[reference.key] = count
        self._digests.setdefault(digest, reference.key)

    def exactly(self, tokens: list[str]) -> Reference | None:
        """Return the reference that has these very words."""
        key = self._digests.get(digest_of(tokens))
        return self.references.get(key) if key else None

    def nearest(self, tokens: list[str], most: int) -> list[Candidate]:
        """Return the references whose samples stand in a text, by what share of them does, best first."""
        hits: dict[str, int] = {}
        for shingle in shingles_of(tokens):
            for key in self._index.get(shingle, ()):
                hits[key] = hits.get(key, 0) + 1
        found = [
            Candidate(self.references[key], count / self._sampled[key])
            for key, count in hits.items()
            if count >= min(_FEWEST_HITS, self._sampled[key]) and count / self._sampled[key] >= _LEAST_FOUND
        ]
        # long references first among equals: the one that explains more of the text
        found.sort(key=lambda candidate: (-(candidate.found * self._weight(candidate)), candidate.reference.key))
        return found[:most]

    def without(self, *licence_ids: str) -> Base:
        """Return a base that does not know some licences: for tests that leave one out."""
        smaller = Base(licences={key: known for key, known in self.licences.items() if key not in licence_ids})
        gone = {key for key, known in self.references.items() if known.licence_id in licence_ids}
        smaller.references = {key: known for key, known in self.references.items() if key not in gone}
        smaller._index = {
            shingle: kept for shingle, keys in self._index.items() if (kept := [key for key in keys if key not in gone])
        }
        smaller._sampled = self._sampled
        smaller._digests = {digest: key for digest, key in self._digests.items() if key not in gone}
        return smaller

    def _weight(self, candidate: Candidate) -> float:
        """Return the square root of a sample's size: a long text found in full says more than a short one."""
        return float(self._sampled[candidate.reference.key] ** 0.5)


@cache
def load_base(folder: Path | None = None) -> Base:
    """Return the base that ships, and what a user's folder adds to it.

    Errors: an unreadable index.toml raises tomllib.TOMLDecodeError, a missing text OSError; the caller names them.
    """
    base = Base()
    home = files(__package__).joinpath("base")
    rows = tomllib.loads(home.joinpath("index.toml").read_text("utf-8"))["licence"]
    known: dict[str, Reference] = {}
    for row in rows:
        base.licences[row["id"]] = _licence(row)
        for text in row["texts"]:
            reference = _reference(row["id"], text, home)
            known[reference.key] = reference
    with home.joinpath("spdx.zip").open("rb") as stream, zipfile.ZipFile(stream) as packed:
        listed = json.loads(packed.read("index.json"))
    for entry in listed:
        licence_id = entry["id"]
        base.licences.setdefault(licence_id, Licence(licence_id, entry["name"], (), tuple(entry.get("urls", ()))))
        for text in entry["texts"]:
            reference = Reference(
                text,
                licence_id,
                lambda name=text: _packed_text(name),  # type: ignore[misc]
                optional_after=entry.get("optional_after"),
                optional_before=entry.get("optional_before"),
            )
            known[reference.key] = reference
    _take_in(base, known, home.joinpath("shingles.bin").read_bytes())
    if folder is not None:
        add_folder(base, folder)
    return base


def add_folder(base: Base, folder: Path) -> None:
    """Add a folder of licences (index.toml and texts/) to a base, computing the samples now."""
    for row in tomllib.loads((folder / "index.toml").read_text("utf-8"))["licence"]:
        base.licences[row["id"]] = _licence(row)
        for text in row["texts"]:
            reference = _reference(row["id"], text, folder)
            tokens = reference.words.tokens
            base.add(reference, sample_shingles(shingles_of(tokens)), digest_of(tokens))


def _licence(row: dict[str, Any]) -> Licence:
    names, urls = tuple(row.get("names", ())), tuple(row.get("urls", ()))
    return Licence(row["id"], row["name"], names, urls, row.get("family", ""))


def _reference(licence_id: str, text: dict[str, str], home: Traversable | Path) -> Reference:
    path = home.joinpath("texts", text["file"])
    return Reference(
        text["file"],
        licence_id,
        lambda: path.read_text("utf-8"),
        text.get("revision"),
        text.get("optional_after"),
        text.get("optional_before"),
        text["file"].endswith(".hashes"),
    )


@cache
def _archive() -> zipfile.ZipFile:
    return zipfile.ZipFile(files(__package__).joinpath("base", "spdx.zip").open("rb"))


def _packed_text(name: str) -> str:
    return _archive().read(name).decode("utf-8")


def _take_in(base: Base, known: dict[str, Reference], samples: bytes) -> None:
    """Read shingles.bin: one line of JSON [[key, digest, count]...], then the hashes as little-endian 32-bit."""
    line, _, rest = samples.partition(b"\n")
    hashes = array("I", rest)
    if sys.byteorder == "big":
        hashes.byteswap()
    at = 0
    for key, digest, count in json.loads(line):
        if key in known:
            base.add(known[key], hashes[at : at + count], digest)
        at += count
