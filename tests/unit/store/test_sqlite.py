from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from weighbridge.errors import NotFound, StoreDamaged, UsageError, WeighbridgeError
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.testing.store_laws import example_evidence

WRITER = """
import sys
from pathlib import Path
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.testing.store_laws import example_evidence

path, lane, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
store = SQLiteStore(path)
for number in range(count):
    store.add(example_evidence(number, body={"lane": lane, "number": number, "filling": "x" * 5000}))
    store.add_completions({f"{lane}-{number}-{n}": {"text": "y" * 500} for n in range(20)})
    print(number, flush=True)
"""

READER = """
import os
import sys
from pathlib import Path
from weighbridge.store.sqlite import SQLiteStore

if len(sys.argv) > 2:
    SQLiteStore(Path(sys.argv[2]), read_only=True).verify()  # what is imported late may be out of reach later
    os.setuid(65534)
count = sum(1 for _ in SQLiteStore(Path(sys.argv[1]), read_only=True).select())
print(count, Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""


def _writer(path: Path, lane: int, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(lane), str(count)], stdout=subprocess.PIPE, text=True
    )


def _filled(path: Path, count: int = 5) -> list[str]:
    """Make a store with so many records and a completion; return the ids."""
    with closing(SQLiteStore(path)) as store:
        store.add_completions({"recipe": {"text": "answer"}})
        return [store.add(example_evidence(number)) for number in range(count)]


def _tamper(path: Path, *statements: str) -> None:
    """Change the file as an outsider would who knows about the triggers."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)


def test_the_file_can_be_checked_without_weighbridge(tmp_path: Path) -> None:
    """Ids and chain follow from the text by SHA-256 alone, as the schema's comments say."""
    path = tmp_path / "new" / "folder" / "evidence.db"
    _filled(path)
    chain = ""
    with closing(sqlite3.connect(path)) as connection:
        for evidence_id, statement, linked in connection.execute(
            "SELECT id, statement, chain FROM evidence ORDER BY n"
        ):
            assert evidence_id == "sha256:" + hashlib.sha256(statement.encode()).hexdigest()
            chain = "sha256:" + hashlib.sha256((chain + evidence_id).encode()).hexdigest()
            assert linked == chain
            assert json.loads(statement)["kind"] == "example/v1"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE evidence SET kind = 'other/v1'",
        "DELETE FROM evidence WHERE n = 5",
        "REPLACE INTO evidence SELECT * FROM evidence WHERE n = 2",
        "INSERT INTO evidence SELECT 9, 'sha256:0', subject, kind, recipe, made_on, '{}', '' FROM evidence WHERE n = 1",
        "UPDATE completions SET body = '{}'",
        "DELETE FROM completions",
    ],
)
def test_nothing_can_be_changed_by_accident(tmp_path: Path, statement: str) -> None:
    """The triggers hold against any program that opens the file."""
    path = tmp_path / "evidence.db"
    _filled(path)
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)


def test_a_kept_completion_survives_replace(tmp_path: Path) -> None:
    """Even `REPLACE` from another program leaves the first answer."""
    path = tmp_path / "evidence.db"
    _filled(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("REPLACE INTO completions VALUES ('recipe', '{}')")
    with closing(SQLiteStore(path)) as store:
        assert store.completions(["recipe"]) == {"recipe": {"text": "answer"}}


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "UPDATE evidence SET statement = replace(statement, '\"number\":2', '\"number\":7')",
            "record 3 .*give its id",
        ),
        ("UPDATE evidence SET subject = 'sha256:0' WHERE n = 4", "record 4 .*columns"),
        ("UPDATE evidence SET made_on = '2020-01-01' WHERE n = 1", "record 1 .*columns"),
        ("UPDATE evidence SET chain = 'sha256:0' WHERE n = 5", "record 5 .*chain"),
        ("DELETE FROM evidence WHERE n = 2", "record 2 is missing"),
        ("DELETE FROM evidence WHERE n = 5", "record 5 is missing"),
        ("DELETE FROM evidence", "record 1 is missing"),
        ("UPDATE evidence SET n = CASE n WHEN 2 THEN 30 ELSE n END", "record 2 is missing"),
        ("UPDATE evidence SET statement = CAST(X'FF' AS TEXT) WHERE n = 1", "record 1 "),
    ],
)
def test_tampering_is_found(tmp_path: Path, statement: str, message: str) -> None:
    """Whoever removes the triggers still cannot change, cut or reorder records unseen; the message says which."""
    path = tmp_path / "evidence.db"
    _filled(path)
    _tamper(path, statement)
    with closing(SQLiteStore(path)) as store, pytest.raises(StoreDamaged, match=message):
        store.verify()


def test_a_statement_exchanged_with_its_id_breaks_the_chain(tmp_path: Path) -> None:
    """A forged record that is consistent in itself is betrayed by the chain."""
    path = tmp_path / "evidence.db"
    ids = _filled(path)
    forged = example_evidence(99)
    text = json.dumps(forged.to_json(), sort_keys=True, separators=(",", ":"))
    _tamper(path, f"UPDATE evidence SET id = '{forged.id}', statement = '{text}' WHERE n = 3")  # noqa: S608 - a known text
    with closing(SQLiteStore(path)) as store:
        with pytest.raises(StoreDamaged, match=rf"record 3 \(`{forged.id}`\): the hash chain does not hold"):
            store.verify()
        assert store.get(ids[1]) == example_evidence(1)


def test_a_tampered_record_is_never_handed_out(tmp_path: Path) -> None:
    """Reading checks the digest too, without `verify`."""
    path = tmp_path / "evidence.db"
    ids = _filled(path)
    _tamper(path, "UPDATE evidence SET statement = '{}' WHERE n = 1", "UPDATE completions SET body = '{'")
    with closing(SQLiteStore(path)) as store:
        with pytest.raises(StoreDamaged):
            store.get(ids[0])
        with pytest.raises(StoreDamaged):
            list(store.select())
        with pytest.raises(StoreDamaged, match="`recipe` is not JSON"):
            store.completions(["recipe"])


def test_a_killed_writer_leaves_a_store_that_verifies(tmp_path: Path) -> None:
    """SIGKILL in the middle of writing loses at most the statement that was being written."""
    path = tmp_path / "evidence.db"
    with _writer(path, 0, 1_000_000) as process:
        assert process.stdout is not None
        reported = 0
        while reported < 50:
            reported = int(process.stdout.readline()) + 1
        process.send_signal(signal.SIGKILL)
        reported += len(process.stdout.read().splitlines())
    assert process.returncode == -signal.SIGKILL
    with closing(SQLiteStore(path)) as store:
        assert store.verify() in {reported, reported + 1}
        assert store.count() == store.verify()
        last = [f"0-{reported - 1}-{n}" for n in range(20)]
        assert len(store.completions(last)) == 20
        store.add(example_evidence(1))
        assert store.verify() == store.count()


def test_two_processes_make_one_chain(tmp_path: Path) -> None:
    """Two processes that create the store together and append 200 statements each."""
    path = tmp_path / "evidence.db"
    writers = [_writer(path, lane, 200) for lane in range(2)]
    for process in writers:
        process.communicate()
        assert process.returncode == 0
    with closing(SQLiteStore(path)) as store:
        assert store.verify() == 400
        lanes = [evidence.body["lane"] for evidence in store.select()]
        assert sorted(lanes) == [0] * 200 + [1] * 200


def test_read_only_writes_nothing(tmp_path: Path) -> None:
    """A store opened for reading answers everything and refuses to add; a missing one is not made."""
    path = tmp_path / "evidence.db"
    ids = _filled(path)
    before = path.read_bytes()
    with closing(SQLiteStore(path, read_only=True)) as store:
        assert store.verify() == 5
        assert store.get(ids[2]) == example_evidence(2)
        with pytest.raises(UsageError, match="cannot be written"):
            store.add(example_evidence(9))
    assert path.read_bytes() == before
    with pytest.raises(NotFound, match="there is no store at"):
        SQLiteStore(tmp_path / "none" / "evidence.db", read_only=True)
    assert not (tmp_path / "none").exists()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """And it stays as it was."""
    path = tmp_path / "notes.txt"
    path.write_bytes(b"my notes, which are not a database" * 100)
    with pytest.raises(StoreDamaged, match="is not a SQLite database"):
        SQLiteStore(path)
    assert path.read_bytes() == b"my notes, which are not a database" * 100


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    """And it stays as it was, byte for byte."""
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE other (thing)")
    before = path.read_bytes()
    with pytest.raises(UsageError, match="not a Weighbridge store"):
        SQLiteStore(path)
    assert path.read_bytes() == before


def test_a_store_of_a_newer_weighbridge_is_refused(tmp_path: Path) -> None:
    """Its rules are not known here; the hint is a command."""
    path = tmp_path / "evidence.db"
    _filled(path)
    _tamper(path, "PRAGMA user_version = 99")
    for read_only in (False, True):
        with pytest.raises(UsageError, match="is of version 99") as caught:
            SQLiteStore(path, read_only=read_only)
        assert caught.value.hint == "`pip install --upgrade weighbridge`"


def test_an_empty_file_becomes_a_store_only_for_writing(tmp_path: Path) -> None:
    """Asking what is pending writes nothing."""
    path = tmp_path / "evidence.db"
    path.touch()
    with pytest.raises(UsageError, match="is empty or was written by an older"):
        SQLiteStore(path, read_only=True)
    assert path.stat().st_size == 0
    with closing(SQLiteStore(path)) as store:
        assert store.verify() == 0


def test_a_full_disk_is_said_and_costs_nothing_kept(tmp_path: Path) -> None:
    """SQLite's own page limit stands in for the disk."""
    path = tmp_path / "evidence.db"
    _filled(path)
    with closing(SQLiteStore(path)) as store:
        store._connection.execute("PRAGMA max_page_count = 1")
        with pytest.raises(WeighbridgeError, match="is full"):
            store.add(example_evidence(9, body={"filling": "x" * 1_000_000}))
        assert store.verify() == 5


def test_damaged_pages_are_said(tmp_path: Path) -> None:
    """Bytes overwritten inside the file end as StoreDamaged, not as SQLite's error."""
    path = tmp_path / "evidence.db"
    _filled(path, 200)
    data = bytearray(path.read_bytes())
    data[8192:] = b"\xaa" * (len(data) - 8192)
    path.write_bytes(data)
    with pytest.raises(StoreDamaged), closing(SQLiteStore(path)) as store:
        store.verify()


def test_a_folder_that_cannot_be_made_is_wrong_usage(tmp_path: Path) -> None:
    """A file in the way, or a folder where the file should be, is named."""
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be made"):
        SQLiteStore(tmp_path / "file" / "evidence.db")
    with pytest.raises(UsageError, match="cannot be opened"):
        SQLiteStore(tmp_path)


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    """Use after `close` is our error, not SQLite's."""
    store = SQLiteStore(tmp_path / "evidence.db")
    store.close()
    with pytest.raises(WeighbridgeError, match="closed"):
        store.count()
    with pytest.raises(WeighbridgeError, match="closed"):
        store.add(example_evidence())


def test_names_that_need_quoting_work(tmp_path: Path) -> None:
    """A path may hold what has a meaning in a URI."""
    path = tmp_path / "a?mode=memory#b%20c" / "evidence.db"
    _filled(path)
    assert path.is_file()


ENDLESS = "WITH RECURSIVE e(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM e) SELECT n"
COLUMNS = "'' AS id, '' AS subject, '' AS kind, '' AS recipe, '' AS made_on, '' AS statement, '' AS chain"


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (["DROP TABLE evidence", f"CREATE VIEW evidence AS {ENDLESS}, {COLUMNS} FROM e"], "its view `evidence`"),
        (["DROP TABLE completions"], "its table `completions` is missing"),
        (["DROP TABLE completions", "CREATE TABLE completions (recipe, body)"], "its table `completions`"),
        (
            [
                "DROP TABLE completions",
                "CREATE TABLE completions (recipe TEXT, body TEXT AS (zeroblob(900000000)) VIRTUAL)",
            ],
            "its table `completions`",
        ),
        (["CREATE TRIGGER own AFTER INSERT ON evidence BEGIN DELETE FROM completions; END"], "its trigger `own`"),
        (["CREATE VIEW more AS SELECT 1"], "its view `more`"),
        (["CREATE TABLE more (thing)"], "its table `more`"),
        (["CREATE INDEX more ON evidence (hex(statement))"], "its index `more`"),
    ],
)
@pytest.mark.parametrize("read_only", [True, False])
def test_a_schema_that_is_not_ours_is_refused(
    tmp_path: Path, statements: list[str], message: str, read_only: bool
) -> None:
    """A stranger's view would be run at every reading: an endless one without end."""
    path = tmp_path / "evidence.db"
    _filled(path)
    _tamper(path, *statements)
    with pytest.raises(StoreDamaged, match=message):
        SQLiteStore(path, read_only=read_only)


def test_what_analyze_and_other_line_ends_leave_is_no_damage(tmp_path: Path) -> None:
    """SQLite's own statistics, and white space in the schema, change nothing."""
    path = tmp_path / "evidence.db"
    _filled(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("ANALYZE")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = replace(sql, char(10), char(13, 10))")
    with closing(SQLiteStore(path, read_only=True)) as store:
        assert store.verify() == 5


def test_a_record_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    """900 MB in a row, a hole in a sparse file, end in one sentence; we write none that could not be read again."""
    path = tmp_path / "evidence.db"
    _filled(path)
    with closing(SQLiteStore(path)) as store, pytest.raises(UsageError, match="at most 64 MiB a record"):
        store.add(example_evidence(9, body={"filling": "x" * (64 << 20)}))
    _tamper(path, "UPDATE evidence SET statement = CAST(zeroblob(70000000) AS TEXT) WHERE n = 1")
    with (
        closing(SQLiteStore(path)) as store,
        pytest.raises(StoreDamaged, match="holds a record of more than 64 MiB"),
    ):
        list(store.select())


def test_large_records_are_read_a_few_at_a_time(tmp_path: Path) -> None:
    """Thirty records of 5 MB are one page by number, not in memory: all come back, below 100 MB."""
    path = tmp_path / "evidence.db"
    with closing(SQLiteStore(path)) as store:
        for number in range(30):
            store.add(example_evidence(body={"number": number, "filling": "x" * 5_000_000}))
    done = subprocess.run([sys.executable, "-c", READER, path], check=True, capture_output=True, text=True)
    count, peak_kib = map(int, done.stdout.split())
    assert count == 30
    assert peak_kib < 100 * 1024


def test_a_store_that_nobody_can_write_beside_is_read(tmp_path: Path) -> None:
    """A copy on read-only media, read by a process that may not write the folder; root may, so it reads as another."""
    path = tmp_path / "evidence.db"
    _filled(path, 3)
    folder = Path(tempfile.mkdtemp())
    try:
        shutil.copy(path, folder / "evidence.db")
        (folder / "evidence.db").chmod(0o444)
        folder.chmod(0o555)
        command = [
            sys.executable,
            "-c",
            READER,
            str(folder / "evidence.db"),
            *([str(path)] if os.getuid() == 0 else []),
        ]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        assert done.stdout.split()[0] == "3"
        assert [each.name for each in folder.iterdir()] == ["evidence.db"]
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)
