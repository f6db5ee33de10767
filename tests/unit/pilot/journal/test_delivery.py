from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.unit.pilot.journal.conftest import Sum, entry

from weighbridge.pilot.journal import delivery
from weighbridge.pilot.journal.bookkeeper import Bookkeeper
from weighbridge.testing.waiting import wait_for

if TYPE_CHECKING:
    import pytest
    from tests.unit.pilot.journal.conftest import Fragile

    from weighbridge.pilot.journal.protocol import Notice


def test_notices_are_delivered_in_order_and_taken_off(state: Fragile) -> None:
    """Each once, though its id would let it come twice; the document bears none after that."""
    told: list[Notice] = []
    books = Bookkeeper(state, lambda: (Sum(tells=10),), told.append)
    books.start()
    for x in range(1, 41):
        books.put(entry(x))
    wait_for(lambda: len(told) == 4)
    wait_for(lambda: (document := state.document("sum/qwen/1")) and not document.notices)
    assert [one.why for one in told] == ["it is 10", "it is 20", "it is 30", "it is 40"]
    assert len({one.id for one in told}) == 4
    assert books.undelivered == 0
    books.close()


def test_what_cannot_be_delivered_is_tried_again(state: Fragile, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ones after it wait for it; folds go on meanwhile, also where the delivery hangs."""
    monkeypatch.setattr(delivery, "_RETRY_S", 0.05)
    told: list[str] = []
    fails = [True, True]

    def deliver(notice: Notice) -> None:
        if fails:
            fails.pop()
            time.sleep(0.2)
            raise ConnectionError
        told.append(notice.why)

    books = Bookkeeper(state, lambda: (Sum(tells=1),), deliver)
    books.start()
    for x in (1, 2):
        books.put(entry(x))
    wait_for(lambda: (document := books.document("sum/qwen/1")) and document.body["count"] == 2)
    assert told == []
    wait_for(lambda: len(told) == 2)
    assert told == ["it is 1", "it is 2"]
    books.close()


def test_a_killed_nodes_notices_are_delivered_by_another(state: Fragile, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some seconds of grace, in which the node that raised them would have."""
    killed = Bookkeeper(state, lambda: (Sum(tells=1),), lambda _notice: None)
    killed.work()
    killed.put(entry(7))
    killed.work()
    document = state.document("sum/qwen/1")
    assert document is not None
    assert len(document.notices) == 1
    told: list[Notice] = []
    monkeypatch.setattr(delivery, "_GRACE_S", 0.7)
    other = Bookkeeper(state, lambda: (Sum(tells=1),), told.append)
    other.start()
    time.sleep(0.3)
    assert told == []
    wait_for(lambda: told)
    assert told == list(document.notices)
    other.close()


def test_too_many_notices_are_cut(state: Fragile, caplog: pytest.LogCaptureFixture) -> None:
    """Where nobody can be told for long a document stays small: the newest are kept, and the loss is logged."""
    books = Bookkeeper(state, lambda: (Sum(tells=1),), print)
    books.work()
    for x in range(450):
        books.put(entry(x))
    books.work()
    document = state.document("sum/qwen/1")
    assert document is not None
    assert [one.why for one in document.notices] == [f"it is {x}" for x in range(250, 450)]
    assert "250 notices" in caplog.text
