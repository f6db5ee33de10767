"""Where a weighed model came from, and whether its files are kept: by reference, cache folder or mirror manifest."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.core.reference import Reference
from weighbridge.errors import WeighbridgeError
from weighbridge.hub.mirror.manifest import MANIFEST, read_manifest

if TYPE_CHECKING:
    from weighbridge.watch.digest.stake import Copy

__all__ = ["Place", "Told", "place_of"]

_COMMIT = re.compile("[0-9a-f]{40}")
_CACHED = re.compile(r"models--([\w.-]+?)--([\w.-]+)/snapshots/([0-9a-f]{40})(?:/|$)", re.ASCII)
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


@dataclass(slots=True)
class Told:
    """What the store says of one subject; "" where it says nothing."""

    name: str = ""
    reference: str = ""
    hub: str = ""
    repository: str = ""
    commit: str = ""
    task: str = ""
    served_as: str = ""
    bases: list[str] = field(default_factory=list)
    digests: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Place:
    """A repository as a reference without revision ("" where nothing tells), the pin, and what is kept."""

    repository: str = ""
    commit: str = ""
    copy: Copy = "none"


def place_of(subject: str, told: Told) -> Place:
    """Return where a subject came from; nothing is asked of a network, and what cannot be read tells nothing."""
    stated = Place(f"{told.hub}:{told.repository}", told.commit) if told.hub and told.repository else Place()
    try:
        reference = Reference.parse(told.reference)
    except WeighbridgeError:
        return stated if stated.repository else _served(told.served_as)
    if reference.kind in {"hf", "ms"}:
        pin = reference.detail or ""
        return Place(f"{reference.kind}:{reference.target}", told.commit or (pin if _COMMIT.fullmatch(pin) else ""))
    if reference.kind == "endpoint":
        return _served(reference.detail or "")
    return _of_path(subject, Path(reference.target), stated)


def _of_path(subject: str, path: Path, stated: Place) -> Place:
    """Return what a path tells; a copy is verified where its manifest lists what was weighed, for that was hashed."""
    if cached := _CACHED.search(path.as_posix()):
        stated = Place(f"hf:{cached[1]}/{cached[2]}", cached[3])
    if not path.exists():
        return stated
    copy: Copy = "local"
    manifest_path = (path if path.is_dir() else path.parent) / MANIFEST
    with suppress(WeighbridgeError, OSError):
        manifest = read_manifest(manifest_path)
        if subject in {manifest.artefact, manifest.remote_digest}:
            copy = "verified"
            if manifest.origin.hub and manifest.origin.repository:
                stated = Place(f"{manifest.origin.hub}:{manifest.origin.repository}", manifest.origin.commit)
    return Place(stated.repository, stated.commit, copy)


def _served(name: str) -> Place:
    """Return the repository that a served name spells; which weights answer is the server's word: no pin."""
    return Place(f"hf:{name}") if _HUB_NAME.fullmatch(name) else Place()
