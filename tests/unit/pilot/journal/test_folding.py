from __future__ import annotations

import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tests.unit.pilot.journal.conftest import Broken, Sum, entry

from weighbridge.pilot.journal.bookkeeper import Bookkeeper

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest
    from tests.unit.pilot.journal.conftest import Fragile

    from weighbridge.pilot.journal.protocol import Entry

DAY_S = 86_400


def keeper(state: Fragile, *folds: Any, **fields: Any) -> Bookkeeper:
    """Return a bookkeeper whose rounds the test does."""
    return Bookkeeper(state, lambda: folds, lambda _notice: None, **fields)


def work(books: Bookkeeper, rounds: int = 3) -> None:
    """Do some rounds, without the rests between them."""
    for _ in range(rounds):
        for each in books._folding._works.values():
            each.rests_until = 0.0
        books.work()


def shown(books: Bookkeeper) -> dict[str, Any]:
    """Return what the documents say that are shown."""
    return {one.name: one.body for one in books.documents() if books.document(one.name) is not None}


def test_a_fold_that_is_put_aside_tries_again(state: Fragile, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a minute, then after twice as long each time, up to an hour; told once; in the end it takes all of it."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    tries: list[float] = []

    class Late(Broken):
        def take(self, body: Any, entries: Sequence[Entry]) -> Any:
            tries.append(now[0])
            return super().take(body, entries) if now[0] < 12_000 else Sum.take(self, body, entries)

    books = keeper(state, Late("late"))
    books.work()
    for x in (1, 13):
        books.put(entry(x))
    while now[0] < 12_000:
        now[0] += 5
        books.work()
    assert [two - one for one, two in pairwise(tries)][:7] == [60, 120, 240, 480, 960, 1920, 3600]
    kept = state.document("late")
    assert kept is not None
    assert [one.event for one in kept.notices] == ["monitor.failed"]
    assert shown(books) == {}
    now[0] += 3600
    books.work()
    assert shown(books) == {"late": {"count": 2, "sum": 14}}
    assert not books.failed


def test_a_damaged_document_is_put_aside_until_its_row_is_deleted(state: Fragile) -> None:
    """It is not shown, others go on, a notice says so; without its row the fold begins anew on a running node."""
    books = keeper(state, Sum(), Sum("other"))
    books.put(entry(1))
    work(books)
    with state._writing() as ask:
        ask("UPDATE documents SET body = '{', version = version + 1000 WHERE name = 'sum/qwen/1'")
        ask("UPDATE counters SET n = n + 1000 WHERE name = 'document'")
    books.put(entry(2))
    work(books)
    assert shown(books) == {"other": {"count": 2, "sum": 3}}
    assert books.failed == ("sum/qwen/1",)
    kept = state.document("sum/qwen/1")
    assert kept is not None
    assert "damaged" in kept.notices[0].why
    with state._writing() as ask:
        ask("DELETE FROM documents WHERE name = 'sum/qwen/1'")
    books._folding.retire(0.0)
    books.put(entry(3))
    work(books)
    books.put(entry(4))
    work(books)
    assert shown(books)["other"] == {"count": 4, "sum": 10}
    assert shown(books)["sum/qwen/1"] == {"count": 2, "sum": 7}
    assert not books.failed


def test_documents_of_other_settings_are_dropped_in_the_end(state: Fragile) -> None:
    """90 days after their last change, on all nodes; a node that still wants one begins it anew."""
    now = [time.time()]
    books, other = (keeper(state, Sum(name), clock=lambda: now[0]) for name in ("sum/qwen/1", "sum/qwen/2"))
    for each in (books, other):
        work(each)
        each.put(entry(1))
        work(each)
    for days, left in ((89, {"sum/qwen/1", "sum/qwen/2"}), (91, {"sum/qwen/1"})):
        now[0] = time.time() + days * DAY_S
        books._retire_at = 0.0
        books.work()
        assert shown(books).keys() == left
    other.put(entry(5))
    work(other)
    other.put(entry(6))
    work(other)
    assert shown(other)["sum/qwen/2"] == {"count": 1, "sum": 6}
    assert not other.failed
