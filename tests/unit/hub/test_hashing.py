from __future__ import annotations

import errno
import hashlib
import os
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from weighbridge.core.artefact import FileEntry, NotInspected
from weighbridge.core.progress import silent
from weighbridge.errors import WeighbridgeError
from weighbridge.hub import hashing
from weighbridge.hub.hashing import hash_files, printable
from weighbridge.testing.hub_laws import CountingProgress, MemoryCache

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.progress import Advance

LONG_AGO = (1_700_000_000, 1_700_000_000)


def _write(path: Path, data: bytes) -> str:
    """Write a file that is old enough to be cached."""
    path.write_bytes(data)
    os.utime(path, LONG_AGO)
    return str(path)


@pytest.mark.parametrize(
    ("data", "sha256"),
    [
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
        (b"a" * 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ],
)
def test_the_vectors_of_fips_180(tmp_path: Path, data: bytes, sha256: str) -> None:
    """The digests are those of the standard's own examples."""
    entries, unread = hash_files({"file": _write(tmp_path / "file", data)}, None, silent)
    assert entries == [FileEntry("file", len(data), sha256)]
    assert unread == []


def test_many_files_of_many_sizes(tmp_path: Path) -> None:
    """Files around the buffer's size, read on several threads, come back sorted and right."""
    sizes = [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3_000_000, *range(10, 40)]
    files = {f"f{n:03}": _write(tmp_path / f"f{n:03}", os.urandom(size)) for n, size in enumerate(sizes)}
    progress = CountingProgress()
    entries, _ = hash_files(files, None, progress)
    assert entries == [
        FileEntry(name, size, hashlib.sha256(Path(files[name]).read_bytes()).hexdigest())
        for name, size in zip(files, sizes, strict=True)
    ]
    assert progress.done == progress.total == sum(sizes)


def test_an_unchanged_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was hashed and has not changed since is known; nothing is opened."""
    monkeypatch.setattr(hashing, "_SETTLED_NS", 0)
    path, cache = _write(tmp_path / "file", b"old"), MemoryCache()
    first, _ = hash_files({"file": path}, cache, silent)
    monkeypatch.setattr(hashing, "open_regular", lambda _path: pytest.fail("it was opened"))
    assert hash_files({"file": path}, cache, silent)[0] == first


def test_other_bytes_under_the_old_time_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`touch -r` sets the time of the last write back, and not that of the last change."""
    monkeypatch.setattr(hashing, "_SETTLED_NS", 0)
    path, cache = _write(tmp_path / "file", b"old"), MemoryCache()
    hash_files({"file": path}, cache, silent)
    time.sleep(0.02)  # longer than the clock of a file system ticks
    _write(tmp_path / "file", b"new")
    assert hash_files({"file": path}, cache, silent)[0][0].sha256 == hashlib.sha256(b"new").hexdigest()


@pytest.mark.parametrize("change", ["size", "time", "inode"])
def test_a_changed_file_is_read_again(tmp_path: Path, change: str) -> None:
    """Another size, time or inode is another file."""
    path, cache = tmp_path / "file", MemoryCache()
    hash_files({"file": _write(path, b"old")}, cache, silent)
    if change == "size":
        _write(path, b"newer")
    elif change == "time":
        _write(path, b"new")
        os.utime(path, (1_700_000_001, 1_700_000_001))
    else:
        _write(tmp_path / "other", b"new")
        (tmp_path / "other").replace(path)
    entries, _ = hash_files({"file": str(path)}, cache, silent)
    assert entries[0].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_written_just_now_is_not_remembered(tmp_path: Path) -> None:
    """A second write within the clock's grain could carry the same time."""
    (tmp_path / "file").write_bytes(b"fresh")
    cache = MemoryCache()
    hash_files({"file": str(tmp_path / "file")}, cache, silent)
    assert cache.known == {}


def test_a_file_that_changes_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    """A digest of half old and half new bytes names nothing."""
    path = tmp_path / "file"
    _write(path, bytes(5_000_000))

    @contextmanager
    def grow(_label: str, _total: int, _unit: str, /, **_more: object) -> Iterator[Advance]:
        with path.open("ab") as file:
            file.write(b"more")
        yield lambda _units: None

    cache = MemoryCache()
    with pytest.raises(WeighbridgeError, match="changed while it was read"):
        hash_files({"file": str(path)}, cache, grow)
    assert cache.known == {}


def test_a_file_replaced_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    """The same size and time under another inode is another file."""
    path = tmp_path / "file"
    _write(path, b"a" * 100)
    _write(tmp_path / "other", b"b" * 100)

    @contextmanager
    def replace(_label: str, _total: int, _unit: str, /, **_more: object) -> Iterator[Advance]:
        (tmp_path / "other").replace(path)
        yield lambda _units: None

    with pytest.raises(WeighbridgeError, match="changed while it was read"):
        hash_files({"file": str(path)}, None, replace)


def test_an_interruption_keeps_what_was_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle stops the threads soon, and finished digests are in the cache."""
    monkeypatch.setattr(hashing, "_SETTLED_NS", 0)
    files = {f"{n}": _write(tmp_path / f"{n}", bytes(1000 + n)) for n in range(5)}
    cache = MemoryCache()

    @contextmanager
    def interrupt(_label: str, _total: int, _unit: str, /, **_more: object) -> Iterator[Advance]:
        def advance(_units: int, /) -> None:
            raise KeyboardInterrupt

        yield advance

    with pytest.raises(KeyboardInterrupt):
        hash_files(files, cache, interrupt)
    assert len(cache.known) == 5
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("hash")]


@pytest.mark.parametrize("broken", ["missing", "pipe", "folder"])
def test_what_cannot_be_read_is_reported(tmp_path: Path, broken: str) -> None:
    """An unreadable file is recorded with the reason, the others are hashed, and a pipe is never waited for."""
    path = tmp_path / "broken"
    if broken == "pipe":
        os.mkfifo(path)
    elif broken == "folder":
        path.mkdir()
    progress = CountingProgress()
    entries, unread = hash_files({"a": _write(tmp_path / "a", b"abc"), "b": str(path)}, None, progress)
    assert [entry.name for entry in entries] == ["a"]
    reason = {"missing": os.strerror(errno.ENOENT)}.get(broken, "not a regular file")
    assert unread == [NotInspected("b", f"cannot be read: {reason}")]
    assert progress.done == progress.total


def test_a_name_that_is_not_utf8_can_be_shown() -> None:
    """Odd bytes are escaped, everything else stays."""
    assert printable(os.fsdecode(b"a\xffb")) == "a\\xffb"
    assert printable("模型") == "模型"
