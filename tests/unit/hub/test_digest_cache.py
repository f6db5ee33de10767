from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from weighbridge.errors import UsageError
from weighbridge.hub.digest_cache import SQLiteDigestCache

if TYPE_CHECKING:
    from pathlib import Path

SHA256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_digest_is_remembered_for_the_very_file(tmp_path: Path) -> None:
    """Path, size, time and inode must all agree; the next process knows it too."""
    path = tmp_path / "new" / "digests.db"
    odd = os.fsdecode(b"/model/\xff")
    with closing(SQLiteDigestCache(path)) as cache:
        cache.put("/model", 1, 2, 2**64 - 1, SHA256)
        cache.put(odd, 1, 2, 3, SHA256)
    with closing(SQLiteDigestCache(path)) as cache:
        assert cache.get("/model", 1, 2, 2**64 - 1) == SHA256
        assert cache.get(odd, 1, 2, 3) == SHA256
        for other in (("/other", 1, 2, 3), (odd, 9, 2, 3), (odd, 1, 9, 3), (odd, 1, 2, 9)):
            assert cache.get(*other) is None


def test_the_newest_digest_of_a_path_counts(tmp_path: Path) -> None:
    """A path has one entry, so that the cache does not grow with every change."""
    with closing(SQLiteDigestCache(tmp_path / "digests.db")) as cache:
        cache.put("/model", 1, 2, 3, SHA256)
        cache.put("/model", 1, 9, 3, "0" * 64)
        assert cache.get("/model", 1, 2, 3) is None
        assert cache.get("/model", 1, 9, 3) == "0" * 64


def test_a_damaged_cache_is_begun_anew(tmp_path: Path) -> None:
    """It is only a cache; the damaged file is moved aside, not deleted."""
    path = tmp_path / "digests.db"
    path.write_bytes(b"not a database at all" * 1000)
    with closing(SQLiteDigestCache(path)) as cache:
        cache.put("/model", 1, 2, 3, SHA256)
    with closing(SQLiteDigestCache(path)) as cache:
        assert cache.get("/model", 1, 2, 3) == SHA256
    assert (tmp_path / "digests.db.damaged").read_bytes().startswith(b"not a database")


def test_pages_overwritten_under_an_open_cache_are_no_error(tmp_path: Path) -> None:
    """Damage met while reading means "not known", and the cache works again."""
    path = tmp_path / "digests.db"
    with closing(SQLiteDigestCache(path)) as cache:
        for number in range(2000):
            cache.put(f"/model/{number}", 1, 2, 3, SHA256)
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xaa" * (len(data) - 4096)
    path.write_bytes(data)
    with closing(SQLiteDigestCache(path)) as cache:
        assert cache.get("/model/7", 1, 2, 3) is None
        cache.put("/model/7", 1, 2, 3, SHA256)
        assert cache.get("/model/7", 1, 2, 3) == SHA256


def test_what_is_no_digest_is_not_believed(tmp_path: Path) -> None:
    """A cached value of another shape is as if it were not there."""
    path = tmp_path / "digests.db"
    with closing(SQLiteDigestCache(path)) as cache:
        cache.put("/model", 1, 2, 3, "<script>")
        assert cache.get("/model", 1, 2, 3) is None


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    """A mistyped path never costs anyone data."""
    path = tmp_path / "precious.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE precious (thing)")
    with pytest.raises(UsageError, match="is not a digest cache"):
        SQLiteDigestCache(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("precious",)]


def test_without_a_place_to_write_it_works_from_memory(tmp_path: Path) -> None:
    """A cache stops nothing: here its folder is a file."""
    (tmp_path / "file").write_text("in the way")
    with closing(SQLiteDigestCache(tmp_path / "file" / "digests.db")) as cache:
        cache.put("/model", 1, 2, 3, SHA256)
        assert cache.get("/model", 1, 2, 3) == SHA256


def test_threads_share_it(tmp_path: Path) -> None:
    """Hashing threads put while others get."""
    with closing(SQLiteDigestCache(tmp_path / "digests.db")) as cache:

        def put(lane: int) -> None:
            for number in range(100):
                cache.put(f"/{lane}/{number}", 1, 2, 3, SHA256)

        threads = [threading.Thread(target=put, args=(lane,)) for lane in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(cache.get(f"/{lane}/{number}", 1, 2, 3) for lane in range(4) for number in range(100))
