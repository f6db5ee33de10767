"""The end of a log, read backwards: the same records as reading all of it forwards, and never more than was asked."""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from weighbridge.errors import NotFound
from weighbridge.pilot.audit import tail as module
from weighbridge.pilot.audit.export import Wanted, select
from weighbridge.pilot.audit.log import AuditLog, AuditSettings
from weighbridge.pilot.audit.tail import read_tail

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a log of several segments, of records short and long."""
    draw = random.Random(3)  # noqa: S311 - lengths of made-up records
    log = AuditLog(tmp_path, AuditSettings(segment_bytes=40_000))
    for number in range(120):
        log.record("test.done", {"key": f"k{number % 3}", "route": "r", "text": "x" * draw.choice((0, 10, 5000))})
    log.close()
    return tmp_path


@pytest.mark.parametrize("block", [100, 4096, 256 << 10])
def test_backwards_is_forwards_turned_round(folder: Path, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the blocks in which it is read, over all segments, and with a filter."""
    monkeypatch.setattr(module, "_BLOCK_BYTES", block)
    assert len(list(folder.glob("audit-*.jsonl"))) > 2
    for wanted in (Wanted(), Wanted(key="k1"), Wanted(event="segment.opened")):
        tail = read_tail(folder, wanted, 10_000)
        assert tail.records == list(select(folder, wanted))[::-1]
        assert (tail.is_whole, tail.damaged) == (True, 0)


def test_no_more_is_read_or_returned_than_was_asked(folder: Path) -> None:
    """Bounded by records and by bytes, and it says that there is more."""
    tail = read_tail(folder, Wanted(), 7)
    assert (len(tail.records), tail.is_whole) == (7, False)
    little = read_tail(folder, Wanted(), 10_000, most_bytes=20_000)
    assert 0 < len(little.records) < 60
    assert not little.is_whole
    later = read_tail(folder, Wanted(since=datetime.now(UTC) + timedelta(days=1)), 10, most_bytes=20_000)
    assert (later.records, later.is_whole) == ([], True)  # the last record is too early: nothing else is read


def test_what_is_no_record_is_counted_and_passed_over(folder: Path) -> None:
    """Altered, far too long, binary, or torn at the end, where a gateway may be writing: the others are returned."""
    path = max(folder.glob("audit-*.jsonl"))
    lines = path.read_bytes().splitlines(keepends=True)
    altered = lines[-1].replace(b'"r"', b'"s"')
    path.write_bytes(b"".join([*lines[:-1], altered, os.urandom(200_000).replace(b"\n", b"") + b"\n", b'{"entry":']))
    tail = read_tail(folder, Wanted(), 10_000)
    assert tail.damaged == 2
    assert len(tail.records) == len(list(_every(folder))) - 1


def _every(folder: Path) -> list[bytes]:
    """Return the lines of all segments that look like records."""
    return [
        line
        for path in folder.glob("audit-*.jsonl")
        for line in path.read_bytes().split(b"\n")
        if line.startswith(b'{"entry":{"body"')
    ]


def test_a_log_that_is_not_there_is_said_to_be_none(tmp_path: Path) -> None:
    """No folder, no segment, and a segment with nothing in it."""
    with pytest.raises(NotFound):
        read_tail(tmp_path / "none", Wanted(), 10)
    (tmp_path / "audit-000001.jsonl").write_bytes(b"")
    assert read_tail(tmp_path, Wanted(), 10).records == []
