"""The repositories of `hub_server`: folders, and the revisions that were seen of them."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["STORED_APART", "Blob", "Repository", "Shown", "written"]

# as huggingface_hub writes them into .gitattributes, those that matter here
STORED_APART = (
    ".safetensors", ".gguf", ".bin", ".pt", ".pth", ".ckpt", ".h5", ".onnx", ".msgpack", ".pkl", ".zip"
)  # fmt: skip
_SIZES = "sizes.json"
_FIRST = datetime(2026, 1, 1, tzinfo=UTC)
_SHORT = 7


def _sha1(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Blob:
    """One file of one revision: its bytes, and the size that is claimed; what is claimed beyond the bytes is zeros."""

    name: str
    data: bytes
    size: int

    @property
    def is_apart(self) -> bool:
        """Whether it lies in storage, behind a redirect."""
        return self.name.endswith(STORED_APART)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the bytes that are there, whatever size is claimed."""
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def oid(self) -> str:
        """Git's id of it: of the file, or of the pointer to it in storage."""
        data = self.pointer if self.is_apart else self.data
        return _sha1(b"blob %d\0" % len(data) + data)

    @property
    def pointer(self) -> bytes:
        """What Git keeps of a file in storage (https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md)."""
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {self.size}\n".encode()

    def part(self, first: int, count: int) -> bytes:
        """Return a part, zeros after the end."""
        data = self.data[first : first + count]
        return data + bytes(count - len(data))


@dataclass(frozen=True)
class Shown:
    """One revision: its commit, and its files by name."""

    commit: str
    title: str
    date: datetime
    files: dict[str, Blob]

    def text(self, name: str) -> str:
        """Return the text of a file, nothing where it is absent."""
        return self.files[name].data.decode("utf-8", "replace") if name in self.files else ""


@dataclass
class Repository:
    """One repository: `revisions` newest first, `facts` what its info says instead, `scans` verdicts by file.

    The folder is the head: a change there is a new revision as soon as somebody looks. `tags` are (name, commit).
    """

    name: str
    folder: Path
    born: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    scans: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    revisions: list[Shown] = field(default_factory=list)
    created: datetime = _FIRST

    def __post_init__(self) -> None:
        self.born = self.born or self.name

    def look(self, title: str = "", date: datetime | None = None) -> Shown:
        """Return the head, a new revision where the folder is not what it was; dates go on by an hour each."""
        found = self._files()
        last = self.revisions[0] if self.revisions else None
        if last is None or {n: (b.data, b.size) for n, b in last.files.items()} != found:
            blobs = {name: Blob(name, data, size) for name, (data, size) in found.items()}
            parent = last.commit if last else ""
            date = date or (last.date + timedelta(hours=1) if last else _FIRST)
            self.created = self.created if last else date
            self.revisions.insert(0, Shown(self._commit(parent, blobs), title or "Upload model", date, blobs))
        return self.revisions[0]

    def squash(self) -> Shown:
        """Write the history anew: one commit, and the older ones are gone."""
        head = self.look()
        commit = self._commit(f"squashed {head.commit}", head.files)
        self.revisions = [Shown(commit, "Super-squash branch 'main'", head.date + timedelta(hours=1), head.files)]
        self.tags.clear()
        return self.revisions[0]

    def at(self, revision: str) -> Shown | None:
        """Return a revision by branch, tag, or commit (also its first digits); None where there is none."""
        head = self.look()
        if revision in {"", "main", "master", "HEAD", "refs/heads/main"}:
            return head
        commit = self.tags.get(revision.removeprefix("refs/tags/"), revision)
        return next((s for s in self.revisions if len(commit) >= _SHORT and s.commit.startswith(commit)), None)

    def last_change(self, shown: Shown, name: str) -> Shown:
        """Return the revision in which a file got the content that it has in `shown`."""
        found = shown
        for older in self.revisions[self.revisions.index(shown) + 1 :]:
            if name not in older.files or older.files[name].oid != shown.files[name].oid:
                break
            found = older
        return found

    def change(self, files: Mapping[str, bytes | None]) -> None:
        """Write files into the folder; None deletes."""
        for name, data in files.items():
            path = self.folder / name
            if data is None:
                path.unlink(missing_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)

    def move(self, name: str, folder: Path) -> None:
        """Give it another name; its id stays."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(self.folder, folder)
        self.name, self.folder = name, folder

    def _commit(self, parent: str, files: dict[str, Blob]) -> str:
        rows = [(name, blob.oid, blob.size) for name, blob in sorted(files.items())]
        return _sha1(json.dumps([self.born, parent, rows]).encode())

    def _files(self) -> dict[str, tuple[bytes, int]]:
        """Return bytes and claimed size of the files in the folder, sorted by name."""
        sizes = self.folder / _SIZES
        claimed = json.loads(sizes.read_text()) if sizes.is_file() else {}
        paths = sorted(path for path in self.folder.rglob("*") if path.is_file() and path != sizes)
        found = {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in paths}
        return {name: (data, int(claimed.get(name, len(data)))) for name, data in sorted(found.items())}


def written(moment: datetime) -> str:
    """Return a moment as the hubs write it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
