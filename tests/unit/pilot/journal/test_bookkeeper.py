from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.pilot.journal.conftest import Broken, Sum, entry

from weighbridge.errors import WeighbridgeError
from weighbridge.pilot.journal import bookkeeper as module
from weighbridge.pilot.journal.bookkeeper import Bookkeeper
from weighbridge.pilot.journal.order import give_order
from weighbridge.pilot.journal.protocol import Document, Entry
from weighbridge.testing.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.unit.pilot.journal.conftest import Fragile

    from weighbridge.pilot.journal.protocol import Notice


def keeper(state: Fragile, *folds: Any, told: list[Notice] | None = None, **fields: Any) -> Bookkeeper:
    """Return a bookkeeper whose rounds the test does."""
    told = [] if told is None else told
    return Bookkeeper(state, lambda: folds, told.append, **fields)


def body(books: Bookkeeper, name: str = "sum/qwen/1") -> Mapping[str, Any]:
    """Return what a document says."""
    document = books.document(name)
    assert document is not None
    return document.body


def work(books: Bookkeeper, rounds: int = 3) -> None:
    """Do some rounds, without the rests between them."""
    for _ in range(rounds):
        for each in books._folding._works.values():
            each.rests_until = 0.0
        books.work()


def test_entries_are_written_and_folded(state: Fragile) -> None:
    """Each counts once, for the folds of its route only; more than a batch, more than a page."""
    books = keeper(state, Sum(), Sum("other/llama/1", "llama"))
    books.work()
    for x in range(1234):
        books.put(entry(x))
    books.put(entry(5, "llama"))
    books.put(entry(7, "unknown"))
    work(books)
    assert body(books) == {"count": 1234, "sum": 1234 * 1233 // 2}
    assert body(books, "other/llama/1") == {"count": 1, "sum": 5}
    assert books.waiting == books.dropped == 0
    work(books)
    assert body(books)["count"] == 1234


def test_a_new_fold_begins_at_the_end_of_the_journal(state: Fragile) -> None:
    """What was seen, or ordered, before is none of its matter; what is put from then on is."""
    state.append([entry(x) for x in range(10)])
    give_order(state, "qwen", {"x": 1000})
    books = keeper(state, Sum())
    books.put(entry(1))
    work(books)
    assert body(books) == {"count": 1, "sum": 1}
    other = keeper(state, Sum("sum/qwen/2"), Sum())
    other.put(entry(2))
    work(other)
    assert body(other, "sum/qwen/2") == {"count": 1, "sum": 2}
    assert body(other) == {"count": 2, "sum": 3}


def test_orders_need_no_gateway(state: Fragile) -> None:
    """One that was given while none ran is taken by the next; one that cannot be written raises."""
    books = keeper(state, Sum())
    books.work()
    give_order(state, "qwen", {"x": 3}, clock=lambda: 1e10)
    again = keeper(state, Sum())
    work(again)
    assert body(again) == {"count": 1, "sum": 3}
    found = state.entries("qwen", 0, 10)
    assert [(one.kind, one.at) for one in found] == [("order", 1e10)]
    state.is_gone = True
    with pytest.raises(WeighbridgeError):
        again.order("qwen", {"x": 4})


def test_a_database_that_is_gone_loses_nothing_up_to_the_bound(state: Fragile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries wait, those beyond the bound are counted as dropped, and when it is back all that waited is folded."""
    monkeypatch.setattr(module, "_MOST_WAITING", 50)
    books = keeper(state, Sum())
    books.work()
    state.is_gone = True
    for x in range(60):
        books.put(entry(x))
    with pytest.raises(WeighbridgeError):
        books.work()
    assert (books.waiting, books.dropped) == (50, 10)
    assert books.document("sum/qwen/1") is not None
    state.is_gone = False
    work(books)
    assert body(books) == {"count": 50, "sum": 50 * 49 // 2}
    assert books.waiting == 0


def test_a_batch_whose_news_was_lost_is_not_written_twice(state: Fragile) -> None:
    """The connection breaks between the end of the transaction and its news; or before it, and then it is written."""
    books = keeper(state, Sum())
    books.work()
    books.put(entry(1, id="a"))
    books.put(entry(2, id="b"))
    state.loses_news = True
    with pytest.raises(WeighbridgeError):
        books.work()
    books.put(entry(3, id="c"))
    work(books)
    assert body(books) == {"count": 3, "sum": 6}
    books.put(entry(4, id="d"))
    state.is_gone = True
    with pytest.raises(WeighbridgeError):
        books._write()
    state.is_gone = False
    work(books)
    assert body(books) == {"count": 4, "sum": 10}


def test_a_fold_that_fails_is_put_aside_and_told_of(state: Fragile, caplog: pytest.LogCaptureFixture) -> None:
    """Others go on, its document is not shown, one notice says so, and the next start tries again."""
    told: list[Notice] = []
    broken = Broken("broken/qwen/1")
    books = keeper(state, broken, Sum(), told=told)
    books.work()
    for x in (1, 13, 3):
        books.put(entry(x))
    work(books)
    assert body(books) == {"count": 3, "sum": 17}
    assert books.document("broken/qwen/1") is None
    assert books.failed == ("broken/qwen/1",)
    kept = state.document("broken/qwen/1")
    assert kept is not None
    assert [(one.event, one.severity) for one in kept.notices] == [("monitor.failed", "warning")]
    assert "ZeroDivisionError" in kept.notices[0].why
    assert "put aside" in caplog.text
    again = keeper(state, Sum("broken/qwen/1"))
    work(again)
    assert body(again, "broken/qwen/1") == {"count": 3, "sum": 17}


@pytest.mark.parametrize("wrong", [float("nan"), object()])
def test_a_body_that_is_no_json_harms_nobody_else(state: Fragile, wrong: object) -> None:
    """Its fold is put aside, also where it begins like that; what others have concluded is written."""

    class Wrong(Sum):
        def take(self, body: Mapping[str, Any], entries: Sequence[Entry]) -> tuple[Mapping[str, Any], Sequence[Notice]]:
            return {**super().take(body, entries)[0], "count": wrong}, ()

    class WrongFromTheStart(Sum):
        def begin(self) -> Mapping[str, Any]:
            return {"count": wrong}

    class Breaks(Sum):
        def begin(self) -> Mapping[str, Any]:
            raise ZeroDivisionError

    books = keeper(state, Wrong("wrong"), Sum(), WrongFromTheStart("start"), Breaks("breaks"))
    books.work()
    books.put(entry(1))
    work(books)
    assert body(books) == {"count": 1, "sum": 1}
    assert set(books.failed) == {"wrong", "start", "breaks"}


def test_an_entry_that_is_no_json_is_dropped_alone(state: Fragile) -> None:
    """The others of its batch are written."""
    books = keeper(state, Sum())
    books.work()
    for facts in (1, float("inf"), 3):
        books.put(entry(facts))
    books.put(Entry(0.0, "qwen", "seen", {"x": object()}))
    work(books)
    assert body(books) == {"count": 2, "sum": 4}
    assert books.dropped == 2


def test_old_entries_are_forgotten_when_all_have_taken_them(state: Fragile) -> None:
    """After 30 days; where a fold cannot take them after 60."""
    day, now = 86_400.0, 1e9
    folds: list[Any] = [Sum(), Broken("broken/qwen/1")]
    books = Bookkeeper(state, lambda: folds, print, clock=lambda: now)
    books.work()
    for x, days in ((1, 61), (13, 40), (3, 29)):
        books.put(entry(x, at=now - days * day))
    work(books, 2)
    books._forget_at = 0.0
    books.work()
    assert [one.facts["x"] for one in state.entries("qwen", 0, 10)] == [13, 3]
    folds.pop()
    books._forget_at = 0.0
    work(books)
    assert [one.facts["x"] for one in state.entries("qwen", 0, 10)] == [3]
    assert body(books) == {"count": 3, "sum": 17}


def test_no_more_than_a_number_of_entries_is_kept(state: Fragile, monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy route fills no disk within the month; what no fold took yet stays."""
    monkeypatch.setattr(module, "_MOST_KEPT", 100)
    books = keeper(state, Sum())
    books.work()
    for x in range(250):
        books.put(entry(x))
    work(books, 2)
    books._forget_at = 0.0
    books.work()
    assert [one.facts["x"] for one in state.entries("qwen", 0, 1000)] == list(range(149, 250))
    assert body(books)["count"] == 250


def test_what_another_node_folds_is_known_here(state: Fragile) -> None:
    """Documents are followed; one of a fold that nobody here runs, too."""
    mine, other = keeper(state), keeper(state, Sum())
    mine.work()
    assert mine.document("sum/qwen/1") is None
    other.work()
    other.put(entry(2))
    work(other)
    mine.work()
    assert body(mine) == {"count": 1, "sum": 2}


def test_a_database_put_back_from_a_copy_is_followed(state: Fragile, tmp_path: Path) -> None:
    """What was concluded since the copy is forgotten, and what comes is counted on top of what the copy holds."""
    books = keeper(state, Sum())
    books.work()
    books.put(entry(1))
    work(books)
    with closing(sqlite3.connect(tmp_path / "copy.sqlite")) as copy, closing(sqlite3.connect(state.path)) as original:
        original.backup(copy)
        books.put(entry(10))
        work(books)
        assert body(books) == {"count": 2, "sum": 11}
        copy.backup(original)
    books.put(entry(100))
    work(books)
    assert body(books) == {"count": 2, "sum": 101}


def test_the_slower_node_takes_the_others_work_over(state: Fragile) -> None:
    """It loses the compare-and-set, takes the newer document and rests: it does not do all work twice."""
    first, second = keeper(state, Sum()), keeper(state, Sum())
    first.work()
    second.work()
    state.append([entry(1), entry(2)])
    second._folding.refresh()
    first.work()
    second._folding.work()
    work_of = second._folding._works["sum/qwen/1"]
    assert work_of.rests_until > time.monotonic()
    work(second)
    assert body(second) == {"count": 2, "sum": 3}


def test_a_large_document_is_not_written_for_every_entry(state: Fragile) -> None:
    """A fold rests after a write that took long; an order does not wait for it."""

    class Large(Sum):
        def begin(self) -> Mapping[str, Any]:
            return {**super().begin(), "ballast": ["ballast"] * 30_000}

        def take(self, body: Mapping[str, Any], entries: Sequence[Entry]) -> tuple[Mapping[str, Any], Sequence[Notice]]:
            sums, notices = super().take(body, entries)
            return {**body, **sums}, notices

    books = keeper(state, Large())
    books.work()
    for _ in range(3):
        books.put(entry(1))
        books.work()
    assert body(books)["count"] == 1
    books.order("qwen", {"x": 5})
    books.work()
    assert body(books)["count"] == 4


def test_it_runs_by_itself_and_writes_what_waits_at_the_end(state: Fragile) -> None:
    """Entries of many threads; what was put just before the end is in the journal after it."""
    books = keeper(state, Sum())
    books.start()

    def put_all() -> None:
        for _ in range(100):
            books.put(entry(1))

    threads = [threading.Thread(target=put_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_for(lambda: body(books)["count"] == 400)
    assert books.stale_s < 5
    books.put(entry(1))
    books.close()
    assert len(state.entries("qwen", 0, 1000)) == 401


def test_it_starts_without_a_database_and_says_so(state: Fragile) -> None:
    """The trouble is told until it is over."""
    state.is_gone = True
    books = keeper(state, Sum())
    books.start()
    assert books.trouble == "the database is gone"
    books.put(entry(1))
    state.is_gone = False
    wait_for(lambda: (books.document("sum/qwen/1") or Document("", {})).body.get("count") == 1)
    assert books.trouble == ""
    books.close()
