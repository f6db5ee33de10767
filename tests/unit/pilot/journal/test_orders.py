"""Orders that a gateway takes, while the database is there and while it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from weighbridge.errors import WeighbridgeError
from weighbridge.pilot.journal.bookkeeper import Bookkeeper

from .conftest import Sum, entry

if TYPE_CHECKING:
    from .conftest import Fragile


def test_an_order_outlasts_the_database_s_absence(state: Fragile) -> None:
    """Found by attack: a node said that it had stopped a canary, and the order was never written.

    It is refused at once, and written before all that waits, once and however much that is.
    """
    books = Bookkeeper(state, lambda: [Sum()], lambda _notice: None)
    books.work()
    for number in range(10_000):
        books.put(entry(1.0, at=float(number)))
    state.is_gone = True
    with pytest.raises(WeighbridgeError, match="gone"):
        books.order("qwen", {"x": 5})
    with pytest.raises(WeighbridgeError, match="gone"):
        books.work()
    state.is_gone = False
    books.work()
    books.work()
    kinds = [one.kind for one in state.entries("qwen", 0, 20_000)]
    assert kinds == ["order"] + ["seen"] * 10_000
    assert books.dropped == 0


def test_an_order_that_was_written_unheard_of_is_obeyed_once_more_at_the_most(state: Fragile) -> None:
    """The connection breaks between the transaction's end and its news: an order twice is better than none."""
    books = Bookkeeper(state, lambda: [Sum()], lambda _notice: None)
    books.work()
    state.loses_news = True
    with pytest.raises(WeighbridgeError, match="broke"):
        books.order("qwen", {"x": 5})
    books.work()
    assert [one.kind for one in state.entries("qwen", 0, 10)] in (["order"], ["order", "order"])
