"""Where a copy came from: what a mirror or a download tool left beside the files. A note, not a proof."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.errors import DamagedFile
from weighbridge.formats.bounded_file import read_small
from weighbridge.hub.mirror.manifest import manifest_of_folder
from weighbridge.inspection.provenance.copy import Expected, Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.artefact import Artefact

__all__ = ["Origin", "origin_of", "recorded_digests"]

_LOG = ".cache/huggingface/download"
_SUFFIX = ".metadata"
_MAX_NOTE_BYTES = 4096
_MOST_NOTES = 100_000
_SHA256, _SHA1 = re.compile("[0-9a-f]{64}"), re.compile("[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Origin:
    """A hub (`hf`, `ms`), its repository and commit, each None where nothing tells."""

    hub: str | None = None
    repository: str | None = None
    commit: str | None = None


def origin_of(artefact: Artefact) -> Origin:
    """Return where an artefact came from: by its hub, a mirror's manifest, a cache's name, or a download log."""
    if artefact.shadow is not None:
        return Origin(artefact.shadow.hub, artefact.shadow.repository, artefact.shadow.commit)
    if artefact.root is None:
        return Origin()
    root = Path(artefact.root)
    if mirrored := manifest_of_folder(root, artefact.digest):
        return Origin(mirrored.origin.hub, mirrored.origin.repository, mirrored.origin.commit)
    for folder in (root, *root.parents):
        repository = folder.parent.parent.name
        if folder.parent.name == "snapshots" and repository.startswith("models--") and _SHA1.fullmatch(folder.name):
            return Origin("hf", repository.removeprefix("models--").replace("--", "/"), folder.name)
    # several commits are a folder that was downloaded in parts: no single one is its origin
    commits = {commit for _, commit, _ in _log(root)}
    return Origin("hf", None, commits.pop()) if len(commits) == 1 else Origin()


def recorded_digests(root: str) -> Expected | None:
    """Return the digests that `hf download --local-dir` noted beside the files, None where it noted none.

    They are Hugging Face's own: SHA-256 of what lies in large-file storage, git's SHA-1 of the rest. Whoever could
    change a file could change the note too: this finds damage, not fraud.
    """
    files = {}
    for name, _, etag in _log(Path(root)):
        files[name] = Wanted(sha256=etag) if _SHA256.fullmatch(etag) else Wanted(git_oid=etag)
    return Expected("the download log of `hf`", files) if files else None


def _log(root: Path) -> Iterator[tuple[str, str, str]]:
    """Yield (name, commit, digest) of each file with a readable note: commit, digest and time, a line each."""
    folder = root / _LOG
    if not folder.is_dir():
        return
    for path in islice(folder.rglob(f"*{_SUFFIX}"), _MOST_NOTES):
        try:
            lines = read_small(path, _MAX_NOTE_BYTES).decode("ascii").split("\n")
        except (DamagedFile, UnicodeDecodeError):
            continue
        commit, etag = (*lines, "", "")[:2]
        if _SHA1.fullmatch(commit) and (_SHA256.fullmatch(etag) or _SHA1.fullmatch(etag)):
            yield path.relative_to(folder).as_posix().removesuffix(_SUFFIX), commit, etag
