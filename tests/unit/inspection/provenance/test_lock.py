"""Digest locks, and copies held against them, against a hub's word and against the download log of `hf`."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from weighbridge.core.artefact import Artefact, NotInspected
from weighbridge.core.progress import silent
from weighbridge.core.reference import Reference
from weighbridge.errors import DamagedFile, UsageError
from weighbridge.hub.protocol import resolve
from weighbridge.inspection.provenance.copy import Difference, compare, open_copy
from weighbridge.inspection.provenance.lock import Lock, lock_of, read_lock
from weighbridge.inspection.provenance.origin import Origin, origin_of, recorded_digests

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Write a small folder."""
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "sub" / "weights.bin").write_bytes(bytes(3000))
    return folder


def locked(model: Path) -> Lock:
    """Lock a folder."""
    artefact = resolve(Reference.parse(f"{model}/"))
    return lock_of(artefact, origin_of(artefact))


def test_a_lock_reads_back_and_gives_the_same_bytes(model: Path, tmp_path: Path) -> None:
    """Canonical JSON: the same files have the same lock, whenever it is written."""
    lock = locked(model)
    path = tmp_path / "lock.json"
    path.write_bytes(lock.to_bytes())
    assert read_lock(path) == lock
    os.utime(model / "config.json", (1, 1))
    assert locked(model).to_bytes() == path.read_bytes()
    rows = {row["path"]: row["sha256"] for row in json.loads(path.read_bytes())["files"]}
    assert rows["sub/weights.bin"] == hashlib.sha256(bytes(3000)).hexdigest()


def test_every_difference_is_named(model: Path) -> None:
    """Changed in size, changed in content, missing, extra, and a link in place of a file."""
    (model / "a.txt").write_text("a")
    (model / "b.txt").write_text("b")
    (model / "c.txt").write_text("c")
    expected = locked(model).expected()
    assert compare(open_copy(model), expected, silent) == []
    (model / "a.txt").write_text("z")
    (model / "config.json").write_text("{ }")
    (model / "b.txt").unlink()
    (model / "c.txt").unlink()
    (model / "c.txt").symlink_to("/etc/passwd")
    (model / "sub" / "new.py").write_text("")
    found = compare(open_copy(model), expected, silent)
    assert [(one.name, one.kind) for one in found] == [
        ("a.txt", "changed"), ("b.txt", "missing"), ("c.txt", "unread"), ("config.json", "changed"),
        ("sub/new.py", "extra"),
    ]  # fmt: skip
    assert found[3].detail == "3 bytes instead of 2"


def test_a_file_that_a_hub_names_by_git_alone_is_verified(model: Path) -> None:
    """The object id is the one that git itself computes."""
    words = ["git", "hash-object", str(model / "config.json")]
    oid = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    artefact = resolve(Reference.parse(f"{model}/"))
    left = (NotInspected("config.json", "stays on the hub", oid),)
    files = tuple(one for one in artefact.files if one.name != "config.json")
    remote = Artefact(artefact.reference, "m", artefact.digest, files, left, artefact.root)
    expected = lock_of(remote, Origin("hf", "a/b", COMMIT)).expected()
    assert compare(open_copy(model), expected, silent) == []
    (model / "config.json").write_text("[]")
    (found,) = compare(open_copy(model), expected, silent)
    assert (found.name, found.kind) == ("config.json", "changed")


def test_the_download_log_tells_commit_and_digests(model: Path) -> None:
    """`hf download --local-dir` writes commit, etag and time; the etag is the SHA-256 of what lies in LFS."""
    log = model / ".cache" / "huggingface" / "download" / "sub"
    log.mkdir(parents=True)
    sha256 = hashlib.sha256(bytes(3000)).hexdigest()
    (log / "weights.bin.metadata").write_text(f"{COMMIT}\n{sha256}\n1700000000.0\n")
    (log / "broken.bin.metadata").write_text("nonsense")
    assert locked(model).origin == Origin("hf", None, COMMIT)
    expected = recorded_digests(str(model))
    assert expected is not None
    assert compare(open_copy(model), expected, silent) == [Difference("config.json", "extra")]
    (model / "sub" / "weights.bin").write_bytes(bytes(2999) + b"x")
    assert Difference("sub/weights.bin", "changed") in [
        Difference(one.name, one.kind) for one in compare(open_copy(model), expected, silent)
    ]


def test_a_snapshot_of_the_cache_tells_repository_and_commit(tmp_path: Path) -> None:
    """The folder's own name in the cache of huggingface_hub."""
    folder = tmp_path / "models--org--name" / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    assert locked(folder).origin == Origin("hf", "org/name", COMMIT)


@pytest.mark.parametrize(
    "change",
    [
        {"files": []},
        {"artefact": "sha256:" + "0" * 64},
        {"schema": "other"},
        {"files": [{"path": "../x", "size": 1, "sha256": "0" * 64}]},
        {"files": [{"path": "x", "size": -1, "sha256": "0" * 64}]},
        {"files": [{"path": "x", "size": 1, "sha256": "0"}]},
        {"files": "x"},
        {"by_git": [{"path": "config.json", "git_oid": "0" * 40}]},
        {"more": 1},
        {"hub": 3},
    ],
)
def test_a_lock_that_contradicts_itself_is_refused(model: Path, tmp_path: Path, change: dict[str, object]) -> None:
    """A changed, wrong or ambiguous lock is damage, never a lock of fewer files."""
    path = tmp_path / "lock.json"
    path.write_text(json.dumps(json.loads(locked(model).to_bytes()) | change))
    with pytest.raises(DamagedFile):
        read_lock(path)


def test_an_endpoint_has_nothing_to_lock() -> None:
    """What cannot be pinned is refused."""
    artefact = Artefact(Reference.parse("http://localhost:1/v1#m"), "m", "sha256:" + "0" * 64)
    with pytest.raises(UsageError):
        lock_of(artefact, Origin())
