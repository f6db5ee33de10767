from __future__ import annotations

import sqlite3
import stat
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.errors import ExtraMissing, NotFound, StoreDamaged, UsageError, WeighbridgeError
from weighbridge.pilot.journal.protocol import Document
from weighbridge.pilot.state.choose import DATABASE, open_state
from weighbridge.pilot.state.journal_laws import example_entry
from weighbridge.pilot.state.laws import example_key
from weighbridge.pilot.state.sqlite import STATE_FILE, SQLiteState

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_file_is_its_owners(tmp_path: Path) -> None:
    """Nobody else on the machine reads names and digests; what SQLite puts beside it has the same mode."""
    state = SQLiteState(tmp_path / STATE_FILE)
    with state.changing_keys() as book:
        book.put(example_key())
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}, modes
    state.close()


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda db: db.execute("CREATE TABLE mine (x)"), UsageError, "not the state of a pilot"),
        (lambda db: db.execute("PRAGMA application_id = 1463964231"), UsageError, "not the state"),  # an evidence store
        (lambda db: _ours(db, "PRAGMA user_version = 99"), UsageError, "version 99"),
        (lambda db: _ours(db, "CREATE VIEW extra AS SELECT 1"), StoreDamaged, "extra"),
        (
            lambda db: _ours(db, "CREATE TRIGGER t AFTER INSERT ON keys BEGIN DELETE FROM keys; END"),
            StoreDamaged,
            "trigger",
        ),
        (lambda db: _ours(db, "DROP TABLE charges"), StoreDamaged, "charges"),
    ],
)
def test_a_file_that_is_not_ours_is_refused(
    tmp_path: Path, make: Callable[[sqlite3.Connection], Any], error: type[WeighbridgeError], says: str
) -> None:
    """A stranger's file, an evidence store, a newer one, and one with more or less in its schema."""
    path = tmp_path / STATE_FILE
    with closing(sqlite3.connect(path)) as database:
        make(database)
        database.commit()
    with pytest.raises(error, match=says):
        SQLiteState(path)


def _ours(database: sqlite3.Connection, change: str) -> None:
    """Make a file that is ours, and change it."""
    path = database.execute("PRAGMA database_list").fetchone()[2]
    SQLiteState(Path(path)).close()
    database.execute(change)


def test_no_database_at_all_is_said_so(tmp_path: Path) -> None:
    """Bytes that are no database, and a folder that cannot be."""
    (tmp_path / STATE_FILE).write_bytes(b"not a database, but long enough to look like one" * 30)
    with pytest.raises(StoreDamaged):
        SQLiteState(tmp_path / STATE_FILE)
    with pytest.raises(UsageError):
        SQLiteState(tmp_path / STATE_FILE / "below" / STATE_FILE)
    with pytest.raises(NotFound):
        SQLiteState(tmp_path / "nowhere", must_exist=True)
    assert not (tmp_path / "nowhere").exists()


def test_a_file_that_was_taken_away_is_noticed_and_taken_back(tmp_path: Path) -> None:
    """Nothing is written to where nobody will read it."""
    path = tmp_path / STATE_FILE
    state = SQLiteState(path)
    path.rename(tmp_path / "away")
    with pytest.raises(WeighbridgeError, match="gone"):
        state.key_version()
    (tmp_path / "away").rename(path)
    assert state.key_version() == 0
    state.close()


def test_a_key_that_cannot_be_read_is_said_to_be_damaged(tmp_path: Path) -> None:
    """Rights that no Weighbridge wrote open nothing."""
    state = SQLiteState(tmp_path / STATE_FILE)
    with state.changing_keys() as book:
        book.put(example_key())
    for rights in ("{}", "[]", "x", '{"tenant": "a", "scopes": 1}', "[" * 100_000):
        with state._writing() as session:
            session("UPDATE keys SET rights = ?", (rights,))
        with pytest.raises(StoreDamaged):
            state.keys()
    state.close()


def test_rows_that_cannot_be_read_hide_no_others(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A damaged entry keeps its place, a damaged document is an empty one."""
    state = SQLiteState(tmp_path / STATE_FILE)
    for facts in ("{", "[]", "[" * 100_000, b"\xff\xfe{"):
        state.append([example_entry(1), example_entry(2), example_entry(3)])
        newest, _ = state.news(0)
        state.put_all([Document("good", {"n": 1}), Document("bad", {"n": 1})])
        with state._writing() as session:
            session("UPDATE entries SET facts = CAST(? AS TEXT) WHERE n = ?", (facts, newest - 1))
            session("UPDATE documents SET body = CAST(? AS TEXT) WHERE name = 'bad'", (facts,))
        found = state.entries("qwen", newest - 3, 10)
        assert [(one.kind, one.number - newest) for one in found] == [("seen", -2), ("unreadable", -1), ("seen", 0)]
        assert found[1].facts == {}
        assert {one.name: one.body for one in state.documents()[1]} == {"good": {"n": 1}, "bad": {}}
        with state._writing() as session:
            session("DELETE FROM documents")
    assert "bad" in caplog.text
    state.close()


def test_the_file_levels_off_where_as_much_is_forgotten_as_comes(tmp_path: Path) -> None:
    """Pages of what was forgotten are used again; so are those of documents that grow and shrink."""
    path = tmp_path / STATE_FILE
    state = SQLiteState(path)
    sizes = []
    for turn in range(12):
        state.append([example_entry(turn * 1000 + number) for number in range(1000)])
        state.forget(0.0, 1000, state.news(0)[0] - 1500)
        document = state.document("d") or Document("d", {})
        state.put(replace(document, body={"x": "y" * (50_000 + turn % 2 * 50_000)}))
        ((pages,),) = state._reader.execute("PRAGMA page_count")
        sizes.append(pages)
    assert max(sizes[6:]) <= max(sizes[:6]) * 1.05
    state.close()


def test_a_connection_caches_half_a_megabyte_at_the_most(tmp_path: Path) -> None:
    """A file that grows must not make the process grow; unit of a negative cache_size: KiB (sqlite.org/pragma.html)."""
    state = SQLiteState(tmp_path / STATE_FILE)
    for connection in (state._reader, state._writer):
        assert connection.execute("PRAGMA cache_size").fetchone() == (-512,)
    state.close()


def test_the_environment_chooses_the_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of the workspace, or the database that is named; without its extra that is said."""
    state = open_state(tmp_path, {})
    assert isinstance(state, SQLiteState)
    state.close()
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "weighbridge.pilot.state.postgres", raising=False)
    with pytest.raises(ExtraMissing, match="PostgreSQL"):
        open_state(tmp_path, {DATABASE: "host=/nowhere"})
