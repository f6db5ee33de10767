"""Records taken out of a log, for spreadsheets and programs."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from weighbridge.errors import DamagedFile, NotFound, StoreDamaged
from weighbridge.pilot.audit.export import Wanted, csv_lines, json_lines, select
from weighbridge.pilot.audit.log import AuditLog
from weighbridge.pilot.audit.record import read_body

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.pilot.audit.conftest import MakeExchange


@pytest.fixture
def folder(tmp_path: Path, exchange: MakeExchange) -> Path:
    """Return a log of two routes and two keys, and an event with facts."""
    log = AuditLog(tmp_path)
    for number in range(6):
        log.answering(exchange(number, route=("coder", "chat")[number % 2], key_id=("k1", "k2")[number % 3 == 0]))
    log.record("key.created", {"key": "k3", "scopes": ["inference"], "by": "admin"})
    log.close()
    return tmp_path


def test_records_are_chosen_by_key_route_event_and_time(folder: Path) -> None:
    """Each choice narrows, and a time bounds what was written: from it on, before the other."""

    def count(**wanted: object) -> int:
        return len(list(select(folder, Wanted(**wanted))))  # type: ignore[arg-type] # names of its fields

    now, hour = datetime.now(UTC), timedelta(hours=1)
    assert count() == 8
    assert count(route="coder") == 3
    assert count(key="k1") == 4
    assert count(key="k3") == 1
    assert count(key="k1", route="coder") == 2
    assert count(event="key.created") == 1
    assert (count(since=now - hour), count(since=now + hour)) == (8, 0)
    assert (count(until=now - hour), count(until=now + hour)) == (0, 8)


def test_csv_holds_units_and_facts(folder: Path) -> None:
    """Python's reader finds dollars and seconds exactly, and what has no column of its own as JSON."""
    rows = list(csv.DictReader(io.StringIO("".join(csv_lines(select(folder, Wanted()))))))
    assert [row["sequence"] for row in rows] == [str(number) for number in range(1, 9)]
    assert (rows[1]["usd"], rows[1]["first_s"], rows[1]["total_s"]) == ("0.000120000", "0.500000", "0.510000")
    assert (rows[1]["stream"], rows[1]["sent_sha256"]) == ("false", "c" * 64)
    assert rows[7]["key"] == "k3"
    assert json.loads(rows[7]["facts"]) == {"scopes": ["inference"], "by": "admin"}


def test_json_lines_are_the_records(folder: Path) -> None:
    """A line each, in order."""
    rows = [json.loads(line) for line in json_lines(select(folder, Wanted(event="exchange")))]
    assert [row["body"]["id"] for row in rows] == [f"{number:024x}" for number in range(6)]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x")', 'a"b', "a\nb,c", "\x1b["]
)
def test_hostile_names_stay_in_their_cell(tmp_path: Path, exchange: MakeExchange, text: str) -> None:
    """Nothing starts a formula (OWASP, CSV injection), ends a row or moves a terminal's cursor."""
    log = AuditLog(tmp_path)
    log.answering(exchange(route=text))
    log.close()
    written = "".join(csv_lines(select(tmp_path, Wanted(event="exchange"))))
    assert written.count("\n") == 2
    assert written.replace("\n", "").isprintable()
    (row,) = csv.DictReader(io.StringIO(written))
    assert row["route"].lstrip("'")[:1] not in "=+-@\t" or row["route"].startswith("'")
    assert row["status"] == "200"


def test_damaged_log_is_not_exported_past_the_damage(folder: Path) -> None:
    """A record that does not hold ends the export with its place; no log is not found."""
    path = folder / "audit-000001.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"chat"', b'"chit"'))
    with pytest.raises(StoreDamaged, match="line 3"):
        list(select(folder, Wanted()))
    with pytest.raises(NotFound):
        list(select(folder / "nowhere", Wanted()))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"a":1,"b":"\xc3\xa9"}', {"a": 1, "b": "\u00e9"}),
        (b'{"a": 1.50, "b": [true, null]}', {"a": 1.5, "b": [True, None]}),  # not as we write it, and one reading
        (b'{"a":1,"a":2}', None),
        (b'{"a":NaN}', None),
        (b'{"a":"\\ud800"}', None),
        (b'{"a":' + b"[" * 80 + b"]" * 80 + b"}", None),
        (b'{"a":1', None),
    ],
)
def test_a_body_has_one_reading_or_none(body: bytes, said: object) -> None:
    """The quick way refuses what the strict one refuses: RFC 8259 leaves a key that stands twice open (section 4)."""
    if said is None:
        with pytest.raises(DamagedFile):
            read_body(body, "x")
    else:
        assert read_body(body, "x") == said
